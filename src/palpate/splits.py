"""Which images a model is trained on, tuned on and judged on: decided by subject, kept in a file.

Two images of one person look more alike than those of two people, and so do two copies of one
film. A model that has seen one of them is not judged by the other: :func:`refuse_leaks`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.duplicates import Duplicate, find_duplicates
from palpate.errors import FormatError, StudyError
from palpate.files import write_json
from palpate.study import Study, pictures
from palpate.study_case import StudyCase

PARTS = ("train", "validation", "test")
By = Literal["subject", "time", "given"]

# How the parts are called in the tables of others.
_ALSO_CALLED = {
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "testing": "test",
}
# Orders of the subjects that are tried; every one costs as many steps as there are subjects.
_STEPS = 20_000
_MOST_TRIALS = 40


@dataclass(frozen=True, slots=True)
class Split:
    """The identifiers of each part.

    Args:
        parts: 'train', 'validation' and 'test'; a part may be empty, but not train.
        seed: of the draw, where there was one.
        by: ``subject`` where whole subjects were drawn, ``time`` where one recording was cut,
            ``given`` where the study names the parts.

    Raises:
        StudyError: an unknown part, nothing to train on, or an image in two parts.

    Example:
        >>> Split({"train": ("a.png",), "test": ("b.png",)}).parts["validation"]
        ()
    """

    parts: Mapping[str, tuple[str, ...]]
    seed: int | None = None
    by: By = "subject"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.parts) - set(PARTS))
        if unknown:
            raise StudyError(f"a split has the parts {', '.join(PARTS)}, not {unknown[0]!r}")
        parts = {part: tuple(self.parts.get(part, ())) for part in PARTS}
        object.__setattr__(self, "parts", MappingProxyType(parts))
        if not parts["train"]:
            raise StudyError("a split leaves no image to train on")
        times = Counter(identifier for part in parts.values() for identifier in part)
        twice = [identifier for identifier, count in times.items() if count > 1]
        if twice:
            raise StudyError(f"image {twice[0]!r} is twice in a split")

    def write(self, path: Path) -> None:
        """Write JSON.

        Raises:
            OutputError: it could not be written.
        """
        parts = {part: list(identifiers) for part, identifiers in self.parts.items()}
        write_json(path, {"by": self.by, "seed": self.seed, "parts": parts})


def read_split(path: Path) -> Split:
    """Read what :meth:`Split.write` wrote, or a person.

    Raises:
        FormatError: no such file, no JSON, or not a split.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FormatError(path, f"is no JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("parts"), dict):
        raise FormatError(path, 'expected {"by": ..., "seed": ..., "parts": {"train": [...]}}')
    unknown = sorted(set(content) - {"by", "seed", "parts"})
    if unknown:
        raise FormatError(path, f"unknown key {unknown[0]!r}; known: by, parts, seed")
    by, seed = content.get("by", "given"), content.get("seed")
    if by not in get_args(By):
        raise FormatError(path, f"'by' is {by!r}, expected one of {', '.join(get_args(By))}")
    if not (seed is None or type(seed) is int):
        raise FormatError(path, f"'seed' is {seed!r}, expected a whole number or null")
    for part, names in content["parts"].items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise FormatError(path, f"part {part!r} is no list of image names")
    try:
        return Split({part: tuple(names) for part, names in content["parts"].items()}, seed, by)
    except StudyError as error:
        raise FormatError(path, str(error)) from error


def split_by_subject(
    study: Study, *, validation: float, test: float, rng: np.random.Generator
) -> Split:
    """Draw whole subjects for validation and test, the groups in like shares where that can be.

    The parts are as near to the shares as whole subjects allow.

    Raises:
        StudyError: the shares leave nothing to train on, or there are too few subjects.
    """
    train = 1.0 - validation - test
    if min(validation, test) < 0 or train <= 0:
        raise StudyError(f"shares of {validation} and {test} leave nothing to train on")
    parts = _allocate(study.cases, {"train": train, "validation": validation, "test": test}, rng)
    return Split(parts, by="subject")


def folds_by_subject(
    study: Study, n: int, *, rng: np.random.Generator, validation: float = 0.15
) -> list[Split]:
    """Divide the subjects into ``n`` folds; each is the test part of one split.

    ``validation`` is the share of the rest that is drawn, again by subject, for validation.

    Raises:
        StudyError: fewer than two folds, or more folds than subjects.
    """
    if n < 2:
        raise StudyError(f"cross-validation needs at least 2 folds, got {n}")
    folds = _allocate(study.cases, {f"fold {i}": 1.0 / n for i in range(n)}, rng)
    splits = []
    for test in folds.values():
        held_out = set(test)
        rest = [case for case in study.cases if case.identifier not in held_out]
        shares = {"train": 1.0 - validation, "validation": validation}
        splits.append(Split({**_allocate(rest, shares, rng), "test": test}, by="subject"))
    return splits


def split_in_time(study: Study, *, validation: float, test: float, gap: int) -> Split:
    """Cut one recording, ordered by file name: train first, then validation, then test.

    Args:
        study: whose file names sort by time.
        validation: share of the images.
        test: share of the images.
        gap: images left out at each cut, as neighbours are nearly alike.

    Raises:
        StudyError: the shares and gaps leave nothing to train on.
    """
    names = [case.identifier for case in study.cases]
    last = len(names) - round(test * len(names))
    middle = last - round(validation * len(names))
    first_end = middle - gap if middle < len(names) else middle
    middle_end = last - gap if last < len(names) else last
    parts = {
        "train": tuple(names[: max(first_end, 0)]),
        "validation": tuple(names[middle : max(middle_end, middle)]),
        "test": tuple(names[last:]),
    }
    return Split(parts, by="time")


def given_split(study: Study) -> Split:
    """Return the parts that the annotation names.

    Raises:
        StudyError: an image is in no part, or in one that is not known.
    """
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for case in study.cases:
        written = case.split.strip().lower()
        part = _ALSO_CALLED.get(written, written)
        if part not in parts:
            raise StudyError(
                f"image {case.identifier!r} is in the part {case.split!r} of the annotation, "
                f"expected one of {', '.join(PARTS)}"
            )
        parts[part].append(case.identifier)
    return Split({part: tuple(names) for part, names in parts.items()}, by="given")


def refuse_leaks(
    split: Split, study: Study, *, duplicates: Sequence[Duplicate] | None = None
) -> None:
    """Refuse a split that tests on what was trained on.

    Args:
        split: over images of the study. Split in time, subjects may be in several parts.
        study: may hold more images than the split.
        duplicates: of the study; None looks for them, which reads every image of the split once.

    Raises:
        StudyError: a subject is in two parts, or nearly the same image is; names the pair.
    """
    part_of = {name: part for part, names in split.parts.items() for name in names}
    cases = [study.case(name) for name in part_of]
    if split.by != "time":
        _refuse_shared_subjects(cases, part_of)
    if duplicates is None:
        duplicates = find_copies(study.subset(part_of), apart=part_of)
    leaks = [
        pair
        for pair in duplicates
        if pair.first in part_of
        and pair.second in part_of
        and part_of[pair.first] != part_of[pair.second]
    ]
    if leaks:
        pair = leaks[0]
        more = f", and {len(leaks) - 1} more such pairs" if len(leaks) > 1 else ""
        raise StudyError(
            f"{pair.first!r} in {part_of[pair.first]} and {pair.second!r} in "
            f"{part_of[pair.second]} are nearly the same image ({pair.sentence}){more}; say in "
            f'study.toml that they belong together: same_subject = [["{pair.first}", '
            f"\"{pair.second}\"], ...] ('palpate check' lists all pairs)"
        )


def find_copies(study: Study, *, apart: Mapping[str, str] | None = None) -> tuple[Duplicate, ...]:
    """Find nearly the same image twice; reads every image once, of clips a few frames.

    Args:
        study: any.
        apart: identifier -> label, such as its part; pairs of one label are not looked at. None
            looks for pairs of different subjects.
    """
    label = apart or {case.identifier: case.subject for case in study.cases}
    return find_duplicates(pictures(study), apart=label)


def _refuse_shared_subjects(cases: Iterable[StudyCase], part_of: Mapping[str, str]) -> None:
    first: dict[str, str] = {}
    for case in cases:
        other = first.setdefault(case.subject, case.identifier)
        if part_of[other] != part_of[case.identifier]:
            raise StudyError(
                f"subject {case.subject!r} is in two parts of the split: {other!r} in "
                f"{part_of[other]} and {case.identifier!r} in {part_of[case.identifier]}; "
                "split by subject"
            )


def _allocate(
    cases: Sequence[StudyCase], shares: Mapping[str, float], rng: np.random.Generator
) -> dict[str, tuple[str, ...]]:
    """Give whole subjects to parts so that images, and images of each group, are in the shares.

    Several orders of the subjects are tried and the nearest kept. Every part with a share above
    zero gets at least one subject.
    """
    subjects: dict[str, list[StudyCase]] = defaultdict(list)
    for case in cases:
        subjects[case.subject].append(case)
    wanted = [part for part, share in shares.items() if share > 0]
    if len(subjects) < len(wanted):
        raise StudyError(
            f"{len(wanted)} parts need at least as many subjects, the study has {len(subjects)}; "
            "add subjects, use fewer parts, or cut one recording in time"
        )
    names = list(subjects)
    groups = sorted({case.group for case in cases})
    # One row a subject: images of each group, and in all.
    counts = np.array(
        [[sum(c.group == group for c in subjects[n]) for group in groups] for n in names], float
    )
    counts = np.column_stack([counts, counts.sum(axis=1)])
    targets = np.array([shares[part] for part in wanted])[:, None] * counts.sum(axis=0)
    trials = int(np.clip(_STEPS // len(names), 1, _MOST_TRIALS))
    best, least = np.zeros(len(names), dtype=np.int64), np.inf
    for _ in range(trials):
        part_of = _deal(counts, targets, rng.permutation(len(names)))
        reached = np.stack([counts[part_of == i].sum(axis=0) for i in range(len(wanted))])
        cost = float(np.abs(reached - targets).sum())
        if cost < least:
            best, least = part_of, cost
    parts: dict[str, list[str]] = {part: [] for part in shares}
    part_names = {name: wanted[best[i]] for i, name in enumerate(names)}
    for case in cases:
        parts[part_names[case.subject]].append(case.identifier)
    return {part: tuple(identifiers) for part, identifiers in parts.items()}


def _deal(
    counts: Float[ndarray, "subject kind"],
    targets: Float[ndarray, "part kind"],
    order: Int[ndarray, " subject"],
) -> Int[ndarray, " subject"]:
    """Give each subject, large ones first, to the part that lacks most of what it brings."""
    part_of = np.full(len(counts), -1)
    lacking = targets.copy()
    is_empty = np.ones(len(targets), dtype=bool)
    by_size = order[np.argsort(-counts[order, -1], kind="stable")]
    for left, subject in zip(range(len(counts), 0, -1), by_size, strict=True):
        count = counts[subject]
        nearer = (np.abs(lacking) - np.abs(lacking - count)).sum(axis=1) / count.sum()
        # Where several parts would come equally nearer, the emptiest for its size.
        hunger = (lacking[:, count > 0] / np.maximum(targets[:, count > 0], 1e-9)).mean(axis=1)
        score = nearer + 1e-3 * hunger
        if left <= is_empty.sum():  # the last subjects go to the parts without one
            score = np.where(is_empty, score, -np.inf)
        part = int(np.argmax(score))
        part_of[subject], is_empty[part] = part, False
        lacking[part] -= count
    return part_of
