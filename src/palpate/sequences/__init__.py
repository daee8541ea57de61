"""Landmarks over time: labels between annotated frames, smoothing, gaps, points that jump."""
