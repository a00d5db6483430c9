"""Nothing that arrives is lost: what cannot be read is kept, found, and read anew later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import InboundStatus, ProviderType
from app.mail.kinds import InboundKind
from app.services.inbound import ingest
from app.services.receiving import reading
from app.services.receiving.rereading import Reread, reread
from tests.fakes.messages import message
from tests.fakes.reports import postfix

Dispatched = Callable[..., Awaitable[Communication]]
Broken = Callable[..., None]

PARTS = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 1001
DEEP = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth)
    for depth in range(13)
)
FIELDS = b"X: y\n" * 300_000
BEYOND = (
    "It has more than 1000 parts, parts nested deeper than 12, "
    "more than 100000 lines that are nearly boundaries, or more than 1 MB of header fields: "
    "what is beyond was not looked at."
)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    """Lets a part of reading fail as a fault of ours would."""

    def fail(name: str, error: type[Exception] = RecursionError) -> None:
        def failing(*_: Any) -> Any:
            raise error("words of the message")

        monkeypatch.setattr(reading, name, failing)

    return fail


async def _reread(deps: Deps, **asked: Any) -> Reread:
    return ([Reread()] + [done async for done in reread(deps, **asked)])[-1]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("parse", "Its fields and text could not be read (MemoryError)."),
        ("fingerprint", "Its words could not be read (MemoryError)."),
        ("received_files", "Its files could not be read (MemoryError)."),
        ("kind_of", "Its kind could not be read (MemoryError)."),
        ("read_report", "Its report could not be read (MemoryError)."),
        ("calendar_of", "Its calendar could not be read (MemoryError)."),
    ],
)
async def test_whatever_cannot_be_read_the_rest_is_kept_with_the_reason(
    deps: Deps, caller: Caller, broken: Broken, name: str, fault: str
) -> None:
    broken(name, MemoryError)

    kept = await ingest(deps, caller, message())

    shown = await InboundMessage.shown("acme", str(kept.id))
    assert shown is not None
    assert shown.parse_fault == fault
    assert await InboundMessage.octets(kept.id) == message()
    assert shown.subject == (None if name == "parse" else "Re: Your offer")


@pytest.mark.parametrize("raw", [PARTS, DEEP, FIELDS], ids=["parts", "depth", "fields"])
async def test_what_is_not_looked_at_is_told(deps: Deps, caller: Caller, raw: bytes) -> None:
    kept = await ingest(deps, caller, b"Subject: Bomb\n" + raw)

    assert (kept.subject, kept.parse_fault) == ("Bomb", BEYOND)
    assert await InboundMessage.octets(kept.id) == b"Subject: Bomb\n" + raw


async def test_a_text_without_end_is_cut_and_kept_whole_as_it_came(
    deps: Deps, caller: Caller
) -> None:
    raw = message(text="words " * 2_000_000)

    kept = await ingest(deps, caller, raw)

    assert kept.parse_fault == "Its text is longer than 10 MB: what is beyond is not shown."
    assert len(kept.body_text or "") == 10 * 1024 * 1024
    assert await InboundMessage.octets(kept.id) == raw


async def test_read_anew_it_is_as_if_it_had_been_read_at_once(
    deps: Deps, caller: Caller, dispatched: Dispatched, broken: Broken
) -> None:
    record = await dispatched()
    stored = await Communication.get(record.id)
    assert stored is not None
    raw = message(in_reply_to=stored.internet_message_id)
    origin = Origin(provider=ProviderType.SMTP, recipients=("crm@acme.test",), taken_at=deps.now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parse", _fails)
        kept = await ingest(deps, caller, raw, origin=origin)
    await InboundMessage.get_motor_collection().update_one(
        {"_id": kept.id}, {"$set": {"status": InboundStatus.READ}}
    )

    assert await _reread(deps) == Reread(looked_at=1, mended=1)

    found = await InboundMessage.shown("acme", str(kept.id))
    assert found is not None
    assert (found.subject, found.body_text, found.kind) == (
        "Re: Your offer", "Fine!", InboundKind.PERSONAL
    )  # fmt: skip
    assert (found.parse_fault, found.status) == (None, InboundStatus.READ)
    assert (found.received_at, found.envelope_recipients) == (kept.received_at, ["crm@acme.test"])
    assert found.conversation_id == stored.conversation_id
    assert found.parent_communication_id == record.id
    assert [event.id for event in found.events] == [event.id for event in kept.events]
    answered = await Communication.get(record.id)
    assert answered is not None
    assert answered.reply_count == 1
    assert await InboundMessage.octets(kept.id) == raw
    assert await _reread(deps) == Reread()


def _fails(*_: Any) -> Any:
    raise RecursionError


async def test_what_still_cannot_be_read_stays_as_it_is(
    deps: Deps, caller: Caller, footprint: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    for number in range(3):
        await ingest(deps, caller, b"Subject: %d\n" % number + PARTS)
    before = await footprint()

    steps = [done.looked_at async for done in reread(deps, at_a_time=2)]

    assert steps
    assert await _reread(deps) == Reread(looked_at=3, mended=0)
    assert await footprint() == before


async def test_what_was_only_told_of_a_mail_stays_incomplete(deps: Deps, caller: Caller) -> None:
    told = Origin(provider=ProviderType.RESEND, provider_id="1", fetch_error="gone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parse", _fails)
        kept = await ingest(deps, caller, message(), origin=told)

    assert await _reread(deps) == Reread(looked_at=1, mended=1)

    found = await InboundMessage.shown("acme", str(kept.id))
    assert found is not None
    assert (found.subject, found.fetch_error, found.parse_fault) == ("Re: Your offer", "gone", None)


async def test_what_comes_again_is_known_where_its_words_could_not_be_read(
    deps: Deps, caller: Caller
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "fingerprint", _fails)
        kept = await ingest(deps, caller, message())

    again = await ingest(deps, caller, message())

    assert again.id == kept.id
    assert await InboundMessage.count() == 1


async def test_read_anew_it_is_known_by_its_id_when_it_comes_again(
    deps: Deps, caller: Caller
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parse", _fails)
        kept = await ingest(deps, caller, message())
    await _reread(deps)

    again = await ingest(deps, caller, b"Received: by relay.test\r\n" + message())

    assert again.id == kept.id
    assert await InboundMessage.count() == 1


async def test_what_came_again_meanwhile_stays_beside_it(deps: Deps, caller: Caller) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parse", _fails)
        kept = await ingest(deps, caller, message())
    other = await ingest(deps, caller, message(text="Not fine!"))

    assert await _reread(deps) == Reread(looked_at=1, mended=1)

    keys = {one.id: one.key for one in await InboundMessage.find_all().to_list()}
    assert keys == {kept.id: kept.key, other.id: "<reply@customer.test>"}


async def test_a_report_that_could_not_be_read_counts_when_it_is(
    deps: Deps, caller: Caller, dispatched: Dispatched
) -> None:
    record = await Communication.get((await dispatched()).id)
    assert record is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "read_report", _fails)
        kept = await ingest(deps, caller, postfix(str(record.internet_message_id)))

    assert await _reread(deps) == Reread(looked_at=1, mended=1)

    [event] = await ProviderEvent.find_all().to_list()
    assert event.inbound_id == kept.id


async def test_of_one_tenant_only(deps: Deps, caller: Caller) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parse", _fails)
        for tenant in ("acme", "globex"):
            await ingest(deps, Caller.of_door(tenant, "smtp"), message())

    assert await _reread(deps, tenant="globex") == Reread(looked_at=1, mended=1)
    assert await _reread(deps) == Reread(looked_at=1, mended=1)


async def test_read_anew_twice_at_once_it_is_read_once(deps: Deps, caller: Caller) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parse", _fails)
        kept = await ingest(deps, caller, message())

    done = await asyncio.gather(_reread(deps), _reread(deps))

    assert sum(one.mended for one in done) == 1
    found = await InboundMessage.shown("acme", str(kept.id))
    assert found is not None
    assert (found.body_text, found.parse_fault) == ("Fine!", None)
