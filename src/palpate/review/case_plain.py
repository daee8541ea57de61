"""Parts of a case as plain values, for columns and files."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from palpate.correlation import Correlation
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage, image_from_plain, image_to_plain
from palpate.review.canonical import canonical
from palpate.review.event import Change
from palpate.review.mark import Mark
from palpate.scheme import LandmarkScheme
from palpate.trust.calibration import UncertaintyCalibration


def mark_from_plain(plain: Mapping[str, Any]) -> Mark:
    """Return what :meth:`Mark.to_plain` was called on.

    Example:
        >>> mark_from_plain(Mark("nasion", "visible", 3.5, 4.0).to_plain()).x
        3.5
    """
    return Mark(
        plain["landmark"],
        plain["state"],
        _number(plain["x"]),
        _number(plain["y"]),
        plain["frame"],
        plain["origin"],
    )


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def change_from_plain(plain: Mapping[str, Any]) -> Change:
    """Return what :meth:`Change.to_plain` was called on."""
    before, after = plain["before"], plain["after"]
    return Change(
        None if before is None else mark_from_plain(before),
        None if after is None else mark_from_plain(after),
    )


def plain_mark(mark: Mark) -> Mark:
    """Return the mark with whole numbers as floats, so that its text is the same ever after."""
    return mark_from_plain(mark.to_plain())


def calibration_to_text(calibration: Calibration | None) -> str:
    """Return JSON; empty where there is none."""
    if calibration is None:
        return ""
    spacing = [float(each) for each in calibration.spacing_mm]
    return canonical(
        {
            "spacing_mm": spacing,
            "source": calibration.source,
            "plane": calibration.plane,
            "detail": calibration.detail,
        }
    )


def calibration_from_text(text: str) -> Calibration | None:
    """Return what :func:`calibration_to_text` was given."""
    if not text:
        return None
    plain = json.loads(text)
    return Calibration(tuple(plain["spacing_mm"]), plain["source"], plain["plane"], plain["detail"])


def marks_to_text(marks: Iterable[Mark]) -> str:
    """Return JSON, by frame and landmark."""
    ordered = sorted(marks, key=lambda mark: mark.key)
    return canonical([plain_mark(mark).to_plain() for mark in ordered])


def marks_from_text(text: str) -> tuple[Mark, ...]:
    """Return what :func:`marks_to_text` was given."""
    return tuple(mark_from_plain(plain) for plain in json.loads(text))


def predictions_to_text(
    predictions: Mapping[int, PredictedImage],
    set_aside: tuple[str, ...],
    share: Callable[[Correlation], str],
    uncertainty: str,
) -> str:
    """Return JSON.

    Args:
        predictions: by frame.
        set_aside: reasons in words.
        share: keeps a correlation, which is most of a prediction's numbers and the same for all
            cases of a model, and returns its hash.
        uncertainty: hash of what held-out subjects say of the model; empty where nothing is known.
    """
    digests: list[str] = []
    places: dict[int, int] = {}
    for _, image in sorted(predictions.items()):
        one = image.prediction.correlation
        if one is not None and id(one) not in places:
            digest = share(one)
            if digest not in digests:
                digests.append(digest)
            places[id(one)] = digests.index(digest)
    frames = {
        str(frame): image_to_plain(image, places) for frame, image in sorted(predictions.items())
    }
    return canonical(
        {
            "frames": frames,
            "correlations": digests,
            "uncertainty": uncertainty,
            "set_aside": set_aside,
        }
    )


def predictions_from_text(
    scheme: LandmarkScheme,
    text: str,
    correlation: Callable[[str], Correlation],
    uncertainty: Callable[[str], UncertaintyCalibration],
) -> tuple[dict[int, PredictedImage], tuple[str, ...], UncertaintyCalibration | None]:
    """Return what :func:`predictions_to_text` was given; both callables find by a hash."""
    plain = json.loads(text)
    shared = [correlation(digest) for digest in plain["correlations"]]
    frames = {
        int(frame): image_from_plain(scheme, each, shared)
        for frame, each in plain["frames"].items()
    }
    told = uncertainty(plain["uncertainty"]) if plain["uncertainty"] else None
    return frames, tuple(plain["set_aside"]), told


def shared_digests(text: str) -> tuple[str, ...]:
    """Return the hashes of what a prediction shares with others.

    Example:
        >>> shared_digests('{"correlations": ["ab"], "uncertainty": "cd"}')
        ('ab', 'cd')
    """
    plain = json.loads(text)
    return tuple(each for each in (*plain["correlations"], plain["uncertainty"]) if each)
