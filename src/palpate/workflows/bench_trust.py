"""What ``palpate bench`` measures of uncertainty: of one film, of a calibration, of intervals."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.summary import Sampled, summarise
from palpate.forest.film import Film
from palpate.forest.search import search
from palpate.forest.settings import RfrvSettings
from palpate.forest.train import train_rfrv
from palpate.image import Calibration, Image
from palpate.io.predictions import PredictedImage
from palpate.localisers.forest import ForestLocaliser, ForestSpec
from palpate.localisers.localiser import Localiser
from palpate.localisers.network import NetworkLocaliser
from palpate.localisers.spec import LocaliserSpec
from palpate.localisers.torch_engine import build, torch_forward
from palpate.networks import NETWORKS
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.measure import measure
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.side_by_side import processors
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.familiar import Familiar
from palpate.trust.held_out import HeldOut
from palpate.trust.novelty import look_of
from palpate.trust.reasons import reasons
from palpate.workflows.calibrate import calibrated_on
from palpate.workflows.timing import interleaved

Row = dict[str, Any]

PROTOCOL = "cephalogram"
_SIZE = (544, 640)
_SPACING = Calibration((0.4, 0.4), "user")
_FILMS = 100  # held out, one a subject
_TRAINED = 12  # films of the small forests
_RESAMPLES = 1000
_MM = (2.0, 2.5, 3.0, 4.0)  # errors that count as a success
_AGAIN = 3  # runs of what takes seconds

# Where the landmarks of a lateral cephalogram may be on a film of that size, in px.
_PLACES = np.array(
    [
        *((140, 230), (340, 200), (300, 280), (90, 290), (340, 360), (320, 480), (320, 520)),
        *((300, 540), (310, 530), (130, 440), (340, 420), (350, 430), (390, 400), (380, 450)),
        *((380, 360), (360, 510), (200, 350), (350, 350), (100, 320)),
    ],
    dtype=float,
)


def bench_film(repeats: int) -> list[Row]:
    """One film: what finds the landmarks alone, and with all that is told of their uncertainty.

    All that is told: covariances and variation, calibration of covariances and correlation, the
    measurements of a protocol with conformal intervals and chances, and the reasons to set the
    film aside. A network of random weights finds nothing plausible and forests of few films little,
    so what is told is told of landmarks as a trained localiser would have placed them.
    """
    protocol, rng = read_protocol(PROTOCOL), np.random.default_rng(0)
    held_out = drawn_films(protocol, _FILMS, rng)
    calibration = calibrated_on(held_out, protocol, source="drawn films", how="split")
    pixels = _pixels(rng, held_out[0].truth.coordinates)
    looks = look_of(pixels) + rng.normal(scale=0.1, size=(_FILMS, len(look_of(pixels))))
    familiar = Familiar.of(held_out, tuple(looks))
    tell = partial(_told, protocol, calibration, familiar, held_out[0].predicted, pixels)
    network, forests = _network(protocol), _forests(protocol, rng)
    grid = rng.random((1, 1, _SIZE[1], _SIZE[0]), np.float32)
    return [
        _film_row(
            "default network", partial(network.forward, grid), network, pixels, tell, repeats
        ),
        _film_row(
            f"forests of {_TRAINED} films",
            partial(search, forests.model, pixels.grey()),
            forests,
            pixels,
            tell,
            repeats,
        ),
    ]


def _film_row(
    name: str,
    bare: Callable[[], Any],
    localiser: Localiser,
    pixels: Image,
    tell: Callable[[], Any],
    repeats: int,
) -> Row:
    def whole() -> None:
        localiser.predict(pixels)
        tell()

    works: dict[str, Callable[[], Any]] = {
        "bare": bare,
        "landmarks": partial(localiser.predict, pixels),
        "told": tell,
        "whole": whole,
    }
    times = interleaved(works, repeats)
    return {
        "localiser": name,
        "bare (ms)": 1000 * times["bare"],
        "landmarks, covariance, variation (ms)": 1000 * times["landmarks"],
        "the rest of what is told (ms)": 1000 * times["told"],
        "all (ms)": 1000 * times["whole"],
        "all / bare": times["whole"] / times["bare"],
        "allowed": 2.0,
    }


def _told(
    protocol: Protocol,
    calibration: UncertaintyCalibration,
    familiar: Familiar,
    found: PredictedImage,
    pixels: Image,
) -> None:
    sure = replace(found, prediction=calibration.applied(found.prediction))
    measure(protocol, sure, scores=calibration.scores_of(protocol))
    reasons(familiar, sure, look_of(pixels))


def bench_calibration() -> list[Row]:
    """Calibrate a run whose held-out films are predicted: regions, measurements, what is usual."""
    protocol, rng = read_protocol(PROTOCOL), np.random.default_rng(0)
    held_out = drawn_films(protocol, _FILMS, rng)
    films = [_pixels(rng, each.truth.coordinates) for each in held_out]
    start = perf_counter()
    calibrated_on(held_out, protocol, source="drawn films", how="split")
    middle = perf_counter()
    Familiar.of(held_out, [look_of(film) for film in films])
    end = perf_counter()
    return [
        {
            "films": _FILMS,
            "landmarks": len(protocol.scheme),
            "measurements": len(protocol.quantities),
            "regions, correlation, measurements (s)": middle - start,
            "what is usual (s)": end - middle,
            "all (s)": end - start,
            "allowed (s)": 60.0,
        }
    ]


def bench_bootstrap(repeats: int) -> list[Row]:
    """Intervals of the mean error and of success, of all landmarks and of each."""
    landmarks, rng = len(_PLACES), np.random.default_rng(0)
    errors = rng.gamma(2.0, 0.8, size=(_FILMS, landmarks))
    times = interleaved(
        {
            "at once": partial(intervals_at_once, errors, _MM, _RESAMPLES),
            "loop": partial(intervals_by_loop, errors, _MM, _RESAMPLES),
        },
        min(repeats, _AGAIN),
    )
    return [
        {
            "subjects": _FILMS,
            "resamples": _RESAMPLES,
            "intervals": (1 + landmarks) * (1 + len(_MM)),
            "drawn once, all at once (ms)": 1000 * times["at once"],
            "a loop over resamples (ms)": 1000 * times["loop"],
            "loop / at once": times["loop"] / times["at once"],
        }
    ]


def intervals_at_once(
    errors: Float[ndarray, "subject landmark"], limits: tuple[float, ...], resamples: int
) -> Float[ndarray, "interval 2"]:
    """Intervals as evaluations have them: overall, then of each landmark; mean, then success.

    One image a subject.
    """
    subjects, landmarks = errors.shape
    resampling = _drawn(subjects, resamples)
    groups = np.full(subjects, "")
    all_of_them = Sampled(np.ones(errors.shape, bool), errors, np.arange(subjects), groups)
    found = []
    for part in (all_of_them, *(all_of_them.column(k) for k in range(landmarks))):
        summary = summarise(part, limits, resampling)
        found += [summary.interval, *summary.success_intervals.values()]
    return np.array(found, dtype=float)


def intervals_by_loop(
    errors: Float[ndarray, "subject landmark"], limits: tuple[float, ...], resamples: int
) -> Float[ndarray, "interval 2"]:
    """The same intervals from the same resamples, each figure counted anew in each of them."""
    subjects, landmarks = errors.shape
    figures = []
    for weights in _drawn(subjects, resamples).weights:
        again = errors[np.repeat(np.arange(subjects), weights.astype(int))]
        parts = (again, *(again[:, k] for k in range(landmarks)))
        figures.append(
            [f for part in parts for f in (part.mean(), *((part <= t).mean() for t in limits))]
        )
    return np.array(np.quantile(np.array(figures), [0.025, 0.975], axis=0).T)


def _drawn(subjects: int, resamples: int) -> Resampling:
    names = tuple(f"{i:04d}" for i in range(subjects))
    return Resampling.draw(names, np.random.default_rng(0), resamples=resamples)


def drawn_films(protocol: Protocol, count: int, rng: np.random.Generator) -> list[HeldOut]:
    """Predictions of drawn cephalograms, one a subject: errors partly shared, covariances stated.

    Args:
        protocol: over the nineteen landmarks.
        count: how many.
        rng: where chance comes from.
    """
    found = []
    for i in range(count):
        truth = _PLACES + rng.normal(scale=12.0, size=2) + rng.normal(scale=5.0, size=_PLACES.shape)
        off = rng.normal(scale=1.0, size=2) + rng.normal(scale=2.0, size=_PLACES.shape)
        sizes = rng.gamma(8.0, 0.6, size=len(_PLACES))
        prediction = Prediction(
            protocol.scheme,
            truth + off,
            sizes[:, None, None] * np.eye(2),
            np.ones(len(_PLACES)),
            "bench",
            variation=rng.uniform(0.6, 1.0, size=len(_PLACES)),
        )
        subject = f"{i:04d}"
        image = PredictedImage(f"{subject}.png", prediction, _SIZE, subject, calibration=_SPACING)
        found.append(HeldOut(subject, image, Points.of(protocol.scheme, truth)))
    return found


def _pixels(rng: np.random.Generator, points: Float[ndarray, "landmark 2"]) -> Image:
    """A grey film with a bright disc at each landmark."""
    across, down = _SIZE
    grey = rng.normal(60.0, 8.0, size=(down, across))
    y, x = np.ogrid[:down, :across]
    for k, (cx, cy) in enumerate(points):
        grey += (40.0 + 5.0 * k) * (((x - cx) ** 2 + (y - cy) ** 2) < 14.0**2)
    pixels = np.clip(grey, 0.0, 255.0).astype(np.uint8)
    return Image(pixels[None], "film.png", calibration=_SPACING)


def _network(protocol: Protocol) -> NetworkLocaliser:
    name = "unet"
    network = NETWORKS[name]
    spec = LocaliserSpec(
        "bench", protocol.scheme, name, _SIZE, "standardised", network.output, stride=network.stride
    )
    torch.manual_seed(0)
    return NetworkLocaliser(spec, torch_forward(build(spec), torch.device("cpu")), "bench")


def _forests(protocol: Protocol, rng: np.random.Generator) -> ForestLocaliser:
    points = [each.truth.coordinates for each in drawn_films(protocol, _TRAINED, rng)]
    films = [Film(_pixels(rng, each).grey(), each) for each in points]
    model = train_rfrv(films, RfrvSettings(), rng, workers=processors())
    return ForestLocaliser(ForestSpec("bench", protocol.scheme), model, "bench")
