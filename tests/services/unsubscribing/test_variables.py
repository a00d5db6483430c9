"""`unsubscribe_url` and `preferences_url` in bodies: filled in by themselves for each recipient."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.recipient_lists import RecipientList
from app.documents.templates import Template
from app.errors import InvalidInputError
from app.mail.unsubscribe_tokens import unsubscribe_token
from app.services import delivery, templates
from app.services.inputs import parse
from tests.fakes.relay import Relay, Taken

MakeList = Callable[..., Awaitable[RecipientList]]
Send = Callable[..., Awaitable[Communication]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
Run = Callable[..., Awaitable[None]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

PUBLIC = "http://mail.example.test"
# `Abmelden` is none of the words by which other links are known to unsubscribe.
BODY = (
    '<p><a href="https://acme.test/o">Offer</a> <a href="{{ unsubscribe_url }}">Abmelden</a> '
    '<a href="{{ preferences_url }}?from=mail">Wählen</a></p>'
)


def links(deps: Deps, mail_id: object) -> tuple[str, str]:
    key = deps.settings.unsubscribe_keys[0]
    token = unsubscribe_token(key, tenant="acme", mail_id=str(mail_id))
    return f"{PUBLIC}/u/{token}", f"{PUBLIC}/preferences/{token}"


def written(taken: Taken, kind: str) -> str:
    part = taken.message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


async def test_each_member_of_a_list_gets_its_own(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, rows_of: RowsOf, relay: Relay
) -> None:
    theirs = {"unsubscribe_url": "https://elsewhere.test", "preferences_url": ""}
    made = await make_list({"email": "jan@c.test", "variables": theirs}, {"email": "piet@c.test"})
    record = await send_list(
        made, subject="News {{ unsubscribe_url }}", body=BODY, variables=theirs
    )

    await run_list(record)

    taken = {mail.recipients[0]: mail for mail in relay.taken}
    for row in await rows_of(record):
        page, preferences = links(deps, row.id)
        mail = taken[row.recipients[0].address]
        assert mail.message["List-Unsubscribe"] == f"<{page}>"
        assert mail.message["Subject"] == f"News {page}"
        html = written(mail, "html")
        assert f'<a href="{page}">Abmelden</a>' in html
        assert f'<a href="{preferences}?from=mail">Wählen</a>' in html
        assert f"/link/{row.tracking_id}/0" in html
        assert f"Abmelden ({page})" in written(mail, "plain")
        assert row.links is None
    assert [link.original_url for link in record.clicked_links] == ["https://acme.test/o"]


@pytest.mark.parametrize("variables", [None, {}, {"unsubscribe_url": "https://elsewhere.test"}])
async def test_a_mail_to_one_names_the_page_of_its_fields(
    deps: Deps, dispatched: Send, relay: Relay, variables: dict[str, Any] | None
) -> None:
    record = await dispatched({"unsubscribable": True, "body": BODY, "variables": variables})

    page, preferences = links(deps, record.unsubscribe_id)
    html = written(relay.taken[0], "html")
    assert relay.taken[0].message["List-Unsubscribe"] == f"<{page}>"
    assert f'href="{page}"' in html
    assert f'href="{preferences}?from=mail"' in html
    assert [link.original_url for link in record.clicked_links] == ["https://acme.test/o"]
    # The links are the recipient's: they are not shown beside what the caller gave.
    assert record.variables == variables


async def test_a_body_that_names_none_stays_as_it_is(send: Send) -> None:
    body = "<p>{{ of_another_program }} unsubscribe_url</p>"
    record = await send({"unsubscribable": True, "body": body, "trackingEnabled": False})

    assert record.body == body


async def test_other_mail_has_none(send: Send, footprint: Footprint) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send({"subject": "{{ preferences_url }}", "body": BODY, "variables": {}})

    both = "unsubscribe_url and preferences_url are only in mail that one can unsubscribe from"
    assert [(one.path, one.message) for one in refused.value.fields] == [
        ("subject", f"missing variables: preferences_url; {both}"),
        ("body", f"missing variables: preferences_url, unsubscribe_url; {both}"),
    ]
    assert await footprint() == before


async def test_other_mail_may_ask_whether_it_has_any(send: Send) -> None:
    body = "<p>Hello{% if unsubscribe_url is defined %} {{ unsubscribe_url }}{% endif %}</p>"

    plain = await send({"body": body, "variables": {}, "trackingEnabled": False})
    leaving = await send({"body": body, "unsubscribable": True, "trackingEnabled": False})

    assert plain.body == "<p>Hello</p>"
    assert leaving.body.startswith(f"<p>Hello {PUBLIC}/u/")


async def test_other_mail_is_given_what_its_caller_gives(send: Send) -> None:
    given = {"unsubscribe_url": "https://acme.test/leave", "preferences_url": "https://acme.test/p"}
    record = await send({"body": BODY, "variables": given, "linkTrackingEnabled": False})

    assert '<a href="https://acme.test/leave">Abmelden</a>' in record.body


@pytest.fixture
def keep(deps: Deps, caller: Caller) -> Callable[..., Awaitable[Template]]:
    async def create(**fields: Any) -> Template:
        words = {"name": "News", "subject": "News", "body": BODY, "text": "{{ unsubscribe_url }}"}
        command = parse(templates.CreateTemplate, {**words, **fields})
        return await templates.create(deps, caller, command)

    return create


async def test_templates_name_them_without_declaring_them(
    deps: Deps, caller: Caller, keep: Callable[..., Awaitable[Template]], relay: Relay,
    make_list: MakeList, run_list: Run, rows_of: RowsOf,
) -> None:  # fmt: skip
    template = await keep()
    made = await make_list({"email": "piet@c.test"})

    async def send(**fields: Any) -> Communication:
        command = parse(templates.SendTemplate, fields)
        return await templates.send_template(deps, caller, str(template.id), command)

    single = await send(recipients=["jan@c.test"], unsubscribable=True)
    await delivery.dispatch(deps, str(single.id))
    listed = await send(recipientListId=str(made.id))
    await run_list(listed)

    [row] = await rows_of(listed)
    for mail, mail_id in zip(relay.taken, (single.unsubscribe_id, row.id), strict=True):
        page, _ = links(deps, mail_id)
        assert f'href="{page}"' in written(mail, "html")
        assert written(mail, "plain").strip() == page
    with pytest.raises(InvalidInputError) as refused:
        await send(recipients=["jan@c.test"])
    assert {one.path for one in refused.value.fields} == {"body"}
    assert refused.value.detail.endswith("only in mail that one can unsubscribe from")


@pytest.mark.parametrize("name", ["unsubscribe_url", "preferences_url"])
async def test_they_cannot_be_declared(
    keep: Callable[..., Awaitable[Template]], footprint: Footprint, name: str
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await keep(variables=[{"name": name, "type": "URL"}])

    assert [(one.path, one.message) for one in refused.value.fields] == [
        (
            "variables[0].name",
            "is filled in by itself, in mail that one can unsubscribe from",
        )
    ]
    assert await footprint() == before


async def test_checks_do_not_ask_for_them(deps: Deps, caller: Caller) -> None:
    words = {"subject": "News", "body": BODY + "{{ name }}", "kind": "TEMPLATE"}
    check = await templates.validate(deps, caller, parse(templates.SourceCommand, words))

    assert check.variables == ["name"]
    assert [one.text for one in check.warnings] == ["name is used and not declared"]


async def test_previews_and_tests_show_samples(
    deps: Deps, caller: Caller, keep: Callable[..., Awaitable[Template]]
) -> None:
    template = await keep()
    words = parse(templates.SourceCommand, {"subject": "News", "body": BODY, "kind": "TEMPLATE"})
    asked = parse(templates.PreviewTemplate, {})

    kept = await templates.preview(deps, caller, str(template.id), asked)
    typed = await templates.preview_source(deps, caller, words, asked)
    test = parse(templates.SendTest, {"recipients": ["alice@acme.test", "bob@acme.test"]})
    sent = await templates.send_test(deps, caller, str(template.id), test)

    for html in (kept.html, typed.html, sent.body):
        assert f'<a href="{PUBLIC}/u/sample">Abmelden</a>' in html
        assert f'<a href="{PUBLIC}/preferences/sample?from=mail">' in html
    assert (sent.text, sent.unsubscribable) == (f"{PUBLIC}/u/sample", False)
