"""What the page of a posture study is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from palpate.errors import StudyError
from palpate.evaluation.posture import PostureEvaluation
from palpate.evaluation.posture_paired import PostureDifference


@dataclass(frozen=True, eq=False, slots=True)
class ReportedPosture:
    """Predictions of the frames of a study against their labels.

    Args:
        title: at the top.
        evaluations: one a prediction; the first is the one that the page is about, the others
            are beside it.
        baseline: what a guess without an image gives, in a column of its own; None for none.
        differences: name -> a comparison with the first prediction, second less first.
        provenance: study, split, recipe, seed, versions, as text.
        warnings: what a reader must know first.

    Raises:
        StudyError: no evaluation, two of one name, or of other frames, children, protocol or
            threshold.
    """

    title: str
    evaluations: Sequence[PostureEvaluation]
    baseline: PostureEvaluation | None = None
    differences: Mapping[str, Sequence[PostureDifference]] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "evaluations", tuple(self.evaluations))
        object.__setattr__(self, "warnings", tuple(self.warnings))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        object.__setattr__(
            self,
            "differences",
            MappingProxyType({name: tuple(each) for name, each in self.differences.items()}),
        )
        if not self.evaluations:
            raise StudyError("a report of posture needs at least one evaluation")
        every = self.every
        names = [each.made_by for each in every]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise StudyError(f"two predictions are called {twice!r}; give each a name of its own")
        for other in every[1:]:
            _refuse_another(every[0], other)

    @property
    def first(self) -> PostureEvaluation:
        """The prediction that the page is about."""
        return self.evaluations[0]

    @property
    def every(self) -> tuple[PostureEvaluation, ...]:
        """All predictions, the baseline last."""
        return (*self.evaluations, *(() if self.baseline is None else (self.baseline,)))


def _refuse_another(first: PostureEvaluation, other: PostureEvaluation) -> None:
    for what, one, two in (
        ("protocol", first.protocol, other.protocol),
        ("threshold", first.threshold_deg, other.threshold_deg),
        ("children", first.children, other.children),
        ("frames", first.judged.frames.identifiers, other.judged.frames.identifiers),
    ):
        if one != two:
            raise StudyError(
                f"{other.made_by!r} and {first.made_by!r} are evaluated on different {what}; "
                "a page compares predictions of the same frames"
            )
