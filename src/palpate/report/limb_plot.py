"""RMSD of each limb as boxes, one a prediction, side by side."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from palpate.evaluation.limb_errors import LimbErrors
from palpate.report.plots import HUMAN, INK, MODEL, MUTED, STYLE, THIRD, as_svg, short

_WIDTH, _HEIGHT = 10.6, 4.0
# Colours are told apart by hatching too: in print, and by those who cannot see them.
_LOOKS = ((MODEL, ""), (THIRD, "///"), (INK, "..."), ("#c0476a", "xxx"), ("#5b8c2a", "---"))
_GUESS = (HUMAN, "|||")
_WHISKERS = (5.0, 95.0)
# A guess that is far off may not squeeze the boxes of the predictions: so many times their height.
_SIGHT = 2.2
# In the legend: names in a line, and letters of a name that have room then.
_BESIDE, _NAME = 4, 32
# Boxes of a limb fill so much of its place.
_FILLED = 0.8


def limb_plot(
    errors: Sequence[LimbErrors], *, unit: str, label: str, baseline: LimbErrors | None = None
) -> Markup:
    """Draw quartiles and median of each limb over clips; whiskers from 5 % to 95 % of them.

    Args:
        errors: one a prediction, of the same limbs.
        unit: a unit of their RMSD.
        label: of the upright axis.
        baseline: a guess without an image, drawn beside.

    Source:
        Migliorelli et al., figure 4.
    """
    drawn = [*zip(errors, cycle(_LOOKS), strict=False)]
    if baseline is not None:
        drawn.append((baseline, _GUESS))
    limbs = errors[0].limbs
    if not len(errors[0].clips):
        return Markup("")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        wide = _FILLED / len(drawn)
        for k, (each, (colour, hatch)) in enumerate(drawn):
            columns = [column[np.isfinite(column)] for column in each.rmsd[unit].T]
            known = [row for row, column in enumerate(columns) if len(column)]
            if not known:
                continue
            aside = (k - (len(drawn) - 1) / 2) * wide
            boxes = axes.boxplot(
                [columns[row] for row in known],
                positions=[row + aside for row in known],
                widths=0.85 * wide,
                whis=_WHISKERS,
                showfliers=False,
                patch_artist=True,
                medianprops={"color": INK, "lw": 1.8},
                whiskerprops={"color": MUTED},
                capprops={"color": MUTED},
            )
            for box in boxes["boxes"]:
                box.set(facecolor=(0, 0, 0, 0), edgecolor=colour, hatch=hatch, lw=1.3)
        axes.set_xticks(range(len(limbs)), [short(limb) for limb in limbs])
        axes.set(xlim=(-0.6, len(limbs) - 0.4), ylabel=label)
        axes.set_ylim(0, min(axes.get_ylim()[1], _sight(errors, unit)))
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        axes.grid(False, axis="x")
        figure.legend(
            handles=[
                Patch(facecolor="none", edgecolor=c, hatch=h, label=short(each.made_by, _NAME))
                for each, (c, h) in drawn
            ],
            loc="outside upper left",
            ncols=_BESIDE,
        )
        return as_svg(figure, f"{label} by limb")


def _sight(errors: Sequence[LimbErrors], unit: str) -> float:
    """Up to where is drawn; infinite where no prediction has a figure."""
    known = [column[np.isfinite(column)] for each in errors for column in each.rmsd[unit].T]
    reach = [float(np.percentile(column, _WHISKERS[1])) for column in known if len(column)]
    return _SIGHT * max(*reach, 1e-6) if reach else np.inf
