"""Train forests on four fifths of a study's subjects, judge them on the rest: mm and seconds.

python benchmarks/rfrv_ceph.py ceph_hamedan [--films 80] [--test 20] [--seed 0] [--out FILE]

The split is by subject. Millimetres are those of the study, or of a column mm_per_px_stored in its
meta.csv; else pixels are reported.
"""

import argparse
import csv
import resource
import time
from pathlib import Path

import numpy as np

from palpate.forest.film import Film
from palpate.forest.search import refine, search
from palpate.forest.settings import RfrvSettings
from palpate.forest.store import write_rfrv
from palpate.forest.train import train_rfrv
from palpate.splits import folds_by_subject
from palpate.study import open_study


def wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--films", type=int, default=None, help="train on at most so many")
    parser.add_argument("--test", type=int, default=None, help="judge at most so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None, help="keep the model here")
    return parser.parse_args()


def spacing(root: Path) -> float | None:
    """One number for the whole study; the two axes of these films are alike."""
    table = root / "meta.csv"
    if not table.is_file():
        return None
    with table.open(newline="") as stream:
        values = {float(row["mm_per_px_stored"]) for row in csv.DictReader(stream)}
    return values.pop() if len(values) == 1 else None


def main() -> None:
    wish = wishes()
    study = open_study(wish.study).annotated()
    split = folds_by_subject(study, 5, rng=np.random.default_rng(wish.seed), validation=0.0)[0]

    def films(part: str, most: int | None) -> list[Film]:
        cases = [study.case(identifier) for identifier in split.parts[part][:most]]
        return [
            Film(sample.image.grey(), sample.points.coordinates)
            for sample in map(study.load, cases)
        ]

    train, test = films("train", wish.films), films("test", wish.test)
    mm = spacing(wish.study)
    unit, factor = ("mm", mm) if mm else ("px", 1.0)
    names = study.scheme.names
    began, used = time.perf_counter(), time.process_time()
    model = train_rfrv(
        train, RfrvSettings(), np.random.default_rng(wish.seed), workers=wish.workers
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"trained on {len(train)} films of {len(names)} points: "
        f"{time.perf_counter() - began:.0f} s, {time.process_time() - used:.0f} s of processor, "
        f"{memory:.2f} GiB at most"
    )
    if wish.out:
        write_rfrv(model, wish.out)
        print(f"{wish.out}: {wish.out.stat().st_size / 2**20:.1f} MiB")
    began, used = time.perf_counter(), time.process_time()
    found = [search(model, film.pixels) for film in test]
    each = (time.perf_counter() - began) / len(test)
    print(
        f"search: {each:.2f} s a film, {(time.process_time() - used) / len(test):.2f} of processor"
    )
    near = [refine(model, film.pixels, film.points) for film in test]
    for title, results in (("whole film", found), ("from the true points", near)):
        error = factor * np.array(
            [
                np.linalg.norm(r.points - film.points, axis=1)
                for r, film in zip(results, test, strict=True)
            ]
        )
        within = "/".join(f"{100 * np.nanmean(error <= limit):.1f}" for limit in (2, 2.5, 3, 4))
        print(
            f"{title}: {len(test)} films, mean radial error {np.nanmean(error):.2f} {unit}, median "
            f"{np.nanmedian(error):.2f}, within 2/2.5/3/4 {unit} {within} %, "
            f"worst film {np.nanmean(error, axis=1).max():.2f} {unit}"
        )
        for name, mean in zip(names, np.nanmean(error, axis=0), strict=True):
            print(f"    {name:24s} {mean:.2f}")


if __name__ == "__main__":
    main()
