import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import httpx2

from app.providers.base import (
    AccountError,
    OutgoingMessage,
    Pacer,
    PermanentError,
    ProviderError,
    Receipt,
    TransientError,
    Turn,
    UncertainError,
)
from app.providers.graph import faults, messages
from app.providers.graph.client import GraphAccount, GraphClient, message_path
from app.providers.graph.drafts import NO_DRAFT, Draft, fingerprint
from app.providers.graph.inbox import GraphInbox
from app.providers.graph.lookup import find, message_id_of, settled
from app.providers.graph.subscriptions import GraphSubscriptions
from app.providers.graph.uploads import attach

# How long Graph may need to show that a draft it was asked to send is on its way.
SETTLING = timedelta(seconds=30)
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_BAD_REQUEST, _NOT_FOUND, _TIMEOUT, _SERVER_FAULT = 400, 404, 408, 500
# No token, too many requests: what was asked for does not matter.
_NEVER_LOOKED_AT = {401, 429}


class GraphProvider:
    """Makes a draft, writes down its ids, then has it sent: so it can be found out what went.

    Once Graph was asked to send a draft and did not clearly refuse (4xx), nothing is sent before
    it is known that it did not go out:

    - what is no draft any more went out;
    - what is still a draft half a minute later is asked to be sent again;
    - what is gone, and found nowhere by its Message-ID, may have gone out and been removed since.
      That is an UncertainError: it is looked for again, and never sent again.

    Such a mail must stay with this account: another one would send it a second time. So its
    errors are never an AccountError.

    Before that, a draft that lacks something is thrown away and made anew; one whose making was
    never answered stays in Drafts, unsent.
    """

    def __init__(
        self,
        account: GraphAccount,
        http: httpx2.AsyncClient,
        pacer: Pacer,
        *,
        settling: timedelta = SETTLING,
    ) -> None:
        self._mailbox = account.mailbox
        self._client = GraphClient(account, http)
        self._pacer = pacer
        self._settling = settling
        self.inbox = GraphInbox(self._client, pacer)
        self.subscriptions = GraphSubscriptions(self._client, account.mailbox)

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand it over once. All recipients are taken or none.

        Whom Exchange cannot reach it tells by a mail to the mailbox.
        """
        async with self._pacer.turn(message.idempotency_key) as turn:
            draft = Draft.load(message.state)
            if draft is not None and draft.asked_at is not None:
                return await self._resume(message, draft, draft.asked_at, turn)
            if draft is not None and (not draft.complete or draft.mailbox != self._mailbox):
                await self._discard(draft)
                draft = None
            if draft is None:
                draft = await self._prepare(message)
            elif draft.recipients != fingerprint(message.recipients):
                async with self._thrown_away_if_refused(message, draft):
                    draft = await self._change(message, draft)
            return await self._submit(message, draft, turn)

    async def _resume(
        self, message: OutgoingMessage, draft: Draft, asked_at: float, turn: Turn
    ) -> Receipt:
        """Go on with a draft that Graph was asked to send: only if it is certainly not out."""
        if draft.mailbox != self._mailbox:
            raise UncertainError(f"another mailbox, {draft.mailbox}, may have sent this mail")
        try:
            found = await settled(self._client, draft, asked_at=asked_at, settling=self._settling)
            if not found.is_draft:
                return _receipt(found.draft)
            draft = replace(found.draft, asked_at=asked_at)
            if draft.recipients != fingerprint(message.recipients):
                draft = await self._change(message, draft)
        except (AccountError, PermanentError) as error:
            raise _unknown(error) from error
        return await self._submit(message, draft, turn)

    async def verify(self) -> None:
        """Log in and look at the mailbox. Whether it may send shows only when it does."""
        response = await self._client.call("GET", "/mailFolders/drafts", params={"$select": "id"})
        if response.status_code != _OK or not faults.json_object(response):
            raise faults.of_answer(response)

    async def identify(self, provider_id: str) -> str | None:
        """Read the Message-ID of a message as it is now; None while Graph does not find it.

        Receipts tell that of the draft. That sending leaves it as it is, is nowhere promised.
        """
        return await message_id_of(self._client, provider_id)

    async def close(self) -> None:
        """Leave the HTTP client open: it is not ours."""

    async def _prepare(self, message: OutgoingMessage) -> Draft:
        """Make a draft that lacks nothing."""
        mime = messages.mime(message)
        draft = None
        if message.answers is not None and mime is None:
            draft = await self._begin_reply(message, message.answers)
        if draft is None:
            said = messages.draft(message) if mime is None else None
            response = await self._client.call("POST", "/messages", json=said, mime=mime)
            draft = self._draft_of(response, _CREATED, message)
        if message.message.attachments:
            await message.save(draft.dump())
            async with self._thrown_away_if_refused(message, draft):
                await attach(self._client, draft.id, message.message.attachments)
        return replace(draft, complete=True)

    async def _begin_reply(self, message: OutgoingMessage, answered: str) -> Draft | None:
        """Make the draft of a reply, so that Exchange threads it.

        None when the mailbox does not have what is answered.
        """
        response = await self._client.call("POST", f"{message_path(answered)}/createReply", json={})
        if response.status_code in {_BAD_REQUEST, _NOT_FOUND}:
            # Deleted, received in another mailbox, or an id of another kind.
            return None
        draft = self._draft_of(response, _CREATED, message)
        await message.save(draft.dump())
        async with self._thrown_away_if_refused(message, draft):
            return await self._change(message, draft)

    async def _change(self, message: OutgoingMessage, draft: Draft) -> Draft:
        """Make a draft say what `message` says, to whom it goes now."""
        response = await self._client.call(
            "PATCH", message_path(draft.id), json=messages.changes(message)
        )
        changed = self._draft_of(response, _OK, message)
        return replace(changed, complete=draft.complete, asked_at=draft.asked_at)

    async def _submit(self, message: OutgoingMessage, draft: Draft, turn: Turn) -> Receipt:
        """Have the draft sent. What Graph refuses is not out; anything else may be."""
        await turn.sends()
        await message.save(replace(draft, asked_at=time.time()).dump())
        try:
            response = await self._client.call("POST", f"{message_path(draft.id)}/send")
        except ProviderError as error:
            raise _unknown(error) from error
        status = response.status_code
        if status == _ACCEPTED:
            return _receipt(draft)
        refusal = faults.of_answer(response)
        if status == _TIMEOUT or not _BAD_REQUEST <= status < _SERVER_FAULT:
            raise _unknown(refusal)
        if status not in _NEVER_LOOKED_AT and await self._is_out(draft):
            return _receipt(draft)
        is_gone = faults.is_missing(response)
        was_asked = draft.asked_at is not None
        # What was asked for earlier may still be under way.
        await message.save(NO_DRAFT if is_gone and not was_asked else draft.dump())
        if was_asked and (is_gone or isinstance(refusal, AccountError)):
            raise _unknown(refusal)
        async with self._thrown_away_if_refused(message, draft):
            raise refusal

    async def _is_out(self, draft: Draft) -> bool:
        """Whether what Graph refuses to send went out: by a worker that we took for dead."""
        try:
            found = await find(self._client, draft)
        except ProviderError as error:
            raise _unknown(error) from error
        return found is not None and not found.is_draft

    async def _discard(self, draft: Draft) -> None:
        """Leave no draft behind in the mailbox, where that is possible."""
        if draft.mailbox == self._mailbox:
            with suppress(ProviderError):
                await self._client.call("DELETE", message_path(draft.id))

    @asynccontextmanager
    async def _thrown_away_if_refused(
        self, message: OutgoingMessage, draft: Draft
    ) -> AsyncIterator[None]:
        """Leave nothing where this account will not send it, so that another one may."""
        try:
            yield
        except (AccountError, PermanentError):
            await self._discard(draft)
            await message.save(NO_DRAFT)
            raise

    def _draft_of(
        self, response: httpx2.Response, expected: int, message: OutgoingMessage
    ) -> Draft:
        made = Draft.of_answer(self._mailbox, faults.json_object(response))
        if response.status_code != expected or made is None:
            raise faults.of_answer(response)
        return replace(made, recipients=fingerprint(message.recipients))


def _receipt(draft: Draft) -> Receipt:
    return Receipt(draft.id, draft.internet_message_id, draft.conversation_id)


def _unknown(error: ProviderError) -> TransientError:
    retry_after = error.retry_after if isinstance(error, TransientError) else None
    return TransientError(
        f"{error.detail}; the next attempt finds out whether the mail is out",
        retry_after=retry_after,
    )
