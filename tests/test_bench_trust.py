"""What the bench of uncertainty times is what it says."""

import numpy as np

from palpate.protocols.measure import measure
from palpate.protocols.protocol import read_protocol
from palpate.workflows.bench_trust import (
    PROTOCOL,
    drawn_films,
    intervals_at_once,
    intervals_by_loop,
)
from palpate.workflows.calibrate import calibrated_on


def test_the_loop_and_what_it_is_compared_with_find_the_same_intervals() -> None:
    errors = np.random.default_rng(1).gamma(2.0, 0.8, size=(12, 3))
    at_once = intervals_at_once(errors, (1.0, 2.0), 50)
    assert at_once.shape == ((1 + 3) * (1 + 2), 2)
    assert (at_once[:, 0] < at_once[:, 1]).all()
    np.testing.assert_allclose(at_once, intervals_by_loop(errors, (1.0, 2.0), 50), atol=1e-12)


def test_every_measurement_of_a_drawn_film_is_timed_with_a_conformal_interval() -> None:
    protocol = read_protocol(PROTOCOL)
    films = drawn_films(protocol, 30, np.random.default_rng(0))
    calibration = calibrated_on(films, protocol, source="drawn films", how="split")
    assert calibration.correlation is not None
    assert len({film.subject for film in films}) == 30
    report = measure(protocol, films[0].predicted, scores=calibration.scores_of(protocol))
    assert len(report.measurements) == len(protocol.quantities)
    assert {each.basis for each in report.measurements} == {"conformal"}
