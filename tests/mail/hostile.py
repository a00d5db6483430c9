"""Messages made to be endless work, each read in a process of its own with 100 MB for it.

`python -m tests.mail.hostile` prints for each a line of JSON: its name, the seconds of a processor
it took, and what was told of it; or the signal that ended its process.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.services.receiving.reading import read

MEGABYTE = 1024 * 1024
ROOM = 100 * MEGABYTE
# What takes so long takes for ever.
_SECONDS = 60
_HEAD = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: x\r\n"
_MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def _filled(pattern: bytes, *, megabytes: float = 3) -> bytes:
    return pattern * int(megabytes * MEGABYTE / len(pattern))


def _nested(depth: int) -> bytes:
    heads = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    return b"".join(heads % (number, number) for number in range(depth))


def _part_of(boundary: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (boundary, boundary)


def _typed(kind: bytes, body: bytes) -> bytes:
    return b"%bContent-Type: %b\r\n\r\n%b" % (_HEAD, kind, body)


def _encoded(encoding: bytes, body: bytes) -> bytes:
    return b"%bContent-Transfer-Encoding: %b\r\n\r\n%b" % (_HEAD, encoding, body)


HOSTILE: dict[str, Callable[[], bytes]] = {
    # Structure.
    "10,000 deep": lambda: _HEAD + _nested(10_000) + b"\r\n" + _filled(b"y\r\n", megabytes=20),
    "12 deep": lambda: _HEAD + _nested(12) + b"\r\n\r\n" + _filled(b"\n--b", megabytes=20),
    "one boundary": lambda: _HEAD + _filled(_MIXED + b"--b\r\n"),
    "parts": lambda: _HEAD + _MIXED + _filled(b"--b\n\nx\n"),
    "parts with heads": lambda: _HEAD + _MIXED + _filled(b"--b\n" + b"X:\n" * 8000 + b"\nx\n"),
    "files": lambda: (
        _HEAD + _MIXED + _filled(b"--b\nContent-Type: a/b; name=x.y\n\n" + b"QUJD" * 5000 + b"\n")
    ),
    "messages": lambda: (
        _HEAD
        + _MIXED
        + _filled(b"--b\nContent-Type: message/rfc822\n\nSubject: x\n" + b"X: y\n" * 4000 + b"\n")
    ),
    "calendars": lambda: _HEAD + _MIXED + _filled(b"--b\nContent-Type: text/calendar\n\nx\n"),
    "no boundary": lambda: _typed(b"multipart/mixed", _filled(b"\n--a b c d e f g h i j k l m n")),
    "dashes": lambda: _typed(b"multipart/mixed", _filled(b"\n" + b"-" * 300)),
    "envelope of Outlook": lambda: _typed(
        b"application/ms-tnef; name=winmail.dat",
        bytes.fromhex("789f3e220100")
        + _filled(b"\x02\x05\x90\x06\x00\x01\x00\x00\x00x\x00\x00"),
    ),
    "boundaries within boundaries": lambda: (
        _HEAD
        + b"".join(_part_of(b"b" * length) for length in range(1, 13))
        + _filled(b"\n--" + b"b" * 14, megabytes=20)
    ),
    # Header fields.
    "100,000 fields": lambda: _HEAD + b"X-A: y\r\n" * 100_000 + b"\r\nhi",
    "fields alone": lambda: _HEAD + _filled(b"X:\n"),
    "names": lambda: _HEAD + b"".join(b"X%d: y\n" % number for number in range(200_000)),
    "folded": lambda: b"Subject: y\r\n" + _filled(b" z\r\n"),
    "encoded words": lambda: b"Subject: " + _filled(b"=?utf-8?q?a?= ", megabytes=0.9),
    "addresses": lambda: b"To: " + _filled(b"=?utf-8?q?a?= <a@b.test>,\r\n ", megabytes=0.9),
    "commas": lambda: b"To: " + _filled(b",", megabytes=0.9),
    "brackets": lambda: b"From: " + _filled(b'(<"\\', megabytes=0.9),
    "references": lambda: b"References: " + _filled(b"<a@b> <a", megabytes=0.9),
    "an id without end": lambda: b"Message-ID: " + _filled(b"x", megabytes=0.9),
    "at signs": lambda: b"In-Reply-To: " + _filled(b"a@", megabytes=0.9),
    "parameters": lambda: b"Content-Type: text/plain" + _filled(b"; a*0*=b", megabytes=0.9),
    "semicolons": lambda: b"Received: " + _filled(b";", megabytes=0.9),
    # Texts.
    "empty lines": lambda: _HEAD + b"\r\n" + _filled(b"\n"),
    "returns": lambda: _HEAD.replace(b"\r\n", b"\r") + _filled(b"\r", megabytes=11),
    "one wide letter": lambda: _typed(
        b"text/plain; charset=utf-8",
        "\U0001f600".encode() + _filled(b"y" * 76 + b"\r\n", megabytes=11),
    ),
    "lies": lambda: _typed(b"text/plain; charset=utf-8", _filled(b"\xeb", megabytes=11)),
    "half a lie": lambda: _typed(b"text/plain; charset=utf-8", _filled(b"\xc3\xa9\xff")),
    "nothing but NULs": lambda: _typed(b"text/plain", _filled(b"\0", megabytes=11)),
    "no letters": lambda: _typed(b"text/plain", _filled(b"\x81", megabytes=11)),
    "no letters of Thai": lambda: _typed(
        b"text/plain; charset=tis-620", _filled(b"\xff", megabytes=11)
    ),
    "no shifts": lambda: _typed(b"text/plain; charset=utf-7", _filled(b"\xff", megabytes=11)),
    "packed": lambda: _typed(b"text/plain; charset=zlib", _filled(b"\xff")),
    "charset": lambda: _typed(b"text/plain; charset=big5", _filled(b"\xff", megabytes=11)),
    "states": lambda: _typed(b"text/plain; charset=iso-2022-jp", _filled(b"\x1b$B$")),
    "punycode": lambda: _typed(b"text/plain; charset=punycode", _filled(b"a")),
    "utf-7": lambda: _typed(b"text/plain; charset=utf-7", _filled(b"+")),
    "utf-16": lambda: _typed(b"text/plain; charset=utf-16", _filled(b"a\0\r\0\n\0")),
    "flowed": lambda: _typed(b"text/plain; format=flowed", _filled(b"a \n")),
    "flowed quotes": lambda: _typed(b"text/plain; format=flowed", _filled(b">" * 50 + b" a \n")),
    "base64": lambda: _encoded(b"base64", _filled(b"QUJD" * 19 + b"\r\n", megabytes=11)),
    "padding": lambda: _encoded(b"base64", _filled(b"=")),
    "quoted": lambda: _encoded(b"quoted-printable", _filled(b"=41")),
    "soft breaks": lambda: _encoded(b"quoted-printable", _filled(b"=\n")),
    # HTML.
    "opened tags": lambda: _typed(b"text/html", _filled(b"<")),
    "tags": lambda: _typed(b"text/html", _filled(b"<b>x", megabytes=11)),
    "references in HTML": lambda: _typed(b"text/html", _filled(b"&amp;")),
    "numbers in HTML": lambda: _typed(b"text/html", _filled(b"&#x26;", megabytes=20)),
    "a number without end": lambda: _typed(b"text/html", b"&#" + _filled(b"9")),
    "pictures": lambda: _typed(b"text/html", _filled(b"cid:a ")),
    "deep HTML": lambda: _typed(b"text/html", b"<div>" * 50_000),
    "tables": lambda: _typed(b"text/html", b"<table><tr><td>" * 16_000),
    "rows": lambda: _typed(b"text/html", b"<table>" + b"<tr><td>a<td>b<td>c" * 12_000),
    "cells": lambda: _typed(b"text/html", b"<table>" + (b"<tr>" + b"<td>x" * 100) * 98),
    "quotations": lambda: _typed(b"text/html", b"<blockquote type=cite>x " * 10_000),
    # Reports.
    "recipients of a report": lambda: (
        b"Content-Type: multipart/report; boundary=b\n\n"
        + _filled(b"--b\nContent-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * 9000)
    ),
    "copies": lambda: b"X-Failed-Recipients: a@b.test\n\n" + _filled(b"-- This is a copy of\n"),
}  # fmt: skip


def main() -> None:
    for name in sys.argv[1:] or HOSTILE:
        process = os.fork()
        if process == 0:
            _measure(name, HOSTILE[name]()[: 25 * MEGABYTE])
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if status:
            _tell(name=name, signal=status)


def _measure(name: str, raw: bytes) -> None:
    read(_HEAD + b"\r\nhi")
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    room = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    begun = time.process_time()
    mail = read(raw)
    seconds = time.process_time() - begun
    _tell(name=name, seconds=seconds, faults=mail.faults)


def _tell(**told: Any) -> None:
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
