"""Mail to a recipient list: laying down a delivery for each member, and seeing it to its end.

One worker at a time has a list mail in hand, for a turn: it goes on with the fan-out, counts how
far the mail is, and has batches of deliveries sent by as many workers as there are. See
`app.services.list_batches`. Every step may be cut off anywhere and be done again.
"""

import asyncio
from datetime import datetime, timedelta

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import list_deliveries, list_mail
from app.documents.base import object_id_of
from app.documents.communications import Communication, Event
from app.documents.deliveries import Delivery
from app.documents.list_members import ListMember
from app.documents.list_progress import FanOut, Progress
from app.documents.recipient_lists import RecipientList
from app.documents.vocabulary import CommunicationStatus, DeliveryStatus, EventType
from app.mail.addresses import parse_mailbox
from app.queue import JobName
from app.services.cancellation import heard

log = structlog.get_logger()

CHUNK = 1_000
# Batches of one mail that are sent at a time, by all workers together.
CHAINS = 8
# How old the progress on the record may become while the mail is sent.
REFRESH = timedelta(seconds=5)
_REASONS = 3


async def fan_out(deps: Deps, communication_id: str) -> None:
    """Do a turn of a list mail that is due; nothing for one that is settled or in other hands."""
    now = deps.now()
    communication = await heard(
        list_mail.begin_turn(communication_id, now=now, until=now + deps.settings.lease)
    )
    if communication is None:
        return
    try:
        if communication.status is CommunicationStatus.CANCELLED:
            await _clear(deps, communication)
        elif await _lay_down(deps, communication):
            await _look(deps, communication)
    except asyncio.CancelledError:
        await list_mail.release(communication, deps.now())
        raise


async def wake(deps: Deps, communication: Communication) -> None:
    """Have a turn done at once."""
    await deps.queue.enqueue(
        JobName.FAN_OUT, str(communication.id), turn=f"{communication.dispatches}-woken"
    )


async def _lay_down(deps: Deps, communication: Communication) -> bool:
    """Make the deliveries that are missing; False when the mail was halted meanwhile."""
    made = communication.fan_out or FanOut(started=deps.now(), until=deps.now())
    if communication.fan_out is None and not await _is_there(communication):
        await _fail(deps, communication, "The recipient list was deleted.")
        return False
    sending = False
    domain = parse_mailbox(communication.sender_email).address.rpartition("@")[2]
    while not made.done:
        members = await ListMember.laid_out(
            communication.tenant_id,
            _list_id(communication),
            by=made.started,
            after=made.cursor,
            limit=CHUNK,
        )
        now = deps.now()
        await list_deliveries.lay(_pattern(communication, now), members, domain=domain)
        until = now + deps.settings.lease
        cursor = members[-1][0] if members else made.cursor
        made = FanOut(started=made.started, until=until, cursor=cursor, done=len(members) < CHUNK)
        advanced = await heard(list_mail.advance(communication, made, until=until))
        if advanced is None:
            # Called off in the meantime: what was just laid down must be, too.
            await list_mail.hasten(communication.id, deps.now())
            return False
        communication.fan_out = made
        if not sending:
            await _start_chains(deps, communication)
            sending = True
    return True


def _pattern(communication: Communication, now: datetime) -> Delivery:
    """Make what the deliveries of all members have in common."""
    return Delivery(
        tenant_id=communication.tenant_id,
        created=now,
        communication_id=communication.id,
        account_id=communication.account_id,
        sending=communication.sending,
        tracking_id="",
        recipients=[],
        message_id="",
        batch_at=now,
    )


async def _is_there(communication: Communication) -> bool:
    list_id = communication.recipient_list_id or ""
    return await RecipientList.exists(communication.tenant_id, list_id)


def _list_id(communication: Communication) -> PydanticObjectId:
    list_id = object_id_of(communication.recipient_list_id or "")
    if list_id is None:
        raise RuntimeError(f"communication {communication.id} goes to no list")
    return list_id


async def _start_chains(deps: Deps, communication: Communication) -> None:
    """Have batches sent; each has the next one sent when it is through."""
    name = f"{communication.id}/{communication.dispatches}"
    for number in range(CHAINS):
        await deps.queue.enqueue(JobName.BATCH, name, turn=number)


async def _look(deps: Deps, communication: Communication) -> None:
    """Tell how far it is; settle it when nothing is left, else see to it again in time."""
    progress = await progress_of(communication)
    now = deps.now()
    waiting = await list_deliveries.next_due(communication.id, now=now, lease=deps.settings.lease)
    if waiting is None:
        await _conclude(deps, communication, progress)
        return
    first, is_held = waiting
    busy = is_held or first <= now
    # While all wait for a later attempt there is nothing to see.
    if await list_mail.wait(communication, now + REFRESH if busy else first, progress) and busy:
        await _start_chains(deps, communication)


async def progress_of(communication: Communication) -> Progress:
    """Count what became of the members."""
    counts = await list_deliveries.counts(communication.id, communication.sending)
    return Progress(
        total=counts.total(),
        queued=counts[DeliveryStatus.QUEUED],
        sent=counts[DeliveryStatus.SENT],
        failed=counts[DeliveryStatus.FAILED],
        suppressed=counts[DeliveryStatus.SUPPRESSED],
        unsubscribed=counts[DeliveryStatus.UNSUBSCRIBED],
        cancelled=counts[DeliveryStatus.CANCELLED],
    )


async def _conclude(deps: Deps, communication: Communication, progress: Progress) -> None:
    if progress.sent == 0:
        await _fail(deps, communication, await _remark(communication, progress), progress)
        return
    event = Event(type=EventType.SEND, date=deps.now(), description=in_words(progress))
    remark = await _remark(communication, progress) if progress.sent < progress.total else None
    await list_mail.conclude(
        communication, CommunicationStatus.SENT, progress=progress, event=event, remark=remark
    )
    log.info("list.sent", communication_id=str(communication.id), **progress.model_dump())


async def _fail(
    deps: Deps, communication: Communication, reason: str, progress: Progress | None = None
) -> None:
    event = Event(type=EventType.FAIL, date=deps.now(), description=reason)
    told = progress or await progress_of(communication)
    await list_mail.conclude(
        communication,
        CommunicationStatus.FAILED,
        progress=told,
        event=event,
        remark=reason,
        is_withheld=0 < told.unsubscribed == told.total - told.cancelled,
    )
    log.warning("list.failed", communication_id=str(communication.id))


def in_words(progress: Progress) -> str:
    """Tell the numbers, those that are not zero."""
    numbers = {
        "failed": progress.failed,
        "suppressed": progress.suppressed,
        "unsubscribed": progress.unsubscribed,
        "cancelled": progress.cancelled,
    }
    others = [f"{number} {word}" for word, number in numbers.items() if number]
    return ", ".join([f"{progress.sent} of {progress.total} members sent", *others])


async def _remark(communication: Communication, progress: Progress) -> str:
    """Tell the numbers, and of the first who did not get it."""
    if progress.total == 0:
        return "The recipient list has no members."
    named = await list_deliveries.reasons(communication.id, communication.sending, _REASONS)
    return "; ".join([in_words(progress), *named])


async def _clear(deps: Deps, communication: Communication) -> None:
    """Settle what is not out of a mail that was called off."""
    now = deps.now()
    await list_deliveries.cancel_waiting(communication.id, now)
    progress = await progress_of(communication)
    waiting = await list_deliveries.next_due(communication.id, now=now, lease=deps.settings.lease)
    made = communication.fan_out
    if waiting is not None:
        # What is in hand goes out; it is let go at the latest when its lease ends.
        await list_mail.wait(communication, min(waiting[0], now + REFRESH), progress)
    elif made is not None and not made.done and made.until > now:
        # A worker may be laying down more at this moment.
        await list_mail.wait(communication, made.until, progress)
    else:
        await list_mail.conclude_cancelled(communication, progress)
