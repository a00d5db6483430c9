"""What is answered to mail servers, with enhanced status codes (RFC 3463)."""

import re

from app.services.receiving.mail_servers import Fate

SENDER_OK = "250 2.1.0 Sender taken"
RECIPIENT_OK = "250 2.1.5 Recipient taken"
UNKNOWN = "550 5.1.1 Nobody here has this address"
TOO_MANY = "452 4.5.3 Too many recipients; send it again for the others"
STORE_AWAY = "451 4.3.0 The store does not answer; try again later"
BUSY = "452 4.3.1 Too much mail at the moment; try again later"
TOO_LARGE = "552 5.3.4 The message is too large"
FULL = "421 4.3.2 Too many connections; try again later"
STOPPING = "421 4.3.2 This server is stopping; try again later"
FAULT = "451 4.3.0 This server is at fault; try again later"
NO_RECIPIENT = "503 5.5.1 No recipient was taken"
FATES = {
    Fate.KEPT: "250 2.6.0 Kept",
    Fate.TOO_LARGE: TOO_LARGE,
    Fate.REFUSED: "554 5.6.0 There is no message",
    Fate.LATER: STORE_AWAY,
}

_BARE = re.compile(r"(?P<code>[245]\d\d)(?P<sep>[ -])(?!\d\.\d{1,3}\.\d{1,3} )")
_GREETING = "220"
_DETAILS = {"500": "5.5.2", "501": "5.5.4", "502": "5.5.1", "503": "5.5.1", "555": "5.5.4"}


def enhanced(reply: str) -> str:
    """Give each line of a reply its enhanced code, where it has none (RFC 2034)."""
    return "\r\n".join(map(_line, reply.split("\r\n")))


def _line(line: str) -> str:
    found = _BARE.match(line)
    if found is None or found["code"] == _GREETING:
        return line
    code = found["code"]
    detail = TOO_LARGE[4:9] if code == "552" else _DETAILS.get(code, f"{code[0]}.0.0")
    return f"{code}{found['sep']}{detail} {line[found.end() :]}"
