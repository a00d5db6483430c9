"""What Graph may tell of a mailbox, whatever it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.providers.base import AccountError, PermanentError, TransientError
from app.providers.graph import GraphProvider
from app.providers.graph.instants import read_instant
from app.providers.graph.stand_ins import written
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import BUSY, NO_MAILBOX, NOT_GRANTED, Fault

OpenGraph = Callable[..., GraphProvider]
NAMES = [
    "internetMessageHeaders", "internetMessageId", "subject", "from", "toRecipients",
    "ccRecipients", "receivedDateTime", "body", "emailAddress", "address", "name", "value",
    "contentType", "content",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T09:30:00Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T09:30:00.1239999Z", datetime(2026, 11, 24, 9, 30, 0, 123_000, UTC)),
        ("2026-11-24T11:30:00+02:00", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T09:30:00", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_time_is_read(text: object, moment: datetime | None) -> None:
    assert read_instant(text) == moment


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_whatever_graph_tells_of_a_message_it_is_written(told: dict[str, object]) -> None:
    assert message_from_bytes(written(told)).get("MIME-Version") == "1.0"


def test_headers_go_before_fields_and_names_are_written() -> None:
    told = {
        "internetMessageHeaders": [
            {"name": "From", "value": "Jan <jan@b.test>"},
            {"name": "Bcc\r\nX", "value": "left out"},
            {"name": "References", "value": "<1@a.test>\r\nBcc: x@evil.test"},
        ],
        "from": {"emailAddress": {"address": "other@b.test"}},
        "toRecipients": [
            {"emailAddress": {"name": "A, B", "address": "a@b.test"}},
            {"emailAddress": {"address": "c@b.test"}},
        ],
        "receivedDateTime": "2026-11-24T09:30:00Z",
        "body": {"contentType": "text", "content": "Hello"},
    }

    message = message_from_bytes(written(told))

    assert message.get_all("From") == ["Jan <jan@b.test>"]
    assert message["To"] == '"A, B" <a@b.test>, c@b.test'
    assert message["Date"] == "Tue, 24 Nov 2026 09:30:00 +0000"
    assert message["Bcc"] is None
    assert message.get_content_type() == "text/plain"


async def test_a_message_is_described(open_graph: OpenGraph, graph: FakeGraph) -> None:
    item = graph.box.receive("<1@b.test>", received="2026-11-24T09:30:00.5Z", sender="Jan@B.test")
    inbox = open_graph().inbox

    described = await inbox.describe(item.id)
    again = await inbox.describe(item.id)

    assert described == again
    assert described is not None
    assert (described.is_draft, described.is_sent) == (False, False)
    assert described.message_id == "<1@b.test>"
    assert described.senders == {"jan@b.test"}
    assert described.conversation_id == item.conversation_id
    assert described.received == datetime(2026, 11, 24, 9, 30, 0, 500_000, UTC)
    assert sum(call.endswith("/sentitems") for call in graph.calls()) == 1
    assert await inbox.describe("AAkALg-gone") is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [(NO_MAILBOX, AccountError), (NOT_GRANTED, AccountError), (BUSY, TransientError)],
)
async def test_what_cannot_be_described_now(
    open_graph: OpenGraph, graph: FakeGraph, fault: Fault, error: type[Exception]
) -> None:
    graph.always = replace(fault, on="/messages/")

    with pytest.raises(error):
        await open_graph().inbox.describe("AAkALg-1")


async def test_a_stand_in_that_is_none_is_refused(open_graph: OpenGraph, graph: FakeGraph) -> None:
    graph.faults = [Fault(200, body="<html>", on="/messages/")]

    with pytest.raises(PermanentError, match="gave no message"):
        await open_graph().inbox.stand_in("AAkALg-1", limit=1000)


async def test_a_subscription_of_another_life_is_not_longer_than_asked(
    open_graph: OpenGraph, graph: FakeGraph
) -> None:
    told = '{"id": "1", "expirationDateTime": "2999-01-01T00:00:00Z"}'
    graph.faults = [Fault(201, body=told, on="/subscriptions")]
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

    made = await open_graph().subscriptions.make(
        "https://crm.test/x", client_state="s", expires_at=until
    )

    assert (made.id, made.expires_at) == ("1", until)


async def test_odd_ids_stay_within_the_subscriptions(
    open_graph: OpenGraph, graph: FakeGraph
) -> None:
    await open_graph().subscriptions.end("../users/crm/messages")

    assert graph.calls()[-1] == "DELETE /v1.0/subscriptions/..%2Fusers%2Fcrm%2Fmessages"
