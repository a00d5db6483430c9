"""Opens and clicks that are kept: whose they are, for how long, and what is counted of them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.recipient_lists import RecipientList
from app.services import list_members, recipient_lists
from app.services.connections import ListCommand
from app.services.reclassification import reclassify
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.visits import BY_BARRACUDA, ON_PHONE, PERSON

MakeList = Callable[..., Awaitable[RecipientList]]
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
Run = Callable[..., Awaitable[None]]

JAN = {"email": "jan@c.test"}
PIET = {"email": "piet@c.test"}
BODY = '<p><a href="https://acme.test/{{ email|urlencode }}">mine</a></p>'


async def test_each_members_hits_name_the_member(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, run_list: Run,
    stored: Stored, rows_of: RowsOf, clock: Clock,
) -> None:  # fmt: skip
    made = await make_list(JAN, PIET)
    record = await send_list(made, body=BODY)
    await run_list(record)
    jan, piet = await rows_of(record)
    clock.advance(timedelta(minutes=1))

    await fetching.record_open(deps, jan.tracking_id, PERSON)
    await fetching.record_open(deps, piet.tracking_id, PERSON)
    await fetching.follow_link(deps, piet.tracking_id, 0, ON_PHONE)
    await fetching.follow_link(deps, jan.tracking_id, 0, BY_BARRACUDA)

    hits = await Engagement.find_all().sort("_id").to_list()
    assert {(one.recipient, one.kind, one.rule, one.url, one.repeat) for one in hits} == {
        ("jan@c.test", "OPEN", "person", None, False),
        # Two people at one moment are two, whatever they open it with.
        ("piet@c.test", "OPEN", "person", None, False),
        ("piet@c.test", "CLICK", "person", "https://acme.test/piet%40c.test", False),
        ("jan@c.test", "CLICK", "scanner-agent", "https://acme.test/jan%40c.test", False),
    }
    counted = await stored(record.id)
    assert counted.open_count == 2
    assert [
        (link.original_url, link.click_count, link.machine_click_count)
        for link in counted.clicked_links
    ] == [("https://acme.test/piet%40c.test", 1, 0), ("https://acme.test/jan%40c.test", 0, 1)]

    # What was sent stays as it was, also when the list changes, or is gone.
    members = await list_members.members_of(caller, str(made.id), ListCommand())
    await list_members.remove(caller, str(made.id), [str(one.node.id) for one in members.edges])
    await fetching.record_open(deps, jan.tracking_id, ON_PHONE)
    await recipient_lists.delete(deps, caller, str(made.id))
    await fetching.record_open(deps, piet.tracking_id, ON_PHONE)

    late = await Engagement.find(Engagement.kind == "OPEN").sort("_id").to_list()
    assert [one.recipient for one in late] == ["jan@c.test", "piet@c.test"] * 2
    assert (await stored(record.id)).open_count == 4


async def test_a_hit_tells_mongodb_when_it_is_to_go(
    deps: Deps, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched()
    await fetching.record_open(deps, record.tracking_id, PERSON)

    [hit] = await Engagement.find_all().to_list()
    indexes = await Engagement.get_motor_collection().index_information()

    assert hit.expires == clock.now() + deps.settings.engagement_retention
    ending = [one for one in indexes.values() if "expireAfterSeconds" in one]
    assert [(one["key"], one["expireAfterSeconds"]) for one in ending] == [([("expires", 1)], 0)]


async def test_counts_stay_when_hits_are_gone(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched()
    clock.advance(deps.settings.scan_delay * 2)
    for _ in range(2):
        await fetching.record_open(deps, record.tracking_id, PERSON)
        await fetching.follow_link(deps, record.tracking_id, 0, PERSON)
        clock.advance(deps.settings.engagement_retention)
    before = await stored(record.id)
    # What MongoDB does once a minute.
    gone = await Engagement.get_motor_collection().delete_many({"expires": {"$lte": clock.now()}})

    changed = [done.changed async for done in reclassify(deps)]
    unchanged = await stored(record.id)
    await fetching.record_open(deps, record.tracking_id, PERSON)

    assert (gone.deleted_count, changed) == (4, [])
    assert unchanged == before
    after = await stored(record.id)
    assert (after.open_count, after.opened_at) == (3, before.opened_at)
    assert after.last_opened_at == clock.now()
