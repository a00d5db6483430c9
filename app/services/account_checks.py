"""What an account of a tenant must be, beyond the shape of its fields."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from app.documents.provider_accounts import GraphOptions, ProviderAccount, SmtpOptions
from app.errors import FieldError, InvalidInputError
from app.providers.reach import ForbiddenHostError, check_port, public_addresses
from app.settings import Settings, SmtpSecurity

_LOOK_UP_LIMIT = timedelta(seconds=10)


async def check_relay(
    settings: Settings,
    before: ProviderAccount | None,
    relay: SmtpOptions,
    secrets: Mapping[str, str],
    *,
    gone: Collection[str] = (),
) -> None:
    """Check a relay as it is to be; `before` is the account it belongs to already.

    `secrets` are given now, and `gone` those to be taken away. Raises InvalidInputError.
    """
    given = "password" in secrets
    has_password = given or (
        before is not None and "password" in before.secrets and "password" not in gone
    )
    faults = [*_login_faults(settings, relay, given=given, has_password=has_password)]
    known = None if before is None else before.smtp
    if known is not None and has_password and not given:
        faults += _moved_faults(known, relay)
    if not settings.allow_private_hosts and (known is None or _place(known) != _place(relay)):
        faults += await _reach_faults(relay)
    if faults:
        raise InvalidInputError.of(*faults)


def begin_receiving(
    mailbox: GraphOptions,
    now: datetime,
    *,
    before: GraphOptions | None = None,
    since: datetime | None = None,
) -> None:
    """Let a mailbox that begins to receive do so from now on, where no time `since` is given.

    It begins when it is made or told to, and when it becomes another mailbox; `before` is what it
    was. Raises InvalidInputError for a time that is not yet.
    """
    if since is not None and since > now:
        raise InvalidInputError.of(FieldError("graph.receivesSince", "must not be in the future"))
    goes_on = (
        before is not None
        and before.receives_mail
        and before.mailbox == mailbox.mailbox
        and mailbox.receives_since is not None
    )
    if mailbox.receives_mail and since is None and not goes_on:
        mailbox.receives_since = now


def _login_faults(
    settings: Settings, relay: SmtpOptions, *, given: bool, has_password: bool
) -> Iterator[FieldError]:
    if relay.username is not None and not has_password:
        yield FieldError("smtp.password", "is required with a username")
    if relay.username is None and given:
        yield FieldError("smtp.username", "is required with a password")
    in_clear = relay.security is SmtpSecurity.NONE and has_password
    if in_clear and not settings.allow_private_hosts:
        reason = "must be starttls or tls where there is a password: it would go in the clear"
        yield FieldError("smtp.security", reason)


def _moved_faults(known: SmtpOptions, relay: SmtpOptions) -> list[FieldError]:
    """Nobody may have a password sent elsewhere that was not given to them."""
    if _place(known) == _place(relay) and known.security is relay.security:
        return []
    reason = "must be given again when host, port or security change"
    return [FieldError("smtp.password", reason)]


def _place(relay: SmtpOptions) -> tuple[str, int]:
    return relay.host, relay.port


async def _reach_faults(relay: SmtpOptions) -> list[FieldError]:
    faults = []
    try:
        check_port(relay.port)
    except ForbiddenHostError as error:
        faults.append(FieldError("smtp.port", str(error)))
    try:
        await public_addresses(relay.host, relay.port, limit=_LOOK_UP_LIMIT)
    except ForbiddenHostError as error:
        faults.append(FieldError("smtp.host", str(error)))
    except OSError:
        faults.append(FieldError("smtp.host", "no host of this name is found"))
    return faults
