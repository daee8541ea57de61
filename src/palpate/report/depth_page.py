"""What the page of a clip of linked limbs says: the page of a clip, and a section on the limbs."""

from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.report.clip_page import ClipPage, clip_page
from palpate.report.clip_tables import NONE
from palpate.report.clip_tiles import counted
from palpate.report.depth_plot import limbs_plot
from palpate.report.depth_reported import LimbCourse, ReportedDepth
from palpate.report.depth_sheet import depth_sheet
from palpate.report.parts import Plot, Row, Table, Tile
from palpate.report.wording import number, percent


@dataclass(frozen=True, slots=True)
class LimbPart:
    """The limbs of a clip, ready to print."""

    limbs: Table
    connections: Table
    plot: Plot
    note: str


@dataclass(frozen=True, slots=True)
class DepthPage(ClipPage):
    """The sections that the template prints below the head."""

    limbs: LimbPart | None


def depth_page(reported: ReportedDepth) -> DepthPage:
    """Turn a clip and its limbs into text and drawings."""
    page = clip_page(reported.clip, depth_sheet(reported))
    said = {field.name: getattr(page, field.name) for field in fields(ClipPage)}
    made = replace(
        DepthPage(**said, limbs=None),
        notes=(*page.notes, *reported.notes),
        sheet_note=f"{page.sheet_note} {_legend(reported)}".strip(),
    )
    if reported.limbs is None:
        return made
    return replace(
        made,
        tiles=(*page.tiles, *_tiles(reported.limbs)),
        limbs=LimbPart(
            limb_table(reported.limbs),
            connection_table(reported.limbs),
            Plot(limbs_plot(reported.clip.track.times_s, reported.limbs), _CAPTION),
            _note(reported),
        ),
    )


_CAPTION = (
    "Each limb over time. Filled: all of its connections are linked; half as high: only some, or "
    "only joints of it; empty: nothing of it was found."
)


def limb_table(course: LimbCourse) -> Table:
    """Of each limb: in which share of the frames it was whole, partial, and not found."""
    rows: list[Row] = []
    for limb in course.limbs:
        shares = course.shares(limb)
        rows.append((limb.name, *(percent(share) for share in shares)))
    return Table(("Limb", "whole", "partial", "none"), tuple(rows))


def connection_table(course: LimbCourse) -> Table:
    """Of each connection: how often it was linked, how surely, and how long it is."""
    rows: list[Row] = []
    for limb in course.limbs:
        rows.append((limb.name,))
        for edge in limb.edges:
            links, lengths = course.links[:, edge], course.lengths_mm[:, edge]
            linked, known = links[links > 0], lengths[np.isfinite(lengths)]
            first, second = course.scheme.edges[edge]
            rows.append(
                (
                    f"{first} to {second}",
                    percent(len(linked) / len(links)),
                    number(float(np.median(linked))) if len(linked) else NONE,
                    f"{len(known):,}",
                    *_quartiles(known),
                )
            )
    return Table(
        ("Connection", "linked", "median score", "lengths", "median, mm", "middle half, mm"),
        tuple(rows),
    )


def _quartiles(values: Float[ndarray, " n"]) -> tuple[str, str]:
    if not len(values):
        return NONE, NONE
    low, middle, high = (float(v) for v in np.quantile(values, [0.25, 0.5, 0.75]))
    return number(middle, 0), f"{number(low, 0)} to {number(high, 0)}"


def _tiles(course: LimbCourse) -> tuple[Tile, ...]:
    whole = np.stack(
        [(course.links[:, list(limb.edges)] > 0).all(axis=1) for limb in course.limbs], 1
    )
    others = int((course.others > 0).sum())
    return (
        Tile(
            "Limbs whole",
            percent(float(whole.mean())),
            f"all {whole.shape[1]} in {percent(float(whole.all(axis=1).mean()))} of the frames",
        ),
        Tile(
            "Others in view",
            percent(others / len(course.others)),
            f"{counted(others, 'frame')} with parts of another body, such as a hand",
        ),
    )


def _note(reported: ReportedDepth) -> str:
    if reported.limbs is not None and np.isfinite(reported.limbs.lengths_mm).any():
        return (
            "Lengths are straight distances in the scene between the surface at one joint and at "
            "the other, where the connection is linked and depth was measured at both ends. A "
            "covered joint is as far away as its cover."
        )
    return (
        "No lengths in millimetres: they need depth at both joints and the camera's focal length "
        "and centre ([video.depth] in study.toml: focal_px, centre_px)."
    )


def _legend(reported: ReportedDepth) -> str:
    words = (
        "The infant's own right: orange with discs. Left: white with a dark core and squares. "
        "Dashed: a limb that is not whole. The fainter, the less sure."
        if reported.limbs is not None
        else ""
    )
    if reported.scale is None:
        return words
    near, far = (number(v * reported.unit_mm, 0) for v in (reported.scale.near, reported.scale.far))
    colours = f"Yellow is near ({near} mm), violet far ({far} mm); grey: nothing was measured."
    return f"{words} {colours}".strip()
