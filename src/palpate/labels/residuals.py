"""How far every label is from where it should be, by predictions of others and by shape.

In the flow: labels, and perhaps held-out predictions -> :func:`standardise` -> ``Residuals`` ->
:mod:`palpate.labels.suspicion`. Everything is measured in sizes of the image's own shape, so that
a study of small films and one of large films are judged alike.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.errors import StudyError
from palpate.labels.expected import unexpected
from palpate.labels.facing import turned
from palpate.labels.robust import (
    MEDIAN_2D,
    Offsets,
    Squares,
    Tail,
    centred,
    known,
    levelled,
    medians,
    squared,
    usual_scatter,
)
from palpate.scheme import LandmarkScheme
from palpate.shape_checks import faces_other_way

# A common shift is told by no fewer landmarks.
_FEWEST_FOR_SHIFT = 5
# A landmark's own tail is told by no fewer images.
_FEWEST_FOR_TAIL = 50
# A prediction with less than its landmark's usual score is doubted the more.
_LOW_SCORE = 1.0
# So many usual scatters from where a prediction's own landmarks expect it, it is doubted.
_MISSHAPEN = 3.0
# No prediction is so sure that its covariance is a smaller share of the usual scatter.
_SUREST = 0.05


@dataclass(frozen=True, eq=False, slots=True)
class Predicted:
    """Held-out predictions in the order of a set of labels.

    Args:
        mean: (image, landmark, 2) in px; NaN where not found or not predicted.
        covariance: (image, landmark, 2, 2).
        score: (image, landmark).
        sizes: (image, 2), width and height in px; NaN where not predicted.
    """

    mean: Offsets
    covariance: Float[ndarray, "image landmark 2 2"]
    score: Squares
    sizes: Float[ndarray, "image 2"]


@dataclass(frozen=True, eq=False, slots=True)
class LabelSet:
    """One annotator's labels of a study.

    Args:
        scheme: of two dimensions.
        images, subjects: of each row.
        labels: (image, landmark, 2) in px; NaN where absent.
        predicted: None where shape alone is to tell.
        annotator: empty for the reference, or where there is one only.

    Raises:
        StudyError: three dimensions, or sizes that do not fit.
    """

    scheme: LandmarkScheme
    images: tuple[str, ...]
    subjects: tuple[str, ...]
    labels: Offsets
    predicted: Predicted | None = None
    annotator: str = ""

    def __post_init__(self) -> None:
        if self.scheme.dimension != 2:
            raise StudyError("labels are judged in two dimensions, the study has three")
        wanted = (len(self.images), len(self.scheme), 2)
        if self.labels.shape != wanted or len(self.subjects) != len(self.images):
            raise StudyError(
                f"labels of {wanted[0]} images and {wanted[1]} landmarks have shape {wanted}, "
                f"got {self.labels.shape} of {len(self.subjects)} subjects"
            )
        if self.predicted is not None and self.predicted.mean.shape != wanted:
            raise StudyError(
                f"predictions have the labels' shape {wanted}, got {self.predicted.mean.shape}"
            )

    def faces_other_way(self) -> Bool[ndarray, " image"]:
        """Tell which images face the other way than most, where that is usual in the study."""
        return faces_other_way(self.labels, mirror_order=self.scheme.mirror_order())

    def turned(self, other: Bool[ndarray, " image"]) -> "LabelSet":
        """Return the set with labels and predictions of some images reflected in x."""
        predicted = self.predicted
        if predicted is not None:
            covariance = predicted.covariance.copy()
            covariance[other] *= np.array([[1.0, -1.0], [-1.0, 1.0]])
            mean = turned(predicted.mean, other)
            predicted = replace(predicted, mean=mean, covariance=covariance)
        return replace(self, labels=turned(self.labels, other), predicted=predicted)


@dataclass(frozen=True, eq=False, slots=True)
class Residuals:
    """Standardised residuals of a set of labels; (image, landmark) in usual scatters, or NaN.

    Args:
        size: (image,) of the labelled shape, in px.
        place: where the prediction says each label is, the usual bias taken in; in px.
        doubt: (image, landmark, 2, 2) how surely, in px squared: the larger of what the
            prediction states, brought to the scale of the residuals, and the landmark's usual
            scatter; wide where the prediction is doubtful.
        shift: (image, 2) what all labels of an image have in common against its prediction, px.
        shift_surprise: (image,) -log10 of the chance of so large a shift; 0 where not known.
        stated, usual: residual less the shift, by the prediction's covariance and by the
            landmark's own scatter over the set.
        shape: residual against where the other labels of the image say.
        apart: from where prediction and shape together say, in px.
        joint: squared distance from where prediction and shape together say.
        surprise: -log10 of the chance that a clean label's ``joint`` is so large; 0 where unknown.
        tail: of ``joint``.
        place_tail: of the squared distance of labels from ``place`` plus shift.
    """

    size: Float[ndarray, " image"]
    place: Offsets
    doubt: Float[ndarray, "image landmark 2 2"]
    shift: Float[ndarray, "image 2"]
    shift_surprise: Float[ndarray, " image"]
    stated: Squares
    usual: Squares
    shape: Squares
    apart: Squares
    joint: Squares
    surprise: Squares
    tail: Tail
    place_tail: Tail


def standardise(labels: LabelSet) -> Residuals:
    """Hold every label against its prediction and against the other labels of its image.

    Where images face either way, all are turned one way first, and the places back again.
    """
    other = labels.faces_other_way()
    if not other.any():
        return _standardise(labels)
    found = _standardise(labels.turned(other))
    doubt = found.doubt.copy()
    doubt[other] *= np.array([[1.0, -1.0], [-1.0, 1.0]])
    shift = turned(found.shift[:, None], other)[:, 0]
    return replace(found, place=turned(found.place, other), doubt=doubt, shift=shift)


def _standardise(labels: LabelSet) -> Residuals:
    size = _size(labels.labels)
    mean = labels.predicted.mean if labels.predicted is not None else None
    by_shape, of_predicted = unexpected(labels.labels, labels.subjects, mean)
    by_shape = centred(by_shape / size[:, None, None])
    shape_scatter = usual_scatter(by_shape)
    against = _against(labels, size, of_predicted)
    shape_weight = _weights(np.broadcast_to(shape_scatter, (*by_shape.shape, 2)), known(by_shape))
    weight = _weights(against.doubt, known(against.apart))
    pull = _pulled(weight, against.apart) + _pulled(shape_weight, by_shape)
    total = weight + shape_weight
    told = known(against.apart) | known(by_shape)
    solved = np.where(told[..., None, None], total, np.eye(2))
    way = np.einsum("nkij,nkj->nki", np.linalg.inv(solved), pull)
    joint = levelled(np.where(told, (pull * way).sum(axis=2), np.nan))
    tail = Tail.of(joint)
    square = (size**2)[:, None, None, None]
    return Residuals(
        size=size,
        place=against.place,
        doubt=against.doubt * square,
        shift=against.shift * size[:, None],
        shift_surprise=against.shift_surprise,
        stated=np.sqrt(against.stated),
        usual=np.sqrt(against.usual),
        shape=np.sqrt(squared(by_shape, shape_scatter)),
        apart=np.where(told, np.linalg.norm(way, axis=2) * size[:, None], np.nan),
        joint=joint,
        surprise=np.where(told, _surprise(joint, tail), 0.0),
        tail=tail,
        place_tail=against.tail,
    )


def _surprise(joint: Squares, tail: Tail) -> Squares:
    """By the tail of all landmarks, or by a landmark's own where that is the heavier one.

    What people and models often place far off, such as porion, is no surprise where it is.
    """
    surprise = tail.surprise(np.nan_to_num(joint))
    for k in range(joint.shape[1]):
        column = joint[:, [k]]
        if (~np.isnan(column)).sum() >= _FEWEST_FOR_TAIL:
            own = Tail.of(column).surprise(np.nan_to_num(column))[:, 0]
            surprise[:, k] = np.minimum(surprise[:, k], own)
    return np.asarray(surprise)


def _size(labels: Offsets) -> Float[ndarray, " image"]:
    """The median distance of an image's labels from their median; one where there is none."""
    size = np.ones(len(labels))
    for i, (row, there) in enumerate(zip(labels, known(labels), strict=True)):
        if there.any():
            own = row[there]
            size[i] = float(np.median(np.linalg.norm(own - np.median(own, axis=0), axis=1)))
    usual = float(np.median(size[size > 0.0])) if (size > 0.0).any() else 1.0
    return np.where(size > 0.01 * usual, size, usual)


def _weights(
    doubt: Float[ndarray, "image landmark 2 2"], there: Bool[ndarray, "image landmark"]
) -> Float[ndarray, "image landmark 2 2"]:
    """Inverse of the doubt; nothing where there is nothing to go by."""
    safe = np.where(there[..., None, None], doubt, np.eye(2))
    return np.where(there[..., None, None], np.linalg.inv(safe), 0.0)


def _pulled(weight: Float[ndarray, "image landmark 2 2"], offsets: Offsets) -> Offsets:
    return np.asarray(np.einsum("nkij,nkj->nki", weight, np.nan_to_num(offsets)))


@dataclass(frozen=True, eq=False, slots=True)
class _Against:
    """Labels against predictions, in sizes of the image's shape; ``place`` in px."""

    place: Offsets
    apart: Offsets
    doubt: Float[ndarray, "image landmark 2 2"]
    shift: Float[ndarray, "image 2"]
    shift_surprise: Float[ndarray, " image"]
    stated: Squares
    usual: Squares
    tail: Tail


def _against(
    labels: LabelSet, size: Float[ndarray, " image"], of_predicted: Offsets | None
) -> _Against:
    if labels.predicted is None:
        return _no_prediction(labels)
    scale = size[:, None, None]
    raw = (labels.labels - labels.predicted.mean) / scale
    whole = centred(raw)
    bias = np.nan_to_num(medians(raw - whole, 0))
    shift = _shift(whole)
    apart = whole - shift[:, None]
    scatter = usual_scatter(apart)
    usual = squared(apart, scatter)
    stated_doubt = _stated(labels.predicted, size, scatter, of_predicted, apart)
    stated = squared(apart, stated_doubt)
    spread = usual_scatter(shift[:, None])
    shifts = levelled(squared(shift[:, None], spread))
    # A prediction may state less than is usual, or more: what accuses the label less is taken.
    wide = (usual <= stated)[..., None, None]
    doubt = np.where(wide, np.broadcast_to(scatter, stated_doubt.shape), stated_doubt)
    place = labels.predicted.mean + bias * scale
    return _Against(
        place=place,
        apart=apart,
        doubt=doubt,
        shift=shift,
        shift_surprise=Tail.of(shifts).surprise(shifts)[:, 0],
        stated=stated,
        usual=usual,
        tail=Tail.of(squared(apart, doubt)),
    )


def _no_prediction(labels: LabelSet) -> _Against:
    images, landmarks = labels.labels.shape[:2]
    nothing = np.full((images, landmarks), np.nan)
    return _Against(
        place=np.full((images, landmarks, 2), np.nan),
        apart=np.full((images, landmarks, 2), np.nan),
        doubt=np.broadcast_to(np.eye(2), (images, landmarks, 2, 2)),
        shift=np.zeros((images, 2)),
        shift_surprise=np.zeros(images),
        stated=nothing,
        usual=nothing,
        tail=Tail(1.0, 4.0),
    )


def _shift(apart: Offsets) -> Float[ndarray, "image 2"]:
    """The median of each image's residuals; nothing where few landmarks tell."""
    shift = np.zeros((len(apart), 2))
    enough = known(apart).sum(axis=1) >= _FEWEST_FOR_SHIFT
    if enough.any():
        shift[enough] = np.nanmedian(apart[enough], axis=1)
    return shift


def _stated(
    predicted: Predicted,
    size: Float[ndarray, " image"],
    scatter: Float[ndarray, "landmark 2 2"],
    of_predicted: Offsets | None,
    apart: Offsets,
) -> Float[ndarray, "image landmark 2 2"]:
    """Covariances as stated, widened where the prediction is doubtful, on the residuals' scale."""
    stated = predicted.covariance / (size**2)[:, None, None, None]
    there = known(apart) & np.isfinite(stated).all(axis=(2, 3))
    safe = np.where(there[..., None, None], stated, scatter) + _SUREST * scatter
    # On the scale of the residuals before anything is widened: most predictions are not doubtful.
    distances = squared(apart, safe)[there]
    if len(distances):
        safe = safe * max(float(np.median(distances)) / MEDIAN_2D, 1e-12)
    usual_score = medians(np.where(there, predicted.score, np.nan), 0)
    low = _LOW_SCORE * np.nan_to_num(usual_score) / np.maximum(predicted.score, 1e-3)
    wider = np.maximum(1.0, low) ** 2
    if of_predicted is not None:
        odd = centred(of_predicted / size[:, None, None])
        far = np.sqrt(np.nan_to_num(squared(odd, usual_scatter(odd))))
        wider = wider * np.maximum(1.0, far / _MISSHAPEN) ** 2
    return np.asarray(safe * wider[..., None, None])
