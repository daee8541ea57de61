"""What the page of a learning curve is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from numpy import ndarray

from palpate.evaluation.bootstrap import Interval
from palpate.evaluation.compare import PairedDifference
from palpate.evaluation.learning_curve import FittedCurve


@dataclass(frozen=True, slots=True)
class ReportedSize:
    """A method at one size.

    Args:
        size: number of training images that was asked for.
        images: what the runs had, least and most.
        at: the same in the mean, where the size is drawn.
        mean: mean radial error; None where nothing was found.
        interval: of it.
        median: over landmarks.
        success: share of landmarks within ``ReportedCurve.limit``.
        success_interval: of it.
        percentiles: of the images' mean error, in ``ReportedCurve.film_unit``.
        missed: landmarks that were not found.
        from_one: mean distance from one annotator alone; None where there is one annotator.
        minutes: of training; None where not known.
    """

    size: int
    images: tuple[int, int]
    at: float
    mean: float | None
    interval: Interval | None
    median: float | None
    success: float | None
    success_interval: Interval | None
    percentiles: Mapping[int, float | None]
    missed: int
    from_one: float | None
    minutes: float | None


@dataclass(frozen=True, eq=False, slots=True)
class ReportedMethod:
    """A method: its sizes, its curve, and the images' errors at its largest size.

    Args:
        name: of its recipe.
        sizes: growing.
        fit: of the mean; None where there is none.
        films: mean error of each test image at the largest size, from one annotator where the
            test images have several, else from the truth; infinite where a landmark was missed.
    """

    name: str
    sizes: tuple[ReportedSize, ...]
    fit: FittedCurve | None
    films: Float[ndarray, " film"]


@dataclass(frozen=True, slots=True)
class ReportedDifference:
    """Two methods at one size, the second less the first."""

    size: int
    first: str
    second: str
    paired: PairedDifference


@dataclass(frozen=True, eq=False, slots=True)
class ReportedCurve:
    """A learning curve with its advice.

    Args:
        study: its name.
        unit: of the errors.
        limit: of success, with its unit.
        film_unit: of the images' errors.
        test_images: how many.
        test_subjects: people on them.
        methods: one or more.
        differences: of every two methods at every size.
        people: mean distance of two annotators; None where the test images have one.
        people_films: the same of each image.
        advised: sentences.
        caveats: sentences.
        failed: run -> why.
        provenance: where it comes from.
    """

    study: str
    unit: str
    limit: str
    film_unit: str
    test_images: int
    test_subjects: int
    methods: tuple[ReportedMethod, ...]
    differences: tuple[ReportedDifference, ...]
    people: float | None
    people_films: Float[ndarray, " film"] | None
    advised: tuple[str, ...]
    caveats: tuple[str, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
