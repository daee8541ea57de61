"""From a backbone's features to one position a landmark."""

from torch import nn


class CoordinateHead(nn.Sequential):
    """Mean over the image, then one dense layer.

    Takes ``(batch, features, y, x)`` and returns ``(batch, landmarks, 2)``: x and y,
    linear, in the unit of the target it was trained with.

    Example:
        >>> import torch
        >>> CoordinateHead(16, 5)(torch.zeros(2, 16, 4, 2)).shape
        torch.Size([2, 5, 2])
    """

    def __init__(self, features: int, landmarks: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(features, 2 * landmarks),
            nn.Unflatten(1, (landmarks, 2)),
        )
