"""palpate check: what is wrong with a study, before any training."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from palpate.finding import Finding
    from palpate.study import Study

_MOST_OF_A_KIND = 8


def check(
    study: Annotated[Path, typer.Argument(help="folder of the study, or its study.toml")],
    out: Annotated[
        Path | None, typer.Option(help="folder for findings.json and contact_sheet.png")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> None:
    """Say what is wrong with the data of a STUDY; exit code 1 where there are errors."""
    from json import dumps

    from rich.console import Console

    from palpate.checks import find_problems
    from palpate.contact_sheet import write_contact_sheet
    from palpate.files import write_json
    from palpate.study import survey_study

    console = Console(stderr=json)
    opened = survey_study(study)
    with console.status(f"looking at {len(opened)} images"):
        findings = find_problems(opened)
    content = _content(opened.name, len(opened), findings)
    if json:
        typer.echo(dumps(content, indent=2, allow_nan=False, ensure_ascii=False))
    else:
        _show(console, opened, findings)
    if out is not None:
        write_json(out / "findings.json", content)
        tiles = write_contact_sheet(opened, findings, out / "contact_sheet.png")
        console.print(f"findings.json{' and contact_sheet.png' if tiles else ''} written to {out}")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _content(name: str, images: int, findings: "Sequence[Finding]") -> dict[str, object]:
    """The findings as JSON has them."""
    from dataclasses import asdict

    return {
        "study": name,
        "images": images,
        "errors": sum(finding.severity == "error" for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }


def _show(console: "Console", study: "Study", findings: "Sequence[Finding]") -> None:
    """Print how much there is of each kind, then the findings, the worst first."""
    from collections import Counter

    from rich.markup import escape
    from rich.table import Table

    from palpate.checks import same_subject_line

    subjects = len({case.subject for case in study.cases})
    annotated = len(study.annotated())
    console.print(
        f"[bold]{escape(study.name)}[/bold]: {len(study)} images of {subjects} subjects, "
        f"{annotated} annotated"
    )
    if not findings:
        console.print("nothing found")
        return
    colours = {"error": "red", "warning": "yellow", "note": "dim"}
    summary = Table("severity", "kind", "count", title="what was found", title_justify="left")
    for (severity, kind), count in Counter((f.severity, f.kind) for f in findings).items():
        colour = colours[severity]
        summary.add_row(f"[{colour}]{severity}[/{colour}]", kind, str(count))
    console.print(summary)
    shown: Counter[str] = Counter()
    for finding in findings:
        shown[finding.kind] += 1
        if shown[finding.kind] <= _MOST_OF_A_KIND:
            colour = colours[finding.severity]
            console.print(
                f"[{colour}]{finding.severity}[/{colour}] {escape(finding.sentence)}",
                highlight=False,
                soft_wrap=True,
            )
    hidden = sum(max(0, count - _MOST_OF_A_KIND) for count in shown.values())
    if hidden:
        console.print(f"... and {hidden} more of these kinds: --json or --out shows all")
    line = same_subject_line(findings)
    if line:
        console.print("to keep the copies together, in study.toml:")
        console.print(escape(line), highlight=False, soft_wrap=True)
