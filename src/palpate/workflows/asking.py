"""How a localiser is asked: once, in several views, with dropout, or several of them together."""

from dataclasses import dataclass
from pathlib import Path

from palpate.errors import ConfigError
from palpate.localisers.calibrated import calibration_path, with_calibration
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.ensemble_load import load_ensemble, runs_in
from palpate.localisers.load import load_localiser
from palpate.localisers.localiser import Localiser
from palpate.localisers.network import NetworkLocaliser
from palpate.localisers.views import ViewsLocaliser


@dataclass(frozen=True, slots=True)
class Asking:
    """What is done besides one plain look.

    Args:
        views: slightly turned and scaled views of an image; 1 is the plain one alone.
        passes: of a network with dropout left on; 0 leaves it off.

    Raises:
        ConfigError: both are asked for.
    """

    views: int = 1
    passes: int = 0

    def __post_init__(self) -> None:
        if self.views > 1 and self.passes:
            raise ConfigError("--views and --passes are two ways to ask again; take one of them")

    @property
    def plain(self) -> bool:
        """Whether there is one look only."""
        return self.views == 1 and not self.passes


def load_asked(
    runs: str,
    asking: Asking,
    *,
    device: str = "cpu",
    engine: str | None = None,
    one_thread: bool = False,
) -> Localiser:
    """Load a localiser, or several as an ensemble, to be asked as wished.

    A calibration beside it is of one plain look: then, and then alone, it is used.

    Args:
        runs: run folders, exported models or a cross-validation, with commas.
        asking: how.
        device: of torch.
        engine: for exported models.
        one_thread: as of :func:`palpate.localisers.load.load_localiser`; a single run's alone.

    Raises:
        PalpateError: nothing there, or members that do not fit together.
        ConfigError: it cannot be asked so, or its calibration is of other weights.
        FormatError: its calibration is damaged.
    """
    paths = _paths(runs)
    if len(paths) > 1 or runs_in(paths[0]) != (paths[0],):
        localiser: Localiser = load_ensemble(paths, device=device, engine=engine)
    else:
        localiser = load_localiser(paths[0], device=device, engine=engine, one_thread=one_thread)
    if asking.plain:
        alone = len(paths) == 1 and not isinstance(localiser, ClipLocaliser)
        return with_calibration(localiser, paths[0]) if alone else localiser
    if isinstance(localiser, ClipLocaliser):
        raise ConfigError("--views and --passes are for localisers that see one image at a time")
    if asking.views > 1:
        return ViewsLocaliser(localiser, asking.views)
    if not isinstance(localiser, NetworkLocaliser):
        raise ConfigError("--passes is for a single network with dropout; ask in --views instead")
    from palpate.localisers.dropout import DropoutLocaliser

    return DropoutLocaliser(localiser, asking.passes)


def unused_calibrations(runs: str, asking: Asking) -> list[str]:
    """Return a sentence for each calibration that is there and does not fit how is asked."""
    paths = _paths(runs)
    if asking.plain and len(paths) == 1:
        return []
    how = "several views or passes" if len(paths) == 1 else "several runs together"
    return [
        f"{calibration_path(path)} is of one plain look of that run alone, so it is not used for "
        f"{how}"
        for path in paths
        if calibration_path(path).exists()
    ]


def _paths(runs: str) -> tuple[Path, ...]:
    return tuple(Path(part.strip()) for part in runs.split(",") if part.strip()) or (Path(runs),)
