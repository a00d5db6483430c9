"""What a fake Resend received, as its API tells of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.responses import PlainTextResponse, Response

from tests.fakes.resend_faults import Fault

EXPIRED = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
EXPIRES = "2100-11-24T10:30:00.000Z"


@dataclass(frozen=True)
class Attachment:
    content: bytes
    filename: str | None = "offer.pdf"
    content_type: str = "application/pdf"
    content_id: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))


@dataclass(frozen=True)
class ReceivedMail:
    """`raw` is None for one whose octets Resend does not give; `told` are fields of its own."""

    raw: bytes | None
    told: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[Attachment] = ()
    id: str = field(default_factory=lambda: str(uuid4()))
    created_at: str = "2100-11-24 09:29:00.163+00"

    @property
    def fields(self) -> dict[str, Any]:
        """What stands in the list, and in the event."""
        return {
            "id": self.id,
            "created_at": self.created_at,
            "from": "Jan <jan@customer.test>",
            "to": ["crm@acme.test"],
            "cc": [],
            "bcc": None,
            "reply_to": None,
            "message_id": "<reply@customer.test>",
            "subject": "Re: Your offer",
            **self.told,
            "attachments": [_file(one) for one in self.files],
        }


@dataclass
class Mailroom:
    """Received mail by id, oldest first. `faults` befall requests of it, `always` all after these.

    Signed addresses are good for one question each when they `expire`, in turn: True for one that
    has expired by the time it is asked. `broken` answers 500 to so many.
    """

    mails: dict[str, ReceivedMail] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    expire: list[bool] = field(default_factory=list)
    broken: int = 0
    urls: dict[str, bytes] = field(default_factory=dict)
    page: int = 100

    def receive(self, raw: bytes | None, *files: Attachment, **more: Any) -> ReceivedMail:
        """Receive a mail; `told` are fields that differ from those of a plain one."""
        mail = ReceivedMail(raw, files=files, **more)
        self.mails[mail.id] = mail
        return mail

    def listed(self, query: Mapping[str, str]) -> dict[str, Any]:
        newest = list(reversed(self.mails.values()))
        after = query.get("after")
        begin = 0 if after is None else 1 + [mail.id for mail in newest].index(after)
        page = newest[begin : begin + min(self.page, int(query["limit"]))]
        data = [mail.fields for mail in page]
        return {"object": "list", "has_more": begin + len(page) < len(newest), "data": data}

    def shown(self, mail: ReceivedMail, url: str) -> dict[str, Any]:
        raw = None
        if mail.raw is not None:
            raw = {"download_url": self._signed(mail.raw, url), "expires_at": EXPIRES}
        bodies = {"html": None, "text": "Fine!", "headers": None, "received_for": ["crm@acme.test"]}
        return {"object": "email", **mail.fields, **bodies, **mail.told, "raw": raw}

    def attachments(self, mail: ReceivedMail, url: str, query: Mapping[str, str]) -> dict[str, Any]:
        ids = [one.id for one in mail.files]
        begin = 1 + ids.index(query["after"]) if "after" in query else 0
        page = mail.files[begin : begin + self.page]
        data = [
            {**_file(one), "download_url": self._signed(one.content, url), "expires_at": EXPIRES}
            for one in page
        ]
        more = begin + len(page) < len(mail.files)
        return {"object": "list", "has_more": more, "data": data}

    def content(self, token: str) -> Response:
        if self.broken:
            self.broken -= 1
            return PlainTextResponse("", 500)
        if token not in self.urls:
            return PlainTextResponse(EXPIRED, 403)
        return Response(self.urls[token], media_type="application/octet-stream")

    def _signed(self, content: bytes, url: str) -> str:
        token = uuid4().hex
        if not (self.expire and self.expire.pop(0)):
            self.urls[token] = content
        return f"{url}/content/{token}"


def without_nulls(answer: Any) -> Any:
    """Give it without the fields of files that are null."""
    if not isinstance(answer, dict):
        return answer
    rows = answer.get("data")
    if isinstance(rows, list):
        return {**answer, "data": [without_nulls(_bare(row)) for row in rows]}
    files = answer.get("attachments")
    return answer if files is None else {**answer, "attachments": [_bare(one) for one in files]}


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    nullable = ("filename", "content_id", "content_disposition", "size")
    return {name: value for name, value in row.items() if value is not None or name not in nullable}


def _file(one: Attachment) -> dict[str, Any]:
    return {
        "id": one.id,
        "filename": one.filename,
        "content_type": one.content_type,
        "content_id": one.content_id,
        "content_disposition": None if one.content_id is None else "inline",
        "size": len(one.content),
    }
