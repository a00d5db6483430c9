"""A process that cleans HTML: a line of JSON in, one out, each a string."""

import json

from app.apart import serve
from app.mail.safe_html.cleaning import cleaned

MEMORY = 1024**3
# Many times what honest HTML takes: 4 MB a third of a second.
SECONDS = 0.5
SECONDS_PER_MEGABYTE = 0.25


def _answer(line: bytes) -> bytes:
    return json.dumps(cleaned(json.loads(line))).encode() + b"\n"


def _seconds(line: bytes) -> float:
    return SECONDS + SECONDS_PER_MEGABYTE * len(line) / 1024**2


if __name__ == "__main__":
    serve(_answer, memory=MEMORY, seconds=_seconds)
