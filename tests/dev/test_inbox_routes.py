import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from app.inbox import inbox_routes

HTML_MAIL = """\
From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>
To: bob@example.org
Subject: =?utf-8?q?=3Cscript=3Ealert=281=29=3C/script=3E?=
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

plain
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<p onclick="evil()">Één</p><script>evil()</script>
--b--
"""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Starlette(routes=inbox_routes(tmp_path)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def put(inbox: Path, name: str, mail: str, **envelope: object) -> None:
    (inbox / f"{name}.eml").write_text(mail, "utf-8")
    (inbox / f"{name}.json").write_text(json.dumps(envelope))


async def test_list_says_what_came(inbox: Path, client: httpx2.AsyncClient) -> None:
    put(
        inbox,
        "20260101T000000000000Z-0a",
        HTML_MAIL,
        envelopeFrom="crm@letterbox.test",
        envelopeTo=["bob@example.org", "hidden@example.org"],
        receivedAt="2026-01-01T00:00:00.000Z",
    )

    answer = await client.get("/dev/inbox")

    assert answer.json() == {
        "messages": [
            {
                "name": "20260101T000000000000Z-0a",
                "subject": "<script>alert(1)</script>",
                "from": "Zoë <zoe@example.org>",
                "to": "bob@example.org",
                "envelopeFrom": "crm@letterbox.test",
                "envelopeTo": ["bob@example.org", "hidden@example.org"],
                "date": "2026-01-01T00:00:00.000Z",
                "size": len(HTML_MAIL.encode()),
                "url": "/dev/inbox/20260101T000000000000Z-0a.eml",
                "htmlUrl": "/dev/inbox/20260101T000000000000Z-0a.html",
            }
        ]
    }


async def test_newest_come_first_and_limited(inbox: Path, client: httpx2.AsyncClient) -> None:
    for name in ("a1", "a3", "a2"):
        put(inbox, name, HTML_MAIL)

    answer = await client.get("/dev/inbox", params={"limit": "2"})

    assert [message["name"] for message in answer.json()["messages"]] == ["a3", "a2"]


async def test_inbox_without_a_folder_is_empty(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/dev/inbox")).json() == {"messages": []}


async def test_limit_that_is_no_number_is_refused(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/dev/inbox?limit=-1")).status_code == 400


async def test_page_escapes_what_strangers_wrote(inbox: Path, client: httpx2.AsyncClient) -> None:
    put(inbox, "a1", HTML_MAIL, envelopeTo=["<i>@example.org"], receivedAt="<b>")

    answer = await client.get("/dev/inbox", headers={"Accept": "text/html,*/*;q=0.8"})

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert not any(tag in answer.text for tag in ("<script", "<i>", "<b>"))


async def test_mail_with_broken_headers_is_still_listed(
    inbox: Path, client: httpx2.AsyncClient
) -> None:
    (inbox / "a1.eml").write_bytes(
        b"From: \xff\xfe<\r\nTo: =?x-none?q?=ff?=, ,<@\r\nno colon\r\n\r\n"
    )

    [message] = (await client.get("/dev/inbox")).json()["messages"]

    assert message["subject"] == ""
    assert message["envelopeTo"] == []


async def test_raw_mail_is_the_file(inbox: Path, client: httpx2.AsyncClient) -> None:
    put(inbox, "a1", HTML_MAIL)

    answer = await client.get("/dev/inbox/a1.eml")

    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.content == HTML_MAIL.encode()


async def test_html_of_a_mail_cannot_run_scripts(inbox: Path, client: httpx2.AsyncClient) -> None:
    put(inbox, "a1", HTML_MAIL)

    answer = await client.get("/dev/inbox/a1.html")

    assert "<script>evil()</script>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; ")
    assert "default-src 'none'" in policy
    assert "img-src *" in policy
    assert not any(word in policy for word in ("allow-scripts", "allow-same-origin", "script-src"))


async def test_text_mail_is_shown_escaped(inbox: Path, client: httpx2.AsyncClient) -> None:
    put(inbox, "a1", "Subject: x\n\n1 < 2 & <b>\n")

    answer = await client.get("/dev/inbox/a1.html")

    assert answer.text == "<pre>1 &lt; 2 &amp; &lt;b&gt;\n</pre>"


@pytest.mark.parametrize(
    "path",
    [
        "/dev/inbox/..%2Fsecret.eml",
        "/dev/inbox/%2e%2e%2fsecret.eml",
        "/dev/inbox/..%5csecret.eml",
        "/dev/inbox/..eml",
        "/dev/inbox/.hidden.eml",
        "/dev/inbox/a1%00.eml",
        "/dev/inbox/a1.eml.html",
        "/dev/inbox/absent.eml",
        "/dev/inbox/absent.html",
    ],
)
async def test_only_names_of_mails_are_served(
    path: str, inbox: Path, client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    put(inbox, "a1", HTML_MAIL)
    (tmp_path / "secret.eml").write_text("secret")
    (inbox / ".hidden.eml").write_text("secret")

    answer = await client.get(path)

    assert answer.status_code == 404
    assert "secret" not in answer.text
