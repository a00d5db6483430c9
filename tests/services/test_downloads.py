"""Links to attachments: what they lead to, until when, and that nobody makes one up."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from pydantic import SecretStr

from app.context import Caller, Deps
from app.documents import lifecycle
from app.documents.attached import Noun, Place
from app.documents.attachments import GRACE, AttachmentContent
from app.documents.communications import Communication
from app.errors import NotFoundError
from app.services import attachments, downloads
from app.services.inbound import ingest
from tests.conftest import SECRET_KEY
from tests.fakes.clock import Clock
from tests.mail.with_files import OUTLOOK, PDF, PNG

Send = Callable[..., Awaitable[Communication]]
OTHER_KEY = base64.b64encode(bytes(range(32, 64))).decode()
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
async def place(deps: Deps, caller: Caller) -> Place:
    """The second attachment of a received mail."""
    return Place("acme", Noun.INBOUND_MESSAGE, (await ingest(deps, caller, OUTLOOK)).id, 1)


def token_of(deps: Deps, place: Place) -> str:
    link = downloads.link(deps, place)
    assert link is not None
    before, _, token = link.rpartition("/")
    assert before == "http://mail.example.test/api/v1/attachments"
    return token


async def octets_of(deps: Deps, token: str) -> bytes:
    found = await downloads.opened(deps, token)
    return b"".join([piece async for piece in found.pieces])


async def test_a_link_leads_to_a_file_of_a_received_mail(deps: Deps, place: Place) -> None:
    found = await downloads.opened(deps, token_of(deps, place))

    assert b"".join([piece async for piece in found.pieces]) == PDF
    assert (found.filename, found.media_type, found.size, found.is_picture) == (
        "Offerte Één.pdf",
        "application/pdf",
        14,
        False,
    )
    assert await octets_of(deps, token_of(deps, replace(place, index=0))) == PNG


async def test_a_link_leads_to_a_file_of_a_sent_mail(deps: Deps, send: Send) -> None:
    content = base64.b64encode(PNG).decode()
    file = {"filename": "a.png", "content": content, "contentId": "a"}
    record = await send({"attachments": [file]})

    found = await downloads.opened(
        deps, token_of(deps, Place("acme", Noun.COMMUNICATION, record.id, 0))
    )

    assert (found.filename, found.media_type, found.is_picture) == ("a.png", "image/png", True)
    assert b"".join([piece async for piece in found.pieces]) == PNG


async def test_a_large_file_comes_in_pieces(deps: Deps, send: Send) -> None:
    octets = bytes(range(256)) * (10 * 1024)
    file = {"filename": "a.bin", "content": base64.b64encode(octets).decode()}
    record = await send({"attachments": [file]})
    token = token_of(deps, Place("acme", Noun.COMMUNICATION, record.id, 0))

    pieces = [piece async for piece in (await downloads.opened(deps, token)).pieces]

    assert b"".join(pieces) == octets
    assert len(pieces) == 3


async def test_a_link_stays_the_same_for_a_while_and_ends(
    deps: Deps, place: Place, clock: Clock
) -> None:
    """The tests' clock begins at a half hour."""
    token = token_of(deps, place)
    clock.advance(HALF_AN_HOUR - timedelta(milliseconds=1))
    assert token_of(deps, place) == token
    assert (await downloads.opened(deps, token)).lifetime == HALF_AN_HOUR + timedelta(
        milliseconds=1
    )

    clock.advance(timedelta(milliseconds=1))
    assert token_of(deps, place) != token
    clock.advance(HALF_AN_HOUR - timedelta(milliseconds=1))
    assert await octets_of(deps, token) == PDF
    clock.advance(timedelta(milliseconds=1))
    with pytest.raises(NotFoundError, match="has ended"):
        await downloads.opened(deps, token)


async def test_how_long_a_link_works_is_a_setting(
    adjusted: Callable[..., Deps], place: Place
) -> None:
    deps = adjusted(attachment_link_lifetime=timedelta(hours=2))

    found = await downloads.opened(deps, token_of(deps, place))

    assert timedelta(hours=2) < found.lifetime <= timedelta(hours=4)


async def test_any_of_the_keys_opens_and_the_first_signs(
    adjusted: Callable[..., Deps], deps: Deps, place: Place
) -> None:
    rotated = adjusted(secret_keys=SecretStr(f"{OTHER_KEY},{SECRET_KEY}"))
    gone = adjusted(secret_keys=SecretStr(OTHER_KEY))
    token = token_of(deps, place)

    assert await octets_of(rotated, token) == PDF
    assert await octets_of(gone, token_of(rotated, place)) == PDF
    with pytest.raises(NotFoundError):
        await downloads.opened(gone, token)


async def test_without_keys_there_are_no_links(
    adjusted: Callable[..., Deps], deps: Deps, place: Place
) -> None:
    keyless = adjusted(secret_keys=None)

    assert downloads.link(keyless, place) is None
    with pytest.raises(NotFoundError):
        await downloads.opened(keyless, token_of(deps, place))


async def test_whoever_changes_a_link_has_nothing(deps: Deps, place: Place) -> None:
    token = token_of(deps, place)

    for at in range(len(token)):
        for sign in "A", "_":
            changed = f"{token[:at]}{sign}{token[at + 1 :]}"
            if changed != token:
                with pytest.raises(NotFoundError):
                    await downloads.opened(deps, changed)


@pytest.mark.parametrize(
    "change", ["{}=", "{}A", " {}", "{}\n", "{}{}", "", "x", "é{}", "+{}", "/{}"]
)
async def test_a_link_has_one_spelling(deps: Deps, place: Place, change: str) -> None:
    token = token_of(deps, place)

    with pytest.raises(NotFoundError):
        await downloads.opened(deps, change.replace("{}", token))


async def test_another_tenant_has_nothing(deps: Deps, place: Place) -> None:
    with pytest.raises(NotFoundError):
        await downloads.opened(deps, token_of(deps, replace(place, tenant="rival")))


@pytest.mark.parametrize(
    "change",
    [
        {"index": 2},
        {"index": 65535},
        {"noun": Noun.COMMUNICATION},
        {"record_id": PydanticObjectId("6b050e9454d4a1b9322b3eaa")},
    ],
)
async def test_what_is_not_there_is_not_found(
    deps: Deps, place: Place, change: dict[str, Any]
) -> None:
    with pytest.raises(NotFoundError):
        await downloads.opened(deps, token_of(deps, replace(place, **change)))


async def test_a_file_that_was_not_kept_is_not_found(
    adjusted: Callable[..., Deps], caller: Caller
) -> None:
    deps = adjusted(attachments_limit=1)
    id_ = (await ingest(deps, caller, OUTLOOK)).id

    with pytest.raises(NotFoundError):
        await downloads.opened(deps, token_of(deps, Place("acme", Noun.INBOUND_MESSAGE, id_, 0)))


async def test_a_deleted_record_has_nothing(deps: Deps, send: Send) -> None:
    file = {"filename": "a.pdf", "content": base64.b64encode(PDF).decode()}
    record = await send({"attachments": [file]})
    token = token_of(deps, Place("acme", Noun.COMMUNICATION, record.id, 0))
    assert await octets_of(deps, token) == PDF

    now = deps.now()
    await lifecycle.delete("acme", record.id, author="a", now=now, purge_at=now + GRACE)

    with pytest.raises(NotFoundError):
        await downloads.opened(deps, token)


async def test_a_content_that_is_gone_is_not_found(deps: Deps, place: Place, clock: Clock) -> None:
    """Nothing that is named is ever purged; somebody may still have lost it."""
    clock.advance(GRACE)
    await attachments.purge(deps)
    token = token_of(deps, place)
    assert await octets_of(deps, token) == PDF

    await AttachmentContent.get_motor_collection().delete_many({})

    with pytest.raises(NotFoundError):
        await downloads.opened(deps, token)
