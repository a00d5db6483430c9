from datetime import UTC, datetime


def format_instant(moment: datetime) -> str:
    """Write a time as Java's Instant does: `2019-08-24T14:15:22Z`, or with 3 or 6 digits.

    Digits come in groups (java.time.format.DateTimeFormatter.ISO_INSTANT).
    """
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    if utc.microsecond == 0:
        return f"{utc.isoformat(timespec='seconds')}Z"
    if utc.microsecond % 1000 == 0:
        return f"{utc.isoformat(timespec='milliseconds')}Z"
    return f"{utc.isoformat(timespec='microseconds')}Z"


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
