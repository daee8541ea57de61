"""Of films whose labels are known to be wrong, how many stand first in the list?

python benchmarks/labels/flagged.py STUDY CROSSVAL_DIR [--first 60]

The study's meta.csv has a column 'flag' that is not empty where a label is known to be wrong; no
other command reads it. CROSSVAL_DIR '-' judges by shape alone. Films without a prediction are
left out where there are predictions.
"""

import argparse
import csv
from pathlib import Path

from palpate.labels.held_out import read_held_out
from palpate.labels.ranked import rank_labels
from palpate.study import open_study


def main() -> None:
    """Rank, then look the flags up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("crossval", type=Path)
    parser.add_argument("--first", type=int, default=60)
    wanted = parser.parse_args()
    study = open_study(wanted.study).annotated()
    held_out = None if str(wanted.crossval) == "-" else read_held_out(study, wanted.crossval)
    if held_out is not None:
        study = study.subset(list(held_out.images))
        print(f"{len(study)} images predicted, {len(held_out.refused)} refused")
    ranked = rank_labels(study, held_out)
    with (wanted.study / "meta.csv").open(newline="") as stream:
        flags = {row["image"]: row["flag"] for row in csv.DictReader(stream)}
    order = ranked.images()
    flagged = [name for name in order if flags.get(name)]
    first = [name for name in order[: wanted.first] if flags.get(name)]
    chance = wanted.first * len(flagged) / max(len(order), 1)
    print(
        f"{len(flagged)} of {len(order)} images are flagged; {len(first)} of them in the first "
        f"{wanted.first} (precision {len(first) / wanted.first:.2f}; by chance {chance:.1f})"
    )
    found = list(dict.fromkeys(entry.image for entry in ranked.found))
    both = sum(bool(flags.get(name)) for name in found)
    print(f"findings: {len(found)} images, {both} of them flagged")
    for name in flagged:
        print(f"  rank {order.index(name) + 1:4d} {name}: {flags[name]}")


if __name__ == "__main__":
    main()
