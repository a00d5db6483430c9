"""The envelope of a record: what exactly goes out, and to which addresses."""

import asyncio

from beanie import PydanticObjectId

from app.context import Deps
from app.documents import references
from app.documents.communications import Communication
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.documents.vocabulary import ProviderType
from app.mail.addresses import Mailbox, new_message_id, parse_mailbox
from app.mail.compose import Attachment, Message
from app.mail.reply_addresses import reply_address
from app.mail.stored import dump
from app.mail.text import plain_text
from app.services.unsubscribing.ways import fields_of, way_of_record
from app.settings import Settings

# Larger bodies are composed in a thread, so that a worker's other jobs and leases go on.
_LARGE_BODY = 256 * 1024


async def prepare(deps: Deps, communication: Communication) -> Delivery:
    """Compose the mail of `communication`; its delivery, due at once, not stored yet."""
    await communication.load_content()
    ids = await _references(deps, communication)
    if len(communication.body) > _LARGE_BODY:
        return await asyncio.to_thread(_envelope, deps, communication, ids)
    return _envelope(deps, communication, ids)


def _envelope(deps: Deps, communication: Communication, ids: list[str]) -> Delivery:
    sender = parse_mailbox(communication.sender_email)
    to = _mailboxes(communication.recipients)
    cc = _mailboxes(communication.cc)
    bcc = _mailboxes(communication.bcc)
    now = deps.now()
    delivery_id = PydanticObjectId()
    message = Message(
        sender=Mailbox(sender.address, communication.sender_name or sender.name),
        to=to,
        cc=cc,
        reply_to=answers_to(deps.settings, communication, delivery_id),
        subject=communication.subject,
        html=communication.body,
        text=_text(communication),
        message_id=new_message_id(sender.address.rpartition("@")[2]),
        date=now,
        in_reply_to=ids[-1] if ids else None,
        references=tuple(ids),
        headers=fields_of(
            deps.settings, communication, way_of_record(deps.settings, communication)
        ),
        attachments=tuple(Attachment(**one.model_dump()) for one in communication.attachments),
    )
    return Delivery(
        id=delivery_id,
        tenant_id=communication.tenant_id,
        created=now,
        communication_id=communication.id,
        account_id=communication.account_id,
        sending=communication.sending,
        tracking_id=communication.tracking_id,
        recipients=_recipients(to, cc, bcc),
        message_id=message.message_id,
        message=dump(message),
        due_at=now,
    )


def answers_to(
    settings: Settings, communication: Communication, delivery_id: PydanticObjectId
) -> Mailbox | None:
    """Give where answers to a delivery go; None for its sender.

    That is where its caller wants them, else an address of ours that names the delivery. Mail of
    a mailbox at Graph is answered to that mailbox, which is read.
    """
    if communication.reply_to is not None:
        return parse_mailbox(communication.reply_to)
    if settings.inbound_domain is None or communication.provider_type is ProviderType.GRAPH:
        return None
    address = reply_address(
        settings.reply_keys[0],
        tenant=communication.tenant_id,
        delivery_id=str(delivery_id),
        domain=settings.inbound_domain,
    )
    return Mailbox(address, communication.sender_name)


async def _references(deps: Deps, communication: Communication) -> list[str]:
    """Give what it answers last, and before that what this answers (RFC 5322, section 3.6.4).

    The first mail of its conversation stays first, whatever clients and servers have lost. A mail
    that answers none in particular has those that went out and came in before it.
    """
    tenant, answered = communication.tenant_id, communication.in_reply_to
    earlier = await deps.gathered.message_ids(tenant, communication.conversation_id)
    if answered is None:
        return earlier
    chain = await references.ancestors(tenant, answered)
    if chain is None:
        chain = earlier
    elif earlier and earlier[0] not in chain:
        chain = [earlier[0], *chain]
    return references.shortened([*(id_ for id_ in chain if id_ != answered), answered])


def _text(communication: Communication) -> str:
    """The text part shows where links really lead; clicks are counted in the HTML only."""
    if communication.text is not None:
        return communication.text
    originals = {link.url: link.original_url for link in communication.clicked_links}
    return plain_text(communication.body, replacements=originals)


def _mailboxes(texts: list[str]) -> tuple[Mailbox, ...]:
    return tuple(parse_mailbox(text) for text in texts)


def _recipients(*groups: tuple[Mailbox, ...]) -> list[DeliveryRecipient]:
    """Each address once: nobody gets a mail twice for standing in both To and Cc."""
    addresses: dict[str, str] = {}
    for group in groups:
        for mailbox in group:
            addresses.setdefault(mailbox.address.lower(), mailbox.address)
    return [DeliveryRecipient(address=address) for address in addresses.values()]
