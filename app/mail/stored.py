"""A worked-out mail as octets, to be kept between attempts.

It is kept as what it says, not as what goes out, so that any provider can make its own form of it.
Each makes the same octets of the same message, today and after an update: a retry that differs is
refused where a provider knows the idempotency key already.
"""

from dataclasses import replace

from pydantic import TypeAdapter

from app.mail.compose import Message

_MESSAGE = TypeAdapter(Message)


def dump(message: Message) -> bytes:
    """Write a message as JSON, without the contents of its attachments."""
    bare = tuple(replace(attachment, content=b"") for attachment in message.attachments)
    return _MESSAGE.dump_json(replace(message, attachments=bare))


def load(octets: bytes) -> Message:
    """Read what `dump` wrote; fields that came into being since have their defaults."""
    return _MESSAGE.validate_json(octets)
