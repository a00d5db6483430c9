"""Attempts after the first: what went out is never sent again, what did not is sent once."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.providers.base import (
    AccountError,
    OutgoingMessage,
    ParkedError,
    PermanentError,
    TransientError,
    UncertainError,
)
from app.providers.graph import GraphProvider
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import (
    BROKEN,
    CONCURRENCY,
    DROPPED,
    HTML,
    MISSING,
    NO_USER,
    NOT_SENT_AND_DROPPED,
    SEND_AS_DENIED,
    SEND_NEVER_ANSWERED,
    SENT_AND_BROKEN,
    SENT_AND_DROPPED,
    Fault,
)
from tests.fakes.graph_mailbox import Mailbox
from tests.providers.attempts import Attempts

OpenGraph = Callable[..., GraphProvider]
Outgoing = Callable[..., OutgoingMessage]
MINUTE = timedelta(minutes=1)
LOOK = "GET /v1.0/users/crm%40acme.test/messages/ID"
SEND = "POST /v1.0/users/crm%40acme.test/messages/ID/send"
CREATE = "POST /v1.0/users/crm%40acme.test/messages"


async def test_the_ids_are_kept_before_it_is_sent(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [NOT_SENT_AND_DROPPED]

    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(outgoing(message_id="<1@acme.test>")))

    (item,) = graph.box.items.values()
    kept = json.loads(attempts.saved[-1])
    assert kept["id"] == item.id
    assert kept["internet_message_id"] == "<1@acme.test>"
    assert kept["conversation_id"] == item.conversation_id
    assert "jan@b.test" not in attempts.saved[-1]


@pytest.mark.parametrize("delay", [0, 0.3], ids=["at-once", "after-a-moment"])
@pytest.mark.parametrize("fault", [SENT_AND_DROPPED, SEND_NEVER_ANSWERED, SENT_AND_BROKEN])
async def test_a_mail_whose_answer_was_lost_is_found(
    open_graph: OpenGraph,
    graph: FakeGraph,
    outgoing: Outgoing,
    attempts: Attempts,
    fault: Fault,
    delay: float,
) -> None:
    graph.faults, graph.box.sent_delay = [fault], delay
    message = outgoing()
    with pytest.raises(TransientError, match="finds out whether the mail is out") as failed:
        await open_graph().send(attempts.next(message))
    # Neither: another account must not take it, and it is not sent anew.
    assert type(failed.value) is TransientError

    receipt = await open_graph(settling=MINUTE).send(attempts.next(message))

    assert len(graph.box.sent) == 1
    item = graph.box.sent[0].item
    assert receipt.provider_id == item.id
    assert receipt.internet_message_id == message.message.message_id
    assert receipt.conversation_id == item.conversation_id
    assert graph.calls().count(SEND) == 1


async def test_a_sent_mail_that_shows_late_is_waited_for(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults, graph.box.sent_delay = [SENT_AND_DROPPED], 600
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    with pytest.raises(ParkedError) as parked:
        await open_graph(settling=MINUTE).send(attempts.next(message))
    assert parked.value.retry_after is not None
    assert timedelta(seconds=20) < parked.value.retry_after < MINUTE
    with pytest.raises(UncertainError, match="may have arrived"):
        await open_graph().send(attempts.next(message))
    graph.box.sent[0].item.visible_at = 0
    await open_graph().send(attempts.next(message))

    assert len(graph.box.sent) == 1
    assert graph.calls().count(CREATE) == 1


async def test_a_sent_mail_whose_id_changed_is_found_by_its_message_id(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults, graph.has_immutable_ids = [SENT_AND_DROPPED], False
    message = outgoing(message_id="<o'brien@acme.test>")
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    receipt = await open_graph().send(attempts.next(message))

    assert len(graph.box.sent) == 1
    assert receipt.provider_id == graph.box.sent[0].item.id


async def test_a_draft_whose_id_changed_is_found_by_its_message_id(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [NOT_SENT_AND_DROPPED]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))
    item = graph.box.items.popitem()[1]
    item.id = "AAMkAD/moved="
    graph.box.items[item.id] = item

    receipt = await open_graph().send(attempts.next(message))

    assert len(graph.box.sent) == 1
    assert receipt.provider_id == graph.box.sent[0].item.id


async def test_what_is_still_a_draft_is_sent_after_a_while(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [NOT_SENT_AND_DROPPED]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    with pytest.raises(ParkedError, match="has not yet"):
        await open_graph(settling=MINUTE).send(attempts.next(message))
    assert graph.box.sent == []
    receipt = await open_graph().send(attempts.next(message))

    (sent,) = graph.box.sent
    assert receipt.provider_id == sent.item.id
    assert graph.calls().count(CREATE) == 1


async def test_a_mail_that_is_found_nowhere_is_not_sent_again(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [SENT_AND_DROPPED]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))
    graph.box.items.clear()

    for _ in range(2):
        with pytest.raises(UncertainError, match="no sent message is found") as failed:
            await open_graph().send(attempts.next(message))
        assert failed.value.retry_after == timedelta(minutes=2)

    assert len(graph.box.sent) == 1
    assert graph.calls().count(CREATE) == 1


@pytest.mark.parametrize(
    "fault",
    [
        *(BROKEN, DROPPED, HTML, CONCURRENCY, SEND_AS_DENIED),
        Fault(400, "ErrorInvalidIdMalformed", "The id is malformed."),
        Fault(200, body="{}"),
        Fault(200, body='{"id": "a", "internetMessageId": "b", "isDraft": "no"}'),
        Fault(200, body="fine"),
    ],
)
async def test_as_long_as_nobody_knows_it_stays_with_this_account(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts, fault: Fault
) -> None:
    graph.faults = [SENT_AND_DROPPED]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))
    graph.faults = [replace(fault, on="GET ")]

    with pytest.raises(TransientError) as failed:
        await open_graph().send(attempts.next(message))

    assert type(failed.value) is TransientError
    await open_graph().send(attempts.next(message))
    assert len(graph.box.sent) == 1


@pytest.mark.parametrize("fault", [BROKEN, NO_USER, HTML, Fault(200, body='{"value": 1}')])
async def test_as_long_as_the_search_fails_it_stays_with_this_account(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts, fault: Fault
) -> None:
    graph.faults = [SENT_AND_DROPPED]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))
    graph.faults = [*[replace(MISSING, on="GET ")] * 2, replace(fault, on="GET ")]

    with pytest.raises(TransientError) as failed:
        await open_graph().send(attempts.next(message))

    assert type(failed.value) is TransientError
    assert len(graph.box.sent) == 1


async def test_a_refusal_to_send_leaves_the_draft_for_the_next_attempt(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [replace(CONCURRENCY, on="/send")]
    message = outgoing()
    with pytest.raises(TransientError) as failed:
        await open_graph().send(attempts.next(message))
    assert failed.value.retry_after == timedelta(seconds=3)
    graph.asked.clear()

    # It was refused, so nothing is to be looked for.
    await open_graph(settling=MINUTE).send(attempts.next(message))

    assert graph.calls()[1:] == [SEND]
    assert len(graph.box.sent) == 1


async def test_a_refusal_of_the_account_may_be_another_accounts_turn(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.box.send_as = []
    message = outgoing()
    other = replace(message, message=replace(message.message, sender=message.message.to[0]))

    with pytest.raises(AccountError, match="ErrorSendAsDenied"):
        await open_graph().send(attempts.next(other))

    assert attempts.saved[-1] == ""
    assert graph.box.items == {}


async def test_what_another_worker_sent_meanwhile_is_no_failure(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [replace(CONCURRENCY, on="/send")]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))
    (item,) = graph.box.items.values()
    graph.box.send(item)

    # It is no draft any more, so Graph refuses to send it.
    receipt = await open_graph().send(attempts.next(message))

    assert receipt.provider_id == item.id
    assert len(graph.box.sent) == 1
    assert list(graph.box.items.values()) == [item]


async def test_a_refusal_that_cannot_be_looked_into_is_no_proof(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [replace(SEND_AS_DENIED, on="/send"), replace(BROKEN, on="GET ")]
    message = outgoing()

    with pytest.raises(TransientError, match="finds out whether") as failed:
        await open_graph().send(attempts.next(message))

    assert type(failed.value) is TransientError
    await open_graph().send(attempts.next(message))
    assert len(graph.box.sent) == 1


async def test_a_refusal_after_it_was_asked_for_before_is_no_proof(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [NOT_SENT_AND_DROPPED, replace(SEND_AS_DENIED, on="/send")]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))
    with pytest.raises(TransientError) as failed:
        await open_graph().send(attempts.next(message))
    assert type(failed.value) is TransientError
    graph.asked.clear()

    await open_graph().send(attempts.next(message))

    assert graph.calls()[1:] == [LOOK, SEND]
    assert len(graph.box.sent) == 1


async def test_a_draft_that_goes_while_it_is_looked_for_is_not_made_anew(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [NOT_SENT_AND_DROPPED, replace(MISSING, on="/send")]
    message = outgoing()
    for _ in range(2):
        with pytest.raises(TransientError, match="finds out whether"):
            await open_graph().send(attempts.next(message))
    graph.box.items.clear()

    with pytest.raises(UncertainError):
        await open_graph().send(attempts.next(message))

    assert graph.calls().count(CREATE) == 1


async def test_a_draft_that_somebody_removed_before_it_was_sent_is_made_anew(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [replace(CONCURRENCY, on="/send")]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))
    graph.box.items.clear()

    with pytest.raises(TransientError, match="does not find"):
        await open_graph().send(attempts.next(message))
    await open_graph().send(attempts.next(message))

    assert len(graph.box.sent) == 1


async def test_a_draft_that_cannot_be_changed_is_nobodys(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [replace(CONCURRENCY, on="/send"), replace(BROKEN, on="PATCH ")]
    message = outgoing(recipients=("jan@b.test", "piet@b.test"))
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    with pytest.raises(AccountError):
        await open_graph().send(attempts.next(message, recipients=("piet@b.test",)))

    assert attempts.saved[-1] == ""
    assert graph.box.items == {}


@pytest.mark.parametrize("fault", [replace(CONCURRENCY, on="/send"), NOT_SENT_AND_DROPPED])
async def test_whoever_must_not_get_it_any_more_is_taken_out_of_the_draft(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts, fault: Fault
) -> None:
    graph.faults = [fault]
    message = outgoing(recipients=("jan@b.test", "piet@b.test"))
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    await open_graph().send(attempts.next(message, recipients=("piet@b.test",)))

    assert [sent.recipients for sent in graph.box.sent] == [("piet@b.test",)]


async def test_a_change_that_fails_sends_nothing(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [NOT_SENT_AND_DROPPED, replace(BROKEN, on="PATCH ")]
    message = outgoing(recipients=("jan@b.test", "piet@b.test"))
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    with pytest.raises(TransientError) as failed:
        await open_graph().send(attempts.next(message, recipients=("piet@b.test",)))

    assert type(failed.value) is TransientError
    assert graph.box.sent == []


@pytest.mark.parametrize(
    "state", ["", "7", "[]", "resend:1", '{"id": "x"}', '{"other": 1}', "\x00"]
)
async def test_what_another_provider_kept_is_nothing_to_graph(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, state: str
) -> None:
    await open_graph().send(replace(outgoing(), state=state))

    assert len(graph.box.sent) == 1


async def test_another_mailbox_makes_its_own_draft(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.mailboxes["other@acme.test"] = Mailbox("other@acme.test")
    graph.faults = [replace(CONCURRENCY, on="/send")]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    await open_graph(mailbox="other@acme.test").send(attempts.next(message))

    assert len(graph.mailboxes["other@acme.test"].sent) == 1
    assert graph.box.sent == []


async def test_another_mailbox_does_not_send_what_may_be_out(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.mailboxes["other@acme.test"] = Mailbox("other@acme.test")
    graph.faults = [SENT_AND_DROPPED]
    message = outgoing()
    with pytest.raises(TransientError):
        await open_graph().send(attempts.next(message))

    with pytest.raises(UncertainError, match=r"another mailbox, crm@acme\.test"):
        await open_graph(mailbox="other@acme.test").send(attempts.next(message))

    assert graph.mailboxes["other@acme.test"].sent == []


async def test_a_refusal_for_good_to_send_leaves_no_draft(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    graph.faults = [Fault(400, "ErrorMessageSizeExceeded", "Too large.", on="/send")]

    with pytest.raises(PermanentError, match=r"Too large\."):
        await open_graph().send(attempts.next(outgoing()))

    assert graph.box.items == {}


async def test_a_draft_that_cannot_be_removed_is_left(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing, attempts: Attempts
) -> None:
    refused = Fault(400, "ErrorMessageSizeExceeded", "Too large.", on="/send")
    graph.faults = [refused, replace(DROPPED, on="DELETE ")]

    with pytest.raises(PermanentError, match=r"Too large\."):
        await open_graph().send(attempts.next(outgoing()))

    assert len(graph.box.items) == 1


async def test_what_cannot_be_kept_is_not_sent(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    async def away(state: str) -> None:
        raise ConnectionError("no store")

    with pytest.raises(ConnectionError):
        await open_graph().send(replace(outgoing(), save=away))

    assert graph.box.sent == []


async def test_many_lost_answers_at_once_send_each_mail_once(
    open_graph: OpenGraph, graph: FakeGraph, outgoing: Outgoing
) -> None:
    graph.faults = [SENT_AND_DROPPED, NOT_SENT_AND_DROPPED, SENT_AND_BROKEN] * 3
    mails = [(outgoing(), Attempts()) for _ in range(12)]

    for _ in range(2):
        provider = open_graph()
        waiting = [(message, kept) for message, kept in mails if not kept.done]
        results = await asyncio.gather(
            *(provider.send(kept.next(message)) for message, kept in waiting),
            return_exceptions=True,
        )
        for (_, kept), result in zip(waiting, results, strict=True):
            kept.done = not isinstance(result, BaseException)
    assert all(kept.done for _, kept in mails)

    sent = sorted(sent.item.message_id for sent in graph.box.sent)
    assert sent == sorted(message.message.message_id for message, _ in mails)
