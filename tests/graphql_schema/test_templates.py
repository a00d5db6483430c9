"""Templates over GraphQL: every field of a template, its versions, and what is wrong with one."""

from typing import Any

import httpx2
import pytest

from tests.graphql_schema.conftest import Ask

VERSION = (
    "number state revision format subject body text layout locale note restoredFrom "
    "locales { locale subject body text } "
    "variables { name type required default example description } "
    "uses { name kind number template { name } } publishedBy template { name }"
)
INPUT = {
    "name": "Offer",
    "subject": "Offer {{ number }}",
    "body": "{% include 'Footer' %}",
    "text": "Hi",
    "layout": "Frame",
    "locale": "en",
    "locales": [{"locale": "nl_be", "subject": "Offerte"}],
    "variables": [
        {"name": "number", "type": "NUMBER", "required": True, "default": 1, "example": 2,
         "description": "Of the offer"},
        {"name": "lines", "type": "LIST", "default": [{"a": None}]},
    ],
    "note": "First",
}  # fmt: skip


async def made(query: Ask, **fields: Any) -> str:
    answer = await query(
        "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { id } }",
        input=fields,
    )
    return str(answer["data"]["createTemplate"]["id"])


@pytest.fixture
async def parts(query: Ask) -> dict[str, str]:
    layout = await made(query, name="Frame", kind="LAYOUT", body="<b>{{ content }}</b>")
    partial = await made(query, name="Footer", kind="PARTIAL", body="<i>{{ number }}</i>")
    return {"Frame": layout, "Footer": partial}


async def test_all_of_a_version_is_shown(query: Ask, parts: dict[str, str]) -> None:
    id_ = await made(query, **INPUT)

    answer = await query(
        f"query($id: ID!) {{ template(id: $id) {{ kind format version archivedAt draft {{ id }} "
        f"currentVersion {{ {VERSION} }} versions {{ nodes {{ {VERSION} }} }} }} "
        f"templateVersion(templateId: $id, number: 1) {{ {VERSION} }} }}",
        id=id_,
    )

    version = {
        "number": 1, "state": "PUBLISHED", "revision": 1, "format": "HTML",
        "subject": "Offer {{ number }}", "body": "{% include 'Footer' %}", "text": "Hi",
        "layout": "Frame", "locale": "en", "note": "First", "restoredFrom": None,
        "locales": [{"locale": "nl-BE", "subject": "Offerte", "body": None, "text": None}],
        "variables": [
            {"name": "number", "type": "NUMBER", "required": True, "default": 1, "example": 2,
             "description": "Of the offer"},
            {"name": "lines", "type": "LIST", "required": False, "default": [{"a": None}],
             "example": None, "description": None},
        ],
        "uses": [
            {"name": "Frame", "kind": "LAYOUT", "number": 1, "template": {"name": "Frame"}},
            {"name": "Footer", "kind": "PARTIAL", "number": 1, "template": {"name": "Footer"}},
        ],
        "publishedBy": "alice", "template": {"name": "Offer"},
    }  # fmt: skip
    assert answer["data"]["template"] == {
        "kind": "TEMPLATE", "format": "HTML", "version": 1, "archivedAt": None, "draft": None,
        "currentVersion": version, "versions": {"nodes": [version]},
    }  # fmt: skip
    assert answer["data"]["templateVersion"] == version


async def test_parts_tell_who_uses_them(query: Ask, parts: dict[str, str]) -> None:
    await made(query, **INPUT)

    answer = await query(
        "query { templates(kinds: [LAYOUT, PARTIAL]) { "
        "nodes { name kind usedBy { totalCount nodes { name } } draft { id } } } }"
    )

    used = {"totalCount": 1, "nodes": [{"name": "Offer"}]}
    assert answer["data"]["templates"]["nodes"] == [
        {"name": "Footer", "kind": "PARTIAL", "usedBy": used, "draft": None},
        {"name": "Frame", "kind": "LAYOUT", "usedBy": used, "draft": None},
    ]


async def test_the_way_of_a_draft(query: Ask) -> None:
    id_ = await made(query, name="A", subject="One", body="<p>x</p>")
    await made(query, name="B", subject="Two", body="<p>x</p>", draft=True)

    saved = await query(
        'mutation($id: ID!) { saveTemplateDraft(id: $id, input: { subject: "Three", '
        'note: "n" }) { state number revision subject body note } }',
        id=id_,
    )
    listed = await query("{ templates { nodes { name version subject draft { subject body } } } }")
    preview = await query(
        "query($id: ID!) { previewTemplate(id: $id, draft: true) { subject version locale } "
        "old: previewTemplate(id: $id, version: 1) { subject version } }",
        id=id_,
    )
    published = await query(
        'mutation($id: ID!) { publishTemplate(id: $id, input: { note: "m" }) '
        "{ version subject currentVersion { note } draft { id } } }",
        id=id_,
    )
    restored = await query(
        "mutation($id: ID!) { restoreTemplateVersion(id: $id, number: 1) "
        "{ restoredFrom subject } discardTemplateDraft(id: $id) { draft { id } } }",
        id=id_,
    )

    assert saved["data"]["saveTemplateDraft"] == {
        "state": "DRAFT", "number": None, "revision": 1, "subject": "Three", "body": "<p>x</p>",
        "note": "n",
    }  # fmt: skip
    assert listed["data"]["templates"]["nodes"] == [
        {"name": "A", "version": 1, "subject": "One",
         "draft": {"subject": "Three", "body": "<p>x</p>"}},
        {"name": "B", "version": None, "subject": "Two",
         "draft": {"subject": "Two", "body": "<p>x</p>"}},
    ]  # fmt: skip
    assert preview["data"] == {
        "previewTemplate": {"subject": "Three", "version": None, "locale": None},
        "old": {"subject": "One", "version": 1},
    }
    assert published["data"]["publishTemplate"] == {
        "version": 2, "subject": "Three", "currentVersion": {"note": "m"}, "draft": None,
    }  # fmt: skip
    assert restored["data"] == {
        "restoreTemplateVersion": {"restoredFrom": 1, "subject": "One"},
        "discardTemplateDraft": {"draft": None},
    }


async def test_archived_ones_are_listed_when_they_are_asked_for(query: Ask) -> None:
    id_ = await made(query, name="A", subject="One", body="x")
    await query("mutation($id: ID!) { archiveTemplate(id: $id) { id } }", id=id_)

    answer = await query(
        "{ here: templates { totalCount } away: templates(archived: true) { totalCount } "
        "all: templates(archived: null) { totalCount } }"
    )
    copied = await query(
        'mutation($id: ID!) { named: duplicateTemplate(id: $id, input: { name: "C" }) { name } '
        "unnamed: duplicateTemplate(id: $id) { name archivedAt } }",
        id=id_,
    )

    assert {name: one["totalCount"] for name, one in answer["data"].items()} == {
        "here": 0, "away": 1, "all": 1
    }  # fmt: skip
    assert copied["data"] == {
        "named": {"name": "C"}, "unnamed": {"name": "A (copy)", "archivedAt": None}
    }  # fmt: skip


async def test_a_mail_names_its_version_and_language(query: Ask) -> None:
    id_ = await made(query, name="A", subject="One", body="x", text="y", locales=[{"locale": "nl"}])
    document = (
        "mutation($id: ID!, $to: SendTemplateInput!, $try: SendTestTemplateInput!) { "
        "sendTemplate(templateId: $id, input: $to) { templateVersion locale text isTest "
        "usedVersion { number id } templateVersionId } "
        "sendTestTemplate(templateId: $id, input: $try) { subject isTest } }"
    )
    to = {"recipients": ["jan@c.test"], "locale": "nl-NL", "version": 1}

    answer = await query(document, id=id_, to=to, **{"try": {"recipients": ["me@a.test"]}})

    mail = answer["data"]["sendTemplate"]
    version = mail.pop("usedVersion")
    assert (version["number"], version["id"]) == (1, mail.pop("templateVersionId"))
    assert mail == {"templateVersion": 1, "locale": "nl", "text": "y", "isTest": False}
    assert answer["data"]["sendTestTemplate"] == {"subject": "[Test] One", "isTest": True}
    found = await query(
        "query($real: CommunicationFilter, $tried: CommunicationFilter) { "
        "real: communications(filter: $real) { nodes { subject } } "
        "tried: communications(filter: $tried) { nodes { subject } } }",
        real={"isTest": False, "templateVersion": {"eq": 1}, "locale": {"eq": "nl"}},
        tried={"isTest": True},
    )
    assert found["data"] == {
        "real": {"nodes": [{"subject": "One"}]},
        "tried": {"nodes": [{"subject": "[Test] One"}]},
    }


async def test_faults_have_a_line_and_a_column(query: Ask) -> None:
    document = (
        "query($input: TemplateSourceInput!) { validateTemplate(input: $input) { ok variables "
        "faults { path line column message } warnings { path line column message } } }"
    )

    bad = await query(document, input={"subject": "x", "body": "<p>\n{{ name }</p>"})
    good = await query(document, input={"subject": "x", "body": "{{ name }}"})

    assert bad["data"]["validateTemplate"] == {
        "ok": False,
        "variables": [],
        "faults": [{"path": "body", "line": 2, "column": 9, "message": "unexpected '}'"}],
        "warnings": [],
    }
    assert good["data"]["validateTemplate"] == {
        "ok": True,
        "variables": ["name"],
        "faults": [],
        "warnings": [
            {"path": "variables", "line": None, "column": None,
             "message": "name is used and not declared"},
        ],
    }  # fmt: skip


async def test_both_doors_refuse_what_is_not_to_be_sent(
    query: Ask, client: httpx2.AsyncClient
) -> None:
    draft = await made(query, name="A", subject="One", body="x", draft=True)
    away = await made(query, name="B", subject="One", body="x")
    await query("mutation($id: ID!) { archiveTemplate(id: $id) { id } }", id=away)
    to = {"recipients": ["jan@c.test"]}
    reasons = {
        draft: "The template was never published: publish its draft first.",
        away: "The template is archived and cannot be sent.",
    }

    for id_, reason in reasons.items():
        rest = await client.post(f"/api/v1/communications/send-template/{id_}", json=to)
        graphql = await query(
            "mutation($id: ID!, $to: SendTemplateInput!) "
            "{ sendTemplate(templateId: $id, input: $to) { id } }",
            id=id_,
            to=to,
        )
        assert (rest.status_code, rest.json()["detail"]) == (409, reason)
        [error] = graphql["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("CONFLICT", reason)


async def test_both_doors_name_a_value_that_is_wrong(
    query: Ask, client: httpx2.AsyncClient
) -> None:
    declared = [{"name": "due", "type": "DATE", "required": True}]
    id_ = await made(query, name="A", subject="{{ due }}", body="x", variables=declared)
    mail = {"recipients": ["jan@c.test"], "variables": {"due": "soon"}}

    rest = await client.post(f"/api/v1/communications/send-template/{id_}", json=mail)
    graphql = await query(
        "mutation($id: ID!, $mail: SendTemplateInput!) "
        "{ sendTemplate(templateId: $id, input: $mail) { id } }",
        id=id_,
        mail=mail,
    )

    reason = "must be an ISO 8601 date, e.g. 2019-08-24"
    assert (rest.status_code, rest.json()["detail"]) == (400, f"variables.due: {reason}")
    assert graphql["errors"][0]["extensions"]["fields"] == [
        {"path": "variables.due", "message": reason}
    ]


async def test_the_rest_door_knows_nothing_of_versions_and_languages(
    query: Ask, client: httpx2.AsyncClient
) -> None:
    """Legacy clients send extras of their own, which may have these names."""
    id_ = await made(query, name="A", subject="One", body="x", locales=[{"locale": "nl"}])
    extras = {"version": "latest", "locale": 7, "draft": "no"}

    answer = await client.post(
        f"/api/v1/communications/send-template/{id_}",
        json={"recipients": ["jan@c.test"], **extras},
    )

    assert answer.status_code == 200
    record = answer.json()
    assert record["templateId"] == id_
    assert {"templateVersion", "locale", "isTest"}.isdisjoint(record)
