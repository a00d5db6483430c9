"""A message made of what a service tells of it, where the octets it came as cannot be had."""

import re
import secrets
from collections.abc import Sequence

from app.mail import entities
from app.mail.entities import Entity, File
from app.mail.received_text import on_one_line, storable

_NAME = re.compile(r"[!-9;-~]{1,76}")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}", re.ASCII)
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,200}")


def assemble(
    fields: Sequence[tuple[str, str]],
    *,
    text: str | None,
    html: str | None,
    files: Sequence[File] = (),
) -> bytes:
    """Write a MIME message; nothing that a service tells makes it fail.

    Values of `fields` may hold any characters (they stand as UTF-8, RFC 6532). A field that no
    header can hold is left out, as are those that tell how the original was encoded.
    """
    pictures = [file for file in files if file.content_id is not None]
    others = [file for file in files if file.content_id is None]
    body = _together("related", [_words(text, html), *map(entities.file, pictures)])
    whole = _together("mixed", [body, *map(entities.file, others)])
    lines = [line for name, value in fields if (line := _field(name, value))]
    head = "".join(f"{line}\r\n" for line in [*lines, "MIME-Version: 1.0"])
    return head.encode() + b"".join(whole)


def file_of(
    name: str | None, media_type: str | None, content_id: str | None, content: bytes
) -> File:
    """Make a file of what a service tells of it, whatever that is."""
    inline = on_one_line(storable(content_id or "")).strip("<> ")
    kind = media_type or ""
    return File(
        filename=on_one_line(storable(name or ""))[:500] or "attachment",
        media_type=kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream",
        content_id=inline if _CONTENT_ID.fullmatch(inline) else None,
        content=content,
    )


def _field(name: str, value: str) -> str | None:
    lower = name.lower()
    if not _NAME.fullmatch(name) or lower.startswith("content-") or lower == "mime-version":
        return None
    return f"{name}: {on_one_line(storable(value))}"


def _words(text: str | None, html: str | None) -> Entity:
    bodies = [("plain", text), ("html", html)]
    there = [entities.text(kind, storable(body)) for kind, body in bodies if body is not None]
    return _together("alternative", there or [entities.text("plain", "")])


def _together(kind: str, parts: Sequence[Entity]) -> Entity:
    if len(parts) == 1:
        return parts[0]
    # Nobody who wrote the parts could know it.
    return entities.multipart(kind, f"=_{secrets.token_hex(16)}", parts)
