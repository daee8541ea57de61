"""Geometry of points, lines and shapes, and how uncertainty passes through it. Only numpy."""
