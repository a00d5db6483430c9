"""A process that cleans HTML: a line of JSON in, one out, each a string."""

import json

from app.apart import serve
from app.mail.safe_html.cleaning import cleaned

MEMORY = 1024**3
SECONDS = 1.0


def _answer(line: bytes) -> bytes:
    return json.dumps(cleaned(json.loads(line))).encode() + b"\n"


if __name__ == "__main__":
    serve(_answer, memory=MEMORY, seconds=SECONDS)
