"""Names of files as they may go out: readable, and harmless to whoever opens them."""

import re
import unicodedata
from mimetypes import MimeTypes

MAX_OCTETS = 200
UNSAFE = ".unsafe"
OCTETS = "application/octet-stream"

# What Windows, macOS or Linux runs, installs or mounts when it is opened; mail services as
# Outlook and Gmail refuse most of them.
_PROGRAMS = frozenset(
    """
    ade adp apk app appimage application appref-ms appx appxbundle asx bas bash bat bgi cab chm cmd
    cnt com command cpl csh deb desktop diagcab diagcfg diagpkg dll dmg ex ex_ exe fxp gadget
    grp hlp hpj hta htc img inf ins iso isp its jar jnlp js jse ksh library-ms lnk mad maf mag
    mam maq mar mas mat mau mav maw mcf mda mde mdt mdw mdz mjs msc msh msh1 msh1xml msh2 msh2xml
    mshxml msi msix msixbundle msp mst msu nsh ops osd pcd pif pkg pl plg prf prg printerexport ps1
    ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1 psm1 py pyc pyo pyw pyz pyzw rb reg rpm run scf scr sct
    search-ms settingcontent-ms sh shb shs sys terminal theme udl url vb vbe vbp vbs vhd vhdx
    vsmacros vsw vxd webpnp website workflow ws wsc wsf wsh xbap xll xnk zsh
    """.split()  # noqa: SIM905 - so they can be read
)
_DEVICES = re.compile(
    r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)", re.IGNORECASE
)
_RESERVED = re.compile(r'[<>:"|?*]')
# Longer than any ending that means something.
_ENDING_OCTETS = 24
# They join letters of some scripts, and the parts of an emoji.
_JOINERS = {"\u200c", "\u200d"}
# Kinds that Python's own table lacks.
_KINDS = {
    "7z": "application/x-7z-compressed",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gz": "application/gzip",
    "ics": "text/calendar",
    "md": "text/markdown",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rar": "application/vnd.rar",
    "rtf": "application/rtf",
    "vcf": "text/vcard",
    "webp": "image/webp",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
}
# Not of the files of the machine: everywhere the same name has the same kind.
_TABLE = MimeTypes(filenames=())


def clean(name: str) -> str:
    """Make a file name that any system keeps as it is and that starts no program.

    Folders before it go, and control characters, invisible ones and those that turn the direction
    of writing. Signs that Windows reserves become `_`; dots and spaces at both ends go, as it drops
    them; its device names (CON, NUL) get a `_` before them. What is run, installed or mounted when
    it is opened (`.exe`, `.js`, `.iso`), whatever stands before that ending, gets `.unsafe` behind
    it. At most 200 octets; `attachment` when nothing is left. Cleaning twice changes nothing.
    """
    name = re.split(r"[/\\]", name.rstrip("/\\ "))[-1]
    name = "".join(sign for sign in name if sign.isspace() or not _is_hidden(sign))
    name = " ".join(_RESERVED.sub("_", unicodedata.normalize("NFC", name)).split())
    name = name.strip(". ") or "attachment"
    if _DEVICES.match(name):
        name = f"_{name}"
    name = _shortened(name, MAX_OCTETS)
    if starts_programs(name):
        return f"{_shortened(name, MAX_OCTETS - len(UNSAFE))}{UNSAFE}"
    return name


def starts_programs(name: str) -> bool:
    """Whether some system would run, install or mount a file of this name, not merely show it."""
    # As the system sees it: full-width letters are letters, and what is invisible is not there.
    plain = unicodedata.normalize("NFKC", name).casefold()
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf").rstrip(". ")
    ending = plain.rpartition(".")[2].strip()
    # A class id in braces is an ending too.
    return "." in plain and (ending in _PROGRAMS or ending.startswith("{"))


def media_type_of(name: str) -> str:
    """Guess what a file holds by its name."""
    _, dot, ending = name.lower().rpartition(".")
    if not dot:
        return OCTETS
    return _KINDS.get(ending) or _TABLE.types_map[True].get(f".{ending}", OCTETS)


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs"} and sign not in _JOINERS


def _shortened(name: str, octets: int) -> str:
    """Cut the middle out of a name that is too long; its ending stays, where it is short."""
    if len(name.encode()) <= octets:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > _ENDING_OCTETS:
        stem, dot, ending = name, "", ""
    room = octets - len(f"{dot}{ending}".encode())
    kept = stem.encode()[:room].decode(errors="ignore").rstrip(". ")
    return f"{kept}{dot}{ending}"
