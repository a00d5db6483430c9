"""What is left to do with a message that is kept, where nobody delivers it again."""

import asyncio

import structlog

from app.context import Deps
from app.documents import unfinished
from app.documents.base import StoreUnavailableError
from app.documents.inbound_messages import InboundMessage
from app.mail.reports import read_report
from app.services import follow_ups, provider_events
from app.services.receiving.settling import settle_again
from app.services.unsubscribing import leaving

log = structlog.get_logger()

# Messages that a sweep finishes.
_AT_ONCE = 100


async def finish(deps: Deps, message: InboundMessage) -> None:
    """Do all that follows from a message that is kept; what was done of it is not done again."""
    await leaving.leave_by_mail(deps, message)
    settled = await settle_again(deps, message)
    raw = await InboundMessage.octets(message.id)
    if raw is not None and await asyncio.to_thread(read_report, raw) is not None:
        await provider_events.keep_report(deps, message)
    await follow_ups.call_off(deps, settled)
    await deps.gathered.count_inbox(settled.tenant_id, [settled.conversation_id], now=deps.now())


async def finish_forgotten(deps: Deps) -> None:
    """Finish what was cut off before the inbox counted it."""
    for message in await unfinished.some(deps.now(), _AT_ONCE):
        try:
            await finish(deps, message)
        except StoreUnavailableError:
            raise
        except Exception:
            # It is counted all the same, and so not looked at again.
            log.exception("inbound.unfinished", inbound_id=str(message.id))
