import io
import tracemalloc
import zipfile
from collections.abc import Iterator

from bson import encode
from hypothesis import HealthCheck, given, settings

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.mail.entities import File, file, multipart, text
from app.services.inbound import ingest
from app.services.receiving.reading import Mail, read
from tests.mail.shapes import messages

MEGABYTE = 1024 * 1024


def _texts(mail: Mail) -> Iterator[str | None]:
    parsed = mail.parsed
    yield from (parsed.subject, parsed.text, parsed.html, parsed.message_id)
    yield from (*parsed.answered, *parsed.delivered_to, *mail.answered)
    for mailbox in (*parsed.to, *parsed.cc):
        yield from (mailbox.address, mailbox.name)
    for found in mail.files.files:
        yield from (found.filename, found.media_type, found.content_id)
    for finding in () if mail.report is None else mail.report.findings:
        yield from (finding.address, finding.words)


def holds(raw: bytes) -> None:
    """What must be true of the reading of any message."""
    mail = read(raw)

    assert mail.faults == ()
    assert encode({str(number): one for number, one in enumerate(_texts(mail))})
    assert not any("\0" in one for one in _texts(mail) if one is not None)
    assert read(raw) == mail


@settings(
    max_examples=250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(messages())
def test_any_message_is_read(raw: bytes) -> None:
    holds(raw)


def _with(name: str, content: bytes) -> bytes:
    entities = [text("plain", "See."), file(File(name, "application/zip", None, content))]
    return b"Subject: Bomb\r\n" + b"".join(multipart("mixed", "b", entities))


async def test_a_zip_bomb_costs_no_more_than_its_octets(deps: Deps, caller: Caller) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(4):
            bomb.writestr(str(number), bytes(16 * MEGABYTE))
    raw = _with("bomb.zip", packed.getvalue())
    tracemalloc.start()
    try:
        kept = await ingest(deps, caller, raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(raw) < MEGABYTE / 8
    assert peak < 4 * MEGABYTE
    assert kept.parse_fault is None
    found = await InboundMessage.shown("acme", str(kept.id))
    assert found is not None
    [bomb_kept] = found.attachments or []
    assert (bomb_kept.filename, bomb_kept.size) == ("bomb.zip", len(packed.getvalue()))
