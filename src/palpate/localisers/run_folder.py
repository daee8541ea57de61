"""A RUN on disk: weights, what is needed to use them, and how they came to be. No pickles.

weights.safetensors   the network
localiser.json        input, codec, calibration (``LocaliserSpec``)
recipe.toml           the recipe as used
split.json            which image was in which part
provenance.json       study, versions, hashes
study.json            where the study is on this machine: for evaluate, in no result
log.csv               one row per epoch
metrics.json          validation error and calibration
last.safetensors      the state to resume from (only while training needs it)
timing.json           how long it was trained, where folds or a curve did it
labels.json           hash of the labels, where a cross-validation, a comparison or a curve made it
calibration.json      what held-out subjects say of its uncertainty, by `palpate calibrate`
global/, local/       the two searches of a cascade, each a run of its own; global-held-out-1/ ...
halves.json           which held-out images chose these weights, where halves of them did
second/               weights and localiser.json as the second half chose them
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palpate.errors import FormatError, PalpateError
from palpate.localisers.spec import LocaliserSpec


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of a RUN."""

    root: Path

    @property
    def weights(self) -> Path:
        """The network."""
        return self.root / "weights.safetensors"

    @property
    def best(self) -> Path:
        """The averaged network at the best validation."""
        return self.root / "best.safetensors"

    @property
    def halves(self) -> Path:
        """The two halves of the held-out images, where they choose the weights."""
        return self.root / "halves.json"

    def read_halves(self) -> tuple[list[str], list[str]]:
        """Read which held-out images chose the weights here, and which those of ``second``."""
        try:
            first, second = json.loads(self.halves.read_text(encoding="utf-8"))
            return [str(name) for name in first], [str(name) for name in second]
        except (OSError, ValueError, TypeError) as error:
            raise FormatError(self.halves, f"cannot be read: {error}") from error

    @property
    def second(self) -> "RunFolder":
        """Where the weights are that the second half chose."""
        return RunFolder(self.root / "second")

    @property
    def last(self) -> Path:
        """The state to resume from."""
        return self.root / "last.safetensors"

    @property
    def localiser(self) -> Path:
        """What is needed to use the weights."""
        return self.root / "localiser.json"

    @property
    def recipe(self) -> Path:
        """The recipe as used."""
        return self.root / "recipe.toml"

    @property
    def split(self) -> Path:
        """Which image was in which part."""
        return self.root / "split.json"

    @property
    def provenance(self) -> Path:
        """Study, versions, hashes."""
        return self.root / "provenance.json"

    @property
    def study(self) -> Path:
        """Where the study is on this machine."""
        return self.root / "study.json"

    @property
    def begun(self) -> bool:
        """Whether a training was begun here, of whatever method; it may have finished."""
        return self.provenance.exists()

    @property
    def log(self) -> Path:
        """One row per epoch."""
        return self.root / "log.csv"

    @property
    def metrics(self) -> Path:
        """Validation error and calibration."""
        return self.root / "metrics.json"

    def spec(self) -> LocaliserSpec:
        """Read the description of a network localiser.

        Raises:
            PalpateError: no finished run is here.
            ConfigError: it is no network's.
        """
        return LocaliserSpec.from_json(self.description(), where=str(self.localiser))

    def description(self) -> dict[str, Any]:
        """Read the localiser's description, of whatever method.

        Raises:
            PalpateError: no finished run is here.
        """
        if not self.localiser.exists():
            hint = "; its training did not finish: add --resume to the same train command"
            raise PalpateError(
                f"{self.root} is not a finished run: it has no {self.localiser.name}"
                + (hint if self.last.exists() else "")
            )
        try:
            return dict(json.loads(self.localiser.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise FormatError(self.localiser, f"cannot be read: {error}") from error

    def study_path(self) -> Path:
        """Return where the study was when the run was made.

        Raises:
            PalpateError: it is no longer there.
        """
        try:
            path = Path(json.loads(self.study.read_text(encoding="utf-8"))["path"])
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise FormatError(self.study, f"cannot be read: {error}; name the STUDY") from error
        if not path.exists():
            raise PalpateError(f"the run's study is no longer at {path}; name the STUDY")
        return path

    def provenance_values(self) -> dict[str, str]:
        """Read where the run comes from."""
        try:
            return dict(json.loads(self.provenance.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise FormatError(self.provenance, f"cannot be read: {error}") from error
