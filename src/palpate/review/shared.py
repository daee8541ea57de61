"""What the predictions of a model share: kept once, by the hash of its text.

In the flow: Correlation, UncertaintyCalibration <-> **a row of shared_values** <-> many cases.
Both are read and checked once and are then one object for all cases: a calibration is half a
megabyte of text, and what is measured is remembered by the objects that it was measured with.
"""

import json
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, select

from palpate.correlation import Correlation
from palpate.errors import PalpateError
from palpate.review import tables as t
from palpate.review.canonical import canonical, digest_of
from palpate.review.recent import Recent
from palpate.review.refusals import StoreError
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.store import calibration_from_plain, calibration_to_plain

# By the hash of their text, which tells them apart in whatever review they are.
_CORRELATIONS: Recent[str, Correlation] = Recent(16)
_UNCERTAINTIES: Recent[str, UncertaintyCalibration] = Recent(16)


def correlation_to_text(one: Correlation) -> str:
    """Return canonical JSON."""
    return canonical({"matrix": one.matrix.tolist(), "dimension": one.dimension})


def uncertainty_to_text(one: UncertaintyCalibration) -> str:
    """Return canonical JSON, without the names of the subjects that it was learnt from."""
    return canonical(calibration_to_plain(one))


def read_correlation(connection: Connection, digest: str) -> Correlation:
    """Return the correlation of a model's errors.

    Raises:
        StoreError: it is missing, or was changed.
    """
    known = _CORRELATIONS.find(digest)
    if known is not None:
        return known
    text = _text(connection, digest, "a correlation")
    try:
        plain = json.loads(text)
        one = Correlation(np.array(plain["matrix"], dtype=float), plain["dimension"])
    except (PalpateError, ValueError, KeyError, TypeError) as error:
        raise StoreError("a correlation that predictions share is damaged") from error
    return _CORRELATIONS.keep(digest, one)


def read_uncertainty(connection: Connection, digest: str) -> UncertaintyCalibration:
    """Return what held-out subjects said of a model.

    Raises:
        StoreError: it is missing, or was changed.
    """
    known = _UNCERTAINTIES.find(digest)
    if known is not None:
        return known
    text = _text(connection, digest, "a calibration")
    try:
        one = calibration_from_plain(json.loads(text), where=Path("review"))
    except (PalpateError, ValueError) as error:
        raise StoreError(f"a calibration that predictions share is damaged: {error}") from error
    return _UNCERTAINTIES.keep(digest, one)


def _text(connection: Connection, digest: str, what: str) -> str:
    s = t.shared_values.c
    text = connection.execute(select(s.content).where(s.digest == digest)).scalar()
    if text is None:
        raise StoreError(f"{what} that predictions share is missing from the review")
    if digest_of(text) != digest:
        raise StoreError(f"{what} that predictions share was changed in the review")
    return str(text)
