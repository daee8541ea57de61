"""What the page of the limbs of a study is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from palpate.errors import StudyError
from palpate.evaluation.limb_costs import RunCost
from palpate.evaluation.limb_errors import LimbEvaluation
from palpate.evaluation.limb_paired import LimbDifference


@dataclass(frozen=True, eq=False, slots=True)
class ReportedLimbs:
    """Predictions of the limbs of the same clips against their labels.

    Args:
        title: at the top.
        evaluations: one a prediction; the first is what the others are compared with.
        baseline: what a guess without an image gives, in a column of its own; None for none.
        costs: name of a prediction -> what its runs cost.
        differences: name of a prediction -> its comparison with the first.
        notes: how the figures are to be read.
        provenance: study, split, recipe, seed, versions, as text.

    Raises:
        StudyError: no evaluation, two of one name, or of other clips or limbs.
    """

    title: str
    evaluations: Sequence[LimbEvaluation]
    baseline: LimbEvaluation | None = None
    costs: Mapping[str, RunCost] = field(default_factory=dict)
    differences: Mapping[str, Sequence[LimbDifference]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "evaluations", tuple(self.evaluations))
        object.__setattr__(self, "notes", tuple(self.notes))
        for name in ("costs", "differences", "provenance"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        if not self.evaluations:
            raise StudyError("a report of limbs needs at least one evaluation")
        names = [each.made_by for each in self.every]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise StudyError(f"two predictions are called {twice!r}; give each a name of its own")
        first = self.first.errors
        for other in self.every[1:]:
            if (other.errors.clips, other.errors.limbs) != (first.clips, first.limbs):
                raise StudyError(
                    f"{other.made_by!r} and {first.made_by!r} are evaluated on different clips or "
                    "limbs; a page compares predictions of the same clips"
                )

    @property
    def first(self) -> LimbEvaluation:
        """What the others are compared with."""
        return self.evaluations[0]

    @property
    def every(self) -> tuple[LimbEvaluation, ...]:
        """All evaluations, the baseline last."""
        return (*self.evaluations, *(() if self.baseline is None else (self.baseline,)))
