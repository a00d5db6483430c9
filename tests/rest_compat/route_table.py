"""Every route of the application with what it needs and answers, one row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.context import Scope
from tests.fakes.messages import message
from tests.fakes.svix import signed
from tests.world import CLIENT_STATE, LATER, MAIL, World

API = "/api/v1"
BASE = f"{API}/communications"
READ, SEND = Scope.COMMUNICATIONS_READ, Scope.COMMUNICATIONS_SEND
WRITE, DELETE = Scope.COMMUNICATIONS_WRITE, Scope.COMMUNICATIONS_DELETE
JSON, MIME, TEXT = "application/json", "message/rfc822", "text/plain"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Row:
    """One route under one method.

    `scope` is None where anyone may ask. `of` names the member of World whose id stands in the
    path, the query or the body. `theirs` is the status when another tenant asks the same.
    `headers` stand for a token where the body is signed.
    """

    method: str
    path: str
    scope: Scope | None
    status: int = 200
    of: str = "sent"
    query: str = ""
    body: bytes | None = None
    media_type: str = JSON
    theirs: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        """Whether it answers people, who are told in plain HTML what they look for in vain."""
        return self.path.startswith(("/u/", "/preferences/"))

    def asked(self, world: World) -> dict[str, Any]:
        """The request that is good, as options of the client."""
        id_ = getattr(world, self.of)
        request = self.request(id_)
        if self.query:
            request["url"] += f"?{self.query.format(id=id_)}"
        return request

    def request(self, id_: str) -> dict[str, Any]:
        """The request with this id as it stands in the path, and no query."""
        url = self.path.format(id=id_, templateId=id_, accountId=id_, token=id_, index="0")
        options: dict[str, Any] = {"method": self.method, "url": url}
        if self.body is not None:
            options["content"] = self.body.replace(b"TEMPLATE", id_.encode())
            options["headers"] = {"Content-Type": self.media_type, **self.headers}
        return options


def _json(**fields: Any) -> bytes:
    return orjson.dumps(fields)


RESEND_EVENT = _json(type="email.delivered", data={})
ROWS = [
    Row("GET", "/healthz", None),
    Row("GET", "/readyz", None),
    Row("GET", f"{API}/openapi.json", None),
    Row("GET", f"{API}/docs", None),
    Row("GET", f"{API}/docs/start.js", None),
    # A template of another tenant is wrong input.
    Row("POST", f"{BASE}/send", SEND, of="template", theirs=400,
        body=_json(**MAIL, templateId="TEMPLATE")),
    Row("POST", f"{BASE}/schedule", SEND, of="template", theirs=400,
        body=_json(**MAIL, templateId="TEMPLATE", scheduledAt=LATER)),
    Row("POST", f"{BASE}/send-template/{{templateId}}", SEND, of="template", theirs=404,
        body=_json(recipients=MAIL["recipients"])),
    Row("GET", f"{BASE}/scheduled", READ),
    Row("DELETE", f"{BASE}/delete-list", DELETE, 204, query="ids={id}", theirs=204),
    Row("POST", f"{BASE}/{{id}}/cancel", SEND, of="waiting", theirs=404),
    Row("POST", f"{BASE}/{{id}}/resend", SEND, theirs=404),
    Row("POST", f"{BASE}/{{id}}/comment", WRITE, body=b"Called him", media_type=TEXT, theirs=404),
    Row("GET", f"{BASE}/find/{{id}}", READ, theirs=404),
    Row("GET", f"{BASE}/find", READ, query="ids={id}"),
    Row("GET", f"{BASE}/find-list", READ, query="ids={id}"),
    Row("GET", f"{BASE}/find-all", READ),
    Row("GET", f"{BASE}/page", READ),
    Row("GET", f"{BASE}/dynamic-search", READ, query="search=offer"),
    Row("POST", f"{BASE}/dynamic-search", READ, body=_json(search=["offer"])),
    Row("GET", f"{BASE}/csv-export", READ),
    Row("GET", f"{BASE}/by-entity", READ, query="entityType=deal&entityId=42"),
    Row("GET", f"{BASE}/{{id}}/thread", READ, theirs=404),
    Row("GET", f"{BASE}/analytics", READ),
    Row("GET", f"{BASE}/track/{{id}}", None, of="tracking"),
    Row("GET", f"{BASE}/link/{{id}}/{{index}}", None, 302, of="tracking"),
    Row("POST", f"{API}/inbound/mime", Scope.INBOUND_WRITE, body=message(), media_type=MIME),
    Row("GET", f"{API}/attachments/{{token}}", None, of="file"),
    Row("POST", f"{API}/webhooks/resend/{{accountId}}", None, of="resend", body=RESEND_EVENT,
        headers=signed(RESEND_EVENT)),
    Row("POST", f"{API}/webhooks/graph/{{accountId}}", None, 202, of="mailbox",
        body=_json(value=[{"clientState": CLIENT_STATE, "changeType": "created"}])),
    Row("GET", "/u/{token}", None, of="leaving"),
    Row("POST", "/u/{token}", None, of="leaving", body=b"List-Unsubscribe=One-Click",
        media_type=FORM),
    Row("GET", "/preferences/{token}", None, of="leaving"),
    Row("POST", "/preferences/{token}", None, of="leaving", body=b"action=none", media_type=FORM),
    Row("DELETE", f"{BASE}/{{id}}", DELETE, 204, theirs=404),
]  # fmt: skip
# These have a suite of their own.
OTHERS = {("GET", "/graphql"), ("POST", "/graphql"), ("GET", "/graphql/assets/{name}")}
ASSETS = f"{API}/docs/assets"
GUARDED = [row for row in ROWS if row.scope is not None]
READING = [row for row in ROWS if row.method == "GET"]
POSTING = [row for row in ROWS if row.method == "POST"]
WITH_IDS = [row for row in ROWS if "{" in row.path]


def name(value: object) -> str | None:
    """Name a row in the list of tests; all else is named as usual."""
    return f"{value.method} {value.path}" if isinstance(value, Row) else None
