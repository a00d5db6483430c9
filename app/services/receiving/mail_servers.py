"""Mail that a mail server hands over: an envelope of recipients, each answered for itself."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum

import structlog

from app.context import Caller, Deps
from app.documents.base import StoreUnavailableError
from app.documents.origins import Origin
from app.documents.vocabulary import ProviderType
from app.errors import AppError, PayloadTooLargeError
from app.services import inbound
from app.services.receiving import addresses, domains
from app.services.unsubscribing import leaving
from app.settings import Settings

log = structlog.get_logger()

DOOR = "smtp"


class Fate(Enum):
    """What came of a message for one recipient."""

    KEPT = "KEPT"
    TOO_LARGE = "TOO_LARGE"
    REFUSED = "REFUSED"
    LATER = "LATER"


async def whose(settings: Settings, address: str) -> str | None:
    """Tell the tenant that an address belongs to. Raises StoreUnavailableError."""
    return (
        await addresses.tenant_answered(settings, address)
        or await leaving.tenant_left(settings, address)
        or await domains.tenant_of(address)
    )


async def take(
    deps: Deps, raw: bytes, *, sender: str, recipients: Mapping[str, str]
) -> Mapping[str, Fate]:
    """Keep a message for each tenant that has recipients of it (address to tenant), at once.

    Tells what came of it for each recipient; what is KEPT will survive whatever happens now. The
    envelope's `sender`, "" for a report, is written on top (RFC 5321 section 4.4).
    """
    whole = b"Return-Path: <%b>\r\n%b" % (sender.encode("utf-8", "surrogateescape"), raw)
    tenants = sorted(set(recipients.values()))
    fates = await asyncio.gather(
        *(_keep(deps, tenant, whole if raw else b"", _of(recipients, tenant)) for tenant in tenants)
    )
    by_tenant = dict(zip(tenants, fates, strict=True))
    return {address: by_tenant[tenant] for address, tenant in recipients.items()}


def _of(recipients: Mapping[str, str], tenant: str) -> Sequence[str]:
    return [address for address, owner in recipients.items() if owner == tenant]


async def _keep(deps: Deps, tenant: str, raw: bytes, recipients: Sequence[str]) -> Fate:
    caller = Caller.of_door(tenant, DOOR)
    origin = Origin(provider=ProviderType.SMTP, recipients=tuple(recipients), taken_at=deps.now())
    try:
        await inbound.ingest(deps, caller, raw, origin=origin)
    except PayloadTooLargeError:
        return Fate.TOO_LARGE
    except AppError:
        return Fate.REFUSED
    except StoreUnavailableError as error:
        log.warning("inbound.store_away", error=type(error).__name__)
        return Fate.LATER
    except Exception:
        # The mail server keeps it, and whoever reads the log mends it.
        log.exception("inbound.fault")
        return Fate.LATER
    return Fate.KEPT
