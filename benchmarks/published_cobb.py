"""Compare measured Cobb angles with published ones: SMAPE as the AASCE 2019 challenge defines it.

python benchmarks/published_cobb.py evaluation/measurements.csv spine_aasce/meta.csv
"""

import csv
import sys
from pathlib import Path

import numpy as np

from palpate.evaluation.measurements import smape

QUANTITIES = ("Cobb 1 main", "Cobb 2 proximal", "Cobb 3 distal")


def main(measured: Path, published: Path) -> None:
    with published.open(newline="") as stream:
        truth = {row["image"]: row for row in csv.DictReader(stream)}
    values: dict[str, dict[str, float]] = {}
    with measured.open(newline="") as stream:
        for row in csv.DictReader(stream):
            if row["value"]:
                values.setdefault(row["image"], {})[row["quantity"]] = float(row["value"])
    whole = {i: found for i, found in values.items() if all(q in found for q in QUANTITIES)}
    print(f"{len(whole)} of {len(values)} films have all three angles")
    for title, images in (
        ("all films", list(whole)),
        ("without flagged films", [image for image in whole if not truth[image]["flag"]]),
    ):
        ours = np.array([[whole[image][name] for name in QUANTITIES] for image in images])
        theirs = np.array([[float(truth[i][f"cobb_{k}"]) for k in (1, 2, 3)] for i in images])
        apart = np.abs(ours - theirs).mean(axis=0)
        print(
            f"{title}: n = {len(images)}, SMAPE {smape(ours, theirs):.2f} %, mean absolute "
            f"difference {', '.join(f'{a:.2f}' for a in apart)} deg"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
