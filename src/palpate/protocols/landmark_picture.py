"""A small picture of where a landmark is put, drawn from a protocol's layout.

On the right of a dark ground the landmark and its neighbours are named; where a scheme has many,
the landmark's surroundings are enlarged and the whole stands small on the left. Colours of Okabe
and Ito: what is asked for is orange and ringed, so that it is told by its shape as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError
from palpate.protocols.protocol import Protocol

WIDTH, HEIGHT = 560.0, 320.0
GROUND, INK, LINE, POINT, CHOSEN = "#121417", "#e4e7ea", "#78828d", "#56b4e9", "#e69f00"
# Schemes with more landmarks are enlarged about the one asked for, to about so many of them.
FEW, SHOWN = 24, 14
NAMED = 4
LABEL_STEP = 22.0


@dataclass(frozen=True, slots=True)
class _Pane:
    """A rectangle of the picture that a window of the layout is shown in."""

    left: float
    width: float
    low: Float[ndarray, " 2"]
    high: Float[ndarray, " 2"]

    def place(self, xy: Float[ndarray, "*n 2"]) -> Float[ndarray, "*n 2"]:
        """From the layout to the picture, with one scale for both axes."""
        room = np.array([self.width, HEIGHT]) - 40.0
        extent = np.maximum(self.high - self.low, 1e-9)
        scale = float((room / extent).min())
        middle = np.array([self.left + self.width / 2.0, HEIGHT / 2.0])
        return middle + scale * (xy - (self.low + self.high) / 2.0)


def landmark_picture(protocol: Protocol, name: str) -> str:
    """Return an SVG of one landmark among its neighbours, without script, style or link.

    Raises:
        ConfigError: the protocol has no layout.
        SchemeError: it has no such landmark.

    Example:
        >>> from palpate.protocols.protocol import read_protocol
        >>> landmark_picture(read_protocol("satco"), "C7").count("<circle")
        14
    """
    if protocol.layout is None:
        raise ConfigError(
            f"protocol {protocol.name!r} has no layout to draw its landmarks from: name one of "
            "its drawings that holds all of them, layout = NAME"
        )
    drawing = protocol.drawings[protocol.layout]
    at = np.array([drawing[each] for each in protocol.scheme.names])
    row = protocol.scheme.index(name)
    near = np.argsort(np.linalg.norm(at - at[row], axis=1), kind="stable")
    parts = []
    if len(at) > FEW:
        whole = _Pane(0.0, 120.0, at.min(axis=0), at.max(axis=0))
        parts.append(_overview(protocol, whole.place(at), row))
        shown = at[near[:SHOWN]]
        pane = _Pane(125.0, 200.0, shown.min(axis=0), shown.max(axis=0))
    else:
        pane = _Pane(0.0, 325.0, at.min(axis=0), at.max(axis=0))
    parts.append(_close_up(protocol, pane, at, row))
    parts.append(_labels(protocol, pane.place(at), row, _neighbours(protocol, row, near)))
    title = escape(f"{protocol.title_of(name)}, {protocol.title}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img">'
        f'<title>{title}</title><rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="{GROUND}"/>'
        + "".join(parts)
        + "</svg>\n"
    )


def _joined(protocol: Protocol) -> list[tuple[int, int]]:
    """Rows that a line joins: edges, and neighbours along an outline."""
    pairs = set(protocol.scheme.edges)
    for outline in protocol.outlines:
        closing = outline.landmarks[:1] if outline.closed else ()
        pairs |= set(pairwise((*outline.landmarks, *closing)))
    index = protocol.scheme.index
    return sorted((index(a), index(b)) for a, b in pairs)


def _neighbours(protocol: Protocol, row: int, near: ndarray) -> list[int]:
    """Rows that help to find the landmark: joined with it, then the nearest."""
    joined = {a if b == row else b for a, b in _joined(protocol) if row in (a, b)}
    order = [int(i) for i in near if i != row]
    return [*(i for i in order if i in joined), *(i for i in order if i not in joined)][:NAMED]


def _overview(protocol: Protocol, at: Float[ndarray, "n 2"], row: int) -> str:
    x, y = at[row]
    return (
        _lines(protocol, at, 1.0)
        + f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="{CHOSEN}" '
        'stroke-width="2.5"/>'
    )


def _close_up(protocol: Protocol, pane: _Pane, at: Float[ndarray, "n 2"], row: int) -> str:
    """Lines and points inside the pane; what lies outside is cut off."""
    placed = pane.place(at)
    points = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{POINT}"/>'
        for i, (x, y) in enumerate(placed)
        if i != row and _inside(pane, placed[i])
    )
    x, y = placed[row]
    chosen = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{CHOSEN}"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="none" stroke="{CHOSEN}" '
        'stroke-width="2.5"/>'
    )
    # A picture within the picture cuts off without an id, so that many may stand in one page.
    box = f"{pane.left:g} 0 {pane.width:g} {HEIGHT:g}"
    lines = (
        f'<svg x="{pane.left:g}" y="0" width="{pane.width:g}" height="{HEIGHT:g}" '
        f'viewBox="{box}">{_lines(protocol, placed, 1.6)}</svg>'
    )
    return lines + points + chosen


def _inside(pane: _Pane, place: Float[ndarray, " 2"]) -> bool:
    margin = 5.0
    left, right = pane.left + margin, pane.left + pane.width - margin
    return bool(left <= place[0] <= right and margin <= place[1] <= HEIGHT - margin)


def _lines(protocol: Protocol, at: Float[ndarray, "n 2"], width: float) -> str:
    path = "".join(
        f"M{at[a][0]:.1f} {at[a][1]:.1f}L{at[b][0]:.1f} {at[b][1]:.1f}"
        for a, b in _joined(protocol)
    )
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="{width:g}"/>'


def _labels(
    protocol: Protocol, at: Float[ndarray, "n 2"], row: int, neighbours: Sequence[int]
) -> str:
    """Names in a column on the right, each led to its point."""
    rows = sorted([row, *neighbours], key=lambda i: (at[i][1], i))
    heights = _spread([float(np.clip(at[i][1], 14.0, HEIGHT - 14.0)) for i in rows])
    parts = []
    for i, y in zip(rows, heights, strict=True):
        title = protocol.title_of(protocol.scheme.names[i]).split(":")[0]
        colour, weight = (CHOSEN, "bold") if i == row else (INK, "normal")
        x0, y0 = at[i]
        parts.append(
            f'<path d="M{x0:.1f} {y0:.1f}L321 {y:.1f}h6" fill="none" stroke="{colour}" '
            'stroke-width="0.7" stroke-dasharray="2 2"/>'
            f'<text x="331" y="{y + 4.5:.1f}" font-family="sans-serif" font-size="13" '
            f'font-weight="{weight}" fill="{colour}">{escape(title)}</text>'
        )
    return "".join(parts)


def _spread(heights: list[float]) -> list[float]:
    """Move rising heights apart, so that no two labels overlap and none leaves the picture.

    Example:
        >>> _spread([20.0, 21.0, 200.0])
        [20.0, 42.0, 200.0]
    """
    down: list[float] = []
    for k, y in enumerate(heights):
        down.append(max(y, down[-1] + LABEL_STEP) if k else y)
    over = HEIGHT - 14.0
    for k in reversed(range(len(down))):
        down[k] = min(down[k], over)
        over = down[k] - LABEL_STEP
    return down
