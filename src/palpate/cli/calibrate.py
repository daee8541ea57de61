"""``palpate calibrate``: how sure a run may be, learnt from subjects that it did not see."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palpate.protocols.protocol import Protocol
    from palpate.study import Study
    from palpate.trust.calibration import UncertaintyCalibration


def calibrate(
    run: Annotated[
        Path,
        typer.Argument(help="Run folder; or a cross-validation, whose folds are an ensemble."),
    ],
    study: Annotated[
        Path | None, typer.Argument(help="Default: the study that the run was trained on.")
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="Part of the run's split: validation (default), test; 'all' for another study."
        ),
    ] = None,
    crossval: Annotated[
        Path | None,
        typer.Option(help="Folder of a cross-validation of the same recipe, in place of a part."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Name or TOML file; default: the study's own.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Calibrate regions, measurement intervals and chances of classes on held-out subjects.

    Writes calibration.json into the run; predict, measure and evaluate use it from then on.
    """
    from palpate.cli.progress import console
    from palpate.localisers.calibrated import calibration_path
    from palpate.localisers.run_folder import RunFolder
    from palpate.protocols.protocol import read_protocol
    from palpate.study import open_study
    from palpate.trust.store import write_calibration

    _refuse_together(run, study, part, crossval)
    opened = open_study(study or RunFolder(run).study_path())
    wanted = protocol or opened.settings.protocol
    measured = read_protocol(wanted) if wanted else None
    found = _learnt(run, opened, measured, part=part, crossval=crossval, device=device)
    write_calibration(found, calibration_path(run))
    _show(found)
    console.print(f"calibration: {calibration_path(run)}", highlight=False, markup=False)


def _learnt(
    run: Path,
    study: "Study",
    protocol: "Protocol | None",
    *,
    part: str | None,
    crossval: Path | None,
    device: str,
) -> "UncertaintyCalibration":
    """Learn from a cross-validation, a part of the run's split or a study that nobody saw."""
    from palpate.cli.progress import stages
    from palpate.localisers.ensemble_load import load_ensemble, runs_in
    from palpate.localisers.load import load_localiser
    from palpate.localisers.run_folder import RunFolder
    from palpate.workflows.calibrate import calibrate_ensemble, calibrate_on_folds, calibrate_run

    runs = runs_in(run)
    with stages() as show:

        def advance(done: int, total: int) -> None:
            show("predicting", done, total, "")

        if runs != (run,):
            folders = [RunFolder(one) for one in runs]
            whole = load_ensemble([run], device=device)
            return calibrate_ensemble(whole, folders, study, protocol=protocol, advance=advance)
        one, folder = load_localiser(run, device=device), RunFolder(run)
        if crossval is not None:
            return calibrate_on_folds(one, folder, crossval, study, protocol=protocol)
        chosen = part or "validation"
        return calibrate_run(one, folder, study, part=chosen, protocol=protocol, advance=advance)


def _refuse_together(
    run: Path, study: Path | None, part: str | None, crossval: Path | None
) -> None:
    """Refuse what does not go together, with what would.

    Raises:
        PalpateError: no folder is there, or it is no finished run.
        ConfigError: a part and a cross-validation, an exported model, or an ensemble without a
            study that none of its members saw.
    """
    from palpate.errors import ConfigError, PalpateError
    from palpate.localisers.ensemble_load import runs_in
    from palpate.localisers.run_folder import RunFolder

    if crossval is not None and part is not None:
        raise ConfigError("--part and --crossval are two things to calibrate on; take one of them")
    if run.suffix == ".onnx":
        raise ConfigError(
            f"{run} is an exported model: calibrate the run that it was exported from, and export "
            "that again, which takes its calibration along"
        )
    if not run.is_dir():
        raise PalpateError(f"there is no run folder {run}; make one with 'palpate train'")
    if runs_in(run) == (run,):
        RunFolder(run).description()  # refuses what is no finished run
    elif study is None or part != "all":
        raise ConfigError(
            f"{run} is a cross-validation: its folds together have seen every subject of their "
            f"study, so they are calibrated on another one (palpate calibrate {run} STUDY --part "
            f"all); one run of its recipe is calibrated on it with --crossval {run}"
        )


def _show(found: "UncertaintyCalibration") -> None:
    """Print what was learnt: how far regions and intervals reach."""
    import numpy as np
    from rich.table import Table

    from palpate.cli.progress import console
    from palpate.conformal.quantile import subjects_needed
    from palpate.evaluation.reliability import LEVELS

    console.print(f"calibrated on {found.source}", highlight=False, markup=False)
    for level in LEVELS:
        if found.count < subjects_needed(level):
            console.print(
                f"note: intervals of {100 * level:g} % need {subjects_needed(level)} subjects",
                highlight=False,
            )
    radii = np.sqrt(found.factors)
    console.print(
        f"stated deviations of the landmarks are multiplied by {radii.min():.2f} to "
        f"{radii.max():.2f} (median {np.median(radii):.2f})",
        highlight=False,
    )
    for label, quantities in found.measurements.items():
        table = Table(title=f"{label}: half width of an interval at the usual uncertainty")
        table.add_column("")
        for level in LEVELS:
            table.add_column(f"{100 * level:g} %", justify="right")
        for name, scores in quantities.items():
            usual = float(np.median((scores.below + scores.above) / 2))
            bounds = [scores.interval(0.0, usual, usual, level) for level in LEVELS]
            cells = ["-" if b is None else f"{b[1]:.2f} {scores.unit}" for b in bounds]
            table.add_row(name, *cells)
        console.print(table)
