"""Ensembles from run folders and exported models."""

import re
from collections.abc import Sequence
from pathlib import Path

from palpate.errors import ConfigError, PalpateError
from palpate.localisers.ensemble import EnsembleLocaliser
from palpate.localisers.load import load_localiser
from palpate.localisers.run_folder import RunFolder

_FOLD = re.compile(r"fold-(\d+)")


def load_ensemble(
    paths: Sequence[Path], *, device: str = "cpu", engine: str | None = None
) -> EnsembleLocaliser:
    """Load several localisers as one.

    The folds of a cross-validation are an ensemble for new subjects only: on those of its own
    study nearly all of its members were trained, and its uncertainty is far too small.

    Args:
        paths: RUN folders, exported models, or folders of a cross-validation, whose finished
            folds are taken.
        device: of torch.
        engine: for exported models, as of :func:`palpate.localisers.load.load_localiser`.

    Raises:
        PalpateError: a path that is none of these, or cannot be loaded.
        ConfigError: fewer than two localisers, one named twice, or of other landmarks or another
            protocol.
    """
    runs = [run for path in paths for run in runs_in(path)]
    seen = set()
    for run in runs:
        if run.resolve() in seen:
            raise ConfigError(f"{run} is named twice; an ensemble takes each run once")
        seen.add(run.resolve())
    return EnsembleLocaliser(
        tuple(load_localiser(run, device=device, engine=engine) for run in runs)
    )


def runs_in(path: Path) -> tuple[Path, ...]:
    """Return the runs that a path names: itself, or the folds of a cross-validation.

    Raises:
        PalpateError: a folder of folds of which none is finished.
    """
    folds = folds_in(path)
    if not folds or RunFolder(path).localiser.exists():
        return (path,)
    finished = tuple(fold for fold in folds if RunFolder(fold).localiser.exists())
    if not finished:
        raise PalpateError(f"no fold in {path} is finished; run its 'palpate crossval' again")
    return finished


def folds_in(path: Path) -> tuple[Path, ...]:
    """Return the folders fold-1, fold-2, ... of a cross-validation, in order; may be none."""
    numbers = {fold: _FOLD.fullmatch(fold.name) for fold in path.glob("fold-*")}
    found = {fold: int(match[1]) for fold, match in numbers.items() if match is not None}
    return tuple(sorted(found, key=found.__getitem__))
