"""Times as Graph writes them."""

from datetime import UTC, datetime


def read_instant(text: object) -> datetime | None:
    """Read a time with up to 7 digits of a second, in whole milliseconds; None for what is none."""
    try:
        moment = datetime.fromisoformat(str(text))
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def written(moment: datetime) -> str:
    """Write it in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
