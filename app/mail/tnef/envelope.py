"""Outlook's own envelope for a mail, `winmail.dat` (MS-OXTNEF), as far as its body and files go.

The libraries for it are of 2006 (pytnef) and 2021 (tnefparse, which copies and raises); strangers
write what is read here. Nothing is copied: files are views of the octets given.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from app.mail.bodies import MAX_BODY
from app.mail.tnef.properties import (
    BINARY,
    OBJECT,
    STRING,
    Budget,
    Properties,
    Value,
    codec_of,
    read_properties,
)
from app.mail.tnef.rtf import unpacked_rtf

MAX_FILES = 200
_MAX_ATTRIBUTES = 10_000
_MAX_DEPTH = 4

_SIGNATURE = 0x223E9F78
# Signature and key; level, id, type and length of an attribute (section 2.1.3.1).
_HEAD, _ATTRIBUTE = struct.Struct("<IH"), struct.Struct("<BHHI")
_CHECKSUM = 2
_BODY, _ATTACH_DATA, _ATTACH_TITLE = 0x800C, 0x800F, 0x8010
_MESSAGE_PROPERTIES, _ATTACH_PROPERTIES = 0x9003, 0x9005
_NEXT_FILE, _CODEPAGE = 0x9002, 0x9007
# Properties (MS-OXPROPS).
_PLAIN_BODY, _RTF_BODY, _HTML_BODY, _HTML_CODEPAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
_NAME, _DATA, _SHORT_NAME, _LONG_NAME = 0x3001, 0x3701, 0x3704, 0x3707
_MEDIA_TYPE, _CONTENT_ID = 0x370E, 0x3712
# What an object begins with, and that of one that is a message in TNEF itself (section 2.1.3.4.1).
_GUID = 16
_IS_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")
_WESTERN = memoryview((1252).to_bytes(4, "little"))
_NOTHING = memoryview(b"")


@dataclass(frozen=True)
class TnefFile:
    """A file: its name ("" where it has none), its content, and what it says to be."""

    name: str
    content: memoryview = field(repr=False)
    media_type: str | None = None
    content_id: str | None = None


@dataclass(frozen=True)
class Tnef:
    """What an envelope holds; bodies are None where there are none, `rtf` is packed.

    Where it `is_cut`, a body is longer than is read.
    """

    text: str | None
    html: str | None
    rtf: memoryview | None
    files: tuple[TnefFile, ...]
    is_cut: bool = False


def read_tnef(octets: bytes | memoryview) -> Tnef | None:
    """Read an envelope, None where it is none; of one that is broken, what stands before that.

    Messages in it are opened, four deep: their files are among its files, and so are their bodies.
    Never raises; takes no more than a few times the octets of its texts.
    """
    return _read(memoryview(octets), 0, Budget())


def _read(view: memoryview, depth: int, budget: Budget) -> Tnef | None:
    if len(view) < _HEAD.size or _HEAD.unpack_from(view)[0] != _SIGNATURE:
        return None
    said: dict[int, memoryview] = {}
    parts: list[_Part] = []
    for id_, data in _attributes(view):
        if id_ in {_CODEPAGE, _BODY, _MESSAGE_PROPERTIES}:
            said.setdefault(id_, data)
        elif id_ in {_NEXT_FILE, _ATTACH_DATA, _ATTACH_TITLE, _ATTACH_PROPERTIES}:
            if id_ == _NEXT_FILE or not parts:
                if len(parts) == MAX_FILES:
                    break
                parts.append(_Part())
            parts[-1] = parts[-1].after(id_, data)
    codec = codec_of(int.from_bytes(said.get(_CODEPAGE, _WESTERN)[:4], "little"))
    properties = read_properties(said.get(_MESSAGE_PROPERTIES, _NOTHING), budget)
    plain = Value(STRING, said[_BODY]) if _BODY in said else properties.get(_PLAIN_BODY)
    html, rtf = properties.get(_HTML_BODY), properties.get(_RTF_BODY)
    files = [file for part in parts for file in _files(part, codec, depth, budget)]
    return Tnef(
        text=None if plain is None else plain.text(codec, MAX_BODY),
        html=None if html is None else html.text(_html_codec(properties, codec), MAX_BODY),
        rtf=None if rtf is None else rtf.octets,
        files=tuple(files[:MAX_FILES]),
        is_cut=any(one is not None and len(one.octets) > MAX_BODY for one in (plain, html)),
    )


def _attributes(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the id and the data of each; what is behind something else than one is not read."""
    at = _HEAD.size
    for _ in range(_MAX_ATTRIBUTES):
        if len(view) - at < _ATTRIBUTE.size:
            return
        level, id_, _type, length = _ATTRIBUTE.unpack_from(view, at)
        if level not in {1, 2}:
            return
        at += _ATTRIBUTE.size
        yield id_, view[at : at + length]
        at += length + _CHECKSUM


@dataclass(frozen=True)
class _Part:
    """The attributes of one attachment."""

    title: memoryview | None = None
    data: memoryview | None = None
    properties: memoryview | None = None

    def after(self, id_: int, data: memoryview) -> "_Part":
        names = {_ATTACH_TITLE: "title", _ATTACH_DATA: "data", _ATTACH_PROPERTIES: "properties"}
        return replace(self, **{names[id_]: data}) if id_ in names else self


def _files(part: _Part, codec: str, depth: int, budget: Budget) -> list[TnefFile]:
    properties = read_properties(part.properties or _NOTHING, budget)
    name = _name(part.title, properties, codec)
    inner, content = properties.get(_DATA), part.data
    if inner is not None and inner.type_ == OBJECT:
        # What stands beside it says that other programs cannot read it.
        content = inner.octets[_GUID:]
        if inner.octets[:_GUID] == _IS_MESSAGE and depth < _MAX_DEPTH:
            message = _read(content, depth + 1, budget)
            if message is not None:
                return _of_message(name, message, budget)
    elif inner is not None and inner.type_ == BINARY:
        content = inner.octets
    if content is None:
        return []
    media_type, id_ = properties.get(_MEDIA_TYPE), properties.get(_CONTENT_ID)
    said = TnefFile(
        name=name,
        content=content,
        media_type=media_type.line(codec) if media_type else None,
        content_id=id_.line(codec) if id_ else None,
    )
    return [said]


def _of_message(name: str, message: Tnef, budget: Budget) -> list[TnefFile]:
    """Give a message that is a file: what it says in its best form, and its files."""
    name = name or "message"
    if message.html or message.text:
        kind, ending = ("html", ".html") if message.html else ("plain", ".txt")
        body = (message.html or message.text or "").encode()
        said = TnefFile(name + ending, memoryview(body), f"text/{kind}; charset=utf-8")
        return [said, *message.files]
    if message.rtf is None or len(message.rtf) > budget.rtf:
        return list(message.files)
    budget.rtf -= len(message.rtf)
    rtf = unpacked_rtf(message.rtf)
    if rtf is None:
        return list(message.files)
    return [TnefFile(f"{name}.rtf", memoryview(rtf), "application/rtf"), *message.files]


def _name(title: memoryview | None, properties: Properties, codec: str) -> str:
    said = [properties.get(id_) for id_ in (_LONG_NAME, _SHORT_NAME, _NAME)]
    if title is not None:
        # It is short, as names were once.
        said.insert(1, Value(STRING, title))
    return next((name for one in said if one is not None and (name := one.line(codec))), "")


def _html_codec(properties: Properties, codec: str) -> str:
    codepage = properties.get(_HTML_CODEPAGE)
    return codec if codepage is None else codec_of(codepage.number())
