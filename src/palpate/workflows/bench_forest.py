"""What ``palpate bench`` measures of forests: training on 100 films, one search, the memory."""

import multiprocessing
import resource
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from palpate.forest.film import Film
from palpate.forest.search import search
from palpate.forest.settings import RfrvSettings
from palpate.forest.train import train_rfrv
from palpate.phantoms.write import write_phantom
from palpate.side_by_side import processors
from palpate.study import Study, open_study

_FILMS = 100
_SEARCHED = 10


def bench_forest(folder: Path) -> list[dict[str, Any]]:
    """Train on phantom hips in a process of its own, whose memory is nobody else's."""
    study = write_phantom("femur", folder / "hips", n=_FILMS + _SEARCHED, seed=0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return [pool.apply(_measured, (study,))]


def _measured(root: Path) -> dict[str, Any]:
    study, workers = open_study(root), processors()
    names = [case.identifier for case in study.cases]
    films = [_film(study, name) for name in names[:_FILMS]]
    start = perf_counter()
    model = train_rfrv(films, RfrvSettings(), np.random.default_rng(0), workers=workers)
    trained = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB
    seconds, errors = [], []
    for name in names[_FILMS : _FILMS + _SEARCHED]:
        film = _film(study, name)
        start = perf_counter()
        found = search(model, film.pixels)
        seconds.append(perf_counter() - start)
        errors.append(np.nanmean(np.linalg.norm(found.points - film.points, axis=1)))
    return {
        "films": _FILMS,
        "landmarks": model.shape.mean.shape[0],
        "training (s)": trained,
        "peak memory of it (GiB)": peak,
        "search of a film (s)": median(seconds),
        "mean radial error (px)": float(np.mean(errors)),
    }


def _film(study: Study, name: str) -> Film:
    sample = study.load(study.case(name))
    assert sample.points is not None  # a phantom is annotated
    return Film(sample.image.grey(), sample.points.coordinates)
