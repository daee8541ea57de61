"""The time of a review: UTC, as one text that sorts as time does."""

from datetime import UTC, datetime

from palpate.errors import ConfigError

_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def utc_now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC)


def stamp(when: datetime) -> str:
    """Return ISO 8601 with microseconds.

    Raises:
        ConfigError: a time without a zone.

    Example:
        >>> stamp(datetime(2026, 3, 1, 12, tzinfo=UTC))
        '2026-03-01T12:00:00.000000Z'
    """
    if when.tzinfo is None:
        raise ConfigError("a time of a review has a zone; use datetime.now(UTC)")
    return when.astimezone(UTC).strftime(_FORM)


def moment(text: str) -> datetime:
    """Return what :func:`stamp` was given."""
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC)
