"""palpate check: what is wrong with a study, before any training."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from palpate.finding import Finding
    from palpate.study import Study
    from palpate.workflows.check_labels import LabelCheck

_MOST_OF_A_KIND = 8


def check(
    study: Annotated[Path, typer.Argument(help="folder of the study, or its study.toml")],
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="folder of a cross-validation of the study: labels are held against its "
            "held-out predictions"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="folder for findings.json, contact_sheet.png, and of the labels to look at "
            "first check_first.csv and check_first.html"
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="how many labels to show on the page, the worst first")
    ] = 24,
    json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
) -> None:
    """Say what is wrong with the data of a STUDY; exit code 1 where there are errors."""
    from json import dumps

    from rich.console import Console

    from palpate.checks import find_problems
    from palpate.contact_sheet import write_contact_sheet
    from palpate.files import write_json
    from palpate.study import survey_study
    from palpate.workflows.check_labels import can_be_ranked, check_labels, write_check_first

    console = Console(stderr=json)
    opened = survey_study(study)
    with console.status(f"looking at {len(opened)} images"):
        findings = find_problems(opened)
        wanted = predictions is not None or (out is not None and can_be_ranked(opened))
        labels = check_labels(opened, predictions) if wanted else None
    if labels is not None and predictions is not None:
        findings = _with_labels(findings, labels)
    content = _content(opened.name, len(opened), findings)
    if json:
        typer.echo(dumps(content, indent=2, allow_nan=False, ensure_ascii=False))
    else:
        _show(console, opened, findings)
    if out is not None:
        write_json(out / "findings.json", content)
        if labels is not None:
            write_check_first(opened, labels, out, top=top)
        tiles = write_contact_sheet(opened, findings, out / "contact_sheet.png")
        names = ["findings.json"]
        names += ["contact_sheet.png"] if tiles else []
        names += ["check_first.csv", "check_first.html"] if labels is not None else []
        console.print(f"{', '.join(names)} written to {out}")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _with_labels(findings: "tuple[Finding, ...]", labels: "LabelCheck") -> "tuple[Finding, ...]":
    """Add the labels that are findings, and the predictions that could not be used."""
    from palpate.finding import SEVERITIES, Finding

    found = [entry.finding for entry in labels.ranked.found]
    refused = [
        Finding("prediction-not-used", "note", f"{image}: its prediction is not used: {why}", image)
        for image, why in labels.refused.items()
    ]
    order = {severity: i for i, severity in enumerate(SEVERITIES)}
    return tuple(sorted([*findings, *found, *refused], key=lambda f: order[f.severity]))


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
