"""Layouts and partials: what is compiled with them, told of them, and protects them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.template_versions import TemplateVersion
from app.errors import ConflictError, InvalidInputError
from app.services import templates
from app.services.inputs import parse
from app.services.templates import Check, compiling
from app.services.templates.sources import PARTIALS_LIMIT, Fault
from tests.services.templates.conftest import WORDS, Keep, SendIt

Footprint = Callable[[], Awaitable[dict[str, Any]]]
Validate = Callable[..., Awaitable[Check]]
LAYOUT = {"name": "Frame", "kind": "LAYOUT", "subject": None, "body": "<main>{{ content }}</main>"}
FOOTER = {"name": "Footer", "kind": "PARTIAL", "subject": None, "body": "<i>{{ company }}</i>"}
BODY = "<p>{{ name }}</p>{% include 'Footer' %}"
VARIABLES = {"number": 7, "name": "Jan", "company": "Acme"}


@pytest.fixture
async def framed(keep: Keep) -> dict[str, Any]:
    """A layout, a partial and a template of both."""
    layout, footer = await keep(**LAYOUT), await keep(**FOOTER)
    return {"layout": layout, "footer": footer, "it": await keep(layout="frame", body=BODY)}


@pytest.fixture
def validate(deps: Deps, caller: Caller) -> Validate:
    async def check(**fields: Any) -> Check:
        given = {"subject": "Offer", "body": "<p>Hello</p>", **fields}
        return await templates.validate(deps, caller, parse(templates.SourceCommand, given))

    return check


def html(text: str) -> str:
    """What a body says, without what tracking adds."""
    return text.partition("<img")[0]


async def test_a_mail_stands_in_its_layout_with_its_partials(
    framed: dict[str, Any], send_it: SendIt
) -> None:
    record = await send_it(framed["it"], variables=VARIABLES)

    assert html(record.body) == "<main><p>Jan</p><i>Acme</i></main>"
    version = await TemplateVersion.numbered("acme", framed["it"].id, 1)
    assert version is not None
    assert [(use.name, use.kind, use.number) for use in version.uses] == [
        ("Frame", "LAYOUT", 1), ("Footer", "PARTIAL", 1)
    ]  # fmt: skip
    assert framed["it"].uses == [framed["layout"].id, framed["footer"].id]


async def test_what_was_published_stays_as_it_was_compiled(
    framed: dict[str, Any],
    deps: Deps,
    caller: Caller,
    change: Keep,
    save: Any,
    publish: Keep,
    send_it: SendIt,
) -> None:
    await change(framed["layout"], body="<b>{{ content }}</b>")
    await change(framed["footer"], body="<u>{{ company }}</u>")
    before = await send_it(framed["it"], variables=VARIABLES)
    await save(framed["it"], note="Anew")
    await publish(framed["it"])
    after = await send_it(framed["it"], variables=VARIABLES)
    old = await send_it(framed["it"], {"version": 1}, variables=VARIABLES)

    assert html(before.body) == html(old.body) == "<main><p>Jan</p><i>Acme</i></main>"
    assert html(after.body) == "<b><p>Jan</p><u>Acme</u></b>"
    version = await templates.version_numbered(caller, str(framed["it"].id), 2)
    assert [use.number for use in version.uses] == [2, 2]


async def test_what_others_use_is_not_deleted_or_renamed(
    framed: dict[str, Any], deps: Deps, caller: Caller, change: Keep, footprint: Footprint
) -> None:
    before = await footprint()
    for one in ("layout", "footer"):
        with pytest.raises(ConflictError, match="used by Offer, and cannot be deleted"):
            await templates.delete(deps, caller, str(framed[one].id))
        with pytest.raises(ConflictError, match="used by Offer, and cannot be renamed"):
            await change(framed[one], name="Other")
    assert await footprint() == before

    await templates.delete(deps, caller, str(framed["it"].id))
    await templates.delete(deps, caller, str(framed["layout"].id))
    assert (await change(framed["footer"], name="Other")).name == "Other"


async def test_many_users_are_not_all_named(deps: Deps, caller: Caller, keep: Keep) -> None:
    layout = await keep(**LAYOUT)
    for number in range(4):
        await keep(name=f"T{number}", layout="Frame")

    with pytest.raises(ConflictError, match="used by T0, T1, T2 and others, and cannot"):
        await templates.delete(deps, caller, str(layout.id))


async def test_what_cannot_be_used_is_told_and_nothing_is_kept(
    framed: dict[str, Any], deps: Deps, caller: Caller, keep: Keep, footprint: Footprint
) -> None:
    await keep(**{**FOOTER, "name": "Draft", "draft": True})
    await templates.archive(deps, caller, str(framed["layout"].id))
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await keep(
            name="New",
            layout="Frame",
            body="{% include 'Draft' %}{% include \"Nothing\" %}{% include 'Offer' %}",
        )

    assert [(field.path, field.message) for field in refused.value.fields] == [
        ("layout", "the layout Frame is archived"),
        ("partials.Draft", "the partial Draft was never published"),
        ("partials.Nothing", "the partial Nothing does not exist"),
        ("partials.Offer", "the partial Offer does not exist"),
    ]
    assert await footprint() == before


async def test_partials_of_another_tenant_do_not_exist(
    framed: dict[str, Any], deps: Deps, caller: Caller
) -> None:
    rival = Caller("rival", "bob", caller.scopes)
    command = parse(templates.CreateTemplate, {**WORDS, "layout": "Frame", "body": BODY})

    with pytest.raises(InvalidInputError) as refused:
        await templates.create(deps, rival, command)

    assert [field.path for field in refused.value.fields] == ["layout", "partials.Footer"]


async def test_partials_that_include_themselves_are_told(
    keep: Keep, change: Keep, footprint: Footprint
) -> None:
    inner = await keep(**FOOTER)
    await keep(**{**FOOTER, "name": "Outer", "body": "{% include 'Footer' %}"})
    before = await footprint()

    for body in ("{% include 'Outer' %}", "{% include 'footer' %}"):
        with pytest.raises(InvalidInputError, match="includes itself"):
            await change(inner, body=body)

    assert await footprint() == before


async def test_there_are_only_so_many_partials(validate: Validate) -> None:
    body = "".join(f"{{% include 'P{number}' %}}" for number in range(PARTIALS_LIMIT + 50))

    check = await validate(body=body)

    assert [one.message for one in check.faults[:2]] == [
        "the partial P0 does not exist", "the partial P1 does not exist"
    ]  # fmt: skip
    assert len(check.faults) == 100
    deep = "{% include 'P' %}" * 1000
    assert len((await validate(body=deep)).faults) < 10


async def test_faults_are_told_by_their_place_in_each_text(validate: Validate, keep: Keep) -> None:
    await keep(**LAYOUT)
    check = await validate(
        layout="Frame",
        subject="{{ a",
        body="<p>\n  {% for %}</p>",
        text="{{ b | colour }}",
        locales=[{"locale": "nl", "body": "x\ny {{ c.__class__ }} {% set d = 1 %}"}],
    )

    assert {(one.path, one.line) for one in check.faults} == {
        ("subject", 1), ("body", 2), ("text", 1), ("locales[0].body", 2)
    }  # fmt: skip
    assert all(one.column for one in check.faults)
    assert check.variables == []


async def test_warnings_tell_of_variables(validate: Validate) -> None:
    given = {"variables": [{"name": "name"}, {"name": "unused"}], "locales": [{"locale": "nl"}]}
    body = "{{ name }} {{ locale }} {% if vip %}!{% endif %}"
    check = await validate(body=body, locale="en", **given)
    without = await validate(body=body, **given)

    assert check.faults == []
    assert check.variables == ["locale", "name", "vip"]
    assert check.warnings == [
        Fault("variables", "vip is used and not declared"),
        Fault("variables[1].name", "unused is declared and never used"),
    ]
    # A reader of another language has none.
    assert without.warnings[0] == Fault("variables", "locale is used and not declared")


async def test_no_more_is_told_than_anybody_reads(validate: Validate) -> None:
    many = "".join(f"{{{{ v{number} }}}}" for number in range(5000))

    check = await validate(body=many)
    faulty = await validate(
        locales=[{"locale": f"nl-x-{number}", "body": "{{ a }"} for number in range(50)],
        body="{{ b }",
        text="{% for %}" * 90,
    )

    assert (check.faults, len(check.warnings), len(check.variables)) == ([], 100, 5000)
    assert len(faulty.faults) <= 100


async def test_a_layout_needs_its_content_and_a_partial_nothing(validate: Validate) -> None:
    layout = await validate(kind="LAYOUT", subject=None, body="<main></main>")
    subject = await validate(kind="LAYOUT", body="{{ content }}")
    partial = await validate(kind="PARTIAL", subject=None, body="<p>{{ x }}")

    assert [(one.path, one.line) for one in layout.faults] == [("body", 1)]
    assert [one.path for one in subject.faults] == ["subject"]
    assert (partial.faults, partial.variables) == ([], ["x"])


async def test_a_draft_is_checked_before_it_is_published(
    deps: Deps, caller: Caller, keep: Keep, save: Any
) -> None:
    template = await keep()
    with pytest.raises(ConflictError, match="has no draft"):
        await templates.validate_draft(deps, caller, str(template.id))
    await save(template, body="{{ name", layout="Gone")

    check = await templates.validate_draft(deps, caller, str(template.id))

    assert [(one.path, one.line) for one in check.faults] == [("layout", None), ("body", 1)]


async def test_what_is_not_kept_can_be_looked_at(
    framed: dict[str, Any], deps: Deps, caller: Caller, footprint: Footprint
) -> None:
    before = await footprint()

    async def shown(variables: Any = None, locale: str | None = None) -> templates.Preview:
        source = {
            "subject": "Hi {{ name }}", "body": BODY, "layout": "Frame",
            "locales": [{"locale": "nl", "subject": "Dag {{ name }}"}],
            "variables": [{"name": "name", "example": "Jan"}, {"name": "company", "default": "A"}],
        }  # fmt: skip
        command = parse(templates.SourceCommand, source)
        asked = parse(templates.PreviewTemplate, {"variables": variables, "locale": locale})
        return await templates.preview_source(deps, caller, command, asked)

    page = "<main><p>Jan</p><i>A</i></main>"
    assert await shown() == templates.Preview("Hi Jan", page, "Jan\n\nA\n", None, None)
    dutch = await shown({"name": "Eve"}, "nl-NL")
    assert (dutch.subject, dutch.locale) == ("Dag Eve", "nl")
    with pytest.raises(InvalidInputError, match="name: must be a string"):
        await shown({"name": 1})
    assert await footprint() == before


async def test_parts_can_be_looked_at_alone(
    framed: dict[str, Any], deps: Deps, caller: Caller
) -> None:
    asked = parse(templates.PreviewTemplate, {"variables": {"company": "A"}})
    shown = [
        await templates.preview(deps, caller, str(framed[one].id), asked)
        for one in ("layout", "footer")
    ]

    assert [(one.subject, one.html) for one in shown] == [
        ("", "<main><p>…</p></main>"), ("", "<i>A</i>")
    ]  # fmt: skip


async def test_many_languages_take_no_time_without_end(
    validate: Validate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "COMPILING_SECONDS", -1.0)

    check = await validate(locales=[{"locale": "nl"}])

    assert check.faults == [Fault("locales", "take more time to compile than a mail can need")]


async def test_mjml_and_css_are_compiled_once(
    keep: Keep, send_it: SendIt, validate: Validate
) -> None:
    frame = "<mjml><mj-body>{{ content }}</mj-body></mjml>"
    part = "<mj-section><mj-column><mj-text>{{ company }}</mj-text></mj-column></mj-section>"
    await keep(**{**LAYOUT, "format": "MJML", "body": frame})
    await keep(**{**FOOTER, "format": "MJML", "body": part})
    mjml = {"format": "MJML", "layout": "Frame", "body": "{% include 'Footer' %}"}
    template = await keep(**mjml, locales=[{"locale": "nl", "subject": "Offerte"}])
    styled = await keep(name="CSS", body="<style>p { color: red }</style><p>{{ name }}</p>")

    record = await send_it(template, {"locale": "nl"}, variables=VARIABLES)
    red = await send_it(styled, variables=VARIABLES)

    assert (record.subject, template.format) == ("Offerte", "MJML")
    assert ">Acme</div>" in record.body
    assert "<mj-" not in record.body
    assert '<p style="color: red;">Jan</p>' in red.body
    wrong = await validate(**{**mjml, "body": "\n<mj-colour>x</mj-colour>"})
    assert {(one.path, one.line) for one in wrong.faults} == {("body", 2)}


async def test_an_html_layout_does_not_hold_mjml(
    framed: dict[str, Any], validate: Validate
) -> None:
    check = await validate(format="MJML", layout="Frame", body="<mj-text>x</mj-text>")

    assert check.faults[0] == Fault(
        "layout", "the layout Frame is written in HTML, and this in MJML"
    )


async def test_what_cannot_be_filled_in_is_told_where_it_was_written(
    deps: Deps, caller: Caller, keep: Keep
) -> None:
    await keep(name="Frame", kind="LAYOUT", subject=None, body="<style>p{}</style>\n{{ content }}")
    bad = "<p>\n{{ xs }}</p>"
    template = await keep(layout="Frame", body="<p>ok</p>", locales=[{"locale": "nl", "body": bad}])
    asked = parse(templates.PreviewTemplate, {"locale": "nl", "variables": {"xs": [], "number": 1}})

    with pytest.raises(InvalidInputError) as caught:
        await templates.preview(deps, caller, str(template.id), asked)

    [fault] = caught.value.fields
    assert fault.path == "body"
    assert fault.message.endswith("(locales[0].body, line 2)")
