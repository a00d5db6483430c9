"""Which message it is that came: one that is kept already, or another."""

import hashlib

from app.documents import origins
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin


async def known(
    tenant: str, origin: Origin, *, message_id: str | None, fingerprint: str, raw: bytes
) -> tuple[InboundMessage | None, str]:
    """Find the tenant's message that this is, and the key that it has or would have."""
    told_before = await origins.known(tenant, origin)
    if told_before is not None:
        return told_before, told_before.key
    key = key_of(message_id, raw)
    found = await InboundMessage.of_key(tenant, key)
    if found is None or message_id is None or _is_same(found, origin, fingerprint):
        return found, key
    # Another message under the same id (jwz.org/doc/threading.html).
    key = f"{message_id} {fingerprint}"
    return await InboundMessage.of_key(tenant, key), key


def key_of(message_id: str | None, raw: bytes) -> str:
    """The key of the first message that has this id, or says the same without one."""
    return message_id or f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _is_same(found: InboundMessage, origin: Origin, fingerprint: str) -> bool:
    if found.fetch_error is not None or origin.fetch_error is not None:
        # Of one of them no more is known than its id.
        return True
    return found.fingerprint is None or found.fingerprint == fingerprint
