"""MJML read strictly, because the engine drops what it does not know, and knows no lines."""

import re
from dataclasses import dataclass, field

from app.mail.templates.looking import Report
from app.mail.templates.mjml_tags import DESCRIBED, ENDING, TAGS, TEXT_ONLY, WITH_MARKS
from app.mail.templates.veil import Veil

DEPTH_LIMIT = 20
ELEMENTS_LIMIT = 5000
_NAME = r"[^\s\"'<>/=]++"
_ATTRIBUTE = re.compile(rf"({_NAME})(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'))?+")
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:>|\Z)|<!.*?(?:>|\Z)"
    rf"|<(?P<end>/?)(?P<name>[A-Za-z][\w:.-]*+)"
    rf"(?P<attributes>(?:\s++{_NAME}(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'))?+)*+)\s*+(?P<empty>/?)>"
    r"|<(?=[A-Za-z/])",
    re.DOTALL,
)


_ROUGHLY = re.compile(r"<[^<>]*+")


@dataclass
class Element:
    name: str
    start: int
    region: int


@dataclass
class Reading:
    """`mjml` is for the engine; a word of `contents` stands for what it need not look at.

    `css` is that of `<mj-style inline="inline">`. A mark may not leave its region: an element, an
    attribute or a content.
    """

    mjml: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    css: list[tuple[int, str]] = field(default_factory=list)
    regions: dict[int, int] = field(default_factory=dict)


class Reader:
    """Reads the veiled text of a template; `fault` and `warn` are told offsets in that text."""

    def __init__(self, veil: Veil, fault: Report, warn: Report) -> None:
        self._veil, self._fault, self._warn = veil, fault, warn
        self._text = veil.text
        self._open: list[Element] = []
        self._regions = 0
        self._elements = 0
        self._roots = 0
        self._broken = False
        self.reading = Reading()

    def read(self) -> Reading:
        position = 0
        while found := _MARKUP.search(self._text, position):
            self._between(position, found.start())
            position = self._markup(found)
            if self._elements > ELEMENTS_LIMIT:
                self._fault(found.start(), f"has more than {ELEMENTS_LIMIT} elements")
                self._broken = True
            if self._broken:
                # What comes after it would only be misread.
                return self.reading
        self._between(position, len(self._text))
        for element in self._open:
            self._fault(element.start, f"<{element.name}> is not closed")
        if not self._roots:
            self._fault(0, "must be one <mjml> element")
        return self.reading

    def _markup(self, found: re.Match[str]) -> int:
        name = found["name"]
        if name is None:
            if found[0] == "<":
                self._unreadable(found.start())
            return found.end()
        if found["end"]:
            self._end(found, name)
            return found.end()
        return self._start(found, name)

    def _unreadable(self, start: int) -> None:
        self._broken = True
        tag = _ROUGHLY.match(self._text, start)
        if tag is not None and self._veil.words.search(tag[0]):
            self._fault(start, "only the value of an attribute can be filled in, in quotes")
        else:
            self._fault(start, "this tag cannot be read; values stand in quotes")

    def _between(self, start: int, end: int) -> None:
        """Marks between elements; there is no other text there."""
        text = self._text[start:end]
        if not text.strip():
            return
        if rest := self._veil.words.sub("", text).strip():
            place = start + text.index(rest[0])
            self._fault(place, "text stands in mj-text and the like only")
        parent = self._open[-1] if self._open else None
        for number in self._veil.numbers(text):
            if self._veil.marks[number].kind != "comment":
                self._mark(number, parent)

    def _mark(self, number: int, parent: Element | None) -> None:
        if parent is None or parent.name not in WITH_MARKS:
            place = self._veil.text.index(self._veil.word(number))
            where = "outside <mjml>" if parent is None else f"between the elements of {parent.name}"
            self._fault(place, f"nothing can be filled in {where}")
            return
        self.reading.regions[number] = parent.region
        self.reading.mjml.append(f"<mj-raw>{self._veil.word(number)}</mj-raw>")

    def _region(self, text: str) -> int:
        self._regions += 1
        for number in self._veil.numbers(text):
            self.reading.regions[number] = self._regions
        return self._regions

    def _start(self, found: re.Match[str], name: str) -> int:
        self._elements += 1
        self._check_place(found.start(), name)
        attributes = self._attributes(found, name)
        empty = bool(found["empty"])
        if name in ENDING | TEXT_ONLY and not empty:
            return self._ending(found, name, attributes)
        if len(self._open) >= DEPTH_LIMIT:
            self._fault(found.start(), f"stands more than {DEPTH_LIMIT} elements deep")
        self.reading.mjml.append(_tag(name, attributes, empty=empty))
        if not empty:
            self._open.append(Element(name, found.start(), self._region("")))
        return found.end()

    def _check_place(self, place: int, name: str) -> None:
        parent = self._open[-1].name if self._open else None
        if parent is None:
            self._roots += 1
            if name != "mjml" or self._roots > 1:
                self._fault(place, "must be one <mjml> element")
        elif name not in TAGS:
            self._fault(place, f"there is no element {name} in MJML")
        elif parent == "mj-attributes":
            if name in {"mjml", "mj-head", "mj-attributes"}:
                self._fault(place, f"{name} cannot stand in {parent}")
        elif parent in TAGS and name not in TAGS[parent].children:
            self._fault(place, f"{name} cannot stand in {parent}")

    def _attributes(self, found: re.Match[str], name: str) -> dict[str, str]:
        attributes: dict[str, str] = {}
        known = TAGS[name].attributes if name in TAGS else None
        start = found.start("attributes")
        for one in _ATTRIBUTE.finditer(found["attributes"]):
            key, value = one[1], one[2] or one[3] or ""
            place = start + one.start()
            if self._veil.words.search(key):
                self._fault(place, "only the value of an attribute can be filled in, in quotes")
            elif key in attributes:
                self._fault(place, f"{key} is given twice")
            elif known is not None and key not in known:
                self._warn(place, f"{name} has no attribute {key}")
            attributes[key] = value
            self._region(value)
        if name in DESCRIBED and "alt" not in attributes and self._in_body():
            self._warn(found.start(), f"{name} has no alt, which is read where it is not shown")
        return attributes

    def _in_body(self) -> bool:
        return any(element.name == "mj-body" for element in self._open)

    def _ending(self, found: re.Match[str], name: str, attributes: dict[str, str]) -> int:
        closing = re.compile(rf"</{name}\s*>").search(self._text, found.end())
        if closing is None:
            self._fault(found.start(), f"<{name}> is not closed")
            self._broken = True
            return len(self._text)
        content = self._text[found.end() : closing.start()]
        self._region(content)
        if name in TEXT_ONLY:
            if "<" in content:
                self._fault(found.end() + content.index("<"), f"{name} holds text only")
        elif name == "mj-style" and attributes.get("inline") == "inline":
            self.reading.css.append((found.start(), content))
            return closing.end()
        else:
            content = self._set_aside(content)
        self.reading.mjml.append(f"{_tag(name, attributes, empty=False)}{content}</{name}>")
        return closing.end()

    def _set_aside(self, content: str) -> str:
        self.reading.contents.append(content)
        return self._veil.word(len(self._veil.marks) + len(self.reading.contents) - 1)

    def _end(self, found: re.Match[str], name: str) -> None:
        if all(element.name != name for element in self._open):
            self._fault(found.start(), f"</{name}> closes nothing")
            return
        while (element := self._open.pop()).name != name:
            self._fault(element.start, f"<{element.name}> is not closed")
            self.reading.mjml.append(f"</{element.name}>")
        self.reading.mjml.append(f"</{name}>")


def _tag(name: str, attributes: dict[str, str], *, empty: bool) -> str:
    written = "".join(
        f' {key}="{value.replace(chr(34), "&quot;").replace("<", "&lt;")}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}{' /' if empty else ''}>"
