"""``palpate convert IN OUT``: annotation files from one format to another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palpate.io.annotation import AnnotationFile


def convert(  # noqa: PLR0913, PLR0917 - the flags of a command
    source: Annotated[Path, typer.Argument(metavar="IN", help="Annotation file or folder.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File or folder to write.")],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Format of IN; else found out.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="NAME", help="Format of OUT; else by its name.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the images; TPS needs heights, dicom-sr names from it."),
    ] = None,
    annotator: Annotated[
        str | None,
        typer.Option(help="Only this annotator's; or the name of the one who is not named."),
    ] = None,
    hide_readers: Annotated[
        bool, typer.Option("--hide-readers", help="Call the readers of dicom-sr reader 1, 2, ...")
    ] = False,
) -> None:
    """Convert annotations: csv, coco, deeplabcut (csv, h5), slicer, tps, pts, labelme, babypose.

    From dicom-sr too: DICOM structured reports, as a viewer saved them.

    What is written is read back and compared; what the format cannot carry is listed.
    """
    from rich.console import Console
    from rich.text import Text

    from palpate.io.dicom_sr_read import read_sr_listed
    from palpate.io.formats import (
        format_of,
        format_to_write,
        not_carried,
        reader_of,
        writer_of,
    )
    from palpate.io.sizes import with_sizes
    from palpate.io.tps import read_tps

    written_as = to or format_to_write(target)
    writer = writer_of(written_as)
    read_as = from_ or format_of(source)
    unread: tuple[str, ...] = ()
    if read_as == "dicom-sr":
        found = read_sr_listed(source, images=images, hide_observers=hide_readers)
        annotations, unread = found.annotations, found.unread
    elif read_as == "tps":
        annotations = read_tps(source, images=images)
    else:
        annotations = reader_of(read_as)(source)
    if annotator is not None:
        annotations = _of(annotations, annotator, source)
    # A report's reader has looked into the images itself, whose names may be of frames.
    if images is not None and read_as != "dicom-sr":
        annotations = with_sizes(annotations, images)
    writer(annotations, target)
    back = reader_of(written_as)(target)
    lost = not_carried(annotations, back, path=target)
    console = Console(soft_wrap=True, highlight=False)
    pictures = len({row.image for row in annotations.rows})
    console.print(
        Text(
            f"{source} ({read_as}) -> {target} ({written_as}): {pictures} images, "
            f"{len(annotations.scheme)} landmarks, read back and compared"
        )
    )
    for line in unread:
        console.print(Text(f"not read: {line}", "yellow"))
    if lost:
        console.print(Text(f"not carried by {written_as}: {', '.join(lost)}", "yellow"))


def _of(annotations: "AnnotationFile", annotator: str, source: Path) -> "AnnotationFile":
    """Keep one annotator's rows, or name the annotator where the file names none."""
    from dataclasses import replace

    from palpate.errors import FormatError
    from palpate.io.annotation import AnnotationFile
    from palpate.suggest import did_you_mean

    named = {row.annotator for row in annotations.rows}
    if named == {""}:
        rows = tuple(replace(row, annotator=annotator) for row in annotations.rows)
    else:
        rows = tuple(row for row in annotations.rows if row.annotator == annotator)
    if not rows:
        raise FormatError(
            source, f"has no annotator {annotator!r}{did_you_mean(annotator, named - {''})}"
        )
    return AnnotationFile(annotations.scheme, rows)
