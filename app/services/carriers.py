"""Who carries a mail at this attempt: its account, or the one that stands in while that is down."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import breakers
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.providers.base import (
    AccountError,
    OutgoingMessage,
    ParkedError,
    PermanentError,
    ProviderError,
    Receipt,
    TransientError,
)
from app.services.account_providers import lent_provider

log = structlog.get_logger()

_SHORTEST_WAIT = timedelta(seconds=1)
_LONGEST_DOUBLING = 30


@dataclass(frozen=True)
class Carrier:
    """`account` is None for the service's own provider; `remark` tells why it stands in."""

    account: ProviderAccount | None
    remark: str | None = None


async def choose(deps: Deps, communication: Communication, delivery: Delivery) -> Carrier:
    """Choose who carries it now, and write that down.

    A mail that may be out already stays with whoever had it: another would send it twice.

    Raises ParkedError while all who could are down, PermanentError when its account is gone.
    """
    first = communication.account_id
    if delivery.may_be_out:
        first = delivery.account_id or first
    if first is None:
        return Carrier(None)
    account = await ProviderAccount.by_id(first)
    if account is None:
        raise PermanentError("the provider account that it was to go by was deleted")
    carrier = await _standing(deps, account, may_switch=not delivery.may_be_out)
    await delivery.carry_by(None if carrier.account is None else carrier.account.id)
    return carrier


async def send(
    deps: Deps, communication: Communication, carrier: Carrier, message: OutgoingMessage
) -> Receipt:
    """Hand it over. Raises what EmailProvider.send raises."""
    if carrier.account is not None:
        async with lent_provider(deps, carrier.account) as provider:
            # Nothing may be waited for after this: a job cancelled then would count as not sent.
            return await provider.send(message)
    own = deps.providers.get(communication.provider_type)
    if own is None:
        raise TransientError(f"{communication.provider_type} is not set up on this worker")
    return await own.send(message)


async def note(deps: Deps, account: ProviderAccount, error: ProviderError | None) -> None:
    """Note what a hand-over, or a test, says of the account; `error` is None when it went well."""
    try:
        if isinstance(error, AccountError):
            await _failed(deps, account, error.detail)
        elif error is None or isinstance(error, PermanentError) or error.refused:
            # It answered, if only about this mail.
            await _worked(account)
    except StoreUnavailableError as fault:
        log.warning("account.unnoted", account_id=str(account.id), error=type(fault).__name__)


async def _standing(deps: Deps, account: ProviderAccount, *, may_switch: bool) -> Carrier:
    """Find the first that is up, from `account` on along the fallbacks. Raises ParkedError."""
    tried: set[PydanticObjectId] = set()
    candidate: ProviderAccount | None = account
    while candidate is not None and candidate.id not in tried:
        tried.add(candidate.id)
        if await _is_usable(deps, candidate):
            return Carrier(candidate, None if candidate is account else _remark(candidate, account))
        candidate = await _fallback(candidate) if may_switch else None
    until = account.down_until or deps.now()
    wait = max(until - deps.now(), _SHORTEST_WAIT)
    raise ParkedError(f"{account.name} is down: {account.last_error}", retry_after=wait)


async def _fallback(account: ProviderAccount) -> ProviderAccount | None:
    return None if account.fallback_id is None else await ProviderAccount.by_id(account.fallback_id)


def _remark(standing: ProviderAccount, account: ProviderAccount) -> str:
    return (
        f"Sent by the fallback account {standing.name} because {account.name} is down: "
        f"{account.last_error}"
    )


async def _is_usable(deps: Deps, account: ProviderAccount) -> bool:
    """Whether it is up, or its trial is ours."""
    if account.down_until is None:
        return True
    now = deps.now()
    if account.down_until > now:
        return False
    trial = await breakers.begin_trial(account, now=now, until=now + deps.settings.lease)
    if trial is None:
        return False
    account.down_until = trial.down_until
    return True


async def _failed(deps: Deps, account: ProviderAccount, words: str) -> None:
    counted = await breakers.count_failure(account.id, words=words)
    if counted is None or counted.failures < deps.settings.account_failures:
        return
    if counted.down_until != account.down_until:
        # Someone else took it down since this mail began.
        return
    settings = deps.settings
    doubled: timedelta = settings.account_pause * 2.0 ** min(counted.trips, _LONGEST_DOUBLING)
    until = deps.now() + min(doubled, settings.account_pause_limit)
    down = await breakers.take_down(counted, since=account.down_until, until=until)
    if down is not None:
        log.warning("account.down", account_id=str(account.id), until=until.isoformat())


async def _worked(account: ProviderAccount) -> None:
    # By what was read before the mail went; a failure since then is ended by the next mail.
    if account.failures and await breakers.bring_up(account.id) is not None:
        log.info("account.up", account_id=str(account.id))
