"""Whom an answer to a received message goes to."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.context import Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.mail.addresses import Mailbox, parse_mailbox
from app.mail.parse import reply_to
from app.mail.reply_addresses import read_reply_address
from app.services.account_choice import own_addresses

# Where the header of a message ends at the latest.
_HEAD = 256 * 1024
_PLAIN_NAME = re.compile(r"[\w '.-]+")


@dataclass(frozen=True)
class Whom:
    """Addresses for To and Cc, as callers write them."""

    to: Sequence[str]
    cc: Sequence[str]


async def whom(
    deps: Deps, message: InboundMessage, parent: Communication | None, *, everybody: bool
) -> Whom:
    """Tell whom an answer goes to: its Reply-To, else its author; with `everybody` all it names.

    The tenant's own addresses are left out, among them those it came to, and those that name a mail
    of ours. What we wrote ourselves is answered to whom we wrote.
    """
    octets = await InboundMessage.octets(message.id) or b""
    wanted = await asyncio.to_thread(reply_to, octets[:_HEAD])
    author = Mailbox(message.from_email, message.from_name)
    is_own = await _own(deps, message, parent)
    named = _others(map(Mailbox, message.recipients), is_own)
    copied = _others(map(Mailbox, message.cc), is_own) if everybody else []
    others = _others(wanted or [author], is_own)
    if not others and is_own(author.address) and named:
        return _written(named, copied)
    return _written([*(others or [author]), *(named if everybody else [])], copied)


async def _own(
    deps: Deps, message: InboundMessage, parent: Communication | None
) -> Callable[[str], bool]:
    told = [deps.settings.default_sender_email, *message.envelope_recipients]
    if parent is not None:
        told += [parent.sender_email, parent.reply_to]
    own = {_address(text) for text in told if text is not None}
    own |= await own_addresses(message.tenant_id)
    domain = deps.settings.inbound_domain

    def is_own(address: str) -> bool:
        if domain is not None and read_reply_address(address, domain=domain) is not None:
            return True
        return address.lower() in own

    return is_own


def _address(text: str) -> str:
    try:
        return parse_mailbox(text).address.lower()
    except ValueError:
        return text.lower()


def _others(mailboxes: Iterable[Mailbox], is_own: Callable[[str], bool]) -> list[Mailbox]:
    return [one for one in mailboxes if not is_own(one.address)]


def _written(to: Sequence[Mailbox], cc: Sequence[Mailbox]) -> Whom:
    """Write each address once, as callers do; those to which no mail can go are left out."""
    texts: dict[str, str | None] = {}
    for mailbox in (*to, *cc):
        texts.setdefault(mailbox.address.lower(), _text(mailbox))
    split = len({mailbox.address.lower() for mailbox in to})
    every = [*texts.values()]
    return Whom(
        [text for text in every[:split] if text is not None],
        [text for text in every[split:] if text is not None],
    )


def _text(mailbox: Mailbox) -> str | None:
    name = mailbox.name
    if name is not None and not _PLAIN_NAME.fullmatch(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    for text in ([] if name is None else [f"{name} <{mailbox.address}>"]) + [mailbox.address]:
        try:
            parse_mailbox(text)
        except ValueError:
            continue
        return text
    return None
