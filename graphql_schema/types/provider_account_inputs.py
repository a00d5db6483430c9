"""What is given to make and to change provider accounts."""

from datetime import datetime

import strawberry
from strawberry import UNSET

from graphql_schema.types.enums import SmtpSecurity

_SENDERS = (
    "Addresses, and `@domain`s, whose mail goes by it; at most 100, and each in one account only."
)
_FALLBACK = "The account that stands in while mail cannot go by this one."


@strawberry.input(description="An SMTP relay.")
class SmtpSettingsInput:
    host: str = strawberry.field(
        description="Name or IP address of the relay; private ones are refused."
    )
    port: int = strawberry.field(default=587, description="25, 465, 587 or 2525.")
    security: SmtpSecurity = strawberry.field(
        default=SmtpSecurity.STARTTLS, description="How the connection is protected."
    )
    username: str | None = strawberry.field(
        default=None, description="Its user, where it asks for one."
    )
    password: str | None = strawberry.field(
        default=None, description="The user's password. It is never given back."
    )
    connections: int = strawberry.field(
        default=4, description="Connections kept per worker; 1 to 20."
    )


@strawberry.input(description="An account at Resend.")
class ResendSettingsInput:
    api_key: str = strawberry.field(description="The API key. It is never given back.")
    webhook_secret: str | None = strawberry.field(
        default=None,
        description="The secret by which its webhooks are checked. It is never given back.",
    )


@strawberry.input(description="A mailbox of Microsoft 365.")
class GraphSettingsInput:
    directory_id: str = strawberry.field(description="GUID or domain of the directory (tenant).")
    client_id: str = strawberry.field(description="GUID of the application registered there.")
    mailbox: str = strawberry.field(description="Address or GUID of the mailbox that sends.")
    client_secret: str = strawberry.field(
        description="A secret of the application. It is never given back."
    )
    client_state: str | None = strawberry.field(
        default=None,
        description="The secret by which notifications are checked of a subscription that you make "
        "yourself. It is never given back.",
    )
    receives_mail: bool = strawberry.field(
        default=False,
        description="Whether the mail is taken in that comes into its Inbox. The application needs "
        "the permission Mail.Read.",
    )
    receives_since: datetime | None = strawberry.field(
        default=None,
        description="Mail is taken in that the mailbox received since then; not in the future, and "
        "from now on without it.",
    )


@strawberry.input(one_of=True, description="How a provider is reached: one of its kinds.")
class ProviderSettingsInput:
    smtp: SmtpSettingsInput | None = strawberry.field(default=UNSET, description="A relay.")
    resend: ResendSettingsInput | None = strawberry.field(
        default=UNSET, description="An account at Resend."
    )
    graph: GraphSettingsInput | None = strawberry.field(
        default=UNSET, description="A mailbox of Microsoft 365."
    )


@strawberry.input(description="A provider account to be kept.")
class CreateProviderAccountInput:
    name: str = strawberry.field(
        description="At most 200 characters, and no other account's name in any case."
    )
    sender_emails: list[str] | None = strawberry.field(default=None, description=_SENDERS)
    fallback_id: strawberry.ID | None = strawberry.field(default=None, description=_FALLBACK)
    settings: ProviderSettingsInput = strawberry.field(
        description="How it is reached, which makes it an account of that kind."
    )


@strawberry.input(description="What is to change in an SMTP relay.")
class SmtpChangesInput:
    host: str | None = strawberry.field(default=UNSET, description="Another host.")
    port: int | None = strawberry.field(default=UNSET, description="Another port.")
    security: SmtpSecurity | None = strawberry.field(
        default=UNSET, description="Another protection of the connection."
    )
    username: str | None = strawberry.field(
        default=UNSET, description="Another user; null takes user and password away."
    )
    password: str | None = strawberry.field(
        default=UNSET,
        description="Another password; needed again when host, port or security change.",
    )
    connections: int | None = strawberry.field(
        default=UNSET, description="Another number of connections."
    )


@strawberry.input(description="What is to change in an account at Resend.")
class ResendChangesInput:
    api_key: str | None = strawberry.field(default=UNSET, description="Another API key.")
    webhook_secret: str | None = strawberry.field(
        default=UNSET, description="Another secret of its webhooks; null takes it away."
    )


@strawberry.input(description="What is to change in a mailbox of Microsoft 365.")
class GraphChangesInput:
    directory_id: str | None = strawberry.field(default=UNSET, description="Another directory.")
    client_id: str | None = strawberry.field(default=UNSET, description="Another application.")
    mailbox: str | None = strawberry.field(default=UNSET, description="Another mailbox.")
    client_secret: str | None = strawberry.field(
        default=UNSET, description="Another secret of the application."
    )
    client_state: str | None = strawberry.field(
        default=UNSET, description="Another secret of its notifications; null takes it away."
    )
    receives_mail: bool | None = strawberry.field(
        default=UNSET,
        description="Whether the mail is taken in, from now on, that comes into its Inbox.",
    )
    receives_since: datetime | None = strawberry.field(
        default=UNSET,
        description="Mail is taken in that the mailbox received since then; null: from now on.",
    )


@strawberry.input(one_of=True, description="What changes in how a provider is reached.")
class ProviderChangesInput:
    smtp: SmtpChangesInput | None = strawberry.field(default=UNSET, description="Of a relay.")
    resend: ResendChangesInput | None = strawberry.field(
        default=UNSET, description="Of an account at Resend."
    )
    graph: GraphChangesInput | None = strawberry.field(
        default=UNSET, description="Of a mailbox of Microsoft 365."
    )


@strawberry.input(
    description="What is to change in a provider account; what is left out stays as it is, and so "
    "does a secret."
)
class UpdateProviderAccountInput:
    name: str | None = strawberry.field(default=UNSET, description="Another name.")
    sender_emails: list[str] | None = strawberry.field(
        default=UNSET, description="Other senders; null takes all of them away."
    )
    fallback_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Another account to stand in; null takes it away."
    )
    settings: ProviderChangesInput | None = strawberry.field(
        default=UNSET, description="What changes in how it is reached; of its own kind only."
    )
    revision: int | None = strawberry.field(
        default=UNSET,
        description="The revision the change was made on; an account changed since is a CONFLICT.",
    )
