"""``palpate protocols``: what can be measured, and how it is defined."""

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from palpate.protocols.classes import Classes
    from palpate.protocols.protocol import Protocol


def protocols(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="Show this protocol.")
    ] = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the protocol's file, to copy and change.")
    ] = False,
) -> None:
    """List the protocols, or show one: landmarks, quantities, units, signs, ranges, classes."""
    from rich.table import Table
    from rich.text import Text

    from palpate.cli.progress import console
    from palpate.errors import ConfigError
    from palpate.protocols.example import check_examples
    from palpate.protocols.protocol import PROTOCOLS, protocol_text, read_protocol

    if name is None:
        if toml:
            raise ConfigError("name the protocol whose file to print")
        table = Table(title="protocols")
        for column in ("name", "version", "landmarks", "quantities", "about"):
            table.add_column(column)
        for each in PROTOCOLS:
            p = read_protocol(each)
            table.add_row(p.name, p.version, str(len(p.scheme)), str(len(p.quantities)), p.title)
        console.print(table)
        return
    protocol = read_protocol(name)
    if toml:
        typer.echo(protocol_text(name), nl=False)
        return
    check_examples(protocol)
    table = Table(title=Text(f"{protocol.title} ({protocol.label})"), show_lines=True)
    classes = any(q.classes is not None for q in protocol.quantities)
    for column in (
        "quantity",
        "unit",
        "meaning and landmarks",
        "sign",
        "normal range",
        *(("classes",) if classes else ()),
        "source",
    ):
        table.add_column(column)
    for q in protocol.quantities:
        needs = q.needs()
        landmarks = ", ".join(needs[:6]) + (f" and {len(needs) - 6} more" if len(needs) > 6 else "")
        normal = (
            "" if q.normal is None else f"{q.normal.low:g} to {q.normal.high:g}; {q.normal.source}"
        )
        ranges = (
            (normal, "" if q.classes is None else classes_text(q.classes)) if classes else (normal,)
        )
        shown = (q.name, q.unit, f"{q.meaning}\n[{landmarks}]", q.sign, *ranges, q.source)
        table.add_row(*(Text(cell) for cell in shown))
    console.print(table)
    console.print(landmark_table(protocol))
    if protocol.normaliser is not None:
        console.print(Text("errors are normalised by: " + " to ".join(protocol.normaliser)))
    for convention, signs in protocol.conventions.items():
        console.print(
            Text(f"--flip-sign {convention}: {signs.flipped} (as it stands: {signs.default})")
        )
    console.print(Text(f"source: {protocol.source}"))


def landmark_table(protocol: "Protocol") -> "Table | Text":
    """Return where each landmark is put; only the names where the file describes none."""
    from rich.table import Table
    from rich.text import Text

    if not protocol.described:
        return Text("landmarks: " + ", ".join(protocol.scheme.names))
    table = Table(title="landmarks")
    for column in ("name", "title", "where"):
        table.add_column(column)
    for name in protocol.scheme.names:
        row = (name, protocol.title_of(name), protocol.description_of(name))
        table.add_row(*(Text(cell) for cell in row))
    return table


def classes_text(classes: "Classes") -> str:
    """Return the names with the limits between them, a class a line, then who says so.

    Example:
        >>> from palpate.protocols.classes import Classes
        >>> print(classes_text(Classes(names=("III", "I", "II"), limits=(0, 4), source="Steiner")))
        III: below 0
        I: 0 to below 4
        II: from 4
        (Steiner)
    """
    first, *_, last = classes.names
    lines = [f"{first}: below {classes.limits[0]:g}"]
    for name, (low, high) in zip(classes.names[1:-1], pairwise(classes.limits), strict=True):
        lines.append(f"{name}: {low:g} to below {high:g}")
    lines.append(f"{last}: from {classes.limits[-1]:g}")
    return "\n".join([*lines, f"({classes.source})"])
