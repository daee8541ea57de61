"""The worked examples of a protocol file, done."""

from dataclasses import replace

import numpy as np

from palpate.errors import ConfigError
from palpate.image import Calibration
from palpate.measurement import Measurement
from palpate.points import Points
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import Protocol, Quantity

# Examples are worked by hand to four decimals.
TOLERANCE = 5e-4


def example_points(protocol: Protocol, quantity: Quantity) -> Points:
    """Points of a worked example over the protocol's whole scheme; the others are absent."""
    given = protocol.example_points(quantity)
    rows = [given.get(name, (np.nan, np.nan)) for name in protocol.scheme.names]
    return Points.of(protocol.scheme, rows)


def work_example(protocol: Protocol, quantity: Quantity) -> Measurement:
    """Measure the quantity on its own worked example."""
    example = quantity.example
    calibration = Calibration(example.spacing_mm, "user") if example.spacing_mm else None
    points = example_points(protocol, quantity)
    alone = replace(protocol, quantities=(quantity,))
    return measure_points(alone, points, calibration, size=example.size).measurements[0]


def check_examples(protocol: Protocol) -> None:
    """Work every example and compare it with the answer that the file gives.

    Raises:
        ConfigError: one differs, or cannot be measured.

    Example:
        >>> from palpate.protocols.protocol import read_protocol
        >>> check_examples(read_protocol("cephalogram"))
    """
    for quantity in protocol.quantities:
        done = work_example(protocol, quantity)
        if done.value is None:
            raise ConfigError(
                f"protocol {protocol.name!r}: the example of {quantity.name!r} cannot be "
                f"measured: {done.reason}"
            )
        if abs(done.value - quantity.example.value) > TOLERANCE:
            raise ConfigError(
                f"protocol {protocol.name!r}: the example of {quantity.name!r} gives "
                f"{done.value:.4f} {quantity.unit}, the file says {quantity.example.value}"
            )
