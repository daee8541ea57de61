"""Which images are trained on, validated on and held out: by subject, or as the study says."""

from pathlib import Path

import numpy as np

from palpate.errors import StudyError
from palpate.localisers.run_folder import RunFolder
from palpate.splits import Split, given_split, read_split, refuse_leaks, split_by_subject
from palpate.study import Study
from palpate.suggest import did_you_mean
from palpate.training.recipe import Recipe

# An annotation that names a test part has its own split; 'train' everywhere is no split.
_HELD_OUT = ("test", "testing")


def choose_split(study: Study, recipe: Recipe, *, file: Path | None = None) -> Split:
    """Return the split in ``file``, else the annotation's own, else one drawn by subject.

    Shares and seed are the study's where study.toml has them, else the recipe's.

    Raises:
        StudyError: a subject, or nearly the same image, is in two parts: the pair is named.
    """
    annotated = study.annotated()
    if file is not None:
        split = read_split(file)
    elif any(case.split.strip().lower() in _HELD_OUT for case in annotated.cases):
        split = given_split(annotated)
    else:
        shares = study.settings.split or recipe.split
        split = split_by_subject(
            annotated,
            validation=shares.validation,
            test=shares.test,
            rng=np.random.default_rng(shares.seed),
        )
        split = Split(parts=split.parts, seed=shares.seed, by=split.by)
    refuse_leaks(split, study)
    return split


def images_to_evaluate(folder: RunFolder, study: Study, *, part: str) -> list[str]:
    """Return the images of one part of a run's split, or all of a study the run never saw.

    Raises:
        StudyError: no such part; its images are not in the study; or 'all' was asked for and
            the run was trained on some of them.
    """
    split = read_split(folder.split)
    present = {case.identifier for case in study.cases}
    if part == "all":
        seen = {name for names in split.parts.values() for name in names} & present
        if seen:
            raise StudyError(
                f"the run's split knows {len(seen)} of these images, {min(seen)!r} among them; "
                "use --part test, or evaluate on another study"
            )
        return sorted(case.identifier for case in study.annotated().cases)
    if part not in split.parts:
        raise StudyError(f"the run's split has no part {part!r}{did_you_mean(part, split.parts)}")
    names = [name for name in split.parts[part] if name in present]
    if not names:
        raise StudyError(
            f"none of the {len(split.parts[part])} images of part {part!r} is in study "
            f"{study.name!r}; use --part all for a study that the run never saw"
        )
    return names
