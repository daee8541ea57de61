"""The pieces that pages are made of: key figures, tables and drawings."""

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class SheetHead:
    """What the template ``sheet.html`` prints around the sections of a page.

    Args:
        title, subtitle, banner: at the top.
        warnings: what went wrong.
        spoken: what was found, in sentences.
        notes: how far that may be trusted.
        tiles: key figures.
        provenance: name and value, at the end.
    """

    title: str
    subtitle: str
    banner: str
    warnings: tuple[str, ...]
    spoken: tuple[str, ...]
    notes: tuple[str, ...]
    tiles: tuple[Tile, ...]
    provenance: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Bounded:
    """A figure with its interval below it."""

    text: str
    below: str


Row = tuple[str | Bounded, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading; the first cell names a row, a row of one cell is a heading."""

    head: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with a sentence that says how to read it."""

    drawing: Markup
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page that stands by itself.

    Args:
        anchor: of the link from the contents; no spaces.
        title: its heading, also in the contents.
        lead: a sentence or two that say what it shows.
        plots: beside each other.
        tables: with a line above each; empty for none.
        notes: sentences below.
    """

    anchor: str
    title: str
    lead: str
    plots: tuple[Plot, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()
    notes: tuple[str, ...] = ()
