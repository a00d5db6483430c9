"""Outlook's envelopes among the parts of a message."""

from app.mail.mime import Opened, Part
from app.mail.tnef.envelope import Tnef, read_tnef
from app.mail.transfer import pieces

# Nobody writes a second one; each may be much work.
MOST_ENVELOPES = 3
_TYPES = {"application/ms-tnef", "application/vnd.ms-tnef"}
_NAMES = {"winmail.dat", "win.dat"}


def envelopes(mail: Opened) -> dict[int, Tnef]:
    """Open the first three envelopes of a message, by the places of their parts. Never raises."""
    found: dict[int, Tnef] = {}
    for place, part in enumerate(mail.parts):
        if len(found) < MOST_ENVELOPES and _is_envelope(part):
            opened = read_tnef(b"".join(pieces(mail.raw, part)))
            if opened is not None:
                found[place] = opened
    return found


def _is_envelope(part: Part) -> bool:
    kind, parameters = part.structured("content-type")
    names = (
        parameters.get("name", ""),
        part.structured("content-disposition")[1].get("filename", ""),
    )
    return kind in _TYPES or any(name.lower() in _NAMES for name in names)
