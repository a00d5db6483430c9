"""What the values in a mail decide on: which links are spelled out, which tables have columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from app.mail import text_tree
from app.mail.outline.marks import FIRST_MADE, MARK, Pattern, word_of

if TYPE_CHECKING:
    from lxml.html import HtmlElement


@dataclass(frozen=True)
class Decided:
    """Links whose target stands behind them, and tables that are set in columns.

    Of those only on which values decide, by their numbers.
    """

    spelled: frozenset[int] = frozenset()
    columned: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Link:
    url: Pattern
    label: Pattern


@dataclass(frozen=True)
class Survey:
    """Links and tables on which values decide, by their numbers; of tables the cells with marks."""

    links: dict[int, Link] = field(default_factory=dict)
    tables: dict[int, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: HtmlElement) -> Survey:
        """Look through a tree, which is changed by it."""
        found = cls()
        links, tables = count(), count()

        def target(url: str, label: str) -> str | None:
            number = next(links)
            if not _varies(url, label):
                return text_tree.target_of(url, label)
            found.links[number] = Link(Pattern(url), Pattern(label))
            return _mark_of(number)

        def is_data(cells: list[HtmlElement]) -> bool:
            number = next(tables)
            texts = [cell.text_content() for cell in cells]
            varying = [text for text in texts if _varies(text)]
            others = (text for text in texts if not _varies(text))
            few = all(map(text_tree.has_few_elements, cells))
            if varying and few and all(map(text_tree.is_short, others)):
                found.tables[number] = varying
            return False

        text_tree.prepare(tree, target=target, is_data=is_data)
        return found

    def decided(self, texts: Mapping[int, str], words: dict[int, str]) -> Decided | None:
        """Decide with these values, as they are and as they show; None where that is not enough.

        What is written behind links is put beside the words.
        """
        spelled = set[int]()
        for number, link in self.links.items():
            shown = text_tree.target_of(link.url.filled(texts).strip(), link.label.filled(words))
            if not shown:
                continue
            if word_of(shown, keeps_spaces=True) != shown:
                return None
            spelled.add(number)
            words[FIRST_MADE + number] = shown
        if not self.tables:
            return Decided(frozenset(spelled))
        said = {**words, **texts}
        columned = {
            number
            for number, cells in self.tables.items()
            if all(self._is_short(cell, said) for cell in cells)
        }
        return Decided(frozenset(spelled), frozenset(columned))

    def _is_short(self, cell: str, said: Mapping[int, str]) -> bool:
        for number in self.links:
            if FIRST_MADE + number not in said:
                mark = _mark_of(number)
                cell = cell.replace(f" ({mark})", "").replace(f" {mark}", "")
        return text_tree.is_short(Pattern(cell).filled(said))


def prepare(tree: HtmlElement, decided: Decided) -> None:
    """Do what `text_tree.prepare` does, with marks in the place of what is made of values."""
    links, tables = count(), count()

    def target(url: str, label: str) -> str | None:
        number = next(links)
        if not _varies(url, label):
            return text_tree.target_of(url, label)
        return _mark_of(number) if number in decided.spelled else None

    def is_data(cells: list[HtmlElement]) -> bool:
        number = next(tables)
        varies = any(_varies(cell.text_content()) for cell in cells)
        return number in decided.columned if varies else text_tree.are_data(cells)

    text_tree.prepare(tree, target=target, is_data=is_data)


def _mark_of(number: int) -> str:
    return chr(FIRST_MADE + number)


def _varies(*texts: str) -> bool:
    return any(map(MARK.search, texts))
