"""IC-Loss: each pixel of a heatmap is penalised according to the region that it lies in.

Regions by the true intensity I: background [0, 0.4], foreground (0.4, 0.9], and the
confident centre (0.9, 1]. With D = |I - I'|, a pixel costs:

    background   D^2 - 1/8  above 0.5;                                  else D^2 / 2
    foreground   D^2 + 1/4  above 0.5;                                  else D
    centre       D^2 + C4   above phi1;  beta ln(1 + D) + C3 above phi2;  else D

The foreground and the centre are weighted with the number of background pixels over the
number of their own, for each map by itself. In the categorical form a pixel of the first
two regions costs nothing as long as the predicted intensity lies in the same region.

Source:
    Fard et al., "Sagittal cervical spine landmark point detection in X-ray using deep
    convolutional neural networks", IEEE Access 2022, section III, equations 1 to 17. Where
    the print contradicts itself we follow the text: the constants C1, C2 and C4 stand on
    the pieces for large errors, where alone the pieces meet; the background sum (7) runs
    over the region up to theta, not phi; (13) is not a cross-entropy that vanishes for a
    correct foreground pixel, so Omega is taken from the sentence after (14); and (16) keeps
    the weight of (9), whose categorical form it is.
"""

from dataclasses import dataclass
from math import log1p

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from palpate.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ICLossSettings:
    """Constants of IC-Loss; the defaults are those of the paper.

    Args:
        theta_background: highest true intensity of the background.
        theta_foreground: highest true intensity of the foreground.
        alpha: factor of the background's square below ``phi``.
        phi: error above which background and foreground are penalised by the square.
        beta: factor of the centre's logarithm.
        phi1: error above which the centre is penalised by the square.
        phi2: error below which the centre is penalised linearly.

    To sweep one of them, bind it: ``partial(ic, settings=ICLossSettings(beta=3.0))``.

    Raises:
        ConfigError: a constant for which the pieces would not be increasing.
    """

    theta_background: float = 0.4
    theta_foreground: float = 0.9
    alpha: float = 0.5
    phi: float = 0.5
    beta: float = 4.0
    phi1: float = 0.5
    phi2: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.theta_background < self.theta_foreground < 1:
            raise ConfigError(
                "IC-Loss needs 0 < theta_background < theta_foreground < 1, got "
                f"{self.theta_background} and {self.theta_foreground}"
            )
        if not 0 < self.phi2 < self.phi1:
            raise ConfigError(f"IC-Loss needs 0 < phi2 < phi1, got {self.phi2} and {self.phi1}")
        for name in ("alpha", "phi", "beta"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"IC-Loss needs {name} above 0, got {getattr(self, name)}")

    @property
    def c1(self) -> float:
        """Joins the background's pieces at ``phi``; -1/8 in the paper."""
        return (self.alpha - 1) * self.phi**2

    @property
    def c2(self) -> float:
        """Joins the foreground's pieces at ``phi``."""
        return self.phi - self.phi**2

    @property
    def c3(self) -> float:
        """Joins the centre's line and logarithm at ``phi2``."""
        return self.phi2 - self.beta * log1p(self.phi2)

    @property
    def c4(self) -> float:
        """Joins the centre's logarithm and square at ``phi1``."""
        return self.beta * log1p(self.phi1) + self.c3 - self.phi1**2


PUBLISHED = ICLossSettings()

Maps = Float[Tensor, "batch landmark *grid"]
Mask = Bool[Tensor, "batch landmark *grid"]
PerLandmark = Float[Tensor, "batch landmark"]


def background_penalty(distance: Float[Tensor, "*any"], s: ICLossSettings) -> Tensor:
    """What an error costs in the background; equation 6."""
    square = distance.square()
    return torch.where(distance > s.phi, square + s.c1, s.alpha * square)


def foreground_penalty(distance: Float[Tensor, "*any"], s: ICLossSettings) -> Tensor:
    """What an error costs in the foreground, before its weight; equation 8."""
    return torch.where(distance > s.phi, distance.square() + s.c2, distance)


def centre_penalty(distance: Float[Tensor, "*any"], s: ICLossSettings) -> Tensor:
    """What an error costs in the confident centre, before its weight; equation 10."""
    logarithm = s.beta * distance.log1p() + s.c3
    small = torch.where(distance > s.phi2, logarithm, distance)
    return torch.where(distance > s.phi1, distance.square() + s.c4, small)


def regions(intensity: Maps, s: ICLossSettings) -> tuple[Mask, Mask, Mask]:
    """Where a map is background, foreground and confident centre.

    Values below 0 or above 1 are in none of them: for a prediction that is a miss.
    """
    inside = (intensity >= 0) & (intensity <= 1)
    background = inside & (intensity <= s.theta_background)
    centre = inside & (intensity > s.theta_foreground)
    return background, inside & ~background & ~centre, centre


def _seen(output: Maps, distance: Tensor, s: ICLossSettings) -> tuple[Mask, Mask, Mask]:
    """Regions of the prediction, in the wider type: theta is another number in half precision."""
    return regions(output.detach().to(distance.dtype), s)


def _weighted_mean(penalty: Tensor, region: Tensor, background: Tensor) -> Tensor:
    """Mean over all pixels of a map, of the region alone, times #background / #region."""
    pixels = region.flatten(2).sum(-1).clamp(min=1)
    weight = background.flatten(2).sum(-1).clamp(min=1) / pixels
    return weight * torch.where(region, penalty, 0).flatten(2).mean(-1)


def iloss(output: Maps, target: Maps, *, settings: ICLossSettings = PUBLISHED) -> PerLandmark:
    """Intensity-aware loss alone: the paper's ablation 'No-CAT'.

    Example:
        >>> target = torch.tensor([[[[0.0, 0.0, 0.5, 1.0]]]])
        >>> loss = iloss(target - 0.02, target)
        >>> round(loss.item(), 6)  # (2 * 0.0002 + 2 * 0.02 + 2 * 0.02) / 4
        0.0201
    """
    background, foreground, centre = regions(target, settings)
    distance = (output - target).abs()
    return (
        _weighted_mean(background_penalty(distance, settings), background, background)
        + _weighted_mean(foreground_penalty(distance, settings), foreground, background)
        + _weighted_mean(centre_penalty(distance, settings), centre, background)
    )


def closs(output: Maps, target: Maps, *, settings: ICLossSettings = PUBLISHED) -> PerLandmark:
    """Categorical loss of background and foreground; equations 15 and 16.

    A part of IC-Loss, blind to the centre: of use for looking at the parts.
    """
    background, foreground, _ = regions(target, settings)
    distance = (output - target).abs()
    seen_background, seen_foreground, _ = _seen(output, distance, settings)
    return _weighted_mean(
        background_penalty(distance, settings).where(~seen_background, 0), background, background
    ) + _weighted_mean(
        foreground_penalty(distance, settings).where(~seen_foreground, 0), foreground, background
    )


def _centre_loss(output: Maps, target: Maps, s: ICLossSettings) -> PerLandmark:
    background, _, centre = regions(target, s)
    return _weighted_mean(centre_penalty((output - target).abs(), s), centre, background)


def ic(output: Maps, target: Maps, *, settings: ICLossSettings = PUBLISHED) -> PerLandmark:
    """Categorical in background and foreground, exact in the centre; equation 17.

    Example:
        >>> target = torch.tensor([[[[0.0, 0.0, 0.5, 1.0]]]])
        >>> loss = ic(target - 0.02, target)  # 0.48 is foreground: right enough
        >>> round(loss.item(), 6)  # (2 * 0.0002 + 2 * 0.02) / 4
        0.0101
    """
    return closs(output, target, settings=settings) + _centre_loss(output, target, settings)


def ic_all_categorical(
    output: Maps, target: Maps, *, settings: ICLossSettings = PUBLISHED
) -> PerLandmark:
    """Categorical in the centre too: the paper's ablation 'All-CAT', kept to compare with.

    Anything above 0.9 is then good enough, and the peak has no place.
    """
    background, _, centre = regions(target, settings)
    distance = (output - target).abs()
    *_, seen_centre = _seen(output, distance, settings)
    penalty = centre_penalty(distance, settings).where(~seen_centre, 0)
    in_the_centre = _weighted_mean(penalty, centre, background)
    return closs(output, target, settings=settings) + in_the_centre
