"""How a tenant's mail does: what was sent, opened, clicked and lost in a period."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.context import Caller, Deps
from app.documents import analytics as documents
from app.documents.analytics import Counts, Part, Period
from app.documents.vocabulary import CommunicationType
from app.errors import FieldError, InvalidInputError

UTC_NAME = "UTC"

# A name of the IANA database; MongoDB would take offsets too, which know no summer time.
_TIMEZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z0-9_+-]{1,30}){0,2}")


@dataclass(frozen=True)
class Rates:
    """Counts of communications, and their shares of those handed over (0 when there are none).

    `total_machine_opened` and `total_machine_clicked` count those that machines looked at, whether
    or not people did; the others are people's.
    """

    total_sent: int
    total_opened: int
    total_clicked: int
    open_rate: float
    click_rate: float
    total_machine_opened: int = 0
    total_machine_clicked: int = 0
    total_replied: int = 0
    reply_rate: float = 0.0
    total_unsubscribed: int = 0
    unsubscribe_rate: float = 0.0


@dataclass(frozen=True)
class TemplateStats:
    template_id: str
    template_name: str | None
    rates: Rates


@dataclass(frozen=True)
class TypeStats:
    type: CommunicationType
    rates: Rates


@dataclass(frozen=True)
class DayVolume:
    """`date` is YYYY-MM-DD."""

    date: str
    count: int


@dataclass(frozen=True)
class Analytics:
    rates: Rates
    failure_rate: float
    by_template: Sequence[TemplateStats]
    by_type: Sequence[TypeStats]
    send_volume_by_day: Sequence[DayVolume]


async def analytics(
    deps: Deps,
    caller: Caller,
    *,
    start: datetime | None,
    end: datetime | None,
    timezone: str | None,
    parts: Collection[Part] = frozenset(Part),
) -> Analytics:
    """Reckon a period, from `start` up to, not including, `end`; all time without them.

    A communication counts once, where it was handed over last (`sentAt`), also when not every
    recipient got it; it is opened and clicked however often once, whenever that was.
    `failureRate` is failed / (failed + sent), failed being what stands as FAILED and failed in the
    period, but for what nobody wanted. What went out and then failed to be sent again is both.
    Deleted communications do not count. One without a type or a template is in the totals and in no
    group: the contract has no name for "none". Days are those of `timezone`, and those without mail
    are left out. What is not among `parts` need not be reckoned.

    Raises InvalidInputError for a start after the end and for an unknown time zone.
    """
    name = await checked_timezone(start, end, timezone)
    period = Period(start, end)
    tally = await deps.gathered.tallies.tally(caller.tenant, period, name, parts)
    return Analytics(
        rates=_rates(tally.total),
        failure_rate=_share(tally.failed, tally.failed + tally.total.sent),
        by_template=[
            TemplateStats(id_, name, _rates(counts)) for id_, name, counts in tally.by_template
        ],
        by_type=[TypeStats(type_, _rates(counts)) for type_, counts in tally.by_type],
        send_volume_by_day=[DayVolume(date, count) for date, count in tally.by_day],
    )


async def checked_timezone(
    start: datetime | None, end: datetime | None, timezone: str | None
) -> str:
    """Give the name of the time zone of a period.

    Raises InvalidInputError for a start after the end and for an unknown time zone.
    """
    if start is not None and end is not None and start > end:
        raise InvalidInputError.of(FieldError("from", "must not be after to"))
    if timezone is not None and not await _is_known(timezone):
        reason = "must be a time zone of the IANA database, e.g. Europe/Amsterdam"
        raise InvalidInputError.of(FieldError("timezone", reason))
    return UTC_NAME if timezone is None else timezone


async def _is_known(timezone: str) -> bool:
    if not _TIMEZONE.fullmatch(timezone):
        return False
    return await documents.knows_timezone(timezone)


def _rates(counts: Counts) -> Rates:
    return Rates(
        total_sent=counts.sent,
        total_opened=counts.opened,
        total_clicked=counts.clicked,
        open_rate=_share(counts.opened, counts.sent),
        click_rate=_share(counts.clicked, counts.sent),
        total_machine_opened=counts.machine_opened,
        total_machine_clicked=counts.machine_clicked,
        total_replied=counts.replied,
        reply_rate=_share(counts.replied, counts.sent),
        total_unsubscribed=counts.unsubscribed,
        unsubscribe_rate=_share(counts.unsubscribed, counts.sent),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
