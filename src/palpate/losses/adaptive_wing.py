"""Adaptive Wing loss: logarithmic near a bump's top, quadratic in the background."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from palpate.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AdaptiveWingSettings:
    """Constants of Adaptive Wing loss; the defaults are those of the paper.

    Args:
        alpha: the exponent of the small errors is ``alpha - target``; above 2, or the
            gradient is infinite for a perfect pixel at the top of a bump.
        omega: factor of the logarithm.
        epsilon: error at which the logarithm bends.
        theta: error above which the loss is linear.
        weight: what is added to the weight of a bump and its rim in the weighted form.
        rim: intensity from which a pixel belongs to the bump there.

    Raises:
        ConfigError: ``alpha`` not above 2, or another constant not above 0.
    """

    alpha: float = 2.1
    omega: float = 14.0
    epsilon: float = 1.0
    theta: float = 0.5
    weight: float = 10.0
    rim: float = 0.2

    def __post_init__(self) -> None:
        if not self.alpha > 2:
            raise ConfigError(f"Adaptive Wing loss needs alpha above 2, got {self.alpha}")
        for name in ("omega", "epsilon", "theta", "weight", "rim"):
            if not getattr(self, name) > 0:
                problem = f"needs {name} above 0, got {getattr(self, name)}"
                raise ConfigError(f"Adaptive Wing loss {problem}")


PUBLISHED = AdaptiveWingSettings()


def _per_pixel(output: Tensor, target: Tensor, s: AdaptiveWingSettings) -> Tensor:
    """Equation 3: the two pieces meet at theta with the same slope."""
    distance = (output - target).abs()
    power = s.alpha - target
    bend = s.theta / s.epsilon
    slope = s.omega / (1 + bend**power) * power * bend ** (power - 1) / s.epsilon
    offset = s.theta * slope - s.omega * torch.log1p(bend**power)
    small = s.omega * torch.log1p((distance / s.epsilon) ** power)
    return torch.where(distance < s.theta, small, slope * distance - offset)


def adaptive_wing(
    output: Float[Tensor, "batch landmark *grid"],
    target: Float[Tensor, "batch landmark *grid"],
    *,
    settings: AdaptiveWingSettings = PUBLISHED,
) -> Float[Tensor, "batch landmark"]:
    """Mean Adaptive Wing loss over the pixels of each map, for targets in [0, 1].

    Source:
        Wang, Bo and Fuxin, "Adaptive Wing loss for robust face alignment via heatmap
        regression", ICCV 2019, equation 3.

    Example:
        >>> one = torch.ones(1, 1, 1, 1)
        >>> round(adaptive_wing(0 * one, 0.3 * one).item(), 4)  # 14 ln(1 + 0.3 ** 1.8)
        1.5177
    """
    return _per_pixel(output, target, settings).flatten(2).mean(-1)


def adaptive_wing_weighted(
    output: Float[Tensor, "batch landmark y x"],
    target: Float[Tensor, "batch landmark y x"],
    *,
    settings: AdaptiveWingSettings = PUBLISHED,
) -> Float[Tensor, "batch landmark"]:
    """Adaptive Wing loss with eleven times the weight on each bump and the rim around it.

    The bump is dilated by a 3x3 square, so that the hard pixels just outside it count too.

    Source:
        Wang, Bo and Fuxin, ICCV 2019, equations 5 and 6.
    """
    dilated = torch.nn.functional.max_pool2d(target, 3, stride=1, padding=1)
    weight = 1 + settings.weight * (dilated >= settings.rim)
    return (weight * _per_pixel(output, target, settings)).flatten(2).mean(-1)
