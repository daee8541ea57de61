"""Mean shape and nearest film over the held-out images of any split, each image read once, small.

Frames of clips are not read for this: of them there is the mean shape alone.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from palpate.duplicates import Films, read_films
from palpate.evaluation.baselines import (
    MEAN_SHAPE,
    NEAREST,
    Baseline,
    Marked,
    guessed,
    mean_shape,
    nearest_film,
)
from palpate.evaluation.baselines import carried as carried_over
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.evaluate import Evaluation, evaluate
from palpate.points import Points
from palpate.splits import Split
from palpate.study import Study, pictures

# What a baseline says of a film, from the training films.
_Guess = Callable[[Sequence[Marked], Marked], Points]


def read_marked(study: Study) -> dict[str, Marked]:
    """Return the annotated films of a study as baselines see them; unreadable ones are left out.

    Every image is read once, small; frames of clips are not read.
    """
    annotated = study.annotated()
    plain = annotated.subset(case.identifier for case in annotated.cases if case.clip is None)
    films = read_films(pictures(plain)) if len(plain) else None
    row = {} if films is None else {name: k for k, name in enumerate(films.names)}
    found: dict[str, Marked] = {}
    for case in annotated.cases:
        name, points = case.identifier, case.points
        if points is None or points.coordinates.shape[1] != 2:
            continue
        if case.clip is not None:
            found[name] = Marked(name, case.clip.size, points)
        elif films is not None and name in row:
            found[name] = _marked(films, row[name], points)
    return found


def baseline_cases(
    marked: Mapping[str, Marked], splits: Sequence[Split], cases: Sequence[EvaluatedCase]
) -> dict[str, tuple[EvaluatedCase, ...]]:
    """Return baseline -> the cases, with its guess in place of what was predicted.

    Args:
        marked: films of the study, see :func:`read_marked`.
        splits: a case is guessed from the training images of the split that it is held out in.
        cases: held-out images with truth; what was predicted of them is not looked at.

    Returns:
        ``mean shape``, and ``nearest film`` where all films are images. Empty where a case is in
        no test part, or was not read: a table over fewer images would not stand beside another.
    """
    training = _training_of(marked, splits)
    if not all(training.get(case.identifier) and case.identifier in marked for case in cases):
        return {}
    guesses: dict[str, _Guess] = {MEAN_SHAPE: lambda films, film: mean_shape(films, film.size)}
    if all(film.features is not None for film in marked.values()):
        guesses[NEAREST] = _looked_up
    return {
        name: tuple(
            guessed(
                case,
                guess(training[case.identifier], marked[case.identifier]),
                made_by=name,
            )
            for case in cases
        )
        for name, guess in guesses.items()
    }


def judged_baselines(
    cases: Mapping[str, Sequence[EvaluatedCase]], *, like: Evaluation, seed: int
) -> tuple[Baseline, ...]:
    """Evaluate baselines as the model was.

    Args:
        cases: of :func:`baseline_cases`.
        like: the model's evaluation, for its normaliser and resamples.
        seed: draws the bootstrap.
    """
    return tuple(
        Baseline(
            name,
            evaluate(
                own,
                normaliser=like.normaliser,
                rng=np.random.default_rng(seed),
                resamples=like.resamples,
            ),
        )
        for name, own in cases.items()
    )


def study_baselines(
    study: Study,
    splits: Sequence[Split],
    evaluation: Evaluation,
    *,
    seed: int,
) -> tuple[Baseline, ...]:
    """Return the baselines of a study's held-out images, to print beside a model.

    Args:
        study: whose images were held out and trained on.
        splits: of the folds, or the one of a run.
        evaluation: of the model, over the held-out images.
        seed: draws the bootstrap.
    """
    found = baseline_cases(read_marked(study), splits, evaluation.cases)
    return judged_baselines(found, like=evaluation, seed=seed)


def _marked(films: Films, row: int, points: Points) -> Marked:
    name = films.names[row]
    return Marked(name, films.sizes[name], points, films.coarse[row].astype(float))


def _training_of(marked: Mapping[str, Marked], splits: Sequence[Split]) -> dict[str, list[Marked]]:
    """Held-out image -> the films that were trained on when it was held out."""
    found: dict[str, list[Marked]] = {}
    for split in splits:
        films = [marked[name] for name in split.parts["train"] if name in marked]
        found.update(dict.fromkeys(split.parts["test"], films))
    return found


def _looked_up(training: Sequence[Marked], film: Marked) -> Points:
    if film.features is None:
        return mean_shape(training, film.size)
    return carried_over(nearest_film(training, film.features), film.size)
