"""An exponential moving average of the weights: what is evaluated and kept."""

import copy

import torch
from torch import nn


class Average:
    """Follows a network; early on it follows faster, so that the start is forgotten.

    Args:
        network: to be followed.
        decay: share of the average that stays at every step; None follows exactly.
    """

    def __init__(self, network: nn.Module, decay: float | None) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Take over the weights after step ``step`` (from 0)."""
        decay = 0.0 if self.decay is None else min(self.decay, (1 + step) / (10 + step))
        ours, theirs = self.network.state_dict(), network.state_dict()
        for name, value in theirs.items():
            if value.dtype.is_floating_point and decay > 0:
                ours[name].lerp_(value, 1 - decay)
            else:
                ours[name].copy_(value)
