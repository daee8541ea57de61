"""``palpate evaluate``: how good a run is on the subjects it never saw."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from palpate.cli.options import AnnotatedOnly


def evaluate(  # noqa: PLR0913, PLR0917 - the flags of a command
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics, tables and report.html.")],
    study: Annotated[
        Path | None, typer.Argument(help="Default: the study that the run was trained on.")
    ] = None,
    part: Annotated[
        str, typer.Option(help="Part of the run's split; 'all' for a study it never saw.")
    ] = "test",
    protocol: Annotated[
        str | None, typer.Option(help="Name or TOML file; default: the study's own.")
    ] = None,
    annotated_only: AnnotatedOnly = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Predict held-out images, compare with the annotation, measure, write the report."""
    from palpate.cli.figures import show_assessment
    from palpate.cli.progress import errors, stages
    from palpate.localisers.calibrated import find_calibration
    from palpate.localisers.load import load_localiser
    from palpate.localisers.run_folder import RunFolder
    from palpate.protocols.protocol import read_protocol
    from palpate.splits import read_split
    from palpate.study import open_study
    from palpate.workflows.assess import assess, with_limbs, write_assessment
    from palpate.workflows.assess_beside import with_baselines, with_people
    from palpate.workflows.cross_conformal import one_calibration
    from palpate.workflows.evaluate import evaluate_study
    from palpate.workflows.provenance import localiser_provenance
    from palpate.workflows.scored import SCORED_ANNOTATED
    from palpate.workflows.split import images_to_evaluate

    localiser = load_localiser(run, device=device)
    opened = open_study(study or RunFolder(run).study_path())
    names = images_to_evaluate(RunFolder(run), opened, part=part)
    with stages() as advance:
        evaluated = evaluate_study(
            localiser,
            opened,
            names,
            advance=lambda done, total: advance("predicting", done, total, ""),
        )
    for name, reason in evaluated.failures.items():
        errors.print(f"not predicted: {name}: {reason}", highlight=False, markup=False)
    wanted = protocol or opened.settings.protocol
    calibration = find_calibration(run)
    assessment = assess(
        opened,
        evaluated,
        protocol=read_protocol(wanted) if wanted else None,
        calibrations=one_calibration(names, calibration),
        seed=0,
        annotated_only=annotated_only,
    )
    assessment = with_limbs(assessment, [run], seed=0, made_by=localiser.name)
    provenance = {**RunFolder(run).provenance_values(), **localiser_provenance(localiser)}
    provenance["evaluated"] = f"{opened.name}, part {part}, {len(evaluated.cases)} images"
    if annotated_only:
        provenance["scored"] = SCORED_ANNOTATED
    if calibration is not None and assessment.trusted is None:
        said = (
            "Coverage is not counted: all images here are of subjects that the run was "
            f"calibrated on ({calibration.source}). Truths lie inside their "
            "intervals by construction here; a cross-validation counts honestly."
        )
        assessment = replace(assessment, warnings=(*assessment.warnings, said))
        errors.print(f"note: {said}", highlight=False, markup=False)
    assessment = with_baselines(assessment, [read_split(RunFolder(run).split)], seed=0)
    assessment = with_people(assessment, name=localiser.name, seed=0)
    write_assessment(assessment, out, provenance)
    show_assessment(assessment, out)
