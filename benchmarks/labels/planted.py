"""Errors planted into a study's labels: how many of them stand first in the list?

python benchmarks/labels/planted.py STUDY CROSSVAL_DIR [--seed 0] [--share 0.1] [--slip 10]
    The labels are planted after cross-fitting: the models were trained on the clean ones.
python benchmarks/labels/planted.py STUDY - --write DIR
    Writes a planted copy of the study; cross-validate it as any other, then:
python benchmarks/labels/planted.py STUDY CROSSVAL_DIR_OF_THE_COPY
    The same seed and share plant the same errors: now the models were trained on them.
CROSSVAL_DIR '-' judges by shape alone. Errors that were in the labels before count as false.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from palpate.labels.held_out import read_held_out
from palpate.labels.planted import KINDS, Planted, plant
from palpate.labels.planted_study import planted_study, reference_labels, widths_of, write_planted
from palpate.labels.ranked import RankedLabel, RankedLabels, rank_labels
from palpate.study import open_study

CUTS = (10, 20, 60)


def main() -> None:
    """Plant, rank, count."""
    wanted = _arguments()
    study = open_study(wanted.study).annotated()
    held_out = None if str(wanted.crossval) == "-" else read_held_out(study, wanted.crossval)
    if held_out is not None:
        # All were candidates when the copy was written, so that both plant the same.
        print(f"{len(held_out.images)} of {len(study)} images predicted, {held_out.made_by}")
    labels = reference_labels(study)
    rng = np.random.default_rng(wanted.seed)
    changed, truth = plant(labels, widths_of(study), rng, share=wanted.share, slip_px=wanted.slip)
    if wanted.write is not None:
        write_planted(study, changed, truth, wanted.write)
        print(f"{len(truth)} errors planted into {len(study)} images in {wanted.write}")
        return
    judged = planted_study(study, changed)
    if held_out is not None:
        judged = judged.subset(list(held_out.images))
        truth = tuple(error for error in truth if error.image in held_out.images)
    _print(rank_labels(judged, held_out), truth, len(judged))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("crossval", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--slip", type=float, default=10.0, help="px of the film as stored")
    parser.add_argument("--write", type=Path, default=None)
    return parser.parse_args()


def _print(ranked: RankedLabels, truth: Sequence[Planted], images: int) -> None:
    planted = {error.image: error for error in truth}
    order = ranked.images()
    print(
        f"{len(planted)} of {images} images planted; chance precision {len(planted) / images:.2f}"
    )
    for k in sorted({len(planted), *CUTS}):
        hits = sum(name in planted for name in order[:k])
        print(f"first {k:3d} images: precision {hits / k:.2f}, recall {hits / len(planted):.2f}")
    found = {entry.image for entry in ranked.found}
    true = found & planted.keys()
    print(f"findings: {len(found)} images, {len(true)} of them planted")
    for kind in KINDS:
        of_kind = [error for error in truth if error.kind == kind]
        if not of_kind:
            continue
        first = sum(error.image in order[: len(planted)] for error in of_kind)
        seen = sum(error.image in found for error in of_kind)
        named = sum(any(_names(entry, error) for entry in ranked.found) for error in of_kind)
        ranks = sorted(order.index(error.image) + 1 for error in of_kind if error.image in order)
        print(
            f"{kind:10s} {len(of_kind)} planted, {first} in the first {len(planted)}, {seen} are "
            f"findings, {named} with the landmark named; ranks {ranks}"
        )


def _names(entry: RankedLabel, error: Planted) -> bool:
    """Whether a finding names what was planted and little else."""
    if entry.image != error.image:
        return False
    return set(error.landmarks) <= set(entry.landmarks) and (
        len(entry.landmarks) <= max(3, len(error.landmarks))
    )


if __name__ == "__main__":
    main()
