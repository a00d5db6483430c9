"""HTML of strangers made safe to show, whatever it does to the library that cleans it.

A few kilobytes can keep that busy for hours, fill the memory or overflow the stack
(https://github.com/servo/html5ever/issues/788).
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from threading import Lock

from app.apart import BusyError, Processes
from app.mail.safe_html.cleaning import cleaned, is_small
from app.mail.safe_html.showing import SafeHtml, as_text, shown
from app.patience import Patience

PLACES = 2
# HTML that a few misplaced tags make thousands of times as long is of no use to anybody.
_GROWTH, _START = 10, 64 * 1024
# How many of those that are endless work are remembered, so that each is tried once.
_REMEMBERED = 1000

_processes = Processes("app.cleaner", PLACES)
_endless: dict[bytes, None] = {}
_lock = Lock()


def safe_html(
    html: str,
    patience: Patience,
    *,
    images: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
) -> SafeHtml:
    """Clean HTML; as `showing.shown`.

    It may take half a second of computing and a quarter for each megabyte, and 1 GB of memory. Of
    what takes more, its text is shown, and of all that is large when the patience is gone. Blocks:
    it belongs into a thread. Never raises.
    """
    made = cleaned(html) if is_small(html) else _cleaned_apart(html, patience)
    if made is None or len(made) > _GROWTH * len(html) + _START:
        return as_text(html)
    return shown(made, images=images, links=links)


def _cleaned_apart(html: str, patience: Patience) -> str | None:
    """Clean it in a process of its own, None when it would not end."""
    line = json.dumps(html).encode() + b"\n"
    name = sha256(line).digest()
    if name in _endless or patience.is_gone:
        return None
    try:
        answer = _processes.answer(line)
    except BusyError:
        return None
    if answer is not None:
        made: str = json.loads(answer)
        return made
    patience.lose()
    with _lock:
        _endless[name] = None
        if len(_endless) > _REMEMBERED:
            del _endless[next(iter(_endless))]
    return None
