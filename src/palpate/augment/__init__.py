"""From an image as given to what a network sees, and random variations of it.

``resample`` fits an image into the network's grid, ``warp`` and ``exposure`` draw random
changes. Draw once, then apply: what was drawn is an affine and a curve, nothing random is left
in them, and points move by the same affine as pixels.
"""
