"""Running today's rules over the opens and clicks that are kept."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from app.context import Deps
from app.documents.base import object_id_of
from app.documents.engagement import rejudging
from app.documents.engagement.figures import Change
from app.documents.engagement.hits import Engagement
from app.errors import FieldError, InvalidInputError
from app.mail.engagement import rules
from app.services.tracking import judge_of

_AT_A_TIME = 500


@dataclass(frozen=True)
class Turn:
    """What a hit was taken for and is taken for now: each a verdict and the rule that gave it."""

    kind: str
    before: str
    after: str


@dataclass
class Reclassified:
    """How far it came: `last` is the id of the last hit that was looked at."""

    looked_at: int = 0
    last: str | None = None
    turns: Counter[Turn] = field(default_factory=Counter)

    @property
    def changed(self) -> int:
        """How many are thought of otherwise now."""
        return self.turns.total()


async def reclassify(
    deps: Deps,
    *,
    tenant: str | None = None,
    since: datetime | None = None,
    after: str | None = None,
    at_a_time: int = _AT_A_TIME,
) -> AsyncGenerator[Reclassified, None]:
    """Judge kept hits anew, of one tenant or of all, and tell after each part how far it came.

    Figures, audit trails and whatever is counted of them follow at once. It may be ended and gone
    on with `after` the last hit; to begin anew changes nothing twice. Raises InvalidInputError for
    an `after` that is no hit of these tenants.
    """
    place = None if after is None else await _place(after)
    tenants = await rejudging.tenants() if tenant is None else [tenant]
    if place is not None and place.tenant_id not in tenants:
        raise _unknown()
    done = Reclassified()
    for one in tenants:
        if place is not None and one < place.tenant_id:
            continue
        here = place if place is not None and place.tenant_id == one else None
        async for hits in _parts(one, since, here, at_a_time):
            changes = await rejudging.rejudge(
                hits, partial(judge_of, deps.settings), rules=rules.VERSION, now=deps.now()
            )
            done.looked_at += len(hits)
            done.last = str(hits[-1].id)
            done.turns.update(map(_turn, changes))
            yield done


async def _parts(
    tenant: str, since: datetime | None, after: Engagement | None, limit: int
) -> AsyncIterator[Sequence[Engagement]]:
    while hits := await rejudging.part(tenant, since=since, after=after, limit=limit):
        yield hits
        after = hits[-1]


async def _place(id_: str) -> Engagement:
    object_id = object_id_of(id_)
    found = None if object_id is None else await Engagement.get(object_id)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> InvalidInputError:
    return InvalidInputError.of(FieldError("after", "is no hit that is kept of these tenants"))


def _turn(change: Change) -> Turn:
    return Turn(change.after.kind, *(_told(hit) for hit in (change.before, change.after)))


def _told(hit: Engagement | None) -> str:
    if hit is None:
        return ""
    return f"{hit.verdict} ({hit.rule}{', repeated' if hit.repeat else ''})"
