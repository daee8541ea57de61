"""What a learning curve means for the next step, in sentences: a pure function of figures.

Nothing is called better unless the paired interval says so. To add an advice, give it a function
from :class:`Figures` to sentences and name it in :func:`advice`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from palpate.evaluation.bootstrap import Interval
from palpate.evaluation.learning_curve import FittedCurve

# Below so many test subjects an interval by bootstrap is too narrow to lean on.
_FEW_SUBJECTS = 20
# A mean so many times the typical image's is carried by a few images.
_CARRIED = 1.5
# A gain of less than this share of the error is none.
_NO_GAIN = 0.01
# More images than this many times the largest size are not foretold.
_FARTHEST = 1.0


@dataclass(frozen=True, slots=True)
class Beside:
    """A method and a person, each compared with one person.

    Args:
        model: mean distance of the method from each annotator alone.
        people: mean distance of two annotators from each other.
        difference: the first less the second.
        interval: of the difference; None for one subject.
    """

    model: float
    people: float
    difference: float
    interval: Interval | None


@dataclass(frozen=True, eq=False, slots=True)
class Method:
    """A method at growing sizes.

    Args:
        name: of its recipe.
        sizes: that were asked for.
        images: training images at each size, in the mean of the runs.
        errors: mean radial error at each size.
        interval: of the last of them.
        typical: median over images of an image's mean error at the last size; None where half of
            the images have a missed landmark.
        missed: share of the annotated landmarks that were not found at the last size.
        minutes: training time at the last size; None where not known.
        fit: of ``errors``; None where there is none.
        typical_fit: of that median at each size; None likewise.
        beside: at the last size; None where the test images have one annotator.
    """

    name: str
    sizes: tuple[int, ...]
    images: tuple[float, ...]
    errors: tuple[float, ...]
    interval: Interval | None
    typical: float | None
    missed: float
    minutes: float | None
    fit: FittedCurve | None
    typical_fit: FittedCurve | None
    beside: Beside | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two methods at one size: the mean of second less first over what both found."""

    size: int
    first: str
    second: str
    difference: float
    interval: Interval | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True, eq=False, slots=True)
class Figures:
    """All that advice is given on.

    Args:
        unit: of the errors.
        test_images: how many, each counted once.
        test_subjects: people on them.
        validation_images: beside the training images at every size.
        folds: test sets.
        repeats: how often training images were drawn.
        methods: each with one size or more.
        pairs: of every two methods at every size.
        failed: runs that failed.
        jobs: runs that were trained at a time.
    """

    unit: str
    test_images: int
    test_subjects: int
    validation_images: int
    folds: int
    repeats: int
    methods: tuple[Method, ...]
    pairs: tuple[Pair, ...] = ()
    failed: int = 0
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Advice:
    """Sentences: what to do, and what speaks against leaning on it."""

    advised: tuple[str, ...]
    caveats: tuple[str, ...]


def advice(figures: Figures) -> Advice:
    """Say which method to use now, where curves cross, what more images would buy, and caveats.

    Example:
        >>> one = Method("a", (50,), (50.0,), (2.0,), (1.8, 2.2), 1.9, 0.0, 3.0, None, None, None)
        >>> advice(Figures("mm", 40, 30, 8, 1, 1, (one,))).advised[0]
        'With 50 training images a is at 2.00 mm (95 % interval 1.80 to 2.20) on 40 test images.'
    """
    leading = _leading(figures)
    return Advice(
        advised=(
            *_which(figures, leading),
            *_crossings(figures),
            *(sentence for method in leading for sentence in _more(figures, method)),
            *(_beside(figures, method) for method in leading if method.beside is not None),
        ),
        caveats=tuple(_caveats(figures, leading)),
    )


def _leading(figures: Figures) -> list[Method]:
    """The nearest method at the largest size, and those that cannot be told from it."""
    largest = max(method.sizes[-1] for method in figures.methods)
    there = [method for method in figures.methods if method.sizes[-1] == largest]
    ranked = sorted(there, key=lambda method: method.errors[-1])
    best, others = ranked[0], ranked[1:]
    return [best, *(other for other in others if not _worse(figures, best, other))]


def _worse(figures: Figures, best: Method, other: Method) -> bool:
    """Whether the interval says that the other is further off."""
    pair = _pair(figures, best.name, other.name, best.sizes[-1])
    return pair is not None and pair.clear and pair.difference > 0


def _pair(figures: Figures, first: str, second: str, size: int) -> Pair | None:
    """Return the pair the way round that is asked for."""
    for pair in figures.pairs:
        if pair.size == size and {pair.first, pair.second} == {first, second}:
            if pair.first == first:
                return pair
            turned = None if pair.interval is None else (-pair.interval[1], -pair.interval[0])
            return Pair(size, first, second, -pair.difference, turned)
    return None


def _which(figures: Figures, leading: Sequence[Method]) -> list[str]:
    best, level = leading[0], leading[1:]
    unit, size = figures.unit, best.sizes[-1]
    sentences = [
        f"With {best.images[-1]:.0f} training images {best.name} is at "
        f"{_number(best.errors[-1])} {unit}{_bounds(best.interval)} on {figures.test_images} test "
        "images."
    ]
    for other in level:
        pair = _pair(figures, best.name, other.name, size)
        sentences.append(_level(figures, best, other, pair) + _quicker(best, other))
    behind = [
        (other, _pair(figures, best.name, other.name, size))
        for other in figures.methods
        if other not in leading and other.sizes[-1] == size
    ]
    for other, pair in behind:
        if pair is not None:
            sentences.append(
                f"{other.name} is {_number(pair.difference)} {unit}{_bounds(pair.interval)} "
                f"further off than {best.name}."
            )
    if behind and not level:
        sentences.append(f"Use {best.name} with what is annotated now.")
    absent = [method for method in figures.methods if method.sizes[-1] < size]
    for method in absent:
        sentences.append(
            f"{method.name} has no result at size {size}: it is not in this comparison."
        )
    return sentences


def _level(figures: Figures, best: Method, other: Method, pair: Pair | None) -> str:
    if pair is None:
        return f"{best.name} and {other.name} could not be compared image by image."
    told = f"{_signed(pair.difference)} {figures.unit}{_bounds(pair.interval, True)}"
    if pair.clear:  # the means are over what each found, the pair over what both did
        return (
            f"{other.name} is nearer than {best.name} where both found a landmark, by {told}, and "
            "further off over all that each found: look at the landmarks missed."
        )
    return (
        f"{best.name} and {other.name} cannot be told apart on {figures.test_images} images: "
        f"difference {told}."
    )


def _quicker(one: Method, other: Method) -> str:
    if one.minutes is None or other.minutes is None:
        return ""
    quick, slow = sorted((one, other), key=lambda method: method.minutes or 0.0)
    return (
        f" {quick.name} trains in {_minutes(quick.minutes)}, {slow.name} in "
        f"{_minutes(slow.minutes)}."
    )


def _crossings(figures: Figures) -> list[str]:
    """Where the order of two methods turns from one size to the next."""
    sentences = []
    names = [method.name for method in figures.methods]
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            sizes = sorted({pair.size for pair in figures.pairs})
            row = [_pair(figures, first, second, size) for size in sizes]
            known = [pair for pair in row if pair is not None and pair.difference != 0]
            for before, after in pairwise(known):
                if (before.difference > 0) != (after.difference > 0):
                    sentences.append(_crossing(before, after))
    return sentences


def _crossing(before: Pair, after: Pair) -> str:
    # second less first: positive speaks for the first
    ahead, then = (
        (before.first, before.second) if before.difference > 0 else (before.second, before.first)
    )
    where = f"between {before.size} and {after.size} training images"
    if before.clear and after.clear:
        return f"The curves cross {where}: {ahead} is nearer below, {then} above."
    clear = "clear on one side only" if before.clear or after.clear else "not clear on either side"
    return f"The order of {ahead} and {then} turns {where}, but the difference is {clear}."


def _more(figures: Figures, method: Method) -> list[str]:
    """What more annotated images would buy: of the mean, and of most images where they differ."""
    sentences = []
    if method.fit is not None:
        sentences.append(_bought(figures, method, method.fit, f"{method.name}: "))
    if method.typical_fit is not None and _is_carried(method):
        lead = f"{method.name} in half of the images: "
        sentences.append(_bought(figures, method, method.typical_fit, lead))
    return sentences


def _bought(figures: Figures, method: Method, fit: FittedCurve, lead: str) -> str:
    unit = figures.unit
    measured = (
        f"from {fit.images[0]:.0f} to {fit.images[-1]:.0f} training images the error changed by "
        f"{_signed(-fit.fall.value)} {unit}{_bounds(_negated(fit.fall.interval), True)}"
    )
    told = f"{_number(fit.gain.value)} {unit}{_bounds(fit.gain.interval)}"
    if fit.law.is_flat or fit.gain.value < _NO_GAIN * fit.errors[-1]:
        expected = "" if fit.law.is_flat else f", and {fit.more} more promise {told}"
        return f"{lead}no more gain seen: {measured}{expected}."
    if not fit.fall.clear:
        return f"{lead}no clear gain seen yet: {measured}; nothing can be promised of more images."
    if fit.more > _FARTHEST * fit.images[-1]:
        return f"{lead}{measured}; {fit.more} more are too far beyond that to be foretold."
    people = "" if method.beside is None else _share(fit.gain.value, method.beside.people)
    best = "" if fit.has_floor else " at best"
    return (
        f"{lead}{measured}; {fit.more} more would bring it to about {_number(fit.next_error)} "
        f"{unit}{best}{_bounds(fit.next_interval)}, a gain of {told}{people}."
    )


def _share(gain: float, people: float) -> str:
    if people <= 0:
        return ""
    return f": {100 * gain / people:.0f} % of what two annotators differ by"


def _beside(figures: Figures, method: Method) -> str:
    beside, unit = method.beside, figures.unit
    if beside is None:
        return ""
    measured = (
        f"two annotators differ by {_number(beside.people)} {unit}, {method.name} from one of them "
        f"by {_number(beside.model)} {unit} (difference {_signed(beside.difference)} {unit}"
        f"{_bounds(beside.interval, True, inner=True)})"
    )
    if beside.interval is None:
        return f"{method.name} beside people: {measured}; one subject says nothing of others."
    low, high = beside.interval
    if high <= 0:
        return f"{method.name} is already within what two annotators differ by: {measured}."
    if low <= 0:
        return (
            f"{method.name} cannot be told from what two annotators differ by: {measured}. Labels "
            "that agree better come before more of them."
        )
    return f"{method.name} is not yet within what two annotators differ by: {measured}."


def _caveats(figures: Figures, leading: Sequence[Method]) -> list[str]:
    caveats = []
    sizes = max(len(method.sizes) for method in figures.methods)
    fits = [method.fit for method in figures.methods if method.fit is not None]
    fitted = [fit for fit in fits if fit.more <= _FARTHEST * fit.images[-1]]
    if sizes == 1:
        caveats.append("There is one size: no curve is fitted, and nothing is said of more images.")
    elif sizes == 2:
        caveats.append(
            "There are two sizes: they determine a power law without floor, which promises too "
            "much of many more images."
        )
    elif sizes == 3:
        caveats.append("There are three sizes: the curve has three parameters, so none is checked.")
    if fitted:
        last, more = fitted[0].images[-1], fitted[0].more
        far = f", {more / last:.1f} times as many" if more > last / 2 else ""
        caveats.append(
            f"What {more} more images bring is extrapolated beyond the {last:.0f} that were "
            f"tried{far}."
        )
    if figures.repeats == 1:
        caveats.append(
            "Training images were drawn once: intervals hold for other people to be tested on, "
            "not for other images to be trained on (--repeats)."
        )
    if figures.test_subjects < _FEW_SUBJECTS:
        caveats.append(
            f"There are {figures.test_subjects} test subjects: intervals of so few are too narrow "
            "(--only, fewer --folds)."
        )
    if figures.validation_images:
        caveats.append(
            f"{figures.validation_images} validation images were used on top at every size; they "
            "need annotation, too."
        )
    if len(leading) > 1 and all(method.minutes is not None for method in leading):
        side = f", with {figures.jobs} runs at a time" if figures.jobs > 1 else ""
        caveats.append(
            f"Training times are by the clock of this machine{side}, whatever else it did."
        )
    caveats += [sentence for method in leading for sentence in _carried(figures, method)]
    if all(method.beside is None for method in figures.methods):
        caveats.append(
            "The test images have one annotator: nothing says how near two people would come."
        )
    if figures.failed:
        caveats.append(f"Runs that failed: {figures.failed}; the curves are of the others.")
    return caveats


def _carried(figures: Figures, method: Method) -> list[str]:
    sentences = []
    if method.missed > 0:
        sentences.append(
            f"{method.name} did not find {100 * method.missed:.1f} % of the landmarks; they are in "
            "no mean."
        )
    if _is_carried(method):
        sentences.append(
            f"The mean of {method.name}, {_number(method.errors[-1])} {figures.unit}, is carried "
            f"by a few images that went wrong; half of the images are at "
            f"{_number(method.typical or 0.0)} {figures.unit} or below."
        )
    return sentences


def _is_carried(method: Method) -> bool:
    return method.typical is not None and method.errors[-1] > _CARRIED * method.typical


def _negated(interval: Interval | None) -> Interval | None:
    return None if interval is None else (-interval[1], -interval[0])


def _number(value: float) -> str:
    """Two digits behind the point, or two that count where the value is small."""
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + _number(value)


def _bounds(interval: Interval | None, signed: bool = False, *, inner: bool = False) -> str:
    if interval is None:
        return ", no interval" if inner else " (no interval: one subject)"
    shown = " to ".join(_signed(b) if signed else _number(b) for b in interval)
    return f", 95 % interval {shown}" if inner else f" (95 % interval {shown})"


def _minutes(minutes: float | None) -> str:
    if minutes is None or not np.isfinite(minutes):
        return "an unknown time"
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    if round(minutes) == 1:
        return "1 minute"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
