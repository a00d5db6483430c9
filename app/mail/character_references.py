"""Character references of HTML (html.spec.whatwg.org, section 13.5), whatever a stranger wrote."""

import re
from html import unescape

# Python refuses to read numbers of more than 4300 digits.
_ENDLESS = re.compile(r"&#[0-9]{4000,}+;?")


def unescaped(text: str) -> str:
    """Decode the character references in a text, as html.unescape does. Never raises."""
    return unescape(_ENDLESS.sub("\ufffd", text) if "&#" in text else text)
