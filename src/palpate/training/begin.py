"""Begin a run that is made in several stages, or see that it is the one begun before."""

from pathlib import Path

from palpate.errors import ConfigError, PalpateError
from palpate.localisers.run_folder import RunFolder
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe
from palpate.training.record import write_request


def begin_run(folder: RunFolder, job: TrainingJob[Recipe], *, resume: bool, command: str) -> None:
    """Write what was asked for, or see that it is the same that was asked for before.

    Raises:
        PalpateError: the folder holds a run and nothing is to be resumed, or the other way round.
        ConfigError: it was begun with something else.
    """
    if not folder.begun:
        if resume and not folder.root.exists():
            raise PalpateError(f"there is nothing to resume in {folder.root}; leave out --resume")
        write_request(folder, job, command=command)
        return
    if not resume:
        raise PalpateError(
            f"{folder.root} already holds a run; choose another --out, or go on with --resume"
        )
    before = folder.provenance_values().get("inputs", "")
    refuse_another(folder.root, before, job.fingerprint()[:12])


def refuse_another(root: Path, before: str, now: str) -> None:
    """Refuse to go on with what was begun with something else.

    Raises:
        ConfigError: the fingerprints differ.
    """
    if before != now:
        raise ConfigError(
            f"{root} was begun with another recipe, split or annotation; "
            "resume with the same, or choose another --out"
        )
