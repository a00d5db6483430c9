"""What browsers get by a link to an attachment, and what they may do with it."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from app.context import Caller, Deps
from app.documents.attached import Noun, Place
from app.documents.attachments import AttachmentContent
from app.documents.communications import Communication
from app.services import downloads
from app.services.inbound import ingest
from tests.mail.with_files import OUTLOOK, PDF, PNG

POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


@pytest.fixture
def fetched(
    deps: Deps, caller: Caller, anonymous: httpx2.AsyncClient
) -> Callable[..., Awaitable[httpx2.Response]]:
    """Fetches an attachment of a received message as a browser does, without a token."""

    async def fetch(raw: bytes, index: int = 0, method: str = "GET") -> httpx2.Response:
        id_ = (await ingest(deps, caller, raw)).id
        link = downloads.link(deps, Place("acme", Noun.INBOUND_MESSAGE, id_, index))
        return await anonymous.request(method, urlsplit(link or "").path)

    return fetch


Fetched = Callable[..., Awaitable[httpx2.Response]]


def part(media_type: str, content: bytes = PNG) -> bytes:
    """A mail whose HTML shows a file of this type."""
    return (
        b"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
        b"<img src='cid:a'>\n--b\nContent-ID: <a>\nContent-Transfer-Encoding: base64\n"
        + f"Content-Type: {media_type}; name=a.bin\n\n".encode()
        + base64.b64encode(content)
        + b"\n--b--"
    )


async def test_a_file_is_to_be_saved_under_its_name(fetched: Fetched) -> None:
    response = await fetched(OUTLOOK, 1)

    assert (response.status_code, response.content) == (200, PDF)
    assert dict(response.headers) == {
        "content-type": "application/pdf",
        "content-length": "14",
        "content-disposition": (
            "attachment; filename=\"Offerte Een.pdf\"; filename*=UTF-8''Offerte%20%C3%89%C3%A9n.pdf"
        ),
        "cache-control": "private, max-age=3600",
        "content-security-policy": POLICY,
        "cross-origin-resource-policy": "cross-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


async def test_an_image_of_the_html_may_be_shown(fetched: Fetched) -> None:
    response = await fetched(OUTLOOK, 0)

    assert (response.status_code, response.content) == (200, PNG)
    assert response.headers["content-type"] == "image/png"
    assert response.headers["content-disposition"] == 'inline; filename="image001.png"'
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/gif", "image/webp"])
async def test_pictures_have_their_own_type(fetched: Fetched, media_type: str) -> None:
    response = await fetched(part(media_type))

    assert response.headers["content-type"] == media_type
    assert response.headers["content-disposition"].startswith("inline; ")


@pytest.mark.parametrize(
    "media_type",
    [
        "text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml", "image/svg+xml",
        "text/xml", "application/xml", "application/rss+xml", "text/javascript", "message/rfc822",
        "application/x-javascript", "application/x-shockwave-flash",
    ],
)  # fmt: skip
async def test_what_could_run_is_plain_octets_to_be_saved(
    fetched: Fetched, media_type: str
) -> None:
    response = await fetched(part(media_type, b"<script>alert(1)</script>"))

    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"] == 'attachment; filename="a.bin"'


@pytest.mark.parametrize(
    "media_type",
    [
        "application/pdf", "text/csv; charset=iso-8859-1", "image/tiff", "video/mp4",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
)  # fmt: skip
async def test_other_types_are_told_and_saved(fetched: Fetched, media_type: str) -> None:
    response = await fetched(part(media_type))

    assert response.headers["content-type"] == media_type
    assert response.headers["content-disposition"] == 'attachment; filename="a.bin"'


async def test_an_empty_file_is_empty(fetched: Fetched) -> None:
    response = await fetched(part("application/pdf", b""))

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "0"


async def test_head_tells_what_get_would(fetched: Fetched) -> None:
    head, get = await fetched(OUTLOOK, 1, "HEAD"), await fetched(OUTLOOK, 1)

    assert (head.status_code, head.content, head.headers) == (200, b"", get.headers)


async def test_a_large_file_arrives_whole(fetched: Fetched) -> None:
    octets = bytes(range(256)) * (10 * 1024)

    response = await fetched(part("application/pdf", octets))

    assert response.content == octets
    assert response.headers["content-length"] == str(len(octets))


@pytest.fixture
def sent(
    deps: Deps,
    anonymous: httpx2.AsyncClient,
    send: Callable[..., Awaitable[Communication]],
) -> Callable[..., Awaitable[httpx2.Response]]:
    """Fetches a file that was sent with these fields."""

    async def fetch(**fields: str) -> httpx2.Response:
        record = await send({"attachments": [{"content": "UERG", "filename": "a.bin", **fields}]})
        link = downloads.link(deps, Place("acme", Noun.COMMUNICATION, record.id, 0))
        return await anonymous.get(urlsplit(link or "").path)

    return fetch


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("a b.pdf", 'filename="a b.pdf"'),
        ("100%.pdf", "filename=\"100_.pdf\"; filename*=UTF-8''100%25.pdf"),
        ("a;b'c.pdf", "filename=\"a;b_c.pdf\"; filename*=UTF-8''a%3Bb%27c.pdf"),
        ("契約.pdf", "filename=\"__.pdf\"; filename*=UTF-8''%E5%A5%91%E7%B4%84.pdf"),
    ],
)
async def test_a_name_is_written_so_that_all_browsers_read_it(
    sent: Fetched, name: str, disposition: str
) -> None:
    response = await sent(filename=name)

    assert response.content == b"PDF"
    assert response.headers["content-disposition"] == f"attachment; {disposition}"


async def test_what_replaces_itself_is_plain_octets_too(sent: Fetched) -> None:
    response = await sent(contentType="multipart/x-mixed-replace")

    assert response.headers["content-type"] == "application/octet-stream"


async def test_a_forged_link_and_a_lost_content_are_alike(
    fetched: Fetched, anonymous: httpx2.AsyncClient
) -> None:
    first = await fetched(OUTLOOK, 1)
    path = first.request.url.path
    forged: Any = await anonymous.get(path[:-1] + ("A" if path[-1] != "A" else "B"))

    await AttachmentContent.get_motor_collection().delete_many({})
    lost: Any = await anonymous.get(path)

    assert (forged.status_code, lost.status_code) == (404, 404)
    assert forged.json()["detail"] == lost.json()["detail"]
    assert forged.json()["title"] == "Not Found"
