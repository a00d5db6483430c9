"""A body, its layout and its partials made one text that still knows where each part came from."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from app.mail.templates.lexing import Word, normalised
from app.mail.templates.marks import Mark, marks
from app.mail.templates.sources import Format, Source, TemplateFault
from app.mail.templates.syntax import FAULTS_LIMIT, examined
from app.mail.templates.values import place_of

PARTIALS_DEPTH = 10
PARTIALS_LIMIT = 500
COMPOSED_LIMIT = 2_000_000
_INCLUDED_WORDS = 2
_INCLUDE = re.compile(
    r"<!--.*?(?:-->|\Z)|<mj-include(?=[\s/>])(?P<attributes>[^>]*+)>(?:\s*+</mj-include\s*+>)?+",
    re.DOTALL,
)
_PATH = re.compile(r"\s*+path\s*+=\s*+(?:\"([^\"]++)\"|'([^']++)')\s*+/?\Z")


class Part(NamedTuple):
    """A piece of the file `path` that starts there at `start`."""

    path: str
    start: int
    text: str


@dataclass
class Composed:
    """`text` is that of all parts together; `files` are the whole normalised texts by path."""

    parts: list[Part]
    files: dict[str, str]
    text: str = field(init=False)
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.text = "".join(part.text for part in self.parts)
        self._starts = [0, *accumulate(len(part.text) for part in self.parts)]

    def fault(self, offset: int, message: str) -> TemplateFault:
        """A fault at `offset` of the text, told by the author's own file, line and column."""
        path, place = self._origin(offset)
        return TemplateFault(path, *place_of(self.files[path], place), message)

    def line(self, offset: int) -> tuple[str, int]:
        """The author's own file at `offset` of the text, and the line in it."""
        path, place = self._origin(offset)
        return path, place_of(self.files[path], place)[0]

    def _origin(self, offset: int) -> tuple[str, int]:
        index = min(max(bisect_right(self._starts, offset) - 1, 0), len(self.parts) - 1)
        part = self.parts[index]
        return part.path, part.start + offset - self._starts[index]


def composed(source: Source) -> tuple[Composed, list[TemplateFault]]:
    """Put the body into its layout and the partials where they are included.

    What is not allowed in any of them, and partials that are missing, circular or too many, are
    faults; the text is whole only when there are none.
    """
    composing = _Composing(source)
    parts = list(composing.parts())
    return Composed(parts, composing.files), composing.faults


class _Composing:
    def __init__(self, source: Source) -> None:
        self._source = source
        self.files: dict[str, str] = {}
        self.faults: list[TemplateFault] = []
        self._sound: dict[str, list[Mark]] = {}
        self._included = 0
        self._size = 0

    def parts(self) -> Iterator[Part]:
        if self._source.layout is None:
            yield from self._file("body", self._source.body, ())
            return
        yield from self._file("layout", self._source.layout, ())
        if "body" not in self.files and "layout" in self._sound:
            self.faults.append(TemplateFault("layout", 1, 1, "has no {{ content }}"))
        if "body" not in self.files:
            # It is looked at all the same.
            list(self._file("body", self._source.body, ()))

    def _file(self, path: str, text: str, around: tuple[str, ...]) -> Iterator[Part]:
        if path not in self.files:
            self._examine(path, text)
        text = self.files[path]
        position = 0
        for mark in self._sound.get(path, []):
            inner = self._inner(path, mark, around)
            if inner is not None:
                yield from self._part(path, position, mark.start)
                yield from inner
                position = mark.end
        yield from self._part(path, position, len(text))

    def _part(self, path: str, start: int, end: int) -> Iterator[Part]:
        self._size += end - start
        if self._included and self._size > COMPOSED_LIMIT:
            return
        yield Part(path, start, self.files[path][start:end])

    def _examine(self, path: str, text: str) -> None:
        self.files[path] = clean = normalised(text)
        template, errors = examined(clean, includes=True)
        if template is not None:
            self._sound[path] = self._marks(path, clean)
        self.faults += [_fault(path, clean, error.offset or 0, error.reason) for error in errors]

    def _marks(self, path: str, text: str) -> list[Mark]:
        found = list(marks(text))
        if self._source.format is not Format.MJML:
            return found
        inside = {place for mark in found for place in range(mark.start, mark.end)}
        for tag in _INCLUDE.finditer(text):
            if tag["attributes"] is None or tag.start() in inside:
                continue
            named = _PATH.match(tag["attributes"])
            if named is None:
                reason = 'takes the form <mj-include path="name" />'
                self.faults.append(_fault(path, text, tag.start(), reason))
            else:
                word = Word(tag.start(), "name", named[1] or named[2])
                found.append(Mark(tag.start(), tag.end(), "include", (word,)))
        return sorted(found)

    def _inner(self, path: str, mark: Mark, around: tuple[str, ...]) -> Iterator[Part] | None:
        """Give what stands in the place of a mark; None for one that stays as it is."""
        words = [word.text for word in mark.words]
        if mark.kind == "include":
            return self._partial(path, mark, words[0], around)
        if path == "layout" and mark.kind == "variable" and words == ["content"]:
            if "body" in self.files:
                self._add(path, mark, "{{ content }} stands there twice")
                return iter(())
            return self._file("body", self._source.body, around)
        if mark.kind == "block" and len(words) == _INCLUDED_WORDS and words[0] == "include":
            return self._partial(path, mark, words[1][1:-1], around)
        return None

    def _partial(
        self, path: str, mark: Mark, name: str, around: tuple[str, ...]
    ) -> Iterator[Part] | None:
        partial = self._source.partials.get(name)
        self._included += 1
        if partial is None:
            self._add(path, mark, f"there is no partial {name}")
        elif name in around:
            self._add(path, mark, f"the partial {name} includes itself")
        elif len(around) >= PARTIALS_DEPTH:
            self._add(path, mark, f"partials are included more than {PARTIALS_DEPTH} deep")
        elif self._included > PARTIALS_LIMIT or self._size > COMPOSED_LIMIT:
            self._too_much(path, mark)
        else:
            return self._file(f"partials.{name}", partial, (*around, name))
        return iter(())

    def _too_much(self, path: str, mark: Mark) -> None:
        message = f"more than {PARTIALS_LIMIT} partials or {COMPOSED_LIMIT} characters are included"
        if not any(fault.message == message for fault in self.faults):
            self._add(path, mark, message)

    def _add(self, path: str, mark: Mark, message: str) -> None:
        # The place of each takes as long as the text is.
        if len(self.faults) < FAULTS_LIMIT:
            self.faults.append(_fault(path, self.files[path], mark.start, message))


def _fault(path: str, text: str, offset: int, message: str) -> TemplateFault:
    return TemplateFault(path, *place_of(text, offset), message)
