"""A mailbox as Exchange keeps it: drafts, sent items, what was received."""

import secrets
import time
from base64 import b64decode
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default as policy
from typing import Any

from tests.fakes.graph_faults import (
    BAD_MIME,
    HEADER_COUNT,
    HEADER_NAME,
    NO_RECIPIENTS,
    SEND_AS_DENIED,
    Fault,
)

WRITABLE = {
    "bccRecipients",
    "body",
    "ccRecipients",
    "from",
    "internetMessageHeaders",
    "internetMessageId",
    "replyTo",
    "singleValueExtendedProperties",
    "subject",
    "toRecipients",
}


class FaultError(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass
class Item:
    """A message; `visible_at` (seconds since 1970) is when a request for it finds it."""

    id: str
    fields: dict[str, Any]
    conversation_id: str
    immutable: bool
    is_draft: bool = True
    folder: str = "drafts"
    answers: str | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    visible_at: float = 0
    mime: bytes = b""
    number: int = 0

    @property
    def message_id(self) -> str:
        return str(self.fields["internetMessageId"])

    @property
    def recipients(self) -> list[str]:
        return [
            one["emailAddress"]["address"]
            for name in ("toRecipients", "ccRecipients", "bccRecipients")
            for one in self.fields.get(name, [])
        ]

    def shown(self) -> dict[str, Any]:
        """The message resource. Headers are shown only when they are asked for."""
        hidden = ("internetMessageHeaders", "singleValueExtendedProperties")
        said = {name: value for name, value in self.fields.items() if name not in hidden}
        return {
            **said,
            "id": self.id,
            "conversationId": self.conversation_id,
            "isDraft": self.is_draft,
            "parentFolderId": self.folder,
            "hasAttachments": bool(self.attachments),
        }


@dataclass
class Sent:
    """A mail that went out."""

    at: float
    item: Item

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(self.item.recipients)


@dataclass
class Mailbox:
    """`sent_delay` is how many seconds a sent message is found nowhere; `send_as`, where it is
    given, who else it may send as; without `keeps_message_ids` Exchange makes its own."""

    address: str
    sent_delay: float = 0
    send_as: list[str] | None = None
    keeps_message_ids: bool = True
    items: dict[str, Item] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    arrivals: int = 0
    now_serving: int = 0
    most_at_once: int = 0

    def find(self, id_: str) -> Item | None:
        item = self.items.get(id_)
        return item if item is not None and item.visible_at <= time.time() else None

    def with_message_id(self, message_id: str) -> list[Item]:
        return [
            item
            for item in self.items.values()
            if item.message_id == message_id and item.visible_at <= time.time()
        ]

    def create(
        self, fields: dict[str, Any], *, immutable: bool, answers: Item | None = None
    ) -> Item:
        check(fields)
        own = fields.get("internetMessageId") if self.keeps_message_ids else None
        message_id = own or f"<{secrets.token_hex(12)}@exchange.test>"
        item = Item(
            new_id(immutable=immutable),
            {**fields, "internetMessageId": message_id},
            answers.conversation_id if answers is not None else secrets.token_hex(12),
            immutable,
            answers=None if answers is None else answers.message_id,
        )
        self.items[item.id] = item
        return item

    def create_of_mime(self, content: bytes, *, immutable: bool) -> Item:
        """Read a draft of MIME in base64; headers that Exchange does not know stay as they are."""
        try:
            mail = message_from_bytes(b64decode(content, validate=True), policy=policy)
        except ValueError as error:
            raise FaultError(BAD_MIME) from error
        html = mail.get_body(("html",))
        assert html is not None
        item = self.create(
            {
                "subject": mail["Subject"],
                "body": {"contentType": "html", "content": html.get_content().rstrip("\r\n")},
                "from": _named(mail["From"])[0],
                "toRecipients": _named(mail["To"]),
                "ccRecipients": _named(mail["Cc"]),
                "replyTo": _named(mail["Reply-To"]),
                "internetMessageId": mail["Message-ID"],
            },
            immutable=immutable,
        )
        item.mime = b64decode(content)
        item.fields["internetMessageHeaders"] = [
            {"name": name, "value": str(value)} for name, value in mail.items()
        ]
        return item

    def change(self, item: Item, fields: dict[str, Any]) -> None:
        check(fields)
        if not item.is_draft or "internetMessageHeaders" in fields:
            raise FaultError(Fault(400, "ErrorInvalidPropertySet", "It cannot be changed now."))
        kept = {"internetMessageId": item.message_id} if not self.keeps_message_ids else {}
        item.fields = {**item.fields, **fields, **kept}

    def send(self, item: Item) -> None:
        """Make it a sent message; its id stays only if it was asked for as an immutable one."""
        sender = item.fields.get("from", {}).get("emailAddress", {}).get("address", self.address)
        if self.send_as is not None and sender not in {self.address, *self.send_as}:
            raise FaultError(SEND_AS_DENIED)
        if not item.is_draft:
            raise FaultError(Fault(400, "ErrorInvalidOperation", "It is no draft."))
        if not item.recipients or not all(map(is_address, item.recipients)):
            raise FaultError(NO_RECIPIENTS)
        self.sent.append(Sent(time.time(), item))
        item.is_draft, item.folder = False, "sentitems"
        item.visible_at = time.time() + self.sent_delay
        if not item.immutable:
            del self.items[item.id]
            item.id = new_id(immutable=False)
            self.items[item.id] = item

    def receive(
        self,
        message_id: str,
        mime: bytes = b"",
        *,
        received: str = "2100-11-24T09:30:00Z",
        sender: str = "jan@customer.test",
    ) -> Item:
        item = self.create({"subject": "Your question"}, immutable=True)
        item.fields["internetMessageId"] = message_id
        item.fields["receivedDateTime"] = received
        item.fields["from"] = {"emailAddress": {"address": sender}}
        item.is_draft, item.folder, item.mime = False, "inbox", mime
        self.arrivals += 1
        item.number = self.arrivals
        return item

    def inbox(self, *, after: int) -> list[Item]:
        """What came into the Inbox after the arrival of this number."""
        return [
            item for item in self.items.values() if item.folder == "inbox" and item.number > after
        ]


def new_id(*, immutable: bool) -> str:
    return ("AAkALg-" if immutable else "AAMkAD/") + secrets.token_urlsafe(24) + "="


def _named(field: Any) -> list[dict[str, Any]]:
    """Write an address field of MIME as Graph shows it."""
    addresses = () if field is None else field.addresses
    return [
        {"emailAddress": {"address": one.addr_spec, "name": one.display_name or one.addr_spec}}
        for one in addresses
    ]


def is_address(text: str) -> bool:
    local, _, domain = text.partition("@")
    return text.isascii() and bool(local) and "." in domain


def check(fields: dict[str, Any]) -> None:
    for name in fields:
        if name not in WRITABLE:
            words = f"The property '{name}' does not exist on type 'microsoft.graph.message'."
            raise FaultError(Fault(400, "RequestBodyRead", words))
    headers = fields.get("internetMessageHeaders", [])
    if any(not header["name"].lower().startswith("x-") for header in headers):
        raise FaultError(HEADER_NAME)
    if len(headers) > 5:
        raise FaultError(HEADER_COUNT)
