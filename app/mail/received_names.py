"""Names and types of files in received mail: as they are told, or else made up."""

import re
from mimetypes import MimeTypes

from app.mail.filenames import OCTETS
from app.mail.mime import Part
from app.mail.parameters import read_parameters

MESSAGES = {"message/rfc822", "message/global"}

_NAME = r"[A-Za-z0-9!#$&^_.+-]{1,127}"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}")
_CHARSET = re.compile(r"[A-Za-z0-9._:+-]{1,40}")
_STEMS = {"text/calendar": "invite", "application/ics": "invite", "image": "image"}
# What is common, where the table has several or an odd one.
_ENDINGS = {
    "application/ics": ".ics",
    "application/zip": ".zip",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/vcard": ".vcf",
    "text": ".txt",
}
_TABLE = MimeTypes(filenames=())


def media_type_told(field: str) -> str:
    """Read a Content-Type: of its parameters only the one without which a text cannot be read.

    `application/octet-stream` for what is none.
    """
    kind, parameters = read_parameters(field)
    if not _MEDIA_TYPE.fullmatch(kind):
        return OCTETS
    charset = parameters.get("charset", "")
    if kind.startswith("text/") and _CHARSET.fullmatch(charset):
        return f"{kind}; charset={charset.lower()}"
    return kind


def name_told(part: Part) -> str:
    """The name that a part gives itself (RFC 2183, or RFC 2045 as older programs have it)."""
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        said = part.structured(header)[1].get(parameter, "")
        if said.strip():
            return said
    return ""


def made_name(media_type: str, subject: str = "") -> str:
    """Make a name up by the type; a message has that of its `subject`."""
    kind = media_type.partition(";")[0]
    main, _, sub = kind.partition("/")
    if kind in MESSAGES:
        return f"{subject or 'message'}.eml"
    if main == "message":
        return f"{sub}.txt"
    stem = _STEMS.get(kind) or _STEMS.get(main) or "attachment"
    return stem + (_ENDINGS.get(kind) or _TABLE.guess_extension(kind) or _ENDINGS.get(main, ".bin"))
