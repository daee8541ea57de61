"""Splits: whole subjects, near to the shares, and no film on both sides."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.duplicates import Duplicate
from palpate.errors import FormatError, StudyError
from palpate.splits import (
    PARTS,
    Split,
    folds_by_subject,
    given_split,
    read_split,
    refuse_leaks,
    split_by_subject,
    split_in_time,
)
from palpate.study import Study
from palpate.study_case import StudyCase


def study_of(sizes, groups=("",), parts=("",)):
    """A study of so many images a subject; groups and given parts go round by subject."""
    cases = [
        StudyCase(
            f"{s:03d}_{i:03d}.png",
            Path("nowhere"),
            f"s{s}",
            groups[s % len(groups)],
            parts[s % len(parts)],
        )
        for s, size in enumerate(sizes)
        for i in range(size)
    ]
    return Study("phantom", Path("nowhere"), None, tuple(cases))


def subjects_of(study, split):
    return {part: {study.case(n).subject for n in names} for part, names in split.parts.items()}


@settings(deadline=None, max_examples=8)
@given(
    st.lists(st.integers(1, 8), min_size=3, max_size=40),
    st.integers(0, 2**32 - 1),
)
def test_no_subject_is_in_two_parts_and_no_image_is_lost(sizes, seed):
    study = study_of(sizes, groups=("left", "right"))
    rng = np.random.default_rng(seed)
    split = split_by_subject(study, validation=0.2, test=0.3, rng=rng)
    everything = [name for names in split.parts.values() for name in names]
    assert sorted(everything) == [case.identifier for case in study.cases]
    subjects = subjects_of(study, split)
    assert sum(len(s) for s in subjects.values()) == len(sizes)
    assert all(subjects.values())


@settings(deadline=None, max_examples=8)
@given(st.lists(st.integers(1, 8), min_size=6, max_size=30), st.integers(0, 1000))
def test_every_image_is_tested_once_over_the_folds(sizes, seed):
    study = study_of(sizes)
    folds = folds_by_subject(study, 4, rng=np.random.default_rng(seed))
    tested = Counter(name for fold in folds for name in fold.parts["test"])
    assert tested == Counter(case.identifier for case in study.cases)
    for fold in folds:
        refuse_leaks(fold, study, duplicates=())


def test_the_parts_are_as_large_as_asked():
    study = study_of([1] * 100)
    split = split_by_subject(study, validation=0.1, test=0.25, rng=np.random.default_rng(0))
    assert [len(split.parts[part]) for part in PARTS] == [65, 10, 25]


def test_large_subjects_do_not_burst_a_small_part():
    study = study_of([40, 30, 10, 10, 5, 5])
    split = split_by_subject(study, validation=0.1, test=0.2, rng=np.random.default_rng(0))
    assert [len(split.parts[part]) for part in PARTS] == [70, 10, 20]


def test_groups_are_in_like_shares():
    study = study_of([1] * 60, groups=("a", "a", "b"))
    split = split_by_subject(study, validation=0.2, test=0.2, rng=np.random.default_rng(1))
    for names in split.parts.values():
        of = Counter(study.case(name).group for name in names)
        assert of["a"] == 2 * of["b"]


def test_the_same_seed_gives_the_same_split_and_another_another():
    study = study_of([2] * 20)
    shares = {"validation": 0.2, "test": 0.2}
    first, again, other = (
        split_by_subject(study, **shares, rng=np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert first.parts == again.parts
    assert first.parts != other.parts


def test_too_few_subjects_are_refused():
    with pytest.raises(StudyError, match="3 parts need at least as many subjects, the study has 2"):
        split_by_subject(study_of([9, 9]), validation=0.2, test=0.2, rng=np.random.default_rng(0))
    with pytest.raises(StudyError, match="nothing to train on"):
        split_by_subject(study_of([9]), validation=0.5, test=0.5, rng=np.random.default_rng(0))
    with pytest.raises(StudyError, match="5 parts"):
        folds_by_subject(study_of([1] * 4), 5, rng=np.random.default_rng(0))
    with pytest.raises(StudyError, match="at least 2 folds"):
        folds_by_subject(study_of([1] * 4), 1, rng=np.random.default_rng(0))


def test_a_recording_is_cut_in_time_with_a_gap():
    study = study_of([100])
    split = split_in_time(study, validation=0.2, test=0.2, gap=5)
    numbers = {p: [int(n[4:7]) for n in names] for p, names in split.parts.items()}
    assert numbers["train"] == list(range(55))
    assert numbers["validation"] == list(range(60, 75))
    assert numbers["test"] == list(range(80, 100))
    refuse_leaks(split, study, duplicates=())
    with pytest.raises(StudyError, match="in two parts of the split"):
        refuse_leaks(Split(split.parts, by="subject"), study, duplicates=())
    with pytest.raises(StudyError, match="no image to train on"):
        split_in_time(study, validation=0.5, test=0.4, gap=20)


def test_the_parts_of_the_annotation():
    study = study_of([2, 2, 2], parts=("Train", "val", "test"))
    split = given_split(study)
    assert [len(split.parts[part]) for part in PARTS] == [2, 2, 2]
    with pytest.raises(StudyError, match="'holdout'"):
        given_split(study_of([1], parts=("holdout",)))


def test_a_split_comes_back_from_its_file(tmp_path):
    split = Split({"train": ("a", "b"), "test": ("c",)}, seed=7)
    split.write(tmp_path / "split.json")
    again = read_split(tmp_path / "split.json")
    assert (again.parts, again.seed, again.by) == (split.parts, 7, "subject")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no JSON"),
        ("[]", "expected"),
        ({"parts": {"train": ["a"], "test": ["a"]}}, "'a' is twice"),
        ({"parts": {"train": [], "test": ["a"]}}, "no image to train on"),
        ({"parts": {"trian": ["a"]}}, "not 'trian'"),
        ({"parts": {"train": "a"}}, "no list"),
        ({"parts": {"train": ["a"]}, "seed": "x"}, "'seed'"),
        ({"parts": {"train": ["a"]}, "by": "luck"}, "'by'"),
        ({"parts": {"train": ["a"]}, "seeds": 1}, "unknown key 'seeds'"),
    ],
)
def test_a_file_that_is_no_split_is_refused_with_its_name(tmp_path, content, said):
    path = tmp_path / "split.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(FormatError, match=said) as caught:
        read_split(path)
    assert str(path) in str(caught.value)
    with pytest.raises(FormatError, match="cannot be read"):
        read_split(tmp_path / "nowhere.json")


def test_a_subject_in_two_parts_is_named_with_both_images():
    study = study_of([2, 1])
    split = Split({"train": ("000_000.png", "001_000.png"), "test": ("000_001.png",)})
    with pytest.raises(StudyError, match=r"subject 's0'.*'000_000\.png' in train.*'000_001\.png'"):
        refuse_leaks(split, study, duplicates=())


def test_copies_in_two_parts_are_named_and_those_in_one_are_not():
    study = study_of([1, 1, 1])
    names = [case.identifier for case in study.cases]
    split = Split({"train": (names[0], names[1]), "test": (names[2],)})
    refuse_leaks(split, study, duplicates=[Duplicate(names[0], names[1], 0.99)])
    with pytest.raises(StudyError, match=r"001_000\.png' in train and '002_000\.png' in test"):
        refuse_leaks(split, study, duplicates=[Duplicate(names[1], names[2], 0.99)])


def test_a_split_of_images_that_are_not_in_the_study_is_refused():
    with pytest.raises(StudyError, match=r"no image 'x\.png'"):
        refuse_leaks(Split({"train": ("x.png",)}), study_of([1]), duplicates=())
