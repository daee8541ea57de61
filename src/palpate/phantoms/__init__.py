"""Synthetic studies with exact truth: how tests get data, and how a user tries the tool."""
