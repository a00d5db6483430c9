"""Leaving by the link of a mail: by whoever holds it, of that mail alone, for years."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.preferences import Preference
from app.documents.recipient_lists import RecipientList
from app.documents.topics import Topic
from app.documents.vocabulary import PreferenceSource, PreferenceState
from app.documents.ways_out import WayOut
from app.errors import NotFoundError
from app.mail.reply_addresses import reply_address
from app.mail.unsubscribe_tokens import unsubscribe_token
from app.services import list_mail, records, topics
from app.services.unsubscribing.leaving import choose_all, leave, look
from tests.fakes.clock import Clock

MakeList = Callable[..., Awaitable[RecipientList]]
MakeTopic = Callable[..., Awaitable[Topic]]
Send = Callable[..., Awaitable[Communication]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
Run = Callable[..., Awaitable[None]]
Adjusted = Callable[..., Deps]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

JAN, PIET = {"email": "jan@c.test"}, {"email": "piet@c.test"}
ONE_CLICK = PreferenceSource.ONE_CLICK


def token(deps: Deps, mail_id: object, *, tenant: str = "acme") -> str:
    key = deps.settings.unsubscribe_keys[0]
    return unsubscribe_token(key, tenant=tenant, mail_id=str(mail_id))


async def test_looking_changes_nothing(deps: Deps, dispatched: Send, footprint: Footprint) -> None:
    record = await dispatched({"unsubscribable": True})
    before = await footprint()

    shown = await look(deps, token(deps, record.unsubscribe_id))

    assert (shown.holder.tenant, shown.holder.address) == ("acme", "jan@customer.test")
    assert shown.holder.sender == "Acme"
    assert shown.receives
    assert await footprint() == before


async def test_leaving_is_written_down_with_where_it_came_from(
    deps: Deps, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched({"unsubscribable": True, "recipients": ["Jan <Jan@Customer.test>"]})
    clock.advance(timedelta(days=400))

    shown = await leave(deps, token(deps, record.unsubscribe_id), via=ONE_CLICK)

    assert not shown.receives
    [said] = await Preference.of_address("acme", "jan@customer.test")
    assert (said.topic_id, said.state, said.via) == (None, PreferenceState.UNSUBSCRIBED, ONE_CLICK)
    assert (said.communication_id, said.date, said.author_id) == (record.id, clock.now(), None)


async def test_leaving_twice_is_leaving_once(
    deps: Deps, dispatched: Send, footprint: Footprint, clock: Clock
) -> None:
    record = await dispatched({"unsubscribable": True})
    link = token(deps, record.unsubscribe_id)
    await leave(deps, link, via=ONE_CLICK)
    before = await footprint()
    clock.advance(timedelta(hours=1))

    shown = await leave(deps, link.upper(), via=PreferenceSource.PAGE)

    assert not shown.receives
    assert await footprint() == before


async def test_a_member_of_a_list_leaves_alone(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, rows_of: RowsOf
) -> None:
    record = await send_list(await make_list(JAN, PIET))
    await run_list(record)
    jan, piet = await rows_of(record)

    await leave(deps, token(deps, jan.id), via=ONE_CLICK)

    [said] = await Preference.find_all().to_list()
    assert (said.tenant_id, said.address) == ("acme", "jan@c.test")
    assert said.communication_id == record.id
    assert (await look(deps, token(deps, piet.id))).receives


async def test_who_leaves_a_topic_gets_the_others(
    deps: Deps, caller: Caller, make_topic: MakeTopic, dispatched: Send
) -> None:
    news, offers = await make_topic("news"), await make_topic("offers")
    record = await dispatched({"topicId": str(news.id)})
    link = token(deps, record.unsubscribe_id)
    before = await look(deps, link)
    await topics.archive(deps, caller, str(news.id))

    shown = await leave(deps, link, via=ONE_CLICK)

    assert before.topic is not None
    assert (before.topic.key, before.receives) == ("news", True)
    # It is put away, and what is said of it counts all the same.
    assert (shown.receives, shown.standings.unsubscribed) == (False, False)
    assert [(one.topic.id, one.receives) for one in shown.standings.topics] == [(offers.id, True)]
    [said] = await Preference.find_all().to_list()
    assert (said.topic_id, said.state) == (news.id, PreferenceState.UNSUBSCRIBED)


async def test_the_topic_outlives_the_mail(
    deps: Deps, caller: Caller, make_topic: MakeTopic, dispatched: Send, clock: Clock
) -> None:
    news = await make_topic("news")
    record = await dispatched({"topicId": str(news.id)})
    await records.delete(deps, caller, str(record.id))
    clock.advance(deps.settings.retention)
    await records.purge(deps)

    shown = await leave(deps, token(deps, record.unsubscribe_id), via=ONE_CLICK)

    assert shown.topic is not None
    assert (shown.topic.id, shown.receives) == (news.id, False)


async def test_who_comes_back_gets_it_again(deps: Deps, dispatched: Send, clock: Clock) -> None:
    record = await dispatched({"unsubscribable": True})
    link = token(deps, record.unsubscribe_id)
    await leave(deps, link, via=ONE_CLICK)
    clock.advance(timedelta(minutes=1))

    shown = await choose_all(deps, link, wanted=True)

    assert shown.receives
    assert (await choose_all(deps, link, wanted=False)).receives is False


@pytest.mark.parametrize("tenant", ["globex", "ACME", ""])
async def test_a_link_is_of_one_tenant(
    deps: Deps, dispatched: Send, footprint: Footprint, tenant: str
) -> None:
    record = await dispatched({"unsubscribable": True})
    before = await footprint()

    with pytest.raises(NotFoundError):
        await leave(deps, token(deps, record.unsubscribe_id, tenant=tenant), via=ONE_CLICK)
    assert await footprint() == before


async def test_a_link_is_of_one_mail(deps: Deps, dispatched: Send, footprint: Footprint) -> None:
    first = await dispatched({"unsubscribable": True})
    other = await dispatched({"unsubscribable": True, "recipients": ["piet@customer.test"]})
    plain = await dispatched()
    row = await Delivery.of_communication(first.id, 1)
    assert row is not None
    before = await footprint()
    mine, theirs = token(deps, first.unsubscribe_id), token(deps, other.unsubscribe_id)
    key, answers = deps.settings.unsubscribe_keys[0], deps.settings.reply_keys[0]
    domain = "in.letterbox.test"
    answer = reply_address(answers, tenant="acme", delivery_id=str(row.id), domain=domain)
    forged = [
        # The one's name with the other's signature.
        mine[:19] + theirs[19:],
        theirs[:20] + mine[20:],
        mine[:-1] + ("a" if mine[-1] != "a" else "c"),
        unsubscribe_token(answers, tenant="acme", mail_id=str(first.unsubscribe_id)),
        unsubscribe_token(b"x" * 32, tenant="acme", mail_id=str(first.unsubscribe_id)),
        answer.partition("@")[0].removeprefix("reply+"),
        # Signed by us, but no names of a recipient.
        unsubscribe_token(key, tenant="acme", mail_id=str(row.id)),
        unsubscribe_token(key, tenant="acme", mail_id=str(first.id)),
        unsubscribe_token(key, tenant="acme", mail_id=str(plain.id)),
        unsubscribe_token(key, tenant="acme", mail_id="0" * 24),
        "",
        "a" * 45,
        "a" * 100_000,
        f"{mine}\0",
    ]

    for link in forged:
        with pytest.raises(NotFoundError) as refused:
            await leave(deps, link, via=ONE_CLICK)
        assert refused.value.detail == "No mail has this link."
    assert await footprint() == before


async def test_links_of_older_keys_stay_good(
    deps: Deps, adjusted: Adjusted, dispatched: Send
) -> None:
    record = await dispatched({"unsubscribable": True})
    link, older = token(deps, record.unsubscribe_id), deps.settings.secret_keys
    assert older is not None
    new = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
    both = adjusted(secret_keys=SecretStr(f"{new},{older.get_secret_value()}"))

    shown = await leave(both, link, via=ONE_CLICK)

    assert not shown.receives
    with pytest.raises(NotFoundError):
        await look(adjusted(secret_keys=SecretStr(new)), link)
    with pytest.raises(NotFoundError):
        await look(adjusted(secret_keys=None), link)


async def test_a_link_outlives_its_mail(
    deps: Deps, caller: Caller, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched({"unsubscribable": True, "senderName": "Ms A"})
    link = token(deps, record.unsubscribe_id)
    await records.delete(deps, caller, str(record.id))
    hidden = await look(deps, link)
    clock.advance(deps.settings.retention)
    assert await records.purge(deps) == 1
    assert await Communication.find_all().to_list() == []

    shown = await leave(deps, link, via=ONE_CLICK)

    assert hidden.holder.communication_id == record.id
    assert (shown.holder.address, shown.holder.sender) == ("jan@customer.test", "Ms A")
    assert (shown.holder.communication_id, shown.receives) == (None, False)
    [said] = await Preference.find_all().to_list()
    assert (said.tenant_id, said.address, said.via) == ("acme", "jan@customer.test", ONE_CLICK)


async def test_links_of_list_mail_outlive_it(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, fan_out: Run,
    run_list: Run, rows_of: RowsOf, clock: Clock,
) -> None:  # fmt: skip
    made = await make_list(JAN, PIET)
    record = await send_list(made)
    paused = await send_list(made)
    await run_list(record)
    # Its mails are laid down, and nobody has any.
    await fan_out(paused)
    rows = await rows_of(record)
    await list_mail.pause(deps, caller, str(paused.id))
    for one in (record, paused):
        await records.delete(deps, caller, str(one.id))
    clock.advance(deps.settings.retention)

    assert await records.purge(deps) == 2

    kept = {way.id: way for way in await WayOut.find_all().to_list()}
    assert kept.keys() == {row.id for row in rows}
    assert {way.address for way in kept.values()} == {"jan@c.test", "piet@c.test"}
    assert {(way.tenant_id, way.sender, way.topic_id) for way in kept.values()} == {
        ("acme", "Acme", None)
    }
    assert {way.created for way in kept.values()} == {record.created}
    shown = await leave(deps, token(deps, rows[1].id), via=ONE_CLICK)
    assert (shown.holder.address, shown.receives) == ("piet@c.test", False)


async def test_links_of_deleted_mail_end_after_years(
    deps: Deps, caller: Caller, dispatched: Send, clock: Clock
) -> None:
    made = clock.now()
    deleted, kept = [await dispatched({"unsubscribable": True}) for _ in range(2)]
    links = [token(deps, one.unsubscribe_id) for one in (deleted, kept)]
    await records.delete(deps, caller, str(deleted.id))
    clock.advance(made + deps.settings.unsubscribe_retention - clock.now())
    await records.purge(deps)
    assert (await look(deps, links[0])).receives
    clock.advance(timedelta(milliseconds=1))

    await records.purge(deps)

    assert await WayOut.find_all().to_list() == []
    with pytest.raises(NotFoundError):
        await look(deps, links[0])
    # A record that is there answers for itself.
    assert (await look(deps, links[1])).holder.communication_id == kept.id


async def test_a_purge_that_was_cut_off_is_done_again(
    deps: Deps, caller: Caller, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched({"unsubscribable": True})
    await records.delete(deps, caller, str(record.id))
    clock.advance(deps.settings.retention)
    assert record.unsubscribe_id is not None
    kept = WayOut(
        id=record.unsubscribe_id, tenant_id="acme", created=deps.now(), address="as@was.test",
        sender="Acme",
    )  # fmt: skip
    await kept.insert()

    assert await records.purge(deps) == 1

    [way] = await WayOut.find_all().to_list()
    assert way.address == "as@was.test"


async def test_nothing_is_kept_of_other_mail(
    deps: Deps, caller: Caller, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched()
    await records.delete(deps, caller, str(record.id))
    clock.advance(deps.settings.retention)

    assert await records.purge(deps) == 1
    assert await WayOut.find_all().to_list() == []
