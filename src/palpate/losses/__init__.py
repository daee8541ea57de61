"""Losses: pure functions of output and target, one value for each landmark.

The mean over landmarks is taken in one place, ``masked_mean``. To add a loss: write the
function in a file here and add a row to ``HEATMAP_LOSSES`` (with its scale),
``POINT_LOSSES`` or ``DISPLACEMENT_LOSSES``. The contract tests run over every row: zero at
perfection, growing with the error, finite, right gradients, and none from an absent landmark.
"""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from palpate.losses import displacement, heatmap, points
from palpate.losses.adaptive_wing import (
    AdaptiveWingSettings,
    adaptive_wing,
    adaptive_wing_weighted,
)
from palpate.losses.ic import ICLossSettings, closs, ic, ic_all_categorical, iloss
from palpate.losses.mean import masked_mean
from palpate.losses.points import WingSettings

__all__ = [
    "DISPLACEMENT_LOSSES",
    "HEATMAP_LOSSES",
    "HEATMAP_SCALES",
    "POINT_LOSSES",
    "AdaptiveWingSettings",
    "ICLossSettings",
    "Loss",
    "Scale",
    "WingSettings",
    "masked_mean",
]

Loss = Callable[[Tensor, Tensor], Tensor]
Scale = Literal["intensity", "logit"]

# (batch, landmark, *grid) twice -> (batch, landmark)
HEATMAP_LOSSES: dict[str, Loss] = {
    "l2": heatmap.l2,
    "l1": heatmap.l1,
    "cross-entropy": heatmap.cross_entropy,
    "iloss": iloss,
    "closs": closs,
    "ic": ic,
    "ic-no-cat": iloss,
    "ic-all-cat": ic_all_categorical,
    "adaptive-wing": adaptive_wing,
    "adaptive-wing-weighted": adaptive_wing_weighted,
}

# What a network trained with the loss puts out, and so how its maps are to be read.
HEATMAP_SCALES: dict[str, Scale] = {
    name: "logit" if name == "cross-entropy" else "intensity" for name in HEATMAP_LOSSES
}

# (batch, landmark, d) twice -> (batch, landmark), in pixels of the grid
POINT_LOSSES: dict[str, Loss] = {
    "euclidean": points.euclidean,
    "l1": points.l1,
    "smooth-l1": points.smooth_l1,
    "wing": points.wing,
}

# (batch, landmark, 3, *grid) twice -> (batch, landmark); displacements in pixels of the grid
DISPLACEMENT_LOSSES: dict[str, Loss] = {
    "whdv": displacement.whdv,
    "hdv": displacement.hdv,
}
