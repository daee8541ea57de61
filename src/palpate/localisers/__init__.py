"""Fitted objects that find landmarks in an image. There is no unfitted localiser."""
