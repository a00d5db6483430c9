"""A fake Microsoft Graph with its login on loopback: mail only, and it has its bad days.

In a test it is `running_graph()`. `python -m tests.fakes.graph --port N` runs it as a process of
its own, to be looked at and told what to do under `/_fake`: GET shows what was sent, POST sets the
fields of `FakeGraph` that are named in a JSON object (and, by `mailbox`, those of the mailbox),
DELETE empties it. `receive` has mails with these Message-IDs come into the Inbox.
"""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fakes.graph_faults import (
    BAD_TOKEN,
    CONCURRENCY,
    MISSING,
    NO_MAILBOX,
    NO_TOKEN,
    NO_USER,
    TOO_LARGE,
    Fault,
)
from tests.fakes.graph_inbox import Inboxes
from tests.fakes.graph_mailbox import FaultError, Item, Mailbox
from tests.fakes.graph_subscriptions import Subscriptions
from tests.fakes.messages import message
from tests.fakes.serving import serve_by_port, serving, with_transport

DIRECTORY, SECRET = "contoso-directory", "right-secret"
CLIENT = "0f3b5e9a-0000-4000-8000-00000000000a"
MAILBOX = "crm@acme.test"
REQUEST_LIMIT = 4 * 1024 * 1024
IMMUTABLE = 'IdType="ImmutableId"'


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    call: str
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Upload:
    mailbox: Mailbox
    item: Item
    described: dict[str, Any]
    content: bytearray = field(default_factory=bytearray)


@dataclass
class FakeGraph:
    """`faults` befall the requests they fit, one each, in order; `always` all requests.

    A mailbox is served `at_once` requests at a time, each of which takes `seconds`. Ids stay what
    they are, where that is asked for, only if `has_immutable_ids`.
    """

    url: str = ""
    mailboxes: dict[str, Mailbox] = field(default_factory=lambda: {MAILBOX: Mailbox(MAILBOX)})
    disabled: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 4
    seconds: float = 0
    has_immutable_ids: bool = True
    token_lifetime: int | str = 3599
    tokens: set[str] = field(default_factory=set)
    uploads: dict[str, Upload] = field(default_factory=dict)
    inboxes: Inboxes = field(default_factory=Inboxes)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def box(self) -> Mailbox:
        return self.mailboxes[MAILBOX]

    def calls(self) -> list[str]:
        """`METHOD path` of all requests, ids left out."""
        return [re.sub(r"AA(kALg-|MkAD%2F)[^/]*", "ID", asked.call) for asked in self.asked]

    async def answer(self, request: Request) -> Response:
        call = f"{request.method} {request.scope['raw_path'].decode()}"
        content = await request.body()
        self.asked.append(Asked(call, dict(request.headers), content))
        whole = f"{call}?{request.url.query}"
        fault = next((one for one in self.faults if one.on in whole), None)
        if fault is not None:
            self.faults.remove(fault)
        elif self.always is not None and self.always.on in call:
            fault = self.always
        if fault is not None and not fault.takes:
            return await self._befall(fault, request)
        try:
            answer = await self._serve(request, call, content)
        except FaultError as error:
            answer = _error(error.fault)
        return answer if fault is None else await self._befall(fault, request)

    async def _serve(self, request: Request, call: str, content: bytes) -> Response:
        if call == f"POST /{DIRECTORY}/oauth2/v2.0/token":
            return self._token(dict(parse_qsl(content.decode())))
        if call.endswith("/oauth2/v2.0/token"):
            words = "AADSTS90002: Tenant not found. Check that you have the correct tenant ID."
            return JSONResponse({"error": "invalid_request", "error_description": words}, 400)
        if (session := re.fullmatch(r"PUT /upload/(\w+)", call)) is not None:
            return self._upload(session[1], request, content)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise FaultError(NO_TOKEN)
        if token not in self.tokens:
            raise FaultError(BAD_TOKEN)
        if len(content) > REQUEST_LIMIT:
            raise FaultError(TOO_LARGE)
        return await self._allowed(request, call, content)

    async def _allowed(self, request: Request, call: str, content: bytes) -> Response:
        if re.fullmatch(r"\w+ /v1\.0/subscriptions(/.*)?", call):
            return await self.subscriptions.answer(request, content)
        parts = re.fullmatch(r"(\w+) /v1\.0/users/([^/]+)(/.*)", call)
        if parts is None:
            raise FaultError(Fault(404, "UnknownError", "There is no such address."))
        method, address, path = parts[1], unquote(parts[2]), parts[3]
        if address in self.disabled:
            raise FaultError(NO_MAILBOX)
        if address not in self.mailboxes:
            raise FaultError(NO_USER)
        return await self._mailbox(self.mailboxes[address], method, path, request, content)

    def _token(self, form: dict[str, str]) -> Response:
        if form["client_id"] != CLIENT:
            words = "AADSTS700016: Application with identifier was not found in the directory."
            return JSONResponse({"error": "unauthorized_client", "error_description": words}, 400)
        if form["client_secret"] != SECRET:
            words = (
                "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the"
                " request is the client secret value, not the client secret ID."
                " Trace ID: 0e1f\r\nTimestamp: 2026-11-24 09:30:00Z"
            )
            said = {"error": "invalid_client", "error_description": words}
            return JSONResponse({**said, "error_codes": [7000215]}, 401)
        assert form["grant_type"] == "client_credentials"
        assert form["scope"] == "https://graph.microsoft.com/.default"
        token = secrets.token_urlsafe(30)
        self.tokens.add(token)
        said = {"token_type": "Bearer", "access_token": token}
        return JSONResponse({**said, "expires_in": self.token_lifetime})

    async def _mailbox(
        self, box: Mailbox, method: str, path: str, request: Request, content: bytes
    ) -> Response:
        if box.now_serving >= self.at_once:
            raise FaultError(CONCURRENCY)
        box.now_serving += 1
        box.most_at_once = max(box.most_at_once, box.now_serving)
        try:
            await asyncio.sleep(self.seconds)
            if method == "GET" and path == "/mailFolders/drafts":
                return JSONResponse({"id": "drafts"})
            if method == "GET" and path == "/mailFolders/sentitems":
                return JSONResponse({"id": "sentitems"})
            if method == "GET" and path == "/mailFolders/inbox/messages/delta":
                return self.inboxes.delta(box, request, f"{self.url}{quote(request.url.path)}")
            if path == "/messages":
                return self._messages(box, method, request, content)
            parts = re.fullmatch(r"/messages/([^/]+)(/.*)?", path)
            item = None if parts is None else box.find(unquote(parts[1]))
            if parts is None or item is None:
                raise FaultError(MISSING)
            return self._message(box, item, f"{method} {parts[2] or ''}", request, content)
        finally:
            box.now_serving -= 1

    def _messages(self, box: Mailbox, method: str, request: Request, content: bytes) -> Response:
        if method == "POST" and request.headers["content-type"] == "text/plain":
            item = box.create_of_mime(content, immutable=self._immutable(request))
            return JSONResponse(item.shown(), 201)
        if method == "POST":
            item = box.create(json.loads(content), immutable=self._immutable(request))
            return JSONResponse(item.shown(), 201)
        wanted = re.fullmatch(r"internetMessageId eq '(.*)'", request.query_params["$filter"])
        assert wanted is not None
        found = box.with_message_id(wanted[1].replace("''", "'"))
        return JSONResponse({"value": [_selected(item, request) for item in found]})

    def _message(
        self, box: Mailbox, item: Item, call: str, request: Request, content: bytes
    ) -> Response:
        fields = json.loads(content) if content else {}
        answer: dict[str, Any] | None = None
        status = {"GET": 200, "PATCH": 200, "DELETE": 204, "POST": 201}[call.partition(" ")[0]]
        match call:
            case "GET ":
                answer = _selected(item, request)
            case "GET /$value":
                return Response(item.mime, media_type="text/plain")
            case "DELETE ":
                del box.items[item.id]
            case "PATCH ":
                box.change(item, fields)
                answer = item.shown()
            case "POST /send":
                box.send(item)
                status = 202
            case "POST /createReply":
                reply = {"subject": f"RE: {item.fields['subject']}"}
                made = box.create(reply, immutable=self._immutable(request), answers=item)
                answer = made.shown()
            case "POST /attachments":
                assert fields["@odata.type"] == "#microsoft.graph.fileAttachment"
                item.attachments.append(fields)
                answer = {"id": secrets.token_hex(8)}
            case "POST /attachments/createUploadSession":
                id_ = secrets.token_hex(12)
                self.uploads[id_] = Upload(box, item, fields["AttachmentItem"])
                url = f"{self.url}/upload/{id_}?authtoken=secret"
                answer = {"uploadUrl": url, "nextExpectedRanges": ["0-"]}
            case _:
                raise FaultError(Fault(405, "UnsupportedMethod", "That cannot be done."))
        return Response(status_code=status) if answer is None else JSONResponse(answer, status)

    def _upload(self, id_: str, request: Request, content: bytes) -> Response:
        upload = self.uploads.get(id_)
        if upload is None:
            raise FaultError(MISSING)
        if "authorization" in request.headers:
            raise FaultError(Fault(401, "InvalidAudienceForResource", "The audience is invalid."))
        size = upload.described["size"]
        start = len(upload.content)
        expected = f"bytes {start}-{start + len(content) - 1}/{size}"
        if request.headers["content-range"] != expected or len(content) >= REQUEST_LIMIT:
            raise FaultError(Fault(400, "ErrorInvalidRange", f"Expected {expected}."))
        upload.content += content
        if len(upload.content) < size:
            return JSONResponse({"nextExpectedRanges": [str(len(upload.content))]})
        upload.item.attachments.append({**upload.described, "content": bytes(upload.content)})
        del self.uploads[id_]
        return Response(status_code=201)

    def _immutable(self, request: Request) -> bool:
        return self.has_immutable_ids and IMMUTABLE in request.headers.get("prefer", "")

    async def _befall(self, fault: Fault, request: Request) -> Response:
        if fault.end == "hang":
            await self.stopped.wait()
        if fault.end == "drop":
            request.scope["transport"].abort()
        return _error(fault)

    def control(self, request: Request, content: bytes) -> Response:
        """`/_fake`: look at it, tell it what to do, or empty it."""
        if request.method == "POST":
            for name, value in json.loads(content).items():
                if name == "mailbox":
                    vars(self.box).update(value)
                elif name == "inboxes":
                    vars(self.inboxes).update(value)
                elif name == "receive":
                    for id_ in value:
                        self.box.receive(id_, message(id_))
                else:
                    setattr(self, name, _read(name, value))
        if request.method == "DELETE":
            self.faults, self.always, self.asked = [], None, []
            self.mailboxes = {address: Mailbox(address) for address in self.mailboxes}
        mails = [
            {
                "at": sent.at,
                "mailbox": address,
                "recipients": sent.recipients,
                "message_id": sent.item.message_id,
                "subject": sent.item.fields.get("subject"),
            }
            for address, box in self.mailboxes.items()
            for sent in box.sent
        ]
        return JSONResponse({"mails": mails, "requests": self.calls()})


def _selected(item: Item, request: Request) -> dict[str, Any]:
    names = request.query_params.get("$select", "").split(",")
    shown = item.shown()
    if "internetMessageHeaders" in names and "internetMessageHeaders" in item.fields:
        shown["internetMessageHeaders"] = item.fields["internetMessageHeaders"]
    return {name: value for name, value in shown.items() if name in names}


def _error(fault: Fault) -> Response:
    request_id = secrets.token_hex(8)
    headers = {**fault.headers, "request-id": request_id}
    if fault.body is not None:
        return PlainTextResponse(fault.body, fault.status, headers, "text/html")
    inner = {"date": "2026-11-24T09:30:00", "request-id": request_id}
    said = {"code": fault.code, "message": fault.message, "innerError": inner}
    return JSONResponse({"error": said}, fault.status, headers)


def _read(name: str, value: Any) -> Any:
    if name == "faults":
        return [Fault(**one) for one in value]
    if name == "always" and value is not None:
        return Fault(**value)
    return value


def application(fake: FakeGraph) -> ASGIApp:
    """Serve login, Graph and `/_fake`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.url.path == "/_fake":
            answer = fake.control(request, await request.body())
        else:
            answer = await fake.answer(request)
        await answer(scope, receive, send)

    return with_transport(serve)


@asynccontextmanager
async def running_graph(**fields: Any) -> AsyncIterator[FakeGraph]:
    """Serve a fake Graph on a free loopback port until the block ends."""
    fake = FakeGraph(**fields)
    async with serving(fake, application(fake)):
        yield fake


if __name__ == "__main__":
    serve_by_port(lambda url: application(FakeGraph(url=url)))
