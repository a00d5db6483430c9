"""A fake Resend on loopback: takes mail over HTTP as the real one does, and has its bad days.

In a test it is `running_resend()`. `python -m tests.fakes.resend --port N` runs it as a process of
its own, to be looked at and told what to do under `/_fake`: GET shows what it took, POST sets the
fields of `FakeResend` that are named in a JSON object, DELETE empties it.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.fakes.resend_contract import violations
from tests.fakes.resend_faults import CONCURRENT, OTHER_PAYLOAD, TOO_MANY, Fault
from tests.fakes.resend_mailroom import Mailroom, without_nulls
from tests.fakes.serving import serve_by_port, serving, with_transport

FULL, SENDING, SUSPENDED = "re_full", "re_sending", "re_suspended"
DAY = 24 * 3600.0


@dataclass(frozen=True)
class Mail:
    """A mail that was taken: the request's fields, its key, and what Resend made of it."""

    id: str
    key: str | None
    message_id: str
    created_at: str
    fields: Mapping[str, Any]

    @property
    def recipients(self) -> list[str]:
        """The bare addresses of To, Cc and Bcc."""
        listed = (self.fields.get(name, []) for name in ("to", "cc", "bcc"))
        return [parseaddr(address)[1] for addresses in listed for address in addresses]


@dataclass
class _Known:
    """An idempotency key: the mail it was used for, and when; no id while that is going on."""

    digest: str
    at: float
    id: str | None = None


@dataclass
class FakeResend:
    """`faults` befall requests to send, one each, in order; `always` all requests after these.

    `requests_per_second` is told in headers and, if `enforced`, held. Message-IDs are told when
    `tells_message_ids`. `violations` names what was asked against Resend's own description.
    """

    url: str = ""
    mails: list[Mail] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    requests: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    requests_per_second: int = 1000
    enforced: bool = False
    seconds_to_take: float = 0
    tells_message_ids: bool = True
    unverified_domains: list[str] = field(default_factory=list)
    unknown_key: Fault = field(
        default_factory=lambda: Fault(400, "validation_error", "API key is invalid")
    )
    now: Callable[[], float] = time.time
    known: dict[str, _Known] = field(default_factory=dict)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    window: tuple[int, int] = (0, 0)
    mailroom: Mailroom = field(default_factory=Mailroom)

    async def send(self, request: Request) -> Response:
        """POST /emails."""
        fault = self.faults.pop(0) if self.faults else self.always
        if (refused := self._refused(request)) is not None:
            return self._error(refused)
        if fault is not None and not fault.takes:
            return await self._befall(fault, request)
        answer = await self._take(request)
        return answer if fault is None else await self._befall(fault, request)

    async def _take(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        content = await request.body()
        if key is not None and not 1 <= len(key) <= 256:
            return self._error(
                Fault(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
            )
        try:
            fields = json.loads(content)
        except ValueError:
            fields = None
        if found := violations("SendEmailRequest", fields):
            self.violations += found
            return self._error(Fault(422, "validation_error", found[0]))
        domain = parseaddr(fields["from"])[1].rpartition("@")[2]
        if domain in self.unverified_domains:
            words = f"The {domain} domain is not verified. Please, add and verify your domain."
            return self._error(Fault(403, "validation_error", words))
        return await self._once(key, hashlib.sha256(content).hexdigest(), fields)

    async def _once(self, key: str | None, digest: str, fields: Mapping[str, Any]) -> Response:
        known = None if key is None else self.known.get(key)
        if known is not None and self.now() - known.at < DAY:
            if known.id is None:
                return self._error(CONCURRENT)
            if known.digest != digest:
                return self._error(OTHER_PAYLOAD)
            return self._json(200, "SendEmailResponse", {"id": known.id})
        if key is not None:
            self.known[key] = _Known(digest, self.now())
        await asyncio.sleep(self.seconds_to_take)
        id_ = str(uuid4())
        created = datetime.fromtimestamp(self.now(), UTC)
        self.mails.append(
            Mail(
                id_, key, f"<{id_}@mail.resend.test>", f"{created:%Y-%m-%d %H:%M:%S.%f}+00", fields
            )
        )
        if key is not None:
            self.known[key] = _Known(digest, self.now(), id_)
        return self._json(200, "SendEmailResponse", {"id": id_})

    async def get(self, request: Request) -> Response:
        """GET /emails/{id}."""
        if (refused := self._refused(request, reads=True)) is not None:
            return self._error(refused)
        if self.always is not None:
            return await self._befall(self.always, request)
        found = [mail for mail in self.mails if mail.id == request.path_params["id"]]
        if not found:
            return self._error(Fault(404, "not_found", "Email not found"))
        (mail,) = found
        shown = {name: mail.fields[name] for name in ("from", "to", "subject")}
        shown |= {"object": "email", "id": mail.id, "created_at": mail.created_at}
        if self.tells_message_ids:
            shown["message_id"] = mail.message_id
        return self._json(200, "Email", {**shown, "last_event": "sent"})

    async def receiving(self, request: Request) -> Response:
        """GET /emails/receiving and what is under it."""
        if (refused := self._refused(request, reads=True)) is not None:
            return self._error(refused)
        room = self.mailroom
        fault = room.faults.pop(0) if room.faults else room.always
        if fault is not None:
            return await self._befall(fault, request)
        path = request.path_params
        if "id" not in path:
            told = room.listed(request.query_params)
            return self._json(200, "ListReceivedEmailsResponse", told)
        mail = room.mails.get(path["id"])
        if mail is None:
            return self._error(Fault(404, "not_found", "Email not found"))
        if request.url.path.endswith("/attachments"):
            told = room.attachments(mail, self.url, request.query_params)
            return self._json(200, "ListAttachmentsResponse", told)
        assert request.query_params["html_format"] == "cid"
        return self._json(200, "GetReceivedEmailResponse", room.shown(mail, self.url))

    async def content(self, request: Request) -> Response:
        """Give what a signed address leads to: another host in truth, with no key and no rate."""
        self.requests.append(f"GET {request.url.path}")
        assert "authorization" not in request.headers
        return self.mailroom.content(request.path_params["token"])

    async def domains(self, request: Request) -> Response:
        """GET /domains."""
        if (refused := self._refused(request, reads=True)) is not None:
            return self._error(refused)
        if self.always is not None:
            return await self._befall(self.always, request)
        domain = {"id": str(uuid4()), "name": "acme.test", "status": "verified"}
        answer = {"object": "list", "has_more": False, "data": [domain]}
        return self._json(200, "ListDomainsResponse", answer)

    async def control(self, request: Request) -> Response:
        """`/_fake`: look at it, tell it what to do, or empty it."""
        if request.method == "POST":
            for name, value in (await request.json()).items():
                setattr(self, name, _read(name, value))
        if request.method == "DELETE":
            for things in (self.mails, self.faults, self.requests, self.violations):
                things.clear()
            self.known.clear()
            self.always = None
        return JSONResponse(
            {
                "mails": [{**asdict(mail), "recipients": mail.recipients} for mail in self.mails],
                "requests": self.requests,
                "violations": self.violations,
            }
        )

    def _refused(self, request: Request, *, reads: bool = False) -> Fault | None:
        """What stands before every request: who asks, and how often."""
        self.requests.append(f"{request.method} {request.url.path}")
        if not request.headers.get("user-agent"):
            return Fault(403, body="error code: 1010")
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            return Fault(401, "missing_api_key", "Missing API Key")
        if key == SUSPENDED:
            return Fault(403, "suspended_api_key", "This API key is suspended.")
        if key not in {FULL, SENDING}:
            return self.unknown_key
        if reads and key == SENDING:
            words = "This API key is restricted to only send emails"
            return Fault(401, "restricted_api_key", words)
        return self._rated()

    def _rated(self) -> Fault | None:
        second, used = self.window
        this = int(time.monotonic())
        self.window = (this, used + 1 if second == this else 1)
        if self.enforced and self.window[1] > self.requests_per_second:
            return TOO_MANY
        return None

    def _headers(self) -> dict[str, str]:
        left = max(0, self.requests_per_second - self.window[1])
        return {
            "ratelimit-limit": str(self.requests_per_second),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": "1",
            "ratelimit-policy": f"{self.requests_per_second};w=1",
        }

    def _json(self, status: int, schema: str, answer: Mapping[str, Any]) -> Response:
        # They describe fields as never null that are, of files.
        assert violations(schema, without_nulls(answer)) == []
        return JSONResponse(answer, status, self._headers())

    def _error(self, fault: Fault) -> Response:
        headers = {**self._headers(), **fault.headers}
        if fault.body is not None:
            return PlainTextResponse(fault.body, fault.status, headers, "text/html")
        said = {"statusCode": fault.status, "message": fault.message, "name": fault.name}
        return JSONResponse(said, fault.status, headers)

    async def _befall(self, fault: Fault, request: Request) -> Response:
        await request.body()
        if fault.end == "hang":
            await self.stopped.wait()
        if fault.end == "drop":
            request.scope["transport"].abort()
        return self._error(fault)


def _read(name: str, value: Any) -> Any:
    if name == "faults":
        return [Fault(**one) for one in value]
    if name in {"always", "unknown_key"} and value is not None:
        return Fault(**value)
    return value


def application(fake: FakeResend) -> ASGIApp:
    """Serve the fake's API, and `/_fake`."""
    routes = [
        Route("/emails", fake.send, methods=["POST"]),
        Route("/emails/receiving", fake.receiving),
        Route("/emails/receiving/{id}", fake.receiving),
        Route("/emails/receiving/{id}/attachments", fake.receiving),
        Route("/content/{token}", fake.content),
        Route("/emails/{id}", fake.get),
        Route("/domains", fake.domains),
        Route("/_fake", fake.control, methods=["GET", "POST", "DELETE"]),
    ]
    return with_transport(Starlette(routes=routes))


@asynccontextmanager
async def running_resend(**fields: Any) -> AsyncIterator[FakeResend]:
    """Serve a fake Resend on a free loopback port until the block ends."""
    fake = FakeResend(**fields)
    async with serving(fake, application(fake)):
        yield fake


if __name__ == "__main__":
    serve_by_port(lambda _: application(FakeResend()))
