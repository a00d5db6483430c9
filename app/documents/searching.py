"""How long MongoDB may look for what a caller asked for; then MongoDB itself ends the search.

Finding by one indexed value needs no limit. Whatever takes criteria of callers, counts or adds up
has one: without it a search goes on when nobody waits for it any more.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass
class SearchTime:
    """`limit` is set when the client of MongoDB is opened, for all documents."""

    limit: timedelta = timedelta(seconds=30)

    def of_find(self) -> dict[str, Any]:
        """The option of `find`."""
        return {"max_time_ms": self._milliseconds}

    def of_command(self) -> dict[str, Any]:
        """The option of `aggregate` and `count_documents`."""
        return {"maxTimeMS": self._milliseconds}

    @property
    def _milliseconds(self) -> int:
        return max(1, int(self.limit / timedelta(milliseconds=1)))


SEARCH_TIME = SearchTime()
