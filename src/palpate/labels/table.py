"""The ranked list as CSV."""

import csv
from io import StringIO

from palpate.labels.ranked import RankedLabels

COLUMNS = (
    "rank",
    "image",
    "subject",
    "annotator",
    "kind",
    "landmarks",
    "score",
    "finding",
    "evidence",
    "sentence",
)


def check_first_csv(ranked: RankedLabels) -> str:
    """Return the list as CSV text, the likeliest errors first; landmarks are parted by spaces."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, entry in enumerate(ranked.entries, start=1):
        writer.writerow(
            [
                rank,
                entry.image,
                entry.subject,
                entry.annotator,
                entry.kind,
                " ".join(entry.landmarks),
                f"{entry.score:.3f}",
                "yes" if entry.found else "no",
                entry.evidence,
                entry.sentence,
            ]
        )
    return text.getvalue()
