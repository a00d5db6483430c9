"""HTML of mails, made safe to show."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.services import delivery, inbound, sending
from app.services.inputs import parse
from tests.fakes.messages import message
from tests.mail.with_files import OUTLOOK, PNG
from tests.world import MAIL

Ask = Callable[..., Awaitable[dict[str, Any]]]
HTML = (
    "<script>x</script><form><p onclick=x()>Hi</p></form>"
    '<img src="https://a.test/photo.png"><img src="https://a.test/t" width=1 height=1>'
)
AWAY = 'target="_blank" rel="noopener noreferrer nofollow"'


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    async def post(query: str, **variables: Any) -> dict[str, Any]:
        response = await client.post("/graphql", json={"query": query, "variables": variables})
        answer: dict[str, Any] = response.json()
        return answer

    return post


def in_html(html: str, id_: str = "<1@customer.test>") -> bytes:
    return message(id_, text=html).replace(
        b"Subject:", b"Content-Type: text/html; charset=utf-8\r\nSubject:", 1
    )


async def test_received_html_is_shown_safely(ask: Ask, deps: Deps, caller: Caller) -> None:
    received = await inbound.ingest(deps, caller, in_html(HTML))
    query = """query($id: ID!) { answer: inboundMessage(id: $id) {
      bodyHtml safeHtml remoteImageCount trackerCount
      blocked: safeHtml(remoteImages: BLOCK) loaded: safeHtml(remoteImages: ALLOW)
    } }"""

    answer = (await ask(query, id=str(received.id)))["data"]["answer"]

    held = '<p>Hi</p><img data-remote-src="https://a.test/photo.png">'
    assert answer == {
        "bodyHtml": HTML,
        "safeHtml": held,
        "blocked": held,
        "loaded": '<p>Hi</p><img src="https://a.test/photo.png">',
        "remoteImageCount": 1,
        "trackerCount": 1,
    }


async def test_what_has_no_html_has_none_to_show(ask: Ask, deps: Deps, caller: Caller) -> None:
    await inbound.ingest(deps, caller, message())

    answer = await ask("{ inboundMessages { nodes { safeHtml remoteImageCount trackerCount } } }")

    nothing = {"safeHtml": None, "remoteImageCount": None, "trackerCount": None}
    assert answer["data"]["inboundMessages"]["nodes"] == [nothing]


@pytest.mark.parametrize("field", ["safeHtml", "remoteImageCount", "trackerCount"])
async def test_each_is_read_by_itself(ask: Ask, deps: Deps, caller: Caller, field: str) -> None:
    large = "<p>" + "a" * (5 * 1024 * 1024)
    await inbound.ingest(deps, caller, in_html(HTML))
    await inbound.ingest(deps, caller, in_html(large, "<2@customer.test>"))

    answer = await ask(f"{{ inboundMessages {{ nodes {{ shown: {field} }} }} }}")

    [second, first] = [node["shown"] for node in answer["data"]["inboundMessages"]["nodes"]]
    assert first == {"safeHtml": '<p>Hi</p><img data-remote-src="https://a.test/photo.png">'}.get(
        field, 1
    )
    assert second == {"safeHtml": f"{large}</p>"}.get(field, 0)


async def test_sent_html_is_shown_as_it_was_before_it_was_tracked(
    ask: Ask, deps: Deps, caller: Caller
) -> None:
    body = '<script>x</script><a href="https://shop.test/?a=1">Shop</a>'
    record = await sending.accept(
        deps, caller, parse(sending.SendCommunication, {**MAIL, "body": body})
    )
    await delivery.dispatch(deps, str(record.id))
    query = """query($id: ID!) {
      answer: communication(id: $id) { body safeHtml remoteImageCount trackerCount }
      alone: communication(id: $id) { safeHtml }
      thread: communication(id: $id) { thread { outbound { safeHtml } } }
    }"""

    answer = (await ask(query, id=str(record.id)))["data"]

    shown = f'<a href="https://shop.test/?a=1" {AWAY}>Shop</a>'
    assert "/communications/track/" in answer["answer"].pop("body")
    assert answer == {
        "answer": {"safeHtml": shown, "remoteImageCount": 0, "trackerCount": 1},
        "alone": {"safeHtml": shown},
        "thread": {"thread": {"outbound": [{"safeHtml": shown}]}},
    }


async def test_our_links_in_an_answer_stay(ask: Ask, deps: Deps, caller: Caller) -> None:
    pixel = '<img src="https://us.test/api/v1/communications/track/abc" style="display:none">'
    html = f'<p>Fine</p><blockquote type="cite"><p>Offer</p>{pixel}</blockquote>'
    received = await inbound.ingest(deps, caller, in_html(html))

    answer = await ask(
        "query($id: ID!) { answer: inboundMessage(id: $id) { safeHtml } }", id=str(received.id)
    )

    assert answer["data"]["answer"]["safeHtml"] == html.replace(pixel, "")


async def test_endless_work_is_shown_as_text(ask: Ask, deps: Deps, caller: Caller) -> None:
    names = [f"<{tag} a={n}>" for tag in "bi" for n in range(5000)]
    html = "".join([*names, "a</b>" * 5000])
    received = await inbound.ingest(deps, caller, in_html(html))

    answer = await ask(
        "query($id: ID!) { answer: inboundMessage(id: $id) { safeHtml } }", id=str(received.id)
    )

    assert answer["data"]["answer"]["safeHtml"] == f"<pre>{'a' * 5000}</pre>"


async def test_cleaning_counts_as_a_cost(ask: Ask) -> None:
    async def cost(fields: str) -> int:
        answer = await ask(f"{{ inboundMessages(first: 10) {{ nodes {{ {fields} }} }} }}")
        requested: int = answer["extensions"]["cost"]["requested"]
        return requested

    assert await cost("id safeHtml") == await cost("id") + 50


async def test_pictures_of_the_mail_itself_are_shown_by_their_addresses(
    ask: Ask, client: httpx2.AsyncClient, deps: Deps, caller: Caller
) -> None:
    await inbound.ingest(deps, caller, OUTLOOK)
    query = "{ answer: inboundMessages { nodes { safeHtml attachments { url } } } }"

    [answer] = (await ask(query))["data"]["answer"]["nodes"]

    url = answer["attachments"][0]["url"]
    assert answer["safeHtml"] == f'<p>Signed.</p><img src="{url}" width="96">\n'
    assert (await client.get(urlsplit(url).path)).content == PNG


async def test_pictures_of_mail_from_before_are_shown_too(
    ask: Ask, deps: Deps, caller: Caller
) -> None:
    await inbound.ingest(deps, caller, OUTLOOK)
    gone = dict.fromkeys(["attachments", "attachmentsOmitted", "hasAttachments"], "")
    await InboundMessage.get_motor_collection().update_many({}, {"$unset": gone})

    answer = await ask("{ answer: inboundMessages { nodes { safeHtml } } }")

    assert 'src="http://mail.example.test/' in answer["data"]["answer"]["nodes"][0]["safeHtml"]


@pytest.mark.parametrize(("media_type", "shown"), [("image/png", 1), ("image/svg+xml", 0)])
async def test_pictures_of_a_sent_mail_are_shown_and_drawings_with_scripts_are_not(
    ask: Ask, deps: Deps, caller: Caller, media_type: str, shown: int
) -> None:
    file = {"filename": "a", "content": "UE5H", "contentId": "a", "contentType": media_type}
    mail = {**MAIL, "body": '<img src="cid:a">', "attachments": [file]}
    record = await sending.accept(deps, caller, parse(sending.SendCommunication, mail))
    query = "query($id: ID!) { answer: communication(id: $id) { safeHtml } }"

    html = (await ask(query, id=str(record.id)))["data"]["answer"]["safeHtml"]

    assert html.count("<img") == 1
    assert html.count('src="http://mail.example.test/api/v1/attachments/') == shown
