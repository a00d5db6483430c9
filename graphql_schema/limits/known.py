"""Documents that were found valid before. Programs send the same few over and over."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    Visitor,
    VisitorAction,
    visit,
)

from app.settings import Settings

_PARTS = {"defer", "stream"}
# Longer ones are rare, and worth their parsing.
_LENGTH = 8 * 1024
# A parsed document takes a hundred times its text.
_TOTAL = 256 * 1024


@dataclass(frozen=True, eq=False)
class Document:
    """A parsed document, and what is worked out of it once.

    `costs` are those of its operations, by name, that do not depend on variables; `plans` are how
    what it selects is read, where no variable says what that is; `worked_out` is what resolvers
    worked out of it; `shapes` are the queries in it, by name, as they are answered.
    """

    node: DocumentNode
    costs: dict[str | None, int] = field(default_factory=dict)
    plans: dict[Hashable, Any] = field(default_factory=dict)
    worked_out: dict[Hashable, Any] = field(default_factory=dict)
    shapes: dict[str | None, Any] = field(default_factory=dict)

    @cached_property
    def directives(self) -> frozenset[str]:
        """The names of the directives in it."""
        finder = _Directives(None)
        visit(self.node, finder)
        return frozenset(finder.found)

    @property
    def asks_for_parts(self) -> bool:
        """Whether @defer or @stream stands in it."""
        return not self.directives.isdisjoint(_PARTS)

    @cached_property
    def whole(self) -> DocumentNode:
        """The document as if neither @defer nor @stream stood in it."""
        return visit(self.node, _Directives(REMOVE)) if self.asks_for_parts else self.node


class _Directives(Visitor):
    """Finds directives, and does with those that ask for parts as told."""

    def __init__(self, action: VisitorAction) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._action = action

    def enter_directive(self, node: DirectiveNode, *_: object) -> VisitorAction:
        self.found.add(node.name.value)
        return self._action if node.name.value in _PARTS else None


class KnownDocuments:
    """Remembers the documents that were seen last, under the limits that they were held to.

    Their texts have `total` characters at most.
    """

    def __init__(self, total: int = _TOTAL) -> None:
        self._left = total
        self._seen: OrderedDict[Hashable, tuple[int, Document]] = OrderedDict()

    def get(self, query: str, settings: Settings) -> Document | None:
        key = _key(query, settings)
        if key not in self._seen:
            return None
        self._seen.move_to_end(key)
        return self._seen[key][1]

    def add(self, query: str, settings: Settings, document: Document) -> None:
        key = _key(query, settings)
        if len(query) > _LENGTH or key in self._seen:
            return
        self._seen[key] = (len(query), document)
        self._left -= len(query)
        while self._left < 0:
            _, (length, _) = self._seen.popitem(last=False)
            self._left += length


def _key(query: str, settings: Settings) -> Hashable:
    return (
        query,
        settings.graphql_depth,
        settings.graphql_aliases,
        settings.graphql_root_fields,
        settings.graphql_repeats,
        settings.graphql_directives,
        settings.graphql_definitions,
        settings.graphql_introspection,
    )


KNOWN = KnownDocuments()
