"""The figures of a record, as the hits change of which they are counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from pymongo import UpdateOne

from app.documents.base import Filter
from app.documents.communication_indexes import FLAG
from app.documents.communications import ClickedLink, Event
from app.documents.engagement.hits import Engagement
from app.documents.vocabulary import EventType
from app.mail.engagement.hits import EngagementKind

# Characters of an address that the audit trail repeats.
_DESCRIBED = 500
_LISTED = 1000
# What is read of a record to count on it; of its events, the latest tells whether one comes late.
READ = {
    "trackingEnabled": 1,
    "opened": 1,
    "openCount": 1,
    "machineOpenCount": 1,
    "openedAt": 1,
    "lastOpenedAt": 1,
    "clickedLinks": 1,
    "events": {"$slice": -1},
}
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Change:
    """A hit as it stood before, None for a new one, and as it stands now."""

    before: Engagement | None
    after: Engagement


@dataclass(frozen=True)
class Counter:
    """Opens of a mail, or clicks on one of its links: people's, with the first and the last."""

    count: int = 0
    machines: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def moved(self, changes: Sequence[Change], span: Span | None) -> "Counter":
        """Count the changes in; `span` is the first and last of people's hits that are kept.

        It is only looked at where one goes that was the first or the last.
        """
        count, machines = self.count, self.machines
        times = [moment for moment in (self.first, self.last) if moment is not None]
        for change in changes:
            before, after = change.before, change.after
            count += after.is_persons - (before is not None and before.is_persons)
            machines += after.is_machines - (before is not None and before.is_machines)
            if after.is_persons:
                times.append(after.created)
        if count <= 0:
            return Counter(0, max(0, machines))
        if span is not None and self.loses_its_bounds(changes):
            times = [*span]
        return Counter(count, max(0, machines), min(times), max(times))

    def loses_its_bounds(self, changes: Sequence[Change]) -> bool:
        """Tell whether the first or the last of people's hits is no person's any more."""
        return any(
            change.before is not None
            and change.before.is_persons
            and not change.after.is_persons
            and change.before.created in {self.first, self.last}
            for change in changes
        )


@dataclass(frozen=True)
class Part:
    """What is counted together: opens, or the clicks on the link of a record at `place`.

    `is_new` for a link that the record does not list yet; `twins` are the places of other links
    that lead to the same address.
    """

    kind: EngagementKind
    counter: Counter
    place: int | None = None
    url: str | None = None
    is_new: bool = False
    twins: tuple[int, ...] = ()

    @property
    def criteria(self) -> Filter:
        """Match the hits that count for it; the first of twins has those of links not listed."""
        if self.kind is EngagementKind.OPEN or not self.twins:
            return {} if self.url is None else {"url": self.url}
        is_first = self.place is not None and self.place < min(self.twins)
        return {"url": self.url, "link": {"$nin": list(self.twins)} if is_first else self.place}

    def write(self, counter: Counter) -> dict[str, Any]:
        """Name the stored fields with their values; None takes one away."""
        if self.kind is EngagementKind.OPEN:
            return {
                "opened": counter.count > 0,
                "openCount": counter.count,
                "machineOpenCount": counter.machines,
                "openedAt": counter.first,
                "lastOpenedAt": counter.last,
            }
        path = f"clickedLinks.{self.place}"
        listed = {f"{path}.originalUrl": self.url, f"{path}.url": self.url} if self.is_new else {}
        return {
            **listed,
            f"{path}.clickCount": counter.count,
            f"{path}.machineClickCount": counter.machines,
            f"{path}.clickedAt": counter.first,
            f"{path}.lastClickedAt": counter.last,
        }

    @property
    def event(self) -> dict[str, Any]:
        """What its line in the audit trail has besides its time."""
        if self.url is None:
            return {"type": EventType.OPEN}
        return {"type": EventType.CLICK, "description": self.url[:_DESCRIBED]}


def parts_of(
    row: Mapping[str, Any], changes: Sequence[Change]
) -> Iterator[tuple[Part, list[Change]]]:
    """Sort changes by what they count for; a link that the record does not list is listed.

    At most 1,000 are, further ones count nowhere.
    """
    links = list(row["clickedLinks"])
    known = len(links)
    grouped: dict[int | None, list[Change]] = {}
    for change in changes:
        hit = change.after
        if hit.kind is EngagementKind.OPEN:
            grouped.setdefault(None, []).append(change)
        elif (place := _place_of(links, hit)) is not None:
            grouped.setdefault(place, []).append(change)
    for place, some in grouped.items():
        if place is None:
            counter = Counter(
                row["openCount"],
                row.get("machineOpenCount", 0),
                row.get("openedAt"),
                row.get("lastOpenedAt"),
            )
            yield Part(EngagementKind.OPEN, counter), some
        else:
            link = links[place]
            counter = Counter(
                link["clickCount"],
                link.get("machineClickCount", 0),
                link.get("clickedAt"),
                link.get("lastClickedAt"),
            )
            url = link["originalUrl"]
            same = (at for at, one in enumerate(links) if one["originalUrl"] == url)
            twins = tuple(at for at in same if at != place)
            yield Part(EngagementKind.CLICK, counter, place, url, place >= known, twins), some


def _place_of(links: list[dict[str, Any]], hit: Engagement) -> int | None:
    """Find the record's link with this address, the one of the same index first."""
    index, url = hit.link or 0, hit.url or ""
    if index < len(links) and links[index]["originalUrl"] == url:
        return index
    for place, link in enumerate(links):
        if link["originalUrl"] == url:
            return place
    if len(links) >= _LISTED:
        return None
    listed = ClickedLink(original_url=url, url=url)
    links.append(listed.model_dump(by_alias=True, exclude_none=True))
    return len(links) - 1


def updates(
    id_: PydanticObjectId,
    row: Mapping[str, Any],
    moved: Sequence[tuple[Part, Counter]],
    now: datetime,
) -> Iterator[UpdateOne]:
    """Write what the figures come to, and the lines of the audit trail that tell of the first.

    People's figures are what `updated` counts as a change.
    """
    kept: dict[str, Any] = {}
    gone: dict[str, Any] = {}
    for part, counter in moved:
        for path, value in part.write(counter).items():
            if value is None:
                gone[path] = ""
            else:
                kept[path] = value
    if any(_is_turned(part.counter, after) for part, after in moved):
        kept |= FLAG
    update: dict[str, Any] = {"$set": kept}
    if gone:
        update["$unset"] = gone
    changed = [
        (part, after)
        for part, after in moved
        if (part.counter.count, part.counter.first, part.counter.last)
        != (after.count, after.first, after.last)
    ]
    if changed:
        update["$max"] = {"updated": now}
    yield UpdateOne({"_id": id_}, update)
    yield from _events(id_, row, changed)


def _is_turned(before: Counter, after: Counter) -> bool:
    """Whether it has any now and had none, or the other way round: only that the totals count."""
    return (before.count > 0, before.machines > 0) != (after.count > 0, after.machines > 0)


def _events(
    id_: PydanticObjectId, row: Mapping[str, Any], changed: Sequence[tuple[Part, Counter]]
) -> Iterator[UpdateOne]:
    added: list[dict[str, Any]] = []
    is_late = False
    for part, after in changed:
        before = part.counter.first
        if before == after.first:
            continue
        if before is None:
            added.append(Event(**part.event, date=after.first).stored())
        elif after.first is None:
            yield UpdateOne({"_id": id_}, {"$pull": {"events": {**part.event, "date": before}}})
        else:
            is_late = True
            named = {f"event.{name}": value for name, value in part.event.items()}
            yield UpdateOne(
                {"_id": id_},
                {"$set": {"events.$[event].date": after.first}},
                array_filters=[{**named, "event.date": before}],
            )
    latest = [event["date"] for event in row["events"]]
    is_late |= any(event["date"] < date for event in added for date in latest)
    if added or is_late:
        added.sort(key=lambda event: event["date"])
        in_time = {"$sort": {"date": 1, "id": 1}} if is_late else {}
        yield UpdateOne({"_id": id_}, {"$push": {"events": {"$each": added, **in_time}}})
