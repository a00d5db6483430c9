from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

_NOTHING = timedelta(0)


def format_instant(moment: datetime) -> str:
    """Write a time as Java's Instant does: `2019-08-24T14:15:22Z`, or with 3 or 6 digits.

    Digits come in groups (java.time.format.DateTimeFormatter.ISO_INSTANT).
    """
    utc = moment if _is_utc(moment.tzinfo) else moment.astimezone(UTC)
    if utc.microsecond % 1000 or not utc.microsecond:
        return utc.isoformat().removesuffix("+00:00") + "Z"
    return utc.isoformat("T", "milliseconds").removesuffix("+00:00") + "Z"


@lru_cache(64)
def _is_utc(zone: tzinfo | None) -> bool:
    return zone is not None and zone.utcoffset(None) == _NOTHING


def parse_instant(text: object) -> datetime:
    """Read any ISO 8601 form; a time without a zone is UTC.

    Raises ValueError for another text, TypeError for what is no text, and OverflowError for a
    time that leaves the calendar in UTC.
    """
    if not isinstance(text, str):
        raise TypeError("a date-time must be a string")
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def format_optional(moment: datetime | None) -> str | None:
    """Write a time as `format_instant`; None stays None."""
    return None if moment is None else format_instant(moment)
