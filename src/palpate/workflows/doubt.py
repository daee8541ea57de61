"""Which predicted images a person should look at first: the localiser is much less sure of them."""

from collections.abc import Collection, Sequence

import numpy as np

from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.localisers.localiser import Localiser
from palpate.localisers.mirrored import fits_mirrored
from palpate.workflows.predict import Source

# Below this share of the median score of the others, on phantoms, the search was lost.
_LOST = 0.5
_FEWEST_SCORES = 4  # a median of fewer says nothing


def mean_score(predicted: PredictedImage) -> float:
    """Return the mean score of the landmarks that were found; 0 where none was."""
    found = predicted.prediction.score[predicted.prediction.found]
    return float(found.mean()) if len(found) else 0.0


def unsure(file: PredictionFile) -> set[str]:
    """Return the images whose score is less than half of what is usual among these."""
    scores = {image.image: mean_score(image) for image in file.images}
    if len(scores) < _FEWEST_SCORES:
        return set()
    usual = float(np.median(list(scores.values())))
    return {name for name, score in scores.items() if score < _LOST * usual}


def mirrored(localiser: Localiser, sources: Sequence[Source], file: PredictionFile) -> set[str]:
    """Return the unsure images of which the mirror image is found much more surely.

    Only unsure ones are searched again; they are few, as a rule.
    """
    doubted, reads = unsure(file), {source.identifier: source for source in sources}
    return {
        each.image
        for each in file.images
        if each.image in doubted
        and fits_mirrored(localiser, reads[each.image].read(), each.prediction)
    }


def doubts(
    localiser: Localiser,
    sources: Sequence[Source],
    file: PredictionFile,
    *,
    known: Collection[str] = (),
) -> list[str]:
    """Return a sentence for each image that should be looked at first.

    Of images in ``known``, which are set aside with reasons, only the mirror image is told.
    """
    other_side = mirrored(localiser, sources, file)
    doubted = unsure(file)
    sentences = []
    for image in file.images:
        if image.image in other_side:
            sentences.append(
                f"{image.image}: its mirror image is found much more surely: the other side, or "
                "stored the wrong way round?"
            )
        elif image.image in doubted and image.image not in known:
            sentences.append(
                f"{image.image}: the localiser is less than half as sure as of the others here: "
                "look at it first"
            )
    return sentences
