"""Numbers and measurements as words, one way throughout the page."""

from palpate.evaluation.bootstrap import Interval
from palpate.measurement import Measurement

# A hundredth of a degree or of a millimetre is not what a radiograph can tell.
DIGITS = {"deg": 1, "mm": 1, "px": 1, "%": 1, "s": 2, "1": 2}


def number(value: float, digits: int = 2) -> str:
    """Return a number with fixed digits and no negative zero.

    Example:
        >>> number(-0.001)
        '0.00'
    """
    return f"{round(value, digits) + 0.0:.{digits}f}"


def figure(value: float | None, digits: int = 2) -> str:
    """Return a number, or a dash where there is none."""
    return "–" if value is None else number(value, digits)


def percent(share: float | None) -> str:
    """Return a share in [0, 1] as percent.

    Example:
        >>> percent(0.875)
        '87.5 %'
    """
    return "–" if share is None else f"{number(100 * share, 1)} %"


def span(interval: Interval | None, digits: int = 2, factor: float = 1.0) -> str:
    """Return ``1.10 to 1.40``, or nothing where there is no interval."""
    if interval is None:
        return ""
    low, high = interval
    return f"{number(factor * low, digits)} to {number(factor * high, digits)}"


def unit_name(unit: str) -> str:
    """Return the unit as printed; a pure number has none."""
    return "" if unit == "1" else unit


def quantity(measurement: Measurement) -> str:
    """Return the value with its unit and interval, or the reason why there is none.

    Example:
        >>> quantity(Measurement("C2-C7 Cobb", "deg", value=14.21, interval=(11.8, 16.6)))
        '14.2 deg (90 % interval 11.8 to 16.6)'
        >>> quantity(Measurement("ANB", "deg", reason="landmark not found: nasion"))
        'not measured: landmark not found: nasion'
    """
    if measurement.value is None:
        return f"not measured: {measurement.reason}"
    digits = DIGITS[measurement.unit]
    text = f"{number(measurement.value, digits)} {unit_name(measurement.unit)}".strip()
    if measurement.interval is None:
        return f"{text} (uncertainty not known)"
    level = f"{100 * measurement.level:g}"
    return f"{text} ({level} % interval {span(measurement.interval, digits)})"
