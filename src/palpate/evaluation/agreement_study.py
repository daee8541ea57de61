"""Agreement of any number of raters on every quantity that they measured."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from palpate.errors import ConfigError, StudyError
from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_pair import PairAgreement, Pairs, pair_agreement
from palpate.evaluation.agreement_raters import Rater, refuse_raters, subjects_of
from palpate.evaluation.agreement_ratings import Ratings, ratings_of
from palpate.evaluation.agreement_reliability import RatersAgreement, Reliability, reliability
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.kappa import ClassCuts
from palpate.evaluation.limits import FEWEST
from palpate.evaluation.plain import plain
from palpate.measurement import Unit
from palpate.suggest import did_you_mean

TOO_FEW_SHARED = "fewer than 3 images measured by all"


@dataclass(frozen=True, slots=True)
class QuantityRated:
    """Agreement on one quantity.

    Args:
        name: of the quantity.
        unit: of its values.
        pairs: each two raters; the order of the raters.
        groups: title -> three raters or more together.
    """

    name: str
    unit: Unit
    pairs: tuple[PairAgreement, ...]
    groups: Mapping[str, RatersAgreement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RatersCompared:
    """Agreement on every quantity, and what could not be compared.

    Args:
        raters: names.
        people: names of those that are people.
        quantities: in the order of the first rater's measurements.
        notes: sentences on what was left out.
        level: of every interval.
        resamples: of the subjects.
    """

    raters: tuple[str, ...]
    people: tuple[str, ...]
    quantities: tuple[QuantityRated, ...]
    notes: tuple[str, ...]
    level: float
    resamples: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without NaN."""
        return dict(plain(self))


def compare_raters(
    raters: Sequence[Rater],
    *,
    rng: np.random.Generator,
    quantities: Sequence[str] = (),
    classes: Mapping[str, ClassCuts] | None = None,
    resamples: int = 2000,
) -> RatersCompared:
    """Compare each two raters, and three or more together, quantity by quantity.

    Args:
        raters: two or more.
        rng: draws the subjects of the resamples.
        quantities: names of those wanted, in this order; empty: all.
        classes: of quantities, for kappa.
        resamples: how many.

    Raises:
        StudyError: fewer than two raters, two of one name, no image in common, no image of
            which two measured a quantity, subjects that differ, or a quantity in two units.
        ConfigError: a quantity that nobody measured.
    """
    refuse_raters(raters)
    named = subjects_of(raters)
    _refuse_strangers(raters)
    subjects = {image: who or f"image {image}" for image, who in named.items()}
    resampling = Resampling.draw(tuple(subjects.values()), rng, resamples=resamples)
    wanted = _wanted(raters, quantities)
    for name in classes or {}:
        if name not in _measured_by(raters):
            raise _unknown(name, _measured_by(raters))
    rated = [ratings_of(raters, name, subjects) for name in wanted]
    _refuse_nothing_shared(raters, rated)
    people = tuple(rater.name for rater in raters if rater.person)
    return RatersCompared(
        tuple(rater.name for rater in raters),
        people,
        tuple(
            _quantity(raters, each, resampling, (classes or {}).get(each.quantity))
            for each in rated
        ),
        tuple(_notes(raters, named)),
        resampling.level,
        resamples,
    )


def _measured_by(raters: Sequence[Rater]) -> dict[str, int]:
    """Quantity -> how many raters know of it, in the order of the first."""
    found: Counter[str] = Counter()
    for rater in raters:
        own = {item.name: None for report in rater.reports for item in report.measurements}
        found.update(own.keys())
    return dict(found)


def _wanted(raters: Sequence[Rater], quantities: Sequence[str]) -> list[str]:
    known = _measured_by(raters)
    for name in quantities:
        if name not in known:
            raise _unknown(name, known)
    chosen = list(dict.fromkeys(quantities)) or [name for name, count in known.items() if count > 1]
    if not chosen:
        raise StudyError(
            "no quantity was measured by two raters; measure all with one protocol: "
            + "; ".join(f"{r.name}: {', '.join(_names(r)[:3])} ..." for r in raters[:2])
        )
    return chosen


def _names(rater: Rater) -> list[str]:
    return list(dict.fromkeys(m.name for report in rater.reports for m in report.measurements))


def _unknown(name: str, known: Mapping[str, int]) -> ConfigError:
    return ConfigError(f"nobody measured {name!r}" + did_you_mean(name, list(known)))


def _refuse_strangers(raters: Sequence[Rater]) -> None:
    """Refuse raters of whom no two have an image in common, which is a matter of names."""
    pairs = [(a, b) for a, b in combinations(raters, 2) if a.independent_of(b)]
    if not pairs:
        raise StudyError(
            "no two raters are independent of each other: a mean is not compared with the people "
            "whose points it was made of"
        )
    if not any(a.images & b.images for a, b in pairs):
        first, second = pairs[0]
        raise StudyError(
            f"no image is in two files: {first.name!r} has images such as "
            f"{min(first.images)!r}, {second.name!r} such as {min(second.images)!r}; give the "
            "same image the same name"
        )


def _refuse_nothing_shared(raters: Sequence[Rater], rated: Sequence[Ratings]) -> None:
    """Refuse raters of whom no two measured one quantity of one image: every row would be empty."""
    pairs = [(a.name, b.name) for a, b in combinations(raters, 2) if a.independent_of(b)]
    if any(each.complete(names)[0] for each in rated for names in pairs):
        return
    reasons = [why for each in rated for names in pairs for why in each.refused(names)]
    told = f" ({reasons[0]})" if reasons else ""
    raise StudyError(
        f"no quantity of any image was measured by two raters{told}; let two mark all that a "
        "quantity needs in some of the same images"
    )


def _quantity(
    raters: Sequence[Rater], ratings: Ratings, resampling: Resampling, classes: ClassCuts | None
) -> QuantityRated:
    pairs = []
    for first, second in combinations(raters, 2):
        if not first.independent_of(second) or not first.images & second.images:
            continue
        names = (first.name, second.name)
        images, subjects, table = ratings.complete(names)
        compared = Pairs(first.name, second.name, images, subjects, table)
        found = pair_agreement(compared, resampling, classes=classes)
        pairs.append(replace(found, refused=ratings.refused(names)))
    own = [rater for rater in raters if not rater.made_of]
    people = [rater.name for rater in own if rater.person]
    groups = {}
    if 2 < len(people) < len(own):
        groups["all people"] = _together(ratings, people, resampling)
    if len(own) > 2:
        groups["all raters"] = _together(ratings, [rater.name for rater in own], resampling)
    return QuantityRated(ratings.quantity, ratings.unit, tuple(pairs), groups)


def _together(ratings: Ratings, names: Sequence[str], resampling: Resampling) -> RatersAgreement:
    images, subjects, table = ratings.complete(names)
    none = Estimate(reason=TOO_FEW_SHARED)
    found = Reliability(none, none, none, none, none)
    if len(images) >= FEWEST:
        found = reliability(table, subjects, resampling)
    return RatersAgreement(tuple(names), len(images), len(set(subjects)), found)


def _notes(raters: Sequence[Rater], named: Mapping[str, str]) -> list[str]:
    """Sentences on images that some raters do not have, on subjects, on quantities of one rater."""
    notes = []
    for rater in raters:
        missing = sorted(named.keys() - rater.images)
        if missing:
            shown = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
            notes.append(f"{rater.name} has no measurement of {_images(missing)}: {shown}")
    unknown = sorted(image for image, subject in named.items() if not subject)
    if unknown:
        notes.append(
            f"{_images(unknown)} name no subject, such as {unknown[0]}; each counts as of another "
            "person, and intervals are too short where that is not so"
        )
    alone = [name for name, count in _measured_by(raters).items() if count == 1]
    if alone:
        notes.append(f"measured by one rater only, so not compared: {', '.join(alone)}")
    return notes


def _images(names: Sequence[str]) -> str:
    return f"{len(names)} image" + ("" if len(names) == 1 else "s")
