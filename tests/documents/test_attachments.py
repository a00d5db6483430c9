"""One content per tenant and digest, whatever happens at the same time or in between."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from beanie import PydanticObjectId
from gridfs.errors import NoFile

from app.context import Deps
from app.documents import content, lifecycle, unreferenced
from app.documents.attachments import GRACE, Attachment, AttachmentContent
from app.documents.communications import Communication
from tests.fakes.clock import Clock

OCTETS = bytes(range(256)) * 5000
DIGEST = hashlib.sha256(OCTETS).hexdigest()
SHOWN = Attachment(filename="a.bin", media_type="a/b", size=len(OCTETS), digest=DIGEST)
Store = Callable[..., Awaitable[Communication]]


async def keep(deps: Deps, octets: bytes = OCTETS, tenant: str = "acme") -> None:
    digest = hashlib.sha256(octets).hexdigest()
    size = len(octets)
    await AttachmentContent.keep(tenant, BytesIO(octets), digest=digest, size=size, now=deps.now())


async def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await AttachmentContent.get_motor_collection().find().to_list(None)
    )
    return found


async def files() -> int:
    database = AttachmentContent.get_motor_collection().database
    count: int = await database["attachments.content.files"].count_documents({})
    return count


@pytest.fixture
async def no_files(deps: Deps) -> None:
    """GridFS as it is at first; other tests leave files behind."""
    database = AttachmentContent.get_motor_collection().database
    for part in ("files", "chunks"):
        await database[f"attachments.content.{part}"].delete_many({})


pytestmark = pytest.mark.usefixtures("no_files")


async def purge(deps: Deps) -> int:
    return await unreferenced.purge(deps.now(), 100)


async def test_a_content_is_read_back(deps: Deps) -> None:
    await keep(deps)

    assert await AttachmentContent.octets_of("acme", DIGEST) == OCTETS


async def test_the_same_content_is_kept_once(deps: Deps) -> None:
    await keep(deps)
    await keep(deps)

    assert len(await rows()) == 1
    assert await files() == 1


async def test_another_tenant_has_its_own(deps: Deps) -> None:
    await keep(deps)

    with pytest.raises(NoFile):
        await AttachmentContent.octets_of("rival", DIGEST)
    await keep(deps, tenant="rival")
    assert len(await rows()) == 2


async def test_many_at_once_keep_one(deps: Deps) -> None:
    await asyncio.gather(*(keep(deps) for _ in range(20)))

    assert len(await rows()) == 1
    assert await files() == 1
    assert await AttachmentContent.octets_of("acme", DIGEST) == OCTETS


async def test_an_unknown_content_is_an_error(deps: Deps) -> None:
    with pytest.raises(NoFile):
        await AttachmentContent.octets_of("acme", DIGEST)


async def test_what_no_record_names_goes_after_a_while(deps: Deps, clock: Clock) -> None:
    await keep(deps)
    clock.advance(GRACE - timedelta(milliseconds=1))
    assert await purge(deps) == 0

    clock.advance(timedelta(milliseconds=1))

    assert await purge(deps) == 1
    assert await rows() == []
    assert await files() == 0


async def test_what_a_record_names_stays_and_is_not_looked_at_again(
    deps: Deps, clock: Clock, store_communication: Store
) -> None:
    await keep(deps)
    await store_communication(attachments=[SHOWN])
    clock.advance(GRACE)

    assert await purge(deps) == 1
    clock.advance(GRACE * 100)
    assert await purge(deps) == 0
    assert await AttachmentContent.octets_of("acme", DIGEST) == OCTETS


async def test_another_tenants_record_keeps_nothing(
    deps: Deps, clock: Clock, store_communication: Store
) -> None:
    await keep(deps)
    await store_communication(attachments=[SHOWN], tenant_id="rival")
    clock.advance(GRACE)

    await purge(deps)

    assert await rows() == []


async def test_a_deleted_record_keeps_it_until_it_is_purged(
    deps: Deps, clock: Clock, store_communication: Store
) -> None:
    await keep(deps)
    gone = deps.now() + 10 * GRACE
    record = await store_communication(attachments=[SHOWN, SHOWN])
    await lifecycle.delete("acme", record.id, author="alice", now=deps.now(), purge_at=gone)
    clock.advance(2 * GRACE)
    await purge(deps)
    assert await files() == 1

    clock.advance(8 * GRACE)
    assert await lifecycle.purge(deps.now(), 100) == 1
    await purge(deps)
    assert await files() == 1
    clock.advance(GRACE)
    await purge(deps)

    assert await files() == 0
    assert await rows() == []


async def test_two_records_are_purged_before_it_goes(
    deps: Deps, clock: Clock, store_communication: Store
) -> None:
    await keep(deps)
    for id_ in ("one", "two"):
        record = await store_communication(attachments=[SHOWN], tracking_id=id_)
    await lifecycle.delete("acme", record.id, author="a", now=deps.now(), purge_at=deps.now())
    await lifecycle.purge(deps.now(), 100)
    clock.advance(GRACE)

    assert await purge(deps) == 1
    assert await AttachmentContent.octets_of("acme", DIGEST) == OCTETS


async def test_whoever_hands_it_in_again_keeps_it_from_a_purge_that_has_begun(
    deps: Deps, clock: Clock
) -> None:
    await keep(deps)
    clock.advance(GRACE)
    [due] = await AttachmentContent.due(deps.now(), 10)

    # No record names it yet: it is about to be written.
    await keep(deps)

    assert not await due.withdraw()
    assert not await due.leave()
    assert await AttachmentContent.octets_of("acme", DIGEST) == OCTETS
    assert await purge(deps) == 0


async def test_what_is_being_removed_is_stored_anew(deps: Deps, clock: Clock) -> None:
    await keep(deps)
    clock.advance(GRACE)
    [due] = await AttachmentContent.due(deps.now(), 10)
    assert await due.withdraw()

    await keep(deps)
    await due.discard()

    assert len(await rows()) == 1
    assert await AttachmentContent.octets_of("acme", DIGEST) == OCTETS


async def test_keeping_and_purging_at_once_leaves_it_whole(
    deps: Deps, clock: Clock, store_communication: Store
) -> None:
    for turn in range(15):
        await keep(deps)
        clock.advance(GRACE)

        await asyncio.gather(purge(deps), keep(deps), purge(deps), keep(deps))

        await store_communication(attachments=[SHOWN], tracking_id=f"t{turn}")
        assert await AttachmentContent.octets_of("acme", DIGEST) == OCTETS
        await Communication.get_motor_collection().delete_many({})


async def test_a_crash_while_removing_is_made_good(deps: Deps, clock: Clock) -> None:
    await keep(deps)
    clock.advance(GRACE)
    [due] = await AttachmentContent.due(deps.now(), 10)
    await due.withdraw()
    await content.remove(AttachmentContent, due.id)

    assert await purge(deps) == 1

    assert await rows() == []


async def test_a_crash_while_storing_is_made_good(deps: Deps, clock: Clock) -> None:
    """The row stands before its octets do: nothing is lost from sight."""
    until = deps.now() + GRACE
    row = AttachmentContent(tenant_id="acme", created=deps.now(), size=3, check_at=until)
    await row.insert()
    await content.put_as(AttachmentContent, row.id, BytesIO(b"abc"))
    with pytest.raises(NoFile):
        await AttachmentContent.octets_of("acme", hashlib.sha256(b"abc").hexdigest())
    clock.advance(GRACE)

    assert await purge(deps) == 1

    assert await rows() == []
    assert await files() == 0


async def test_an_upload_that_fails_leaves_nothing_to_be_found(deps: Deps, clock: Clock) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await AttachmentContent.keep("acme", Broken(), digest=DIGEST, size=3, now=deps.now())

    with pytest.raises(NoFile):
        await AttachmentContent.octets_of("acme", DIGEST)
    clock.advance(GRACE)
    await purge(deps)
    assert await rows() == []
    assert await files() == 0


async def test_a_purge_looks_at_no_more_than_it_is_told(deps: Deps, clock: Clock) -> None:
    for octets in (b"a", b"b", b"c"):
        await keep(deps, octets)
    clock.advance(GRACE)

    assert await unreferenced.purge(deps.now(), 2) == 2
    assert len(await rows()) == 1


async def test_the_look_for_records_reads_an_index(deps: Deps, store_communication: Store) -> None:
    await store_communication(attachments=[SHOWN])
    await store_communication(tracking_id="other")
    criteria = {"tenantId": "acme", "attachments.digest": DIGEST}

    plan = await Communication.get_motor_collection().find(criteria).explain()

    assert plan["executionStats"]["totalKeysExamined"] == 1
    assert plan["executionStats"]["totalDocsExamined"] == 1


async def test_a_content_without_row_is_not_there(deps: Deps) -> None:
    assert await AttachmentContent.hold("acme", [DIGEST], deps.now()) == 0
    with pytest.raises(NoFile):
        await content.get(AttachmentContent, PydanticObjectId())
