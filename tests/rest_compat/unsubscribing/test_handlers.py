"""Pages and one-click requests as browsers, mail programs and scanners make them."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.preferences import Preference
from app.documents.topics import Topic, TopicWords
from app.documents.vocabulary import PreferenceSource, PreferenceState, TopicDefault
from app.services.unsubscribing.ways import way_of_record

Send = Callable[..., Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=X"
# As a big mailbox provider writes it.
PARTS = (
    b'--X\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n'
    b"Content-Type: text/plain\r\n\r\nOne-Click\r\n--X--\r\n"
)


@pytest.fixture
async def token(deps: Deps, send: Send) -> str:
    """What the link of a mail to Jan names."""
    record = await send({"unsubscribable": True, "recipients": ["jan@customer.test"]})
    way = way_of_record(deps.settings, record)
    assert way is not None
    return way.url.rpartition("/")[2]


@pytest.fixture
def make_topic(deps: Deps) -> Callable[..., Awaitable[Topic]]:
    async def make(key: str, name: str, **fields: Any) -> Topic:
        given: dict[str, Any] = {"default": TopicDefault.OPT_OUT, **fields}
        topic = Topic(
            tenant_id="acme", created=deps.now(), created_by="alice", updated=deps.now(),
            updated_by="alice", key=key, name=name, **given,
        )  # fmt: skip
        await topic.store()
        return topic

    return make


async def said() -> list[tuple[str, PydanticObjectId | None, PreferenceState, PreferenceSource]]:
    found = await Preference.of_address("acme", "jan@customer.test")
    return [(one.address, one.topic_id, one.state, one.via) for one in found]


def ticked(page: str) -> dict[str, bool]:
    """The topics on a page by their keys, and which are ticked."""
    boxes = re.findall(r'<input type="checkbox" name="topic" value="([^"]*)"( checked)?', page)
    return {key: bool(mark) for key, mark in boxes}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/u/{}", "/preferences/{}"])
async def test_scanners_change_nothing(
    anonymous: httpx2.AsyncClient, token: str, footprint: Footprint, method: str, path: str
) -> None:
    before = await footprint()

    for query in ("", "?List-Unsubscribe=One-Click", "?action=none"):
        response = await anonymous.request(method, path.format(token) + query)
        assert response.status_code == 200

    assert await footprint() == before


async def test_the_page_asks_and_its_button_does_it(
    anonymous: httpx2.AsyncClient, token: str
) -> None:
    asked = await anonymous.get(f"/u/{token}")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', asked.text))
    done = await anonymous.post(f"/u/{token}", data=fields)

    assert "<h1>Unsubscribe</h1>" in asked.text
    assert "Shall Acme send no more mailings to j***@customer.test?" in asked.text
    assert "jan@customer.test" not in asked.text + done.text
    assert asked.text.count("<button") == 1
    assert done.status_code == 200
    assert "<h1>You are unsubscribed</h1>" in done.text
    assert f'<a href="../preferences/{token}">' in done.text
    state, via = PreferenceState.UNSUBSCRIBED, PreferenceSource.PAGE
    assert await said() == [("jan@customer.test", None, state, via)]
    assert "<h1>You are unsubscribed</h1>" in (await anonymous.get(f"/u/{token}")).text


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (FORM, b"List-Unsubscribe=One-Click"),
        (f"{FORM}; charset=utf-8", b"List-Unsubscribe=One-Click"),
        (FORM, b"x=1&List-Unsubscribe=One%2DClick&y="),
        (MULTIPART, PARTS),
        (MULTIPART.replace("X", '"X"'), PARTS),
        (MULTIPART, PARTS + b"epilogue"),
    ],
)
async def test_one_click_in_either_encoding(
    anonymous: httpx2.AsyncClient, token: str, media_type: str, body: bytes
) -> None:
    response = await anonymous.post(
        f"/u/{token}", content=body, headers={"Content-Type": media_type}
    )

    # Neither a redirect nor a cookie (RFC 8058, section 3.1).
    assert response.status_code == 200
    assert {"location", "set-cookie"} & response.headers.keys() == set()
    state, via = PreferenceState.UNSUBSCRIBED, PreferenceSource.ONE_CLICK
    assert await said() == [("jan@customer.test", None, state, via)]


async def test_one_click_again_is_answered_alike(
    anonymous: httpx2.AsyncClient, token: str, footprint: Footprint
) -> None:
    first = await anonymous.post(f"/u/{token}", data=ONE_CLICK)
    before = await footprint()
    again = await anonymous.post(f"/u/{token}", data=ONE_CLICK)

    assert (again.status_code, again.text) == (200, first.text)
    assert await footprint() == before


async def test_several_at_once_are_one(anonymous: httpx2.AsyncClient, token: str) -> None:
    asked = [anonymous.post(f"/u/{token}", data=ONE_CLICK) for _ in range(5)]
    answers = await asyncio.gather(*asked)

    assert {answer.status_code for answer in answers} == {200}
    assert len(await said()) == 1


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        (FORM, b"", 400),
        (FORM, b"List-Unsubscribe=one-click", 400),
        (FORM, b"list-unsubscribe=One-Click", 400),
        (FORM, b"List-Unsubscribe=One-Click&List-Unsubscribe=One-Click", 400),
        (FORM, b"List-Unsubscribe", 400),
        (FORM, b"action=none", 400),
        (FORM, b"\xff\xfe%zz=%&&&=", 400),
        (FORM, b"a=1&" * 4000, 400),
        (FORM, b"a" * 5_000_000, 413),
        (MULTIPART, b"", 400),
        (MULTIPART, b"List-Unsubscribe=One-Click", 400),
        (MULTIPART, PARTS[:60], 400),
        (MULTIPART, PARTS.replace(b"name=", b"filename=a; name="), 400),
        (MULTIPART, PARTS.replace(b"name=", b"nme="), 400),
        (MULTIPART, PARTS.replace(b"One-Click", b"x" * 5_000_000), 413),
        ("multipart/form-data", PARTS, 400),
        ("multipart/mixed; boundary=X", PARTS, 415),
        ("application/json", b'{"List-Unsubscribe": "One-Click"}', 415),
        ("text/plain", b"List-Unsubscribe=One-Click", 415),
        ("", b"List-Unsubscribe=One-Click", 415),
    ],
)
async def test_other_bodies_do_nothing(
    anonymous: httpx2.AsyncClient,
    token: str,
    footprint: Footprint,
    media_type: str,
    body: bytes,
    status: int,
) -> None:
    before = await footprint()

    response = await anonymous.post(
        f"/u/{token}", content=body, headers={"Content-Type": media_type}
    )

    assert response.status_code == status
    assert response.json().keys() == {"title", "detail", "time"}
    assert await footprint() == before


async def test_a_compressed_body_is_refused(anonymous: httpx2.AsyncClient, token: str) -> None:
    headers = {"Content-Type": FORM, "Content-Encoding": "gzip"}
    response = await anonymous.post(f"/u/{token}", content=b"\x1f\x8b", headers=headers)

    assert response.status_code == 415


async def test_all_topics_are_shown_and_chosen(
    anonymous: httpx2.AsyncClient, token: str, make_topic: Callable[..., Awaitable[Topic]]
) -> None:
    news = await make_topic("news", "News", description="Once a month")
    offers = await make_topic("offers", "Offers", default=TopicDefault.OPT_IN)
    shown = await anonymous.get(f"/preferences/{token}")
    assert ticked(shown.text) == {"news": True, "offers": False}
    assert 'aria-describedby="about-news"> News</label>' in shown.text
    assert '<small id="about-news">Once a month</small>' in shown.text

    form = {"action": "save", "among": ["news", "offers"], "topic": "offers"}
    saved = await anonymous.post(f"/preferences/{token}", data=form)

    assert saved.status_code == 200
    assert ticked(saved.text) == {"news": False, "offers": True}
    assert '<p role="status">Your choice is saved.</p>' in saved.text
    page = PreferenceSource.PAGE
    assert sorted(await said(), key=str) == sorted(
        [
            ("jan@customer.test", news.id, PreferenceState.UNSUBSCRIBED, page),
            ("jan@customer.test", offers.id, PreferenceState.SUBSCRIBED, page),
        ],
        key=str,
    )


async def test_a_topic_that_was_not_on_the_page_is_left_alone(
    anonymous: httpx2.AsyncClient, token: str, make_topic: Callable[..., Awaitable[Topic]]
) -> None:
    await make_topic("news", "News")
    await make_topic("late", "Made while the page was open")
    await make_topic("asked", "For who asked", default=TopicDefault.OPT_IN)

    form = {"action": "save", "among": ["news", "nonsense"], "topic": ["news", "asked", "nonsense"]}
    saved = await anonymous.post(f"/preferences/{token}", data=form)

    assert ticked(saved.text) == {"late": True, "news": True, "asked": False}
    assert await said() == []


async def test_none_at_all_and_again(
    anonymous: httpx2.AsyncClient, token: str, make_topic: Callable[..., Awaitable[Topic]]
) -> None:
    await make_topic("news", "News")

    none = await anonymous.post(f"/preferences/{token}", data={"action": "none"})
    again = await anonymous.post(f"/preferences/{token}", data={"action": "again"})

    assert ticked(none.text) == {"news": False}
    assert "You are unsubscribed from everything." in none.text
    assert 'name="action" value="again">Receive mailings again</button>' in none.text
    assert ticked(again.text) == {"news": True}
    assert 'name="action" value="none">Unsubscribe from everything</button>' in again.text
    state = PreferenceState.SUBSCRIBED
    assert await said() == [("jan@customer.test", None, state, PreferenceSource.PAGE)]


async def test_one_topic_may_be_taken_after_none_at_all(
    anonymous: httpx2.AsyncClient, token: str, make_topic: Callable[..., Awaitable[Topic]]
) -> None:
    await make_topic("news", "News")
    await make_topic("offers", "Offers")
    await anonymous.post(f"/preferences/{token}", data={"action": "none"})

    form = {"action": "save", "among": ["news", "offers"], "topic": "news"}
    saved = await anonymous.post(f"/preferences/{token}", data=form)

    assert ticked(saved.text) == {"news": True, "offers": False}


@pytest.mark.parametrize(
    "body",
    [b"", b"action=", b"action=all", b"action=none&action=none", b"topic=news", b"action=NONE"],
)
async def test_a_choice_that_is_none_is_refused(
    anonymous: httpx2.AsyncClient, token: str, footprint: Footprint, body: bytes
) -> None:
    before = await footprint()

    response = await anonymous.post(
        f"/preferences/{token}", content=body, headers={"Content-Type": FORM}
    )

    assert response.status_code == 400
    assert response.json()["detail"] == "The form must hold one action: save, none or again."
    assert await footprint() == before


async def test_without_topics_there_is_still_none_at_all(
    anonymous: httpx2.AsyncClient, token: str
) -> None:
    page = (await anonymous.get(f"/preferences/{token}")).text

    assert "There are no topics to choose from." in page
    assert 'name="action" value="none"' in page
    assert "<fieldset" not in page


@pytest.mark.parametrize("path", ["/u/", "/preferences/"])
@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("nl-NL,nl;q=0.9", "Deze link werkt niet"),
        ("de", "Dieser Link funktioniert nicht"),
        ("pl", "This link does not work"),
    ],
)
async def test_a_link_of_nobody_tells_what_to_do(
    anonymous: httpx2.AsyncClient, path: str, language: str, title: str
) -> None:
    asked = await anonymous.get(path + "a" * 45, headers={"Accept-Language": language})
    data = {**ONE_CLICK, "action": "none"}
    done = await anonymous.post(path + "a" * 45, data=data, headers={"Accept-Language": language})

    for response in (asked, done):
        assert response.status_code == 404
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert f"<h1>{title}</h1>" in response.text


@pytest.mark.parametrize("path", ["/u/{}", "/preferences/{}", "/u/nobody"])
async def test_pages_fetch_and_tell_nothing(
    anonymous: httpx2.AsyncClient, token: str, path: str
) -> None:
    response = await anonymous.get(path.format(token), headers={"Accept-Language": "fr"})

    headers = response.headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
    style = response.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["x-content-type-options"] == "nosniff"
    assert (headers["content-language"], headers["vary"]) == ("fr", "Accept-Language")
    assert '<html lang="fr">' in response.text
    assert not re.search(r"<script|<img|<link|src=|https?:|\son\w+=", response.text)


async def test_what_tenants_wrote_is_text(
    anonymous: httpx2.AsyncClient,
    deps: Deps,
    send: Send,
    make_topic: Callable[..., Awaitable[Topic]],
) -> None:
    hostile = "<script>alert(1)</script>\"'&{address}"
    await make_topic("news", hostile, description=hostile)
    record = await send({"unsubscribable": True, "senderName": hostile})
    way = way_of_record(deps.settings, record)
    assert way is not None

    for url in (way.url, way.preferences_url):
        page = (await anonymous.get(url.removeprefix("http://mail.example.test"))).text
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;{address}" in page


async def test_topics_are_named_in_the_reader_s_language(
    anonymous: httpx2.AsyncClient, token: str, make_topic: Callable[..., Awaitable[Topic]]
) -> None:
    words = TopicWords(locale="nl", name="Nieuws", description="Maandelijks")
    await make_topic("news", "News", description="Monthly", translations=[words])

    dutch = await anonymous.get(f"/preferences/{token}", headers={"Accept-Language": "nl-BE"})
    german = await anonymous.get(f"/preferences/{token}", headers={"Accept-Language": "de"})

    assert "> Nieuws</label>" in dutch.text
    assert "Maandelijks" in dutch.text
    assert "> News</label>" in german.text
    assert "<h1>Was möchten Sie erhalten?</h1>" in german.text


@pytest.mark.parametrize("token_", ["abc", "%2e%2e%2f", "a" * 10_000])
async def test_odd_links_are_of_nobody(
    anonymous: httpx2.AsyncClient, footprint: Footprint, token_: str
) -> None:
    before = await footprint()

    response = await anonymous.post(f"/u/{token_}", data=ONE_CLICK)

    assert response.status_code == 404
    assert await footprint() == before
