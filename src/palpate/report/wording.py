"""Numbers and measurements as words, one way throughout the page."""

from math import floor, log10

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


def line(measurement: Measurement) -> str:
    """Return a measurement as it reads everywhere, with its name.

    Example:
        >>> cobb = Measurement(
        ...     "C2-C7 Cobb", "deg", value=14.21, standard_uncertainty=1.5, interval=(11.8, 16.6),
        ...     basis="conformal", probabilities={"lordotic": 0.97, "kyphotic": 0.03})
        >>> line(cobb)
        'C2-C7 Cobb 14.2 deg (90 % interval 11.8 to 16.6); P(kyphotic) 0.03'
    """
    return f"{measurement.name} {quantity(measurement)}"


def quantity(measurement: Measurement) -> str:
    """Return the value with unit, interval and chances, or the reason why there is none.

    Example:
        >>> quantity(Measurement("C2-C7 Cobb", "deg", value=14.21, interval=(11.8, 16.6)))
        '14.2 deg (90 % interval 11.8 to 16.6)'
        >>> quantity(Measurement("ANB", "deg", reason="landmark not found: nasion"))
        'not measured: landmark not found: nasion'
    """
    if measurement.value is None:
        return f"not measured: {measurement.reason}"
    text = value_text(measurement)
    if measurement.interval is None:
        return f"{text} (uncertainty not known)"
    level = f"{100 * measurement.level:g}"
    parts = [f"{text} ({level} % interval {interval_text(measurement)})"]
    return "; ".join([*parts, *filter(None, [chances_text(measurement)])])


def digits_of(measurement: Measurement) -> int:
    """Digits behind the point: those of the unit, fewer where they would be noise.

    The uncertainty keeps two digits that count (JCGM 100:2008, 7.2.6), so from 10 on nothing
    behind the point.

    Example:
        >>> digits_of(Measurement("SVA", "mm", value=31.2, standard_uncertainty=12.3))
        0
    """
    most, u = DIGITS[measurement.unit], measurement.standard_uncertainty
    if not u:
        return most
    # 9.96 is written as 10.
    return min(most, max(0, 1 - floor(log10(float(f"{u:.1e}")))))


def value_text(measurement: Measurement) -> str:
    """Return ``14.2 deg``; a dash where there is no value."""
    if measurement.value is None:
        return "–"
    shown = number(measurement.value, digits_of(measurement))
    return f"{shown} {unit_name(measurement.unit)}".strip()


def interval_text(measurement: Measurement) -> str:
    """Return ``11.8 to 16.6``, with 'uncalibrated' behind it where nobody checked it.

    Example:
        >>> interval_text(Measurement("ANB", "deg", value=2.0, interval=(1.0, 3.0),
        ...     basis="uncalibrated"))
        '1.0 to 3.0, uncalibrated'
    """
    shown = span(measurement.interval, digits_of(measurement))
    unchecked = measurement.interval is not None and measurement.basis == "uncalibrated"
    return f"{shown}, uncalibrated" if unchecked else shown


def chances_text(measurement: Measurement) -> str:
    """Return ``P(kyphotic) 0.03``; of two classes the second, for it tells the first.

    Example:
        >>> chances_text(Measurement("ANB", "deg", value=2.0,
        ...     probabilities={"class III": 0.002, "class I": 0.6, "class II": 0.398}))
        'P(class III) <0.01, P(class I) 0.60, P(class II) 0.40'
    """
    given = list(measurement.probabilities.items())
    told = given[1:] if len(given) == 2 else given
    return ", ".join(f"P({name}) {chance(value)}" for name, value in told)


def chance(probability: float) -> str:
    """Return a probability with two digits that never says certain.

    Example:
        >>> chance(0.004), chance(0.031), chance(0.9999)
        ('<0.01', '0.03', '>0.99')
    """
    if probability < 0.01:
        return "<0.01"
    return ">0.99" if probability > 0.99 else number(probability)


def crossing(measurement: Measurement) -> str:
    """Say which limits of classes lie inside the interval; nothing where none does.

    Example:
        >>> crossing(Measurement("ANB", "deg", value=3.5, interval=(2.0, 5.0),
        ...     crosses=("between class I and class II (4 deg)",)))
        'interval crosses the limit between class I and class II (4 deg)'
    """
    if not measurement.crosses:
        return ""
    noun = "limit" if len(measurement.crosses) == 1 else "limits"
    return f"interval crosses the {noun} {' and '.join(measurement.crosses)}"
