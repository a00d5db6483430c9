"""What is asked of MongoDB for analytics, once for all who ask the same at about the same time."""

from collections.abc import Collection, Sequence
from weakref import WeakValueDictionary

from app.documents import analytics
from app.documents.analytics import Part, Period, Tally
from app.documents.totals import summaries
from app.gathering import Gathering

_Asked = tuple[str, Period, str, frozenset[Part]]


class GatheredTallies:
    """The gatherings of one process, one for each question: one that takes long holds up no other.

    An answer is begun after it was asked for, so it has all that happened before.
    """

    def __init__(self) -> None:
        self._gatherings = WeakValueDictionary[_Asked, Gathering[None, Tally]]()

    async def tally(
        self, tenant: str, period: Period, timezone: str, parts: Collection[Part]
    ) -> Tally:
        """Do what `summaries.tally` does, or `analytics.tally` where only the records can tell.

        To be read only.
        """
        asked = tenant, period, timezone, frozenset(parts)
        gathering = self._gatherings.get(asked)
        if gathering is None:
            gathering = self._gatherings[asked] = _gathering(asked)
        return await gathering.ask(None)


def _gathering(asked: _Asked) -> Gathering[None, Tally]:
    async def answer(all_: Sequence[None]) -> Sequence[Tally]:
        return [await _tally(*asked)] * len(all_)

    return Gathering(answer)


async def _tally(tenant: str, period: Period, timezone: str, parts: Collection[Part]) -> Tally:
    told = await summaries.tally(tenant, period, timezone, parts)
    return await analytics.tally(tenant, period, timezone) if told is None else told
