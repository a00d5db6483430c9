"""Reading messages anew of which something could not be read when they came."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from app.context import Caller, Deps
from app.documents import unread
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.services import inbound
from app.services.receiving import finishing, identity
from app.services.receiving.reading import read

_AT_A_TIME = 50
_AUTHOR = "reparse"


@dataclass
class Reread:
    """How many were looked at, and of how many all could be read."""

    looked_at: int = 0
    mended: int = 0


async def reread(
    deps: Deps, *, tenant: str | None = None, at_a_time: int = _AT_A_TIME
) -> AsyncGenerator[Reread, None]:
    """Read what is there of one tenant or of all, and tell after each part how far it came.

    Whose a message is, when it came and what users did with it stay. Begun again it goes on with
    what is left.
    """
    done = Reread()
    for one in await unread.tenants() if tenant is None else [tenant]:
        after = None
        while messages := await unread.part(one, after, at_a_time):
            for message in messages:
                done.mended += await _reread(deps, message)
            done.looked_at += len(messages)
            after = messages[-1].id
            yield done


async def _reread(deps: Deps, message: InboundMessage) -> bool:
    """Read one anew; whether all of it could be read."""
    raw = await InboundMessage.octets(message.id)
    if raw is None:
        return False
    mail = await asyncio.to_thread(read, raw)
    if " ".join(mail.faults) == message.parse_fault:
        return False
    caller = Caller.of_door(message.tenant_id, _AUTHOR)
    origin = Origin(
        recipients=tuple(message.envelope_recipients),
        taken_at=message.received_at,
        # Whole it is only when the provider gives it.
        fetch_error=message.fetch_error,
    )
    whole = await inbound.made(deps, caller, mail, origin, raw, key=message.key)
    # What its author asked for by its address was done when it came.
    whole.leaving_id = None
    after = await message.complete(whole, raw)
    if after is None:
        return False
    if after.key == identity.key_of(None, raw):
        # Its Message-ID could not be read when it came: delivered again, it is known by that.
        await after.rename(identity.key_of(mail.parsed.message_id, raw))
    await finishing.finish(deps, after)
    return not mail.faults
