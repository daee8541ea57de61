"""Several answers to one image as one: what each is unsure of, and how far they lie apart."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.correlation import Correlation
from palpate.errors import GeometryError, SchemeError
from palpate.prediction import Basis, Prediction


def mix(predictions: Sequence[Prediction], *, localiser: str) -> Prediction:
    """Join predictions of one image, each as likely as any other.

    Mean and joint covariance are those of the mixture, by the law of total covariance: the mean
    of the joint covariances, and the spread of the means about their mean, which says how
    landmarks move together from one answer to the next. Where all answer alike and none knows a
    correlation, the joined prediction has none either.

    A landmark is found where half of them or more found it, and then speaks for those alone;
    scores of the others count as 0. The variation is the mean of those that have one, if all do.

    Args:
        predictions: of the same landmarks, in the same frame.
        localiser: what made the whole.

    Raises:
        GeometryError: no prediction, or frames that differ.
        SchemeError: landmarks that differ.

    Example:
        >>> from palpate.scheme import LandmarkScheme
        >>> two, unit = LandmarkScheme("two", ("a", "b")), np.tile(np.eye(2), (2, 1, 1))
        >>> left, right = (
        ...     Prediction(two, np.full((2, 2), x), unit, np.ones(2), "one") for x in (1.0, 3.0)
        ... )
        >>> both = mix([left, right], localiser="both")
        >>> both.mean.tolist(), both.joint()[0].round(6).tolist()
        ([[2.0, 2.0], [2.0, 2.0]], [2.0, 1.0, 1.0, 1.0])
    """
    first = _alike(predictions)
    mean = np.stack([one.mean for one in predictions])
    covariance = np.stack([one.covariance for one in predictions])
    found = np.stack([one.found for one in predictions])
    finders = np.count_nonzero(found, axis=0)
    known = np.asarray(2 * finders >= len(predictions))
    count = np.maximum(finders, 1)
    # From one of the answers on: means that are the same then differ by nothing, not by rounding.
    near = np.where((finders > 0)[:, None], np.fmax.reduce(mean), 0.0)
    beside = np.where(found[..., None], mean - near, 0.0)
    shift = beside.sum(axis=0) / count[:, None]
    centre = near + shift
    apart = np.where(found[..., None], beside - shift, 0.0) / np.sqrt(count)[:, None]
    blocks = np.where(found[..., None, None], covariance, 0.0).sum(axis=0) / count[:, None, None]
    blocks += np.einsum("mka,mkb->kab", apart, apart)
    return Prediction(
        first.scheme,
        np.where(known[:, None], centre, np.nan),
        np.where(known[:, None, None], blocks, np.nan),
        np.where(known, np.mean([one.score for one in predictions], axis=0), 0.0),
        localiser,
        first.frame,
        _correlation(predictions, found, apart, blocks),
        _variation(predictions, found, known),
        _basis(predictions),
    )


def _alike(predictions: Sequence[Prediction]) -> Prediction:
    """Return the first of predictions that can be joined."""
    if not predictions:
        raise GeometryError("no predictions to join: one is needed at least")
    first = predictions[0]
    for one in predictions[1:]:
        if one.scheme.names != first.scheme.names:
            raise SchemeError(
                f"predictions of {first.scheme.name!r} and of {one.scheme.name!r} have different "
                "landmarks; only answers of the same ones can be joined"
            )
        if one.frame != first.frame:
            raise GeometryError(
                f"predictions in {first.frame} and in {one.frame} cannot be joined; move one"
            )
    return first


def _correlation(
    predictions: Sequence[Prediction],
    found: Bool[ndarray, "member landmark"],
    apart: Float[ndarray, "member landmark d"],
    blocks: Float[ndarray, "landmark d d"],
) -> Correlation | None:
    """Correlation of the mixture; None where nothing tells of any."""
    if all(one.correlation is None for one in predictions) and not apart.any():
        return None
    members, k, d = apart.shape
    if members == 1:
        return predictions[0].correlation
    # A landmark that some did not find is weighed by those that did; written as a product of
    # roots, what one block gains its partners gain too, and no eigenvalue becomes negative.
    share = found / np.sqrt(np.maximum(found.sum(axis=0), 1))
    flat = apart.reshape(members, k * d)
    joint = (flat.T @ flat).reshape(k, d, k, d)
    for one, weight in zip(predictions, share, strict=True):
        if one.correlation is not None:
            own = one.correlation.joint(np.where(one.found[:, None, None], one.covariance, 0.0))
            joint += own.reshape(k, d, k, d) * (weight[:, None, None, None] * weight[:, None])
    rows = np.arange(k)
    joint[rows, :, rows, :] = blocks
    return Correlation.of_joint(joint.reshape(k * d, k * d), d)[1]


def _variation(
    predictions: Sequence[Prediction],
    found: Bool[ndarray, "member landmark"],
    known: Bool[ndarray, " landmark"],
) -> Float[ndarray, " landmark"] | None:
    values = [one.variation for one in predictions if one.variation is not None]
    if len(values) < len(predictions):
        return None
    total = np.where(found, np.stack(values), 0.0).sum(axis=0)
    return np.where(known, total / np.maximum(found.sum(axis=0), 1), np.nan)


def _basis(predictions: Sequence[Prediction]) -> Basis:
    """What all rest on: an answer that was never calibrated makes the whole uncalibrated.

    A conformal calibration is of one localiser's own answers, not of a mixture: what remains is
    that the covariances were scaled.
    """
    return "uncalibrated" if any(one.basis == "uncalibrated" for one in predictions) else "scaled"
