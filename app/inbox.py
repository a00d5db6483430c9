"""The development inbox as a page and as JSON: what the SMTP server of `letterbox dev` kept.

Each mail is `NAME.eml`, the exact bytes received, beside `NAME.json`, its envelope.
"""

import email
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from email.policy import default as policy
from html import escape
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

LIMIT = 200
HEADER_LIMIT = 256 * 1024
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
UNCACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PAGE_HEADERS = {
    **UNCACHED,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Vary": "Accept",
}
# A mail is a stranger's HTML: no scripts, no forms, no origin; images load so that opens count.
MAIL_HEADERS = {
    **UNCACHED,
    "Content-Security-Policy": (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
        "img-src * data:; style-src * 'unsafe-inline'; font-src *"
    ),
    "Referrer-Policy": "no-referrer",
}


def inbox_routes(data_dir: str | Path) -> list[Route]:
    """Routes below `/dev/inbox` that show the mails in `data_dir/inbox`; for development only."""
    inbox = Inbox(Path(data_dir) / "inbox")
    return [
        Route("/dev/inbox", inbox.index),
        Route("/dev/inbox/{name}.eml", inbox.raw),
        Route("/dev/inbox/{name}.html", inbox.html),
    ]


@dataclass(frozen=True)
class Inbox:
    folder: Path

    # Starlette runs plain functions in a thread, so reading files here holds up no request.
    def index(self, request: Request) -> Response:
        """Newest first: a page for browsers, else `{"messages": [...]}`."""
        messages = [_summary(file) for file in self._newest(_limit(request))]
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_page(messages), headers=PAGE_HEADERS)
        return JSONResponse({"messages": messages}, headers={**UNCACHED, "Vary": "Accept"})

    def raw(self, request: Request) -> Response:
        return FileResponse(self._file(request), media_type="message/rfc822", headers=UNCACHED)

    def html(self, request: Request) -> Response:
        """Show the HTML part, or the text when the mail has none."""
        message = _parsed(self._file(request).read_bytes())
        return HTMLResponse(_body(message), headers=MAIL_HEADERS)

    def _newest(self, limit: int) -> list[Path]:
        # Names start with the time of receipt.
        return sorted(self.folder.glob("*.eml"), reverse=True)[:limit]

    def _file(self, request: Request) -> Path:
        name = request.path_params["name"]
        file = self.folder / f"{name}.eml"
        if not NAME.fullmatch(name) or not file.is_file():
            raise HTTPException(404, "No such mail in the inbox.")
        return file


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(LIMIT))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise HTTPException(400, "limit must be a number from 0 to 200.")
    return min(int(text), LIMIT)


def _summary(file: Path) -> dict[str, Any]:
    headers = _headers(file)
    envelope = _envelope(file)
    return {
        "name": file.stem,
        "subject": _header(headers, "subject"),
        "from": _header(headers, "from"),
        "to": _header(headers, "to"),
        "envelopeFrom": envelope.get("envelopeFrom"),
        "envelopeTo": envelope.get("envelopeTo", []),
        "date": envelope.get("receivedAt"),
        "size": file.stat().st_size,
        "url": f"/dev/inbox/{file.stem}.eml",
        "htmlUrl": f"/dev/inbox/{file.stem}.html",
    }


def _envelope(file: Path) -> dict[str, Any]:
    try:
        envelope: dict[str, Any] = json.loads(file.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        # Somebody put the .eml there by hand.
        return {}
    return envelope


def _headers(file: Path) -> EmailMessage:
    """Only the head is read: two hundred mails may carry gigabytes of attachments."""
    with file.open("rb") as mail:
        head = mail.read(HEADER_LIMIT)
    return _parsed(re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0])


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=policy)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except Exception:  # noqa: BLE001  # email.policy raises anything on malformed headers
        return "(unreadable)"


def _body(message: EmailMessage) -> str:
    part = message.get_body(("html", "plain"))
    if part is None:
        return "<p>This mail has no text.</p>"
    text = _text(part)
    return text if part.get_content_subtype() == "html" else f"<pre>{escape(text)}</pre>"


def _text(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return raw.decode("utf-8", errors="replace")


def _page(messages: list[dict[str, Any]]) -> str:
    rows = "".join(_rows(messages)) or '<tr><td colspan="5">No mail yet.</td></tr>'
    return _PAGE.replace("ROWS", rows)


def _rows(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        recipients = ", ".join(message["envelopeTo"]) or message["to"]
        cells = [message["date"] or "", message["from"], recipients, message["subject"] or "(none)"]
        received, sender, to, subject = (escape(str(cell)) for cell in cells)
        page, source = escape(message["htmlUrl"]), escape(message["url"])
        yield (
            f"<tr><td><time>{received}</time></td><td>{sender}</td><td>{to}</td>"
            f'<td><a href="{page}">{subject}</a></td>'
            f'<td><a href="{source}">{message["size"]:,} bytes</a></td></tr>\n'
        )


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>Letterbox inbox</title>
<style>
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem .45rem 0;
  border-bottom: 1px solid #8884; overflow-wrap: anywhere }
time { white-space: nowrap; font-variant-numeric: tabular-nums }
</style>
</head>
<body>
<h1>Inbox</h1>
<p>Mail that this development stack sent, newest first. Nothing here left this machine.</p>
<table>
<thead><tr><th>Received</th><th>From</th><th>To</th><th>Subject</th><th>Source</th></tr></thead>
<tbody>
ROWS</tbody>
</table>
</body>
</html>
"""
