"""Provider accounts as GraphQL shows them: their secrets only as being there or not."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from app.documents import provider_accounts as documents
from app.documents import vocabulary
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.services import provider_accounts as services
from graphql_schema.context import Info
from graphql_schema.links import to_one
from graphql_schema.resolvers import provider_accounts as resolvers
from graphql_schema.types.enums import (
    AccountStatus,
    ProviderType,
    ReceivingState,
    SmtpSecurity,
)
from graphql_schema.types.nodes import Node, kind


@strawberry.type(description="An SMTP relay.")
class SmtpSettings:
    host: str = strawberry.field(description="Name or IP address of the relay.")
    port: int = strawberry.field(description="Its port.")
    security: SmtpSecurity = strawberry.field(description="How the connection is protected.")
    username: str | None = strawberry.field(description="Its user, where it asks for one.")
    connections: int = strawberry.field(description="Connections kept per worker.")
    has_password: bool = strawberry.field(description="Whether a password is kept.")

    @classmethod
    def of(cls, account: documents.ProviderAccount) -> Self | None:
        if account.smtp is None:
            return None
        return cls(
            host=account.smtp.host,
            port=account.smtp.port,
            security=account.smtp.security,
            username=account.smtp.username,
            connections=account.smtp.connections,
            has_password="password" in account.secrets,
        )


@strawberry.type(description="An account at Resend.")
class ResendSettings:
    has_api_key: bool = strawberry.field(description="Whether an API key is kept.")
    has_webhook_secret: bool = strawberry.field(
        description="Whether the secret is kept by which its webhooks are checked."
    )

    @classmethod
    def of(cls, account: documents.ProviderAccount) -> Self | None:
        if account.provider_type is not vocabulary.ProviderType.RESEND:
            return None
        return cls(
            has_api_key="api_key" in account.secrets,
            has_webhook_secret="webhook_secret" in account.secrets,
        )


@strawberry.type(description="A mailbox of Microsoft 365.")
class GraphSettings:
    directory_id: str = strawberry.field(description="GUID or domain of the directory (tenant).")
    client_id: str = strawberry.field(description="Id of the application registered there.")
    mailbox: str = strawberry.field(description="Address or GUID of the mailbox that sends.")
    has_client_secret: bool = strawberry.field(
        description="Whether a secret of the application is kept."
    )
    has_client_state: bool = strawberry.field(
        description="Whether the secret is kept by which notifications are checked of a "
        "subscription that was made by hand."
    )
    receives_mail: bool = strawberry.field(
        description="Whether the mail is taken in that comes into its Inbox."
    )
    receives_since: datetime | None = strawberry.field(
        description="Since when the mailbox must have received it."
    )

    @classmethod
    def of(cls, account: documents.ProviderAccount) -> Self | None:
        if account.graph is None:
            return None
        return cls(
            directory_id=account.graph.directory_id,
            client_id=account.graph.client_id,
            mailbox=account.graph.mailbox,
            has_client_secret="client_secret" in account.secrets,
            has_client_state="client_state" in account.secrets,
            receives_mail=account.graph.receives_mail,
            receives_since=account.graph.receives_since,
        )


@strawberry.type(description="How it stands with the mail that a mailbox receives.")
class MailReceiving:
    state: ReceivingState = strawberry.field(description="Whether it comes in.")
    reason: str | None = strawberry.field(
        description="What is wrong, in Microsoft Graph's words where it said so."
    )
    is_notified: bool = strawberry.field(
        description="Whether Microsoft Graph tells of new mail at once. Otherwise the Inbox is "
        "looked into every minute (`LETTERBOX_GRAPH_POLL_INTERVAL`)."
    )
    subscription_expires_at: datetime | None = strawberry.field(
        description="Until when it does; that is renewed long before."
    )
    last_checked_at: datetime | None = strawberry.field(
        description="When the Inbox was looked into last, to the end."
    )
    last_received_at: datetime | None = strawberry.field(
        description="When the mailbox received the latest mail that was taken in."
    )

    @classmethod
    def of(cls, mailbox: MailboxSubscription | None) -> Self:
        """Show it; of an account that nobody looks after yet too."""
        if mailbox is None:
            return cls(
                state=ReceivingState.PENDING,
                reason=None,
                is_notified=False,
                subscription_expires_at=None,
                last_checked_at=None,
                last_received_at=None,
            )
        return cls(
            state=mailbox.state,
            reason=mailbox.read_fault or mailbox.notice_fault,
            is_notified=mailbox.subscription_id is not None,
            subscription_expires_at=mailbox.expires_at,
            last_checked_at=mailbox.read_at,
            last_received_at=mailbox.last_received_at,
        )


async def _receiving(root: "ProviderAccount", info: Info) -> MailReceiving | None:
    if root.graph is None or not root.graph.receives_mail:
        return None
    return MailReceiving.of(await info.context.loaders.load(resolvers.receiving_of, root.id))


@kind(documents.ProviderAccount, find=resolvers.provider_accounts_with_ids)
@strawberry.type(description="A relay, Resend account or mailbox of the tenant's own.")
class ProviderAccount(Node):
    id: strawberry.ID = strawberry.field(description="Id of the account.")
    name: str = strawberry.field(description="Its name, the tenant's only one of that name.")
    provider_type: ProviderType = strawberry.field(description="The service that carries its mail.")
    sender_emails: list[str] = strawberry.field(
        description="Addresses, and `@domain`s, whose mail goes by it. The first address is the "
        "sender of its mail that names none."
    )
    is_default: bool = strawberry.field(
        description="Whether mail goes by it that no other rule gives to an account."
    )
    fallback_id: strawberry.ID | None = strawberry.field(
        description="The account that stands in while mail cannot go by this one."
    )
    smtp: SmtpSettings | None = strawberry.field(description="Of an SMTP relay.")
    resend: ResendSettings | None = strawberry.field(description="Of an account at Resend.")
    graph: GraphSettings | None = strawberry.field(description="Of a mailbox of Microsoft 365.")
    receiving: MailReceiving | None = strawberry.field(
        resolver=_receiving,
        description="How it stands with the mail that its mailbox receives; null where it is not "
        "taken in.",
    )
    status: AccountStatus = strawberry.field(description="Whether mail can go by it.")
    last_error: str | None = strawberry.field(
        description="What went wrong last, in the provider's words, until a mail goes well."
    )
    down_until: datetime | None = strawberry.field(
        description="When one mail is let through to try an account that is down."
    )
    revision: int = strawberry.field(description="1 at first, and one more with each change.")
    created: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The user who made it.")
    updated: datetime = strawberry.field(description="The latest change.")
    updated_by: str = strawberry.field(description="The user who made that change.")

    fallback: (
        Annotated["ProviderAccount", strawberry.lazy("graphql_schema.types.provider_accounts")]
        | None
    ) = to_one(
        documents.ProviderAccount,
        "fallback_id",
        "The account that stands in while mail cannot go by this one.",
    )

    @classmethod
    def of(cls, account: documents.ProviderAccount) -> Self:
        fallback_id = account.fallback_id
        return cls(
            id=strawberry.ID(str(account.id)),
            name=account.name,
            provider_type=account.provider_type,
            sender_emails=account.sender_emails,
            is_default=account.is_default,
            fallback_id=None if fallback_id is None else strawberry.ID(str(fallback_id)),
            smtp=SmtpSettings.of(account),
            resend=ResendSettings.of(account),
            graph=GraphSettings.of(account),
            status=account.status,
            last_error=account.last_error,
            down_until=account.down_until,
            revision=account.revision,
            created=account.created,
            created_by=account.created_by,
            updated=account.updated,
            updated_by=account.updated_by,
        )


@strawberry.type(description="What a test of a provider account found.")
class ProviderAccountTest:
    ok: bool = strawberry.field(description="Whether the account works.")
    detail: str | None = strawberry.field(description="Why not, in the provider's words.")
    account_id: strawberry.ID = strawberry.field(description="The account that was tested.")
    account: ProviderAccount | None = to_one(
        documents.ProviderAccount, "account_id", "The account as the test left it."
    )

    @classmethod
    def of(cls, test: services.AccountTest, account_id: strawberry.ID) -> Self:
        return cls(ok=test.ok, detail=test.detail, account_id=account_id)
