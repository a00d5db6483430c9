"""Mail made from templates: which version, which language, and to whom not."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.analytics import REAL
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.recipient_lists import RecipientList
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.services import delivery, fanout, templates
from app.services.analytics import analytics
from app.services.inputs import parse
from tests.fakes.relay import Relay
from tests.services.templates.conftest import Keep, SendIt

MakeList = Callable[..., Awaitable[RecipientList]]
Run = Callable[..., Awaitable[None]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
VARIABLES = {"number": 7, "name": "Jan"}
DUTCH = {"locale": "nl", "subject": "Offerte {{ number }}", "body": "<p>Beste {{ name }}</p>"}
FLEMISH = {"locale": "nl-BE", "text": "Dag {{ name }}"}


def shown(record: Communication) -> tuple[str, str | None, str | None]:
    return record.subject, record.locale, record.text


async def test_each_reader_gets_the_nearest_language(keep: Keep, send_it: SendIt) -> None:
    template = await keep(locale="en", locales=[DUTCH, FLEMISH], text="Dear {{ name }}")

    async def sent(locale: str | None) -> Communication:
        return await send_it(template, {"locale": locale}, variables=VARIABLES)

    assert shown(await sent(None)) == ("Offer 7", "en", "Dear Jan")
    assert shown(await sent("en-GB")) == ("Offer 7", "en", "Dear Jan")
    assert shown(await sent("fr")) == ("Offer 7", "en", "Dear Jan")
    dutch = await sent("nl-NL")
    assert shown(dutch) == ("Offerte 7", "nl", None)
    assert ">Beste Jan<" in dutch.body
    flemish = await sent("nl-be")
    # What it does not say in a language it says as in the next one.
    assert shown(flemish) == ("Offerte 7", "nl-BE", "Dag Jan")
    assert ">Beste Jan<" in flemish.body


async def test_a_text_part_of_its_own_goes_out(
    deps: Deps, keep: Keep, send_it: SendIt, relay: Relay
) -> None:
    template = await keep(text="Dear {{ name }} & Co: https://acme.test\n")
    record = await send_it(template, variables={**VARIABLES, "name": "<Jan>"})

    await delivery.dispatch(deps, str(record.id))

    [mail] = relay.taken
    part = mail.message.get_body(("plain",))
    assert part is not None
    assert part.get_content() == "Dear <Jan> & Co: https://acme.test\r\n"


async def test_what_the_text_part_lacks_is_named(keep: Keep, send_it: SendIt) -> None:
    template = await keep(text="{{ company }}")

    with pytest.raises(InvalidInputError, match="text: missing variables: company"):
        await send_it(template, variables=VARIABLES)


async def test_a_template_may_ask_for_the_language(keep: Keep, send_it: SendIt) -> None:
    template = await keep(body="{{ locale }}", locales=[{"locale": "nl"}])

    dutch = await send_it(template, {"locale": "nl"}, variables=VARIABLES)
    told = await send_it(template, {"locale": "nl"}, variables={**VARIABLES, "locale": "xx"})
    assert (dutch.body[:2], told.body[:2]) == ("nl", "xx")


async def test_members_of_a_list_get_their_own_language(
    deps: Deps, keep: Keep, send_it: SendIt, make_list: MakeList, run_list: Run, relay: Relay
) -> None:
    template = await keep(
        locale="en",
        locales=[DUTCH],
        variables=[{"name": "number", "type": "NUMBER", "required": True}],
    )
    to = await make_list(
        {"email": "jan@c.test", "name": "Jan", "variables": {"locale": "nl-BE", "number": 1}},
        {"email": "eve@c.test", "name": "Eve", "variables": {"number": 2}},
        {"email": "bad@c.test", "name": "Bad", "variables": {"number": "many"}},
        {"email": "odd@c.test", "name": "Odd", "variables": {"locale": 7, "number": 3}},
    )
    record = await send_it(template, recipients=[], recipientListId=str(to.id))

    await run_list(record)

    subjects = {mail.recipients[0]: str(mail.message["Subject"]) for mail in relay.taken}
    assert subjects == {
        "jan@c.test": "Offerte 1", "eve@c.test": "Offer 2", "odd@c.test": "Offer 3",
    }  # fmt: skip
    rows = await Delivery.find({"communicationId": record.id}).to_list()
    assert {row.recipients[0].address: row.locale for row in rows} == {
        "jan@c.test": "nl", "eve@c.test": "en", "odd@c.test": "en", "bad@c.test": None,
    }  # fmt: skip
    [refused] = [row for row in rows if row.recipients[0].address == "bad@c.test"]
    assert refused.recipients[0].reply == "variables.number: must be a number"
    found = await Communication.get(record.id)
    assert found is not None
    assert (found.template_version, found.locale) == (1, "en")


async def test_members_without_a_language_get_that_of_the_mail(
    keep: Keep, send_it: SendIt, make_list: MakeList, run_list: Run, relay: Relay
) -> None:
    template = await keep(locale="en", locales=[DUTCH])
    to = await make_list(
        {"email": "jan@c.test", "name": "Jan", "variables": {"locale": "en"}},
        {"email": "eve@c.test", "name": "Eve"},
    )
    own = {"recipients": [], "recipientListId": str(to.id), "variables": {"number": 1}}

    await run_list(record := await send_it(template, {"locale": "nl-BE"}, **own))

    assert (record.locale, record.subject) == ("nl", "Offerte {{ number }}")
    subjects = {mail.recipients[0]: str(mail.message["Subject"]) for mail in relay.taken}
    assert subjects == {"jan@c.test": "Offer 1", "eve@c.test": "Offerte 1"}


async def test_list_mail_keeps_the_version_it_was_accepted_with(
    deps: Deps,
    caller: Caller,
    keep: Keep,
    change: Keep,
    send_it: SendIt,
    make_list: MakeList,
    run_list: Run,
    relay: Relay,
) -> None:
    template = await keep(locales=[DUTCH])
    member = {"email": "jan@c.test", "name": "Jan", "variables": {"number": 1, "locale": "nl"}}
    to = await make_list(member)
    own = {"recipients": [], "recipientListId": str(to.id)}
    record = await send_it(template, **own)
    other = await send_it(template, subject="My own {{ number }}", **own)
    await fanout.fan_out(deps, str(record.id))
    await change(template, subject="New", locales=[{**DUTCH, "subject": "Nieuw"}])
    await templates.delete(deps, caller, str(template.id))

    await run_list(record)
    await run_list(other)

    assert [str(mail.message["Subject"]) for mail in relay.taken] == ["Offerte 1", "My own 1"]


async def test_an_earlier_version_can_be_sent(keep: Keep, change: Keep, send_it: SendIt) -> None:
    template = await keep()
    await change(template, subject="New")

    record = await send_it(template, {"version": 1}, variables=VARIABLES)

    assert (record.subject, record.template_version) == ("Offer 7", 1)
    with pytest.raises(NotFoundError, match="no version 3"):
        await send_it(template, {"version": 3}, variables=VARIABLES)
    with pytest.raises(NotFoundError, match="no version 0"):
        await send_it(template, {"version": 0}, variables=VARIABLES)


async def test_another_version_or_language_is_another_request(
    keep: Keep, change: Keep, send_it: SendIt
) -> None:
    template = await keep(locales=[DUTCH])
    dutch = {"version": 1, "locale": "nl"}
    first = await send_it(template, dutch, variables=VARIABLES, key="k")
    await change(template, subject="New")

    again = await send_it(template, {**dutch, "locale": "NL"}, variables=VARIABLES, key="k")

    assert again.id == first.id
    for other in ({"version": 1}, {"locale": "nl"}, {}):
        with pytest.raises(ConflictError, match="used with another request"):
            await send_it(template, other, variables=VARIABLES, key="k")


async def test_what_is_archived_or_a_part_of_others_is_not_sent(
    deps: Deps, caller: Caller, keep: Keep, send_it: SendIt, footprint: Footprint
) -> None:
    template = await keep()
    partial = await keep(name="Footer", kind="PARTIAL", subject=None)
    await templates.archive(deps, caller, str(template.id))
    before = await footprint()

    with pytest.raises(ConflictError, match="is archived and cannot be sent"):
        await send_it(template, variables=VARIABLES)
    with pytest.raises(ConflictError, match="A PARTIAL cannot be sent"):
        await send_it(partial, variables=VARIABLES)

    assert await footprint() == before
    await templates.unarchive(deps, caller, str(template.id))
    assert (await send_it(template, variables=VARIABLES)).template_version == 1


@pytest.fixture
def try_out(deps: Deps, caller: Caller) -> SendIt:
    async def send(template: Any, choice: Any = None, **fields: Any) -> Communication:
        given = {"recipients": ["me@acme.test"], **fields}
        key = given.pop("key", None)
        command = parse(templates.SendTest, given)
        return await templates.send_test(
            deps, caller, str(template.id), command, idempotency_key=key
        )

    return send


async def test_a_test_shows_the_draft_and_counts_nowhere(
    deps: Deps, caller: Caller, keep: Keep, try_out: SendIt, relay: Relay
) -> None:
    declared = [{"name": "number", "example": "12"}, {"name": "name", "example": "Jan"}]
    template = await keep(variables=declared, draft=True, type="OFFERTE", locales=[DUTCH])

    record = await try_out(template, draft=True, locale="nl")
    await delivery.dispatch(deps, str(record.id))

    [mail] = relay.taken
    assert str(mail.message["Subject"]) == "[Test] Offerte 12"
    assert (record.is_test, record.type, record.template_version) == (True, "OFFERTE", None)
    assert (record.tracking_enabled, record.link_tracking_enabled) == (False, False)
    assert REAL == {"isTest": None}
    found = await analytics(deps, caller, start=None, end=None, timezone="UTC")
    assert found.rates.total_sent == 0


async def test_a_test_is_repeated_by_its_key_and_its_subject_can_be_its_own(
    keep: Keep, try_out: SendIt
) -> None:
    template = await keep(subject="x" * 890, body="y")

    first = await try_out(template, key="k", subjectPrefix="")
    again = await try_out(template, key="k", subjectPrefix="")
    long = await try_out(template, subjectPrefix="Please look at this one:")

    assert (first.subject, again.id) == ("x" * 890, first.id)
    assert len(long.subject) == 900
    with pytest.raises(ConflictError, match="used with another request"):
        await try_out(template, key="k")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"recipients": []}, "recipients"),
        ({"recipients": [f"a{n}@b.test" for n in range(6)]}, "recipients"),
        ({"recipients": ["nobody"]}, "recipients[0]"),
        ({"subjectPrefix": "a\nb"}, "subjectPrefix"),
        ({"subjectPrefix": "a" * 101}, "subjectPrefix"),
        ({"locale": "!"}, "locale"),
        ({"version": 1, "draft": True}, "draft"),
        ({"variables": {"$a": 1}}, "variables"),
    ],
)
def test_what_is_no_test_is_named(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(templates.SendTest, {"recipients": ["me@acme.test"], **fields})

    assert [field.path for field in refused.value.fields] == [path]
