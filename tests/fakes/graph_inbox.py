"""Delta queries of a fake Microsoft Graph: pages of what came into an Inbox."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fakes.graph_faults import LOST_STATE, Fault
from tests.fakes.graph_mailbox import FaultError, Item, Mailbox

# What may be asked for; what is beside it is documented for other uses, or not together.
_QUERY = {"changeType", "$select"}
_SHOWN = {"id", "isDraft", "receivedDateTime"}


@dataclass
class State:
    """What a link stands for: what was told up to the arrival `after`."""

    after: int


@dataclass
class Inboxes:
    """`size` bounds pages below what is asked for. `elsewhere` stands in place of the next link.

    `repeats` tells each page's messages twice, the latest first, with what was deleted or only
    read; `empty_first` gives an empty page before the first, as Graph may.
    """

    size: int = 1000
    elsewhere: str | None = None
    repeats: bool = False
    empty_first: bool = False
    states: dict[str, State] = field(default_factory=dict)
    preferred: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Know no link any more."""
        self.states.clear()

    def delta(self, box: Mailbox, request: Request, url: str) -> Response:
        self.preferred.append(request.headers["prefer"])
        wanted = request.query_params
        token = wanted.get("$skiptoken") or wanted.get("$deltatoken")
        if token is None:
            if wanted["changeType"] != "created" or wanted.keys() - _QUERY:
                raise FaultError(Fault(400, "ErrorInvalidUrlQuery", "Unsupported query option."))
            assert set(wanted["$select"].split(",")) == _SHOWN
            state = State(0)
            if self.empty_first:
                return JSONResponse({"value": [], **self._link(url, "next", state)})
        elif token not in self.states:
            raise FaultError(LOST_STATE)
        else:
            state = self.states[token]
        found = box.inbox(after=state.after)
        size = min(self.size, _asked(request))
        told = found[:size]
        shown = [_shown(item) for item in told]
        if self.repeats:
            shown = [
                *reversed(shown),
                *shown,
                {"id": "AAkALg-x", "@removed": {"reason": "deleted"}},
                {"id": "AAkALg-old", "isDraft": False, "receivedDateTime": "2001-01-01T00:00:00Z"},
            ]
        rest = len(found) > size
        after = told[-1].number if rest else box.arrivals
        link = self._link(url, "next" if rest else "delta", State(after))
        return JSONResponse({"value": shown, **link})

    def _link(self, url: str, kind: str, state: State) -> dict[str, str]:
        token = secrets.token_urlsafe(16)
        self.states[token] = state
        name = "$skiptoken" if kind == "next" else "$deltatoken"
        return {f"@odata.{kind}Link": self.elsewhere or f"{url}?{name}={token}"}


def _shown(item: Item) -> dict[str, Any]:
    shown = {"@odata.etag": json.dumps(item.id), "id": item.id, "isDraft": item.is_draft}
    received = item.fields.get("receivedDateTime")
    return shown if received is None else {**shown, "receivedDateTime": received}


def _asked(request: Request) -> int:
    preferred = request.headers["prefer"].partition("odata.maxpagesize=")[2]
    return int(preferred or 10)
