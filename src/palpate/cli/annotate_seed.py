"""``palpate annotate-seed``: proposals for images that nobody annotated, to be corrected."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from palpate.cli.options import TrainingDevice

if TYPE_CHECKING:
    from palpate.localisers.localiser import Localiser
    from palpate.study import Study
    from palpate.workflows.seed import Seeded
    from palpate.workflows.seed_files import SeedFolder


def annotate_seed(  # noqa: PLR0913, PLR0917 - the flags of a command
    study: Annotated[Path, typer.Argument(help="Folder with images, some of them annotated.")],
    out: Annotated[Path, typer.Option(help="Folder for the proposals; the study is not touched.")],
    recipe: Annotated[
        str, typer.Option(help="Trained on what is annotated: name or TOML file.")
    ] = "rfrv-clm",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Use this run, of any method, instead of training one.")
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="Of the proposals; default: the study's own.")
    ] = None,
    subject_limit: Annotated[
        int | None, typer.Option(min=1, help="Propose for so many subjects at most.")
    ] = None,
    corrected_by: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Take back what this person has corrected in OUT."),
    ] = None,
    edited: Annotated[
        Path | None, typer.Option(help="The corrected file, where it is not the one in OUT.")
    ] = None,
    device: TrainingDevice = None,
) -> None:
    """Propose landmarks for the images of a study that have none, so that a person corrects.

    With --corrected-by NAME what that person has corrected is made ready for the study.
    """
    from palpate.errors import PalpateError
    from palpate.study import open_study
    from palpate.workflows.seed_files import SeedFolder, format_for

    opened, folder = open_study(study), SeedFolder(out)
    if corrected_by is not None:
        _take_back(opened, folder, corrected_by, edited, study)
        return
    if edited is not None:
        raise PalpateError("--edited goes with --corrected-by NAME")
    folder.refuse_finished()
    written_as = format_for(opened, format_)

    from palpate.cli.progress import console, stages
    from palpate.workflows.seed import propose, without_points

    wanted = without_points(opened, subjects=subject_limit)
    if not len(wanted):
        told = f"all {len(opened)} images of {opened.name} are annotated"
        console.print(f"{told}: there is nothing to propose", highlight=False, markup=False)
        return
    localiser = _localiser(opened, folder, run, recipe, set_ or [], device)
    with stages() as show:
        seeded = propose(
            localiser,
            opened,
            wanted,
            folder,
            written_as=written_as,
            advance=lambda done, name: show("proposing", done, len(wanted), name),
        )
    _say(seeded, folder, written_as, study)
    _say_subjects(wanted)


def _localiser(
    opened: "Study",
    folder: "SeedFolder",
    run: Path | None,
    recipe: str,
    changes: list[str],
    device: str | None,
) -> "Localiser":
    """Load the run that was given, or train one into OUT/run."""
    from palpate.cli.progress import console, stages
    from palpate.localisers.load import load_localiser

    if run is not None:
        return load_localiser(run, device=device or "cpu")
    from palpate.cli.torch_needed import need_torch
    from palpate.cli.typed import typed_command

    need_torch()
    from palpate.training.recipe import read_recipe
    from palpate.training.train import Manner
    from palpate.workflows.seed_train import seeding_job, train_once

    job = seeding_job(opened, read_recipe(recipe, changes))
    with stages() as advance:
        train_once(
            job,
            folder.run,
            manner=lambda resume: Manner(resume, device, typed_command()),
            advance=advance,
        )
    trained, aside = len(job.part("train")), len(job.part("validation"))
    console.print(
        f"trained on {trained} images of {opened.name}"
        + (f", {aside} set aside for calibration" if aside else "")
        + f" -> {folder.run}",
        highlight=False,
        markup=False,
    )
    return load_localiser(folder.run, device=device or "cpu")


def _say(seeded: "Seeded", folder: "SeedFolder", written_as: str, study: Path) -> None:
    from statistics import median

    from palpate.cli.progress import console, errors

    for name, reason in seeded.failures.items():
        errors.print(f"not proposed: {name}: {reason}", highlight=False, markup=False)
    queue = seeded.queue
    unit = queue[0].unit
    worst = max(queue, key=lambda each: each.expected)
    lost = sum(each.lost for each in queue)
    certain = "" if seeded.calibrated else " (not calibrated: good for the order alone)"
    lines = [
        f"{len(queue)} of {len(queue) + len(seeded.failures)} images proposed -> {seeded.path} "
        f"({written_as})",
        f"expected error: median {median(each.expected for each in queue):.1f} {unit}, worst "
        f"{worst.expected:.1f} {unit} ({worst.image}){certain}; {lost} seem lost",
        f"the order to correct in: {folder.queue}, {folder.sheet}; {folder.root / 'report.html'}",
        "these are proposals of a model, in the name of 'proposal': no annotation until corrected",
        f"next: correct {seeded.path}, the worst first, then",
        f"      palpate annotate-seed {study} --out {folder.root} --corrected-by YOUR-NAME",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _say_subjects(wanted: "Study") -> None:
    """Tell before the work, not after it, that these images will want a subject."""
    from palpate.cli.progress import errors

    for finding in wanted.findings:
        if finding.kind == "subject-unknown":
            errors.print(f"note: {finding.sentence}", highlight=False, markup=False)


def _take_back(
    opened: "Study", folder: "SeedFolder", by: str, edited: Path | None, study: Path
) -> None:
    from statistics import median

    from palpate.cli.progress import console
    from palpate.workflows.seed_return import take_back

    back = take_back(opened, folder, by=by, edited=edited)
    lines = [f"{len(back.corrected)} images corrected by {by}"]
    if back.corrected:
        lines[0] += f" (median of {median(back.corrected.values()):g} landmarks moved)"
    if back.looked_at:
        lines[0] += f", {len(back.looked_at)} looked at and left as they were"
    if back.untouched:
        lines.append(
            f"{len(back.untouched)} stay proposals, such as {back.untouched[0]}: nobody touched "
            f"them; where one is right as it is, say so in the column 'looked_at' of {folder.queue}"
        )
    if back.setting:
        lines.append(f"study.toml needs, above any [table]:\n{back.setting}")
    root = study if study.is_dir() else study.parent
    lines.append(f"next: cp {folder.corrected}/* {root}/ && palpate check {study}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
