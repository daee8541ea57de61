"""``palpate dicom deidentify``: DICOM files without what identifies a patient."""

from pathlib import Path
from typing import Annotated

import typer


def deidentify(
    given: Annotated[Path, typer.Argument(metavar="IN", help="DICOM file, or folder of them.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder.")],
    salt_file: Annotated[
        Path | None,
        typer.Option(
            help="Secret that UIDs and pseudonyms follow from; made where it is missing. Without "
            "it, another run gives other ones."
        ),
    ] = None,
    keep_dates: Annotated[
        bool, typer.Option("--keep-dates", help="Move a patient's dates by one secret distance.")
    ] = False,
    keep_characteristics: Annotated[
        bool, typer.Option("--keep-characteristics", help="Keep sex, age, size and weight.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(help="CSV of old and new files: keep it apart, it undoes the rest."),
    ] = None,
) -> None:
    """De-identify by the basic profile of DICOM PS3.15 annex E, and warn of burnt-in text."""
    from palpate.cli.progress import console, errors
    from palpate.errors import PalpateError
    from palpate.files import write_rows
    from palpate.io.dicom_deidentify import Deidentifier
    from palpate.workflows.dicom_deidentify import deidentify_each, read_salt

    hide = Deidentifier(read_salt(salt_file), keep_dates, keep_characteristics)
    done = list(deidentify_each(hide, given, out))
    failed = [one for one in done if one.path is None]
    warned = 0
    for one in done:
        if one.path is None:
            errors.print(f"left out: {one.source}: {one.reason}", highlight=False, markup=False)
        for warning in one.warnings:
            where = "" if one.path is None else one.path.name
            errors.print(f"look at {where}: {warning}", highlight=False, markup=False)
        warned += bool(one.warnings)
    if key is not None:
        rows = [{"old": str(one.source), "new": one.path.name} for one in done if one.path]
        write_rows(key, rows or [{"old": "", "new": ""}])
        key.chmod(0o600)
    console.print(
        f"{len(done) - len(failed)} of {len(done)} files -> {out}; {warned} to be looked at. "
        "Text in pixels is searched for, not removed: look at pictures before they leave",
        highlight=False,
        markup=False,
    )
    if failed:
        raise PalpateError(f"{len(failed)} files were left out; the reasons stand above")
