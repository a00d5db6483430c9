"""A received message without its octets: its headers and its body, as Graph tells them as JSON.

(learn.microsoft.com/graph/api/resources/message) Attachments are not told, so it is short where
the message is large.
"""

from collections.abc import Iterator, Mapping
from email.utils import format_datetime, formataddr
from typing import Any

from app.mail.assemble import assemble
from app.providers.graph.instants import read_instant

SELECT = (
    "internetMessageHeaders,internetMessageId,subject,from,toRecipients,ccRecipients,"
    "receivedDateTime,body"
)


def written(told: Mapping[str, Any]) -> bytes:
    """Write the message of what Graph tells of it; nothing that it tells makes that fail."""
    headers = [*_headers(told.get("internetMessageHeaders"))]
    known = {name.lower() for name, _ in headers}
    fields = [(name, value) for name, value in _fields(told) if name.lower() not in known]
    body = told.get("body")
    body = body if isinstance(body, dict) else {}
    content = body.get("content")
    words = content if isinstance(content, str) else ""
    is_html = body.get("contentType") == "html"
    return assemble(
        [*headers, *fields], text=None if is_html else words, html=words if is_html else None
    )


def addresses(value: object) -> Iterator[tuple[str, str]]:
    """Give name and address of each recipient resource, or of the only one."""
    for person in value if isinstance(value, list) else [value]:
        mailbox = person.get("emailAddress") if isinstance(person, dict) else None
        if isinstance(mailbox, dict) and isinstance(address := mailbox.get("address"), str):
            name = mailbox.get("name")
            yield name if isinstance(name, str) else "", address


def _headers(value: object) -> Iterator[tuple[str, str]]:
    for header in value if isinstance(value, list) else []:
        if isinstance(header, dict):
            name, text = header.get("name"), header.get("value")
            if isinstance(name, str) and isinstance(text, str):
                yield name, text


def _fields(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, name in (("From", "from"), ("To", "toRecipients"), ("Cc", "ccRecipients")):
        if people := [_person(*one) for one in addresses(told.get(name))]:
            yield field, ", ".join(people)
    for field, name in (("Subject", "subject"), ("Message-ID", "internetMessageId")):
        if isinstance(text := told.get(name), str):
            yield field, text
    if moment := read_instant(told.get("receivedDateTime")):
        yield "Date", format_datetime(moment)


def _person(name: str, address: str) -> str:
    try:
        return formataddr((name, address))
    except UnicodeError:
        return address
