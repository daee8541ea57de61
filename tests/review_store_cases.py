"""Reviews for the tests of the store: a scheme of three landmarks, films that nobody opens."""

from pathlib import Path

import numpy as np

from palpate.correlation import Correlation
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.prediction import Prediction
from palpate.review.account import Account
from palpate.review.case import Case, NewCase, Project
from palpate.review.event import SHARED, Change, Event
from palpate.review.mark import Mark
from palpate.review.store import Store
from palpate.scheme import LandmarkScheme

SCHEME = LandmarkScheme(
    "fäce", ("nose", "eye_l", "eye_r"), mirror=(("eye_l", "eye_r"),), edges=(("nose", "eye_l"),)
)
TOGETHER = Correlation(0.5 * np.eye(6) + 0.5 * np.tile(np.eye(2), (3, 3)))
ANNA = Account("anna", "Dr. Anna Example", "reader")
BEN = Account("ben", "Dr. Ben Example", "reader")
RUTH = Account("ruth", "Prof. Ruth Example", "reviewer")
ROOT = Account("root", "Keeper", "administrator")


def predicted(image: str, seed: int = 0, model: str = "net 1") -> PredictedImage:
    """Everything found but the third landmark of odd seeds."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(100.0, 30.0, size=(3, 2))
    root = rng.normal(size=(3, 2, 2))
    covariance = root @ np.swapaxes(root, 1, 2)
    score = rng.uniform(size=3)
    if seed % 2:
        mean[2], covariance[2], score[2] = np.nan, np.nan, 0.0
    prediction = Prediction(SCHEME, mean, covariance, score, model, correlation=TOGETHER)
    return PredictedImage(image, prediction, (640, 480), "s1", "side")


def new_case(image: str, seed: int | None = 0, *, frames: int = 1) -> NewCase:
    """A case, with a prediction unless the seed is None."""
    predictions = {} if seed is None else {0: predicted(image, seed)}
    return NewCase(
        image,
        f"images/{image}",
        f"{hash_of(image)}",
        (640, 480),
        subject=f"s-{image[:1]}",
        frames=frames,
        calibration=Calibration((0.1, 1 / 3), "dicom", "detector", "ImagerPixelSpacing"),
        predictions=predictions,
        group="side",
    )


def hash_of(text: str) -> str:
    """A hash, as of a film."""
    return (text.encode().hex() + "0" * 64)[:64]


def fill(store: Store, folder: Path, n: int = 3, *, blinded: bool = False) -> list[Case]:
    """Put a project 'p' with n predicted cases in."""
    store.add_project(Project("p", "P", SCHEME, blinded=blinded), root=folder)
    cases = [new_case(f"{chr(97 + i % 26)}{i:04d}.png", i) for i in range(n)]
    return store.add_cases("p", cases, who="root", urgency={})


def moved(mark: Mark | None, x: float, y: float, landmark: str = "nose") -> Change:
    """A person drags a mark."""
    name, frame = (landmark, 0) if mark is None else (mark.landmark, mark.frame)
    return Change(mark, Mark(name, "visible", x, y, frame))


def drag(  # a whole step as the page does it
    store: Store, case: str, x: float, *, who: Account = ANNA, reading: str = SHARED, key: str = ""
) -> Event:
    """Read, move the nose, save."""
    now = store.reading(case, reading)
    change = moved(now.marks.get((0, "nose")), x, 2.5)
    return store.append(
        case,
        reading,
        after=now.step,
        key=key or f"key-{who.name}-{now.step}-{x}",
        who=who,
        kind="marks",
        changes=[change],
    )
