"""From a provider account to the provider that sends by it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.context import Deps
from app.documents.provider_accounts import GraphOptions, ProviderAccount, SmtpOptions
from app.documents.vocabulary import ProviderType
from app.encryption import SealError
from app.providers.base import AccountError, EmailProvider
from app.providers.graph import GraphAccount, GraphProvider
from app.providers.resend import ResendAccount, ResendProvider
from app.providers.smtp import SmtpAccount, SmtpProvider
from app.services.account_secrets import secret_of
from app.services.pacing import mailbox_pacer, reading_pacer


@asynccontextmanager
async def lent_provider(deps: Deps, account: ProviderAccount) -> AsyncIterator[EmailProvider]:
    """Lend the provider of an account, which stays open between mails.

    Raises AccountError where its secrets cannot be opened.
    """
    async with deps.accounts.lend(
        str(account.id), account.revision, lambda: open_provider(deps, account)
    ) as provider:
        yield provider


def open_provider(deps: Deps, account: ProviderAccount) -> EmailProvider:
    """Open the provider of an account; whoever asks closes it.

    Raises AccountError where its secrets cannot be opened.
    """
    if account.smtp is not None:
        return SmtpProvider(_smtp_account(deps, account, account.smtp))
    if account.provider_type is ProviderType.RESEND:
        key = _secret(deps, account, "api_key") or ""
        resend = ResendAccount(
            api_key=key,
            base_url=str(deps.settings.resend_url),
            timeout=deps.settings.http_timeout,
            public_only=not deps.settings.allow_private_hosts,
        )
        reads = reading_pacer(account.tenant_id, str(account.id))
        return ResendProvider(resend, deps.http, now=deps.now, reads=reads)
    if account.graph is not None:
        pacer = mailbox_pacer(account.tenant_id, account.graph.mailbox)
        return GraphProvider(_graph_account(deps, account, account.graph), deps.http, pacer)
    raise AccountError("the account is of no known kind")


def _smtp_account(deps: Deps, account: ProviderAccount, options: SmtpOptions) -> SmtpAccount:
    settings = deps.settings
    return SmtpAccount(
        host=options.host,
        port=options.port,
        security=options.security,
        username=options.username,
        password=_secret(deps, account, "password"),
        # Public relays are known to the system; one of a closed network may have its own.
        ca_file=settings.smtp_ca_file if settings.allow_private_hosts else None,
        connections=options.connections,
        timeout=settings.smtp_timeout,
        data_timeout=settings.smtp_data_timeout,
        public_only=not settings.allow_private_hosts,
    )


def _graph_account(deps: Deps, account: ProviderAccount, options: GraphOptions) -> GraphAccount:
    return GraphAccount(
        directory_id=options.directory_id,
        client_id=options.client_id,
        client_secret=_secret(deps, account, "client_secret") or "",
        mailbox=options.mailbox,
        graph_url=str(deps.settings.graph_url).rstrip("/"),
        login_url=str(deps.settings.graph_login_url).rstrip("/"),
        timeout=deps.settings.http_timeout,
    )


def _secret(deps: Deps, account: ProviderAccount, name: str) -> str | None:
    try:
        return secret_of(deps.settings, account, name)
    except SealError as error:
        raise AccountError(f"the secrets of the account cannot be opened: {error}") from error
