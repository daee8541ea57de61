"""What a reading begins from: labels that exist, and the model's marks where it is assisted."""

from palpate.review.canonical import canonical, digest_of
from palpate.review.case import NewCase
from palpate.review.mark import Key, Mark


def begun_marks(given: NewCase, *, assisted: bool) -> dict[Key, Mark]:
    """Return the marks before the first event; a label stands before a model's mark.

    A landmark that the model did not find has no mark: only a person says that it is absent.
    """
    marks: dict[Key, Mark] = {}
    if assisted:
        for frame, image in given.predictions.items():
            found = image.prediction
            for row, name in enumerate(found.scheme.names):
                if found.found[row]:
                    x, y = (float(value) for value in found.mean[row])
                    marks[frame, name] = Mark(name, "visible", x, y, frame, "model")
    return {**marks, **{mark.key: mark for mark in given.marks}}


def begun_digest(given: NewCase, marks: dict[Key, Mark]) -> str:
    """SHA-256 of the film and the marks that a reading began from; its first step holds it."""
    ordered = [marks[key].to_plain() for key in sorted(marks)]
    return digest_of(
        canonical(
            {
                "image": given.image,
                "film": given.digest,
                "size": given.size,
                "frames": given.frames,
                "marks": ordered,
            }
        )
    )
