import re
from functools import lru_cache

# One declaration, as the cleaner writes it; what stands in quotes may have any sign in it.
_DECLARATION = re.compile(r"(?:[^;\"']++|\"[^\"]*+\"|'[^']*+'|[\"'].*+)++")
# From its first letter only: from each of them would be quadratic.
_FUNCTION = re.compile(r"(?<![\w-])([\w-]*+)\(")
_COLOURS = {"rgb", "rgba", "hsl", "hsla"}
_BACKWARDS = re.compile(r"(?:^|[\s:])-\s*[\d.]")
# Of words and letters that draw nearer, some end up left of all.
_DRAWN_BACK = {"letter-spacing", "word-spacing"}
_LENGTH = re.compile(r"\s*(-?)\s*(\d{0,9}\.?\d{1,9})\s*(px|pt|pc|in|cm|mm|em|rem)\b", re.IGNORECASE)
# Of each unit, which other ones it can be held against, and how much of those it is.
_UNITS = {
    "px": ("px", 1.0), "pt": ("px", 4 / 3), "pc": ("px", 16.0), "in": ("px", 96.0),
    "cm": ("px", 96 / 2.54), "mm": ("px", 96 / 25.4), "em": ("em", 1.0), "rem": ("rem", 1.0),
}  # fmt: skip
_UNWANTED = re.compile(r"\\|[@<>{}]|expression|javascript|vbscript", re.IGNORECASE)
_LONGEST = 4000


@lru_cache(maxsize=4096)
def safe_style(style: str) -> str:
    """Keep the declarations that load nothing and leave what they lie on where it is.

    `style` has allowed properties only.
    """
    if len(style) > _LONGEST:
        return ""
    kept = [one for one in _DECLARATION.findall(style) if _is_safe(one)]
    if any(_is_indent(one) for one in kept):
        kept = [one for one in kept if not _is_indent(one) or _has_room(one, kept)]
    return ";".join(kept)


def _is_safe(declaration: str) -> bool:
    name, _, value = declaration.partition(":")
    if _UNWANTED.search(value) or not value.strip():
        return False
    moves = name.startswith("margin") or name in _DRAWN_BACK
    if moves and _BACKWARDS.search(value):
        return False
    return all(function.lower() in _COLOURS for function in _FUNCTION.findall(value))


def _is_indent(declaration: str) -> bool:
    """Whether it draws the first line out to the left."""
    name, _, value = declaration.partition(":")
    return name == "text-indent" and _BACKWARDS.search(value) is not None


def _has_room(indent: str, declarations: list[str]) -> bool:
    """Whether the element is moved to the right by as much, as items of Word's lists are."""
    unit, drawn = _length(indent.partition(":")[2])
    room = 0.0
    for name, _, value in (one.partition(":") for one in declarations):
        if name in {"margin-left", "padding-left"}:
            other, length = _length(value)
            room += length if other == unit else 0.0
    return drawn < 0 <= drawn + room


def _length(value: str) -> tuple[str, float]:
    """Read a length as so many of a unit; 0 where it is none that is known."""
    length = _LENGTH.match(value)
    if length is None:
        return "", 0.0
    sign, number, name = length.groups()
    unit, size = _UNITS[name.lower()]
    return unit, float(f"{sign}{number}") * size
