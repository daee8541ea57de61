"""The errors that palpate raises, all of them.

PalpateError (also a ValueError)
├── SchemeError       a landmark name or scheme does not fit
├── GeometryError     coordinates, frames or shapes do not fit
├── FormatError       a file is not what it should be: names file, line or tag
├── ConfigError       a recipe, protocol or setting is wrong
├── StudyError        a study cannot be used: leaks, missing images, no subjects
└── OutputError       a result could not be written; nothing half-written is left
"""

from pathlib import Path


class PalpateError(ValueError):
    """Says what was expected, what came, where, and what to do next."""


class SchemeError(PalpateError):
    """A landmark name or a scheme does not fit."""


class GeometryError(PalpateError):
    """Coordinates, frames or shapes do not fit."""


class FormatError(PalpateError):
    """A file is not what it should be.

    Example:
        >>> str(FormatError(Path("labels.csv"), "no x column for landmark 'nose'", line=2))
        "labels.csv:2: no x column for landmark 'nose'"
    """

    def __init__(self, path: Path | str, problem: str, *, line: int | None = None) -> None:
        self.path = Path(path)
        self.problem = problem
        self.line = line
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {problem}")


class ConfigError(PalpateError):
    """A recipe, a protocol or a setting is wrong."""


class StudyError(PalpateError):
    """A study cannot be used as it is."""


class OutputError(PalpateError):
    """A result could not be written."""
