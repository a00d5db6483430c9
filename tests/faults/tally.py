"""What became of the mails of a scenario."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.faults.crm import Crm, subject


@dataclass(frozen=True)
class Tally:
    """`doubled` holds the subjects that arrived more than once; `lost` and `failed` numbers.

    A mail is lost that is accepted and neither arrived nor FAILED. `again` counts surplus copies.
    `seconds` passed from the end of the fault until every mail was in its final state; `silence` is
    the longest time after it, in seconds, in which nothing arrived though mails were waiting.
    """

    accepted: int
    delivered: int
    again: int
    doubled: set[str]
    lost: set[int]
    failed: set[int]
    unsettled: set[int]
    stored: int
    seconds: float
    silence: float
    records: Mapping[int, Mapping[str, Any]]
    answers: Mapping[str, int]

    def line(self) -> str:
        answers = ", ".join(f"{count} {answer}" for answer, count in sorted(self.answers.items()))
        return (
            f"accepted {self.accepted}  delivered {self.delivered}"
            f"  doubled {self.again}  lost {len(self.lost)}  failed {len(self.failed)}"
            f"  settled after {self.seconds:.1f} s, longest silence {self.silence:.1f} s"
            f"  ({answers})"
        )


def tally(
    crm: Crm,
    records: Mapping[int, Mapping[str, Any]],
    arrivals: list[dict[str, Any]],
    *,
    stored: int,
    over: float,
    seconds: float,
) -> Tally:
    """Count what came of the mails by what the records say and what arrived.

    The fault was `over` at that time of the machine's clock.
    """
    copies = Counter(arrival["subject"] for arrival in arrivals)
    settled = {number: record["status"] for number, record in records.items()}
    failed = {number for number, status in settled.items() if status == "FAILED"}
    arrived = {number for number in crm.accepted if subject(number) in copies}
    return Tally(
        accepted=len(crm.accepted),
        delivered=len(arrived),
        again=sum(copies.values()) - len(copies),
        doubled={said for said, count in copies.items() if count > 1},
        lost=set(crm.accepted) - arrived - failed,
        failed=failed,
        unsettled={number for number, status in settled.items() if status not in {"SENT", "FAILED"}}
        | (set(crm.accepted) - set(settled)),
        stored=stored,
        seconds=seconds,
        silence=_silence(over, [arrival["at"] for arrival in arrivals]),
        records=records,
        answers=crm.answers,
    )


def named_alike(books: Tally, arrivals: list[dict[str, Any]], field: str) -> bool:
    """Whether each mail has one id, in all of its copies: the one in this field of its record."""
    named = {subject(number): record[field] for number, record in books.records.items()}
    return all(arrival["id"] == named[arrival["subject"]] for arrival in arrivals)


def _silence(since: float, times: list[float]) -> float:
    heard = [since, *sorted(time for time in times if time > since)]
    return max((later - earlier for earlier, later in pairwise(heard)), default=0.0)
