"""What a model proposed for an image: kept apart from what a person marked, and told from it.

In the flow: proposals -> a person corrects -> :func:`as_proposed` tells what was not touched. The
name ``proposal`` is no annotator: :mod:`palpate.study_annotation` leaves such rows out, whatever
file they stand in. The record in the study's folder lets ``palpate check`` find the rest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, ValidationError

from palpate.errors import FormatError
from palpate.files import write_json
from palpate.points import Points

# Stands where a person's name would: such rows are never annotation.
PROPOSAL = "proposal"
# The record's name, in the folder of proposals and in that of the study.
RECORD = "proposed.json"
# Proposals are written with so many digits; a file that was written and read may round beyond.
DIGITS = 3
_SAME_PX = 1e-4
# Programs that round keep hundredths, tenths or whole pixels, from a centre or from a corner.
_STEPS_PX = (0.01, 0.1, 1.0)


def is_proposal(annotator: str) -> bool:
    """Whether an annotator's name says that no person was there.

    Example:
        >>> is_proposal(" Proposal"), is_proposal("Ada")
        (True, False)
    """
    return annotator.strip().casefold() == PROPOSAL


@dataclass(frozen=True, eq=False, slots=True)
class Proposed:
    """What was proposed for one image.

    Args:
        coordinates: in px of the image, in the record's order; NaN where nothing was proposed.
        looked_at_by: the person who found it right as it was; empty where nobody said so.
    """

    coordinates: Float[ndarray, "landmark d"]
    looked_at_by: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class ProposalRecord:
    """What was proposed for each image, and by what.

    Args:
        landmarks: names, in the order of the coordinates.
        images: identifier -> what was proposed.
        origin: of the proposals: localiser, version, time.
    """

    landmarks: tuple[str, ...]
    images: Mapping[str, Proposed]
    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", MappingProxyType(dict(self.images)))
        object.__setattr__(self, "origin", MappingProxyType(dict(self.origin)))

    def untouched(self, image: str, points: Points) -> Bool[ndarray, " landmark"]:
        """Tell which landmarks, in the record's order, are where they were proposed.

        A landmark that the points' scheme does not know counts as absent.
        """
        here = np.full(self.images[image].coordinates.shape, np.nan)
        for k, name in enumerate(self.landmarks):
            if name in points.scheme.names:
                here[k] = points[name]
        return as_proposed(here, self.images[image].coordinates)

    def write(self, path: Path) -> None:
        """Write JSON.

        Raises:
            OutputError: it could not be written.
        """
        images = {
            name: {
                "points": [
                    None if np.isnan(row).any() else row.tolist() for row in each.coordinates
                ],
                "looked_at_by": each.looked_at_by,
            }
            for name, each in self.images.items()
        }
        write_json(
            path,
            {
                "palpate_proposals": 1,
                "origin": dict(self.origin),
                "landmarks": list(self.landmarks),
                "images": images,
            },
        )


def as_proposed(
    points: Float[ndarray, "landmark d"], proposed: Float[ndarray, "landmark d"]
) -> Bool[ndarray, " landmark"]:
    """Tell which landmarks nobody moved: as proposed, or as a program that rounds would keep it.

    Example:
        >>> was = np.array([[10.237, 4.0], [20.0, 30.0], [np.nan, np.nan]])
        >>> now = np.array([[10.24, 4.0], [20.0, 31.3], [np.nan, np.nan]])
        >>> as_proposed(now, was).tolist()
        [True, False, True]
    """
    kept = np.abs(points - proposed) <= _SAME_PX
    for step in _STEPS_PX:
        for start in (0.0, 0.5):
            rounded = np.round((proposed - start) / step) * step + start
            # Both sides of a tie are roundings.
            tie = np.abs(np.abs(proposed - rounded) - step / 2) <= _SAME_PX
            other = np.where(tie, 2 * proposed - rounded, rounded)
            near = np.minimum(np.abs(points - rounded), np.abs(points - other))
            kept |= (near <= _SAME_PX).all(axis=1, keepdims=True)
    gone = np.isnan(points).any(axis=1), np.isnan(proposed).any(axis=1)
    return np.where(gone[0] | gone[1], gone[0] & gone[1], kept.all(axis=1))


class _Image(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    points: tuple[tuple[float, ...] | None, ...]
    looked_at_by: str = ""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    palpate_proposals: int
    origin: dict[str, str]
    landmarks: tuple[str, ...]
    images: dict[str, _Image]


def read_proposal_record(path: Path) -> ProposalRecord:
    """Read what :meth:`ProposalRecord.write` wrote.

    Raises:
        FormatError: no such file, no JSON, or no record of proposals.
    """
    try:
        content = _Record.model_validate(json.loads(path.read_bytes().decode("utf-8")))
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    except (ValidationError, ValueError) as error:
        raise FormatError(
            path, "is no record of proposals, or a damaged one; make it again"
        ) from error
    axes = {len(row) for each in content.images.values() for row in each.points if row is not None}
    lengths = {len(each.points) for each in content.images.values()}
    if len(axes) > 1 or not axes <= {2, 3} or not lengths <= {len(content.landmarks)}:
        raise FormatError(path, "is a damaged record of proposals; make it again")
    absent = (float("nan"),) * max(axes, default=2)
    images = {
        name: Proposed(
            np.array([absent if row is None else row for row in each.points], dtype=float),
            each.looked_at_by,
        )
        for name, each in content.images.items()
    }
    return ProposalRecord(content.landmarks, images, content.origin)
