"""``palpate crossval``: every subject predicted by a run that never saw it."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from palpate.cli.options import AnnotatedOnly, Folds, FoldSeed, Jobs, Only, TrainingDevice


def crossval(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images and annotation.")],
    out: Annotated[Path, typer.Option(help="Folder for the folds, metrics and report.html.")],
    recipe: Annotated[str, typer.Option(help="Name or TOML file.")] = "default",
    folds: Folds = None,
    only: Only = None,
    seed: FoldSeed = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    annotated_only: AnnotatedOnly = False,
    jobs: Jobs = 1,
    device: TrainingDevice = None,
) -> None:
    """Cross-validate by subject; run it again to go on where it stopped."""
    from palpate.cli.figures import show_assessment
    from palpate.cli.progress import errors, stages
    from palpate.cli.torch_needed import need_torch

    need_torch()
    from palpate.protocols.protocol import read_protocol
    from palpate.study import open_study
    from palpate.training.recipe import read_recipe
    from palpate.workflows.assess import assess, with_limbs, write_assessment
    from palpate.workflows.assess_beside import with_baselines, with_people
    from palpate.workflows.cross_conformal import cross_calibrations, folds_of
    from palpate.workflows.crossval import cross_validate
    from palpate.workflows.folds import make_folds
    from palpate.workflows.limb_tables import fold_runs
    from palpate.workflows.provenance import study_provenance
    from palpate.workflows.scored import SCORED_ANNOTATED
    from palpate.workflows.train_folds import Workers

    opened = open_study(study)
    chosen = read_recipe(recipe, set_ or [])
    cut = make_folds(opened, chosen.crossval, seed=seed, count=folds, only=only)
    with stages() as show:
        evaluated = cross_validate(
            cut,
            chosen,
            out,
            workers=Workers(jobs, device),
            advance=lambda number, what, done, total, remark: show(
                f"fold {number + 1}: {what}", done, total, remark
            ),
        )
    name = opened.settings.protocol
    protocol = read_protocol(name) if name else None
    calibrations, why_none = cross_calibrations(evaluated, folds_of(out), protocol)
    assessment = assess(
        opened,
        evaluated,
        protocol=protocol,
        calibrations=calibrations,
        seed=seed,
        made_by=chosen.name,
        annotated_only=annotated_only,
    )
    if why_none:
        errors.print(f"note: {why_none}", highlight=False, markup=False)
        assessment = replace(assessment, warnings=(*assessment.warnings, why_none))
    runs = fold_runs(out, len(cut.splits))
    assessment = with_limbs(assessment, runs, seed=seed, made_by=chosen.name)
    provenance = study_provenance(
        opened, chosen, f"{len(cut.splits)} folds by subject, seed {seed}"
    )
    if annotated_only:
        provenance = {**provenance, "scored": SCORED_ANNOTATED}
    assessment = with_baselines(assessment, cut.splits, seed=seed)
    assessment = with_people(assessment, name=chosen.name, seed=seed)
    write_assessment(assessment, out, provenance)
    show_assessment(assessment, out)
