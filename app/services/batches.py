"""Batches: many mails accepted by few writes, each on its own account or all for one."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

import structlog
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.answers import first_answers
from app.documents.base import StoreUnavailableError
from app.documents.batches import store_all, store_together
from app.documents.communications import Communication
from app.errors import AppError, FieldError, InternalError, InvalidInputError, NotAttemptedError
from app.queue import JobName
from app.services import attachments, idempotency, sending
from app.services.attachments import File
from app.services.drafts import draft
from app.services.idempotency import Repeatable
from app.services.sending import SendCommunication

log = structlog.get_logger()

BATCH_LIMIT = 500
# Whom the queue was not told of by then, the sweep finds: it looks every few seconds.
_WAKING_SECONDS = 2.0
_WOKEN_AT_A_TIME = 25


class BatchErrorPolicy(StrEnum):
    """What becomes of a batch in which a mail is refused."""

    CONTINUE = "CONTINUE"
    STOP = "STOP"
    ALL_OR_NOTHING = "ALL_OR_NOTHING"


@dataclass(frozen=True)
class _Mail:
    command: SendCommunication
    files: Sequence[File]


@dataclass(frozen=True)
class _Draft:
    record: Communication
    files: Sequence[File]


async def send_batch(
    deps: Deps,
    caller: Caller,
    items: Sequence[SendCommunication | AppError],
    *,
    policy: BatchErrorPolicy = BatchErrorPolicy.CONTINUE,
    idempotency_key: str | None = None,
) -> list[Communication | AppError]:
    """Accept mails to be sent at once, each as `sending.accept` would; what became of each.

    An item may be the error that its reading met; that is what became of it. What the `policy`
    keeps from being accepted is a NotAttemptedError: nothing, by CONTINUE; what stands behind the
    first mail that is refused, by STOP; every mail once one is refused, by ALL_OR_NOTHING, which
    writes them by one transaction. With an `idempotency_key` that the tenant used in the last 24
    hours, what was accepted under it is answered again, and nothing is sent twice; what was refused
    then, or cut off by a crash, is tried once more.

    Raises InvalidInputError for none or more than 500, ConflictError for a key that came with
    another request before; then nothing was stored.
    """
    if not 1 <= len(items) <= BATCH_LIMIT:
        reason = f"must have 1 to {BATCH_LIMIT} entries, and has {len(items)}"
        raise InvalidInputError.of(FieldError("input", reason))
    mails = [await _read(deps, item) for item in items]
    request = None
    if idempotency_key is not None:
        kind = ["batch"] if policy is BatchErrorPolicy.CONTINUE else ["batch", policy.value]
        request = Repeatable.of(idempotency_key, [*kind, *map(_fingerprinted, mails)])
    ids = [PydanticObjectId() for _ in items]
    results: list[Communication | AppError | _Draft] = []
    earlier = {}
    if request is not None:
        ids = await idempotency.held_by_batch(deps, caller, request) or ids
        earlier = await first_answers(caller.tenant, ids)
    for id_, mail in zip(ids, mails, strict=True):
        results.append(earlier.get(id_) or await _drafted(deps, caller, mail))
    results = _held_back(results, policy)
    if request is not None and any(isinstance(result, _Draft) for result in results):
        # As with one mail: the key names the records before they are written.
        ids = await idempotency.reserve_batch(deps, caller, request, ids)
    return await _stored(deps, caller, ids, results, policy)


def _held_back(
    results: list[Communication | AppError | _Draft], policy: BatchErrorPolicy
) -> list[Communication | AppError | _Draft]:
    """Leave out the drafts that the policy keeps from being accepted."""
    refused = next((n for n, one in enumerate(results) if isinstance(one, AppError)), None)
    if refused is None or policy is BatchErrorPolicy.CONTINUE:
        return results
    left = NotAttemptedError(f"Not sent: the mail at place {refused} was refused.")
    start = refused if policy is BatchErrorPolicy.STOP else 0
    return [
        left if number >= start and isinstance(one, _Draft) else one
        for number, one in enumerate(results)
    ]


async def _read(deps: Deps, item: SendCommunication | AppError) -> _Mail | AppError:
    if isinstance(item, AppError):
        return item
    try:
        return _Mail(item, await attachments.read(deps, item.attachments))
    except AppError as error:
        return error


def _fingerprinted(mail: _Mail | AppError) -> Sequence[object]:
    if isinstance(mail, AppError):
        return [mail.code, mail.detail]
    return sending.fingerprinted(mail.command, mail.files)


async def _drafted(deps: Deps, caller: Caller, mail: _Mail | AppError) -> _Draft | AppError:
    if isinstance(mail, AppError):
        return mail
    try:
        content = await sending.content_of(caller, mail.command)
        record = await draft(deps, caller, mail.command, content)
    except AppError as error:
        return error
    except StoreUnavailableError:
        raise
    except Exception:
        # A fault of ours, which one mail brought about, must not keep the others.
        reference = uuid4().hex
        log.exception("batch.fault", reference=reference)
        return InternalError(f"Something went wrong on our side ({reference}).")
    record.attachments = [file.shown for file in mail.files]
    return _Draft(record, mail.files)


async def _stored(
    deps: Deps,
    caller: Caller,
    ids: Sequence[PydanticObjectId],
    results: Sequence[Communication | AppError | _Draft],
    policy: BatchErrorPolicy,
) -> list[Communication | AppError]:
    """Store the drafts under these ids, and wake workers for them."""
    drafts = {id_: one for id_, one in zip(ids, results, strict=True) if isinstance(one, _Draft)}
    for id_, one in drafts.items():
        one.record.id = id_
    files = [file for one in drafts.values() for file in one.files]
    await attachments.keep(deps, caller.tenant, files)
    records = [one.record for one in drafts.values()]
    if policy is not BatchErrorPolicy.ALL_OR_NOTHING:
        stored = await store_all(records)
    else:
        stored = set(drafts) if records and await store_together(records) else set()
    await _wake(deps, [id_ for id_ in drafts if id_ in stored])
    # The same request at the same time: the other one's records hold.
    others = await first_answers(caller.tenant, [id_ for id_ in drafts if id_ not in stored])
    return [
        others.get(id_, one.record) if isinstance(one, _Draft) else one
        for id_, one in zip(ids, results, strict=True)
    ]


async def _wake(deps: Deps, ids: Sequence[PydanticObjectId]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_WAKING_SECONDS):
            for start in range(0, len(ids), _WOKEN_AT_A_TIME):
                woken = ids[start : start + _WOKEN_AT_A_TIME]
                await asyncio.gather(
                    *(deps.queue.enqueue(JobName.DISPATCH, str(id_), turn=0) for id_ in woken)
                )
