"""Addresses of ours that name the mail they answer."""

from collections.abc import Iterable

from beanie import PydanticObjectId

from app.documents.deliveries import Delivery
from app.mail.reply_addresses import is_genuine, read_reply_address
from app.settings import Settings


def delivery_in(
    settings: Settings, tenant: str, addresses: Iterable[str]
) -> PydanticObjectId | None:
    """Find the delivery that the first address names that was written for this tenant."""
    domain = settings.inbound_domain
    if domain is None:
        return None
    for address in addresses:
        token = read_reply_address(address, domain=domain)
        if token is not None and is_genuine(settings.reply_keys, token, tenant=tenant):
            return PydanticObjectId(token.delivery_id)
    return None


async def tenant_answered(settings: Settings, address: str) -> str | None:
    """Tell whose mail is answered at an address; None for one that is not of ours, or forged."""
    if settings.inbound_domain is None:
        return None
    token = read_reply_address(address, domain=settings.inbound_domain)
    if token is None:
        return None
    tenant = await Delivery.tenant_of(PydanticObjectId(token.delivery_id))
    if tenant is None or not is_genuine(settings.reply_keys, token, tenant=tenant):
        return None
    return tenant
