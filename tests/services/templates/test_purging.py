"""Deleted templates: hidden at once, gone after the retention time, unless mail is sent by them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.recipient_lists import RecipientList
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.services import records, sending, templates
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay
from workers import jobs

Keep = Callable[..., Awaitable[Template]]
SendIt = Callable[..., Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
MakeList = Callable[..., Awaitable[RecipientList]]
Run = Callable[..., Awaitable[None]]

JAN = {"name": "Jan", "email": "jan@c.test", "variables": {"number": 1, "locale": "nl"}}
DUTCH = {"locale": "nl", "subject": "Offerte {{ number }}"}


async def test_a_deleted_template_is_gone_with_all_it_said_after_the_retention_time(
    deps: Deps, caller: Caller, keep: Keep, save: Keep, footprint: Footprint, clock: Clock
) -> None:
    other = await keep(name="Other")
    before = await footprint()
    template = await keep(body=f"<p>{'x' * 5_000_000}</p>")
    await save(template, body="<p>Draft</p>")
    await templates.delete(deps, caller, str(template.id))

    clock.advance(deps.settings.retention - timedelta(seconds=1))
    early = await templates.purge(deps)
    kept = await TemplateVersion.find_all().count()
    clock.advance(timedelta(seconds=1))
    await jobs.purge({"deps": deps})

    assert (early, kept) == (0, 3)
    assert await footprint() == before
    assert (await templates.template_of(caller, str(other.id))).name == "Other"
    assert await templates.purge(deps) == 0


async def test_mail_goes_on_naming_what_it_was_made_from(
    deps: Deps, caller: Caller, keep: Keep, send_it: SendIt, clock: Clock
) -> None:
    template = await keep(body="<p>Hi</p>", subject="Hi")
    record = await send_it(template)
    await templates.delete(deps, caller, str(template.id))
    clock.advance(deps.settings.retention)

    await templates.purge(deps)

    found = await records.record_of(caller, str(record.id))
    assert (found.template_id, found.template_name, found.template_version) == (
        str(template.id), "Offer", 1,
    )  # fmt: skip
    assert await TemplateVersion.find_all().count() == 0


async def test_list_mail_keeps_the_version_that_it_may_be_sent_by_again(
    deps: Deps, caller: Caller, keep: Keep, change: Keep, send_it: SendIt,
    make_list: MakeList, run_list: Run, relay: Relay, clock: Clock,
) -> None:  # fmt: skip
    template = await keep(locales=[DUTCH])
    to = await make_list(JAN)
    record = await send_it(template, recipients=[], recipientListId=str(to.id))
    await run_list(record)
    await change(template, subject="New")
    await templates.delete(deps, caller, str(template.id))
    clock.advance(deps.settings.retention)

    await templates.purge(deps)

    assert [one.number for one in await TemplateVersion.find_all().to_list()] == [1]
    await run_list(await sending.resend(deps, caller, str(record.id)))
    assert [str(mail.message["Subject"]) for mail in relay.taken] == ["Offerte 1"] * 2
    # Until its record is gone for good.
    await records.delete(deps, caller, str(record.id))
    clock.advance(deps.settings.retention)
    await records.purge(deps)
    await templates.purge(deps)
    assert await TemplateVersion.find_all().count() == await Template.find_all().count() == 0
