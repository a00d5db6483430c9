"""Documents that were found valid before. Programs send the same few over and over."""

from collections import OrderedDict
from collections.abc import Hashable

from app.settings import Settings

# What is kept is the text; longer ones are rare, and worth their validation.
_LENGTH = 8 * 1024
_COUNT = 500


class KnownDocuments:
    """Remembers the documents that were seen last, under the limits that they were held to."""

    def __init__(self, count: int = _COUNT) -> None:
        self._count = count
        self._seen: OrderedDict[Hashable, None] = OrderedDict()

    def has(self, query: str, settings: Settings) -> bool:
        key = _key(query, settings)
        if key not in self._seen:
            return False
        self._seen.move_to_end(key)
        return True

    def add(self, query: str, settings: Settings) -> None:
        if len(query) > _LENGTH:
            return
        self._seen[_key(query, settings)] = None
        if len(self._seen) > self._count:
            self._seen.popitem(last=False)


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
