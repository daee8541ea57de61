"""A film of a phantom: a sample with everything that is known because it was made so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from palpate.sample import Sample


@dataclass(frozen=True, eq=False, slots=True)
class PhantomFilm:
    """One made-up film and its exact truth.

    Args:
        sample: image, subject, group and the exact points; the image is calibrated.
        quantities: name as the protocol has it -> exact value; degrees or millimetres.
        notes: how the film was made, for a table beside the images.
    """

    sample: Sample
    quantities: Mapping[str, float]
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantities", MappingProxyType(dict(self.quantities)))
        object.__setattr__(self, "notes", MappingProxyType(dict(self.notes)))
