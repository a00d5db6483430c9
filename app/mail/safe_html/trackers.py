"""Pictures that are there to tell their owner who reads, and when."""

import re
from collections.abc import Mapping

# The shapes of addresses that the known senders' systems and mail programs' add-ons have.
_SHAPES = re.compile(
    r"""
      /communications/track/                               # ours, as others quote it
    | /track/open(?:\.php)?\b | /wf/open\b | /open\.aspx\b | /openTracker\b
    | //[^/]*\b(?:list-manage|mandrillapp)\.com/track/
    | //[^/]*\bawstrack\.me/I0/
    | //[^/]*\bsendgrid\.net/(?:wf|ss/o)/
    | //[^/]*\b(?:mailtrack\.io|mailstat\.us|emltrk\.com|sidekickopen\d*\.com)/
    | //[^/]*\bgoogle-analytics\.com/
    | //[^/]*\bfacebook\.com/tr\b
    | //[^/]*\b(?:hubspotemail|hubspotlinks)\.(?:net|com)/.*/o\b
    | //t\.yesware\.com/ | //bl-1\.com/ | //r\.superhuman\.com/
    | //[^/]*\bstreak\.com/ | //[^/]*\bmixmax\.com/api/track/
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Of an address; what follows is for its owner.
_LOOKED_AT = 500
_LONGEST_SIZE = 40
_DOT = re.compile(r"\s*\+?(?:0*1(?:\.0*)?|0*\.?0+)\s*(?:px|pt)?\s*(?:!.*)?", re.IGNORECASE)
_UNSEEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0*\.?0+\s*(?:;|$))",
    re.IGNORECASE,
)
_CUT = re.compile(r"(?:^|;)\s*overflow\s*:\s*(?:hidden|clip)", re.IGNORECASE)
_SIZE = re.compile(r"(?:^|;)\s*((?:max-)?(?:width|height))\s*:([^;]*)", re.IGNORECASE)


def is_hidden(style: str) -> bool:
    """Tell that nobody sees an element of this style, nor what is in it."""
    return _UNSEEN.search(style) is not None or (
        _CUT.search(style) is not None
        and any(_is_a_dot(value) for _, value in _SIZE.findall(style))
    )


def is_tracker(url: str, attributes: Mapping[str, str]) -> bool:
    """Tell a picture that nobody can see, or that comes from where such pictures come from.

    `attributes` are those of the `img`.
    """
    style = attributes.get("style", "")
    if _UNSEEN.search(style) or _SHAPES.search(url, 0, _LOOKED_AT):
        return True
    sizes = {name: attributes[name] for name in ("width", "height") if name in attributes}
    sizes |= {name.lower(): value for name, value in _SIZE.findall(style)}
    sides = [side for side in ("width", "height") if side in sizes or f"max-{side}" in sizes]
    return bool(sides) and all(
        any(_is_a_dot(sizes.get(name, "")) for name in (side, f"max-{side}")) for side in sides
    )


def _is_a_dot(size: str) -> bool:
    return len(size) <= _LONGEST_SIZE and _DOT.fullmatch(size) is not None
