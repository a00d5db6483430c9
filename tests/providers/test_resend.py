import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from app.mail.compose import Attachment
from app.providers.base import (
    AccountError,
    OutgoingMessage,
    ParkedError,
    PermanentError,
    TransientError,
    UncertainError,
)
from app.providers.resend import ResendAccount, ResendProvider
from tests.fakes.clock import Clock
from tests.fakes.resend import FULL, SENDING, SUSPENDED, FakeResend, running_resend
from tests.fakes.resend_faults import (
    BROKEN,
    CONCURRENT,
    DAILY_QUOTA,
    DROPPED,
    HTML,
    NEVER_ANSWERED,
    TAKEN_AND_BROKEN,
    TAKEN_AND_DROPPED,
    TAKEN_NOT_ANSWERED,
    TOO_MANY,
    Fault,
)
from tests.providers.contract import HandedOver, ProviderContract, Service

OpenResend = Callable[..., ResendProvider]
Outgoing = Callable[..., OutgoingMessage]
HOUR = timedelta(hours=1)


class ResendService(Service):
    def __init__(self, resend: FakeResend) -> None:
        self._resend = resend

    def handed_over(self) -> list[HandedOver]:
        # Mails of the contract have their Message-ID as their key; Resend is not told the former.
        return [HandedOver(tuple(mail.recipients), mail.key or "") for mail in self._resend.mails]

    def refuse_for_now(self, words: str) -> None:
        self._resend.always = Fault(503, "service_unavailable", words)

    def refuse_for_good(self, words: str) -> None:
        self._resend.always = Fault(422, "validation_error", words)

    def never_answer(self) -> None:
        self._resend.always = NEVER_ANSWERED

    def talk_nonsense(self) -> None:
        self._resend.always = Fault(200, body="<html>200 fine</html>")

    def hang_up(self) -> None:
        self._resend.always = DROPPED

    def recover(self) -> None:
        self._resend.always = None


class TestResendKeepsTheContract(ProviderContract):
    @pytest.fixture
    def service(self, resend: FakeResend) -> ResendService:
        return ResendService(resend)

    @pytest.fixture
    def provider(self, open_resend: OpenResend) -> ResendProvider:
        return open_resend()

    @pytest.fixture
    def unreachable(self, open_resend: OpenResend, closed_port: int) -> ResendProvider:
        return open_resend(base_url=f"http://127.0.0.1:{closed_port}")

    @pytest.fixture
    def locked_out(self, open_resend: OpenResend) -> ResendProvider:
        return open_resend(api_key="hunter2-wrong")


class Notes:
    """Keeps what a provider saves, as a delivery does."""

    def __init__(self) -> None:
        self.saved: list[str] = []

    async def save(self, state: str) -> None:
        self.saved.append(state)

    def again(self, message: OutgoingMessage, **changes: Any) -> OutgoingMessage:
        """The next attempt at the same delivery."""
        state = self.saved[-1] if self.saved else None
        return replace(message, state=state, save=self.save, **changes)


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def test_what_is_asked_of_resend(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    receipt = await open_resend().send(outgoing(message_id="<24-hex@acme.test>"))

    (mail,) = resend.mails
    assert receipt.provider_id == mail.id
    assert receipt.internet_message_id is None
    assert mail.key == "<24-hex@acme.test>"
    assert mail.fields["tags"] == [{"name": "letterbox_delivery", "value": "_24-hex_acme_test_"}]
    assert resend.requests == ["POST /emails"]


async def test_a_base_address_may_have_a_path_and_a_slash(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    await open_resend(base_url=f"{resend.url}/").send(outgoing())

    assert len(resend.mails) == 1


async def test_attachments_arrive(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    content = bytes(range(256)) * 4000
    attachment = Attachment(
        "offer.pdf", "application/pdf", len(content), sha256(content).hexdigest(), None, content
    )

    await open_resend(timeout=timedelta(seconds=5)).send(outgoing(attachments=(attachment,)))

    (sent,) = resend.mails[0].fields["attachments"]
    assert {**sent, "content": len(sent["content"])} == {
        "content": 1365336,
        "filename": "offer.pdf",
        "content_type": "application/pdf",
    }


@pytest.mark.parametrize("fault", [TAKEN_NOT_ANSWERED, TAKEN_AND_DROPPED, TAKEN_AND_BROKEN])
async def test_a_mail_that_was_taken_without_a_word_is_not_taken_twice(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, notes: Notes, fault: Fault
) -> None:
    provider, message = open_resend(), outgoing()
    resend.faults = [fault]
    with pytest.raises(TransientError) as failed:
        await provider.send(notes.again(message))
    assert not isinstance(failed.value, UncertainError)

    receipt = await provider.send(notes.again(message))

    assert [mail.id for mail in resend.mails] == [receipt.provider_id]
    assert resend.requests == ["POST /emails"] * 2


@pytest.mark.parametrize("fault", [NEVER_ANSWERED, DROPPED, BROKEN, HTML, CONCURRENT])
async def test_while_it_is_open_whether_it_was_taken_the_same_is_asked_again(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, notes: Notes, fault: Fault
) -> None:
    provider = open_resend()
    message = outgoing(recipients=("jan@b.test", "piet@b.test"))
    resend.faults = [fault, TOO_MANY]
    with pytest.raises(TransientError):
        await provider.send(notes.again(message))
    provider = open_resend()
    with pytest.raises(ParkedError):
        await provider.send(notes.again(message, recipients=("jan@b.test",)))
    provider = open_resend()

    await provider.send(notes.again(message, recipients=("jan@b.test",)))

    assert resend.mails[0].recipients == ["jan@b.test", "piet@b.test"]
    assert len(notes.saved) == 1


@pytest.mark.parametrize(
    "fault", [TOO_MANY, DAILY_QUOTA, Fault(422, "validation_error"), Fault(401, "missing_api_key")]
)
async def test_what_was_surely_refused_may_be_asked_otherwise(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, notes: Notes, fault: Fault
) -> None:
    message = outgoing(recipients=("jan@b.test", "piet@b.test"))
    resend.faults = [fault]
    with pytest.raises((TransientError, PermanentError)):
        await open_resend().send(notes.again(message))
    assert notes.saved[1:] == [""]

    await open_resend().send(notes.again(message, recipients=("jan@b.test",)))

    assert resend.mails[0].recipients == ["jan@b.test"]


async def test_a_service_that_was_not_reached_took_nothing(
    open_resend: OpenResend, outgoing: Outgoing, notes: Notes, closed_port: int
) -> None:
    with pytest.raises(AccountError, match="no connection to Resend: "):
        await open_resend(base_url=f"http://127.0.0.1:{closed_port}").send(notes.again(outgoing()))

    assert notes.saved[1:] == [""]


async def test_after_a_day_nothing_is_repeated_that_may_be_out(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, notes: Notes, clock: Clock
) -> None:
    provider, message = open_resend(now=clock.now), outgoing()
    resend.faults = [BROKEN, BROKEN]
    with pytest.raises(AccountError):
        await provider.send(notes.again(message))
    clock.advance(23 * HOUR)
    with pytest.raises(AccountError):
        await provider.send(notes.again(message))
    clock.advance(timedelta(milliseconds=1))

    with pytest.raises(PermanentError, match="never said whether it took this mail"):
        await provider.send(notes.again(message))

    assert len(resend.requests) == 2


async def test_after_a_day_what_was_refused_is_tried_again(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, notes: Notes, clock: Clock
) -> None:
    provider, message = open_resend(now=clock.now), outgoing()
    resend.faults = [DAILY_QUOTA]
    with pytest.raises(ParkedError):
        await provider.send(notes.again(message))
    clock.advance(50 * HOUR)

    await provider.send(notes.again(message))

    assert len(resend.mails) == 1


@pytest.mark.parametrize("state", ["", "null", "{}", '{"draft": "AAMk"}', "nonsense", "[1"])
async def test_what_another_provider_noted_is_nothing(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, state: str
) -> None:
    await open_resend().send(replace(outgoing(), state=state))

    assert len(resend.mails) == 1


async def test_a_key_that_is_used_elsewhere_fails_the_mail(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    provider, message = open_resend(), outgoing()
    await provider.send(message)

    with pytest.raises(PermanentError, match=r"409: invalid_idempotent_request Same idempotency"):
        await provider.send(replace(message, recipients=("piet@b.test",)))

    assert len(resend.mails) == 1


async def test_two_requests_at_once_are_one_mail(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    resend.seconds_to_take = 0.2
    provider, message = open_resend(timeout=timedelta(seconds=5)), outgoing()

    results = await asyncio.gather(
        provider.send(message), provider.send(message), return_exceptions=True
    )

    (fault,) = (result for result in results if isinstance(result, Exception))
    assert isinstance(fault, TransientError)
    assert "409: concurrent_idempotent_requests" in fault.detail
    assert fault.retry_after == timedelta(seconds=5)
    assert len(resend.mails) == 1


@pytest.mark.parametrize(
    "unknown_key",
    [
        Fault(400, "validation_error", "API key is invalid"),
        Fault(401, "validation_error", "API key is invalid"),
        Fault(403, "invalid_api_key", "API key is invalid."),
    ],
)
async def test_an_unknown_key_is_told_however_resend_says_it(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, unknown_key: Fault
) -> None:
    resend.unknown_key = unknown_key

    with pytest.raises(AccountError, match=r"Resend refused our credentials: .*API key is invalid"):
        await open_resend(api_key="re_gone").send(outgoing())
    with pytest.raises(AccountError, match=r"Resend refused our credentials: .*API key is invalid"):
        await open_resend(api_key="re_gone").verify()


@pytest.mark.parametrize("key", ["", "two words", "re_\nX-Evil: 1", "re_ü", "x" * 501])
async def test_what_is_no_key_is_not_even_sent(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, key: str
) -> None:
    with pytest.raises(AccountError, match="credentials"):
        await open_resend(api_key=key).send(outgoing())

    assert resend.requests == []


async def test_a_key_is_never_repeated(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    resend.faults = [Fault(422, "validation_error", f"you sent Bearer {FULL}")]
    provider = open_resend()

    with pytest.raises(PermanentError) as failed:
        await provider.send(outgoing())

    assert str(failed.value) == "Resend answered 422: validation_error you sent Bearer ***"
    assert FULL not in repr(failed.value.__context__)
    assert FULL not in repr(ResendAccount(FULL))


@pytest.mark.parametrize("key", ["", "x" * 257, "two words", "ü"])
async def test_a_key_that_resend_does_not_take_is_no_mail(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing, key: str
) -> None:
    with pytest.raises(PermanentError, match="1 to 256 visible ASCII characters"):
        await open_resend().send(replace(outgoing(), idempotency_key=key))

    assert resend.requests == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nonsense", "http://[", "http://host:99999"])
async def test_a_wrong_address_is_the_accounts_fault(
    open_resend: OpenResend, outgoing: Outgoing, url: str
) -> None:
    with pytest.raises(AccountError):
        await open_resend(base_url=url).send(outgoing())


async def test_a_domain_that_is_not_verified_fails_the_mail(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    resend.unverified_domains = ["acme.test"]

    with pytest.raises(PermanentError, match=r"The acme\.test domain is not verified"):
        await open_resend().send(outgoing())


async def test_the_rate_is_kept_once_it_is_known(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    resend.requests_per_second = 20
    provider = open_resend(timeout=timedelta(seconds=10))
    await provider.send(outgoing())
    began = asyncio.get_running_loop().time()

    await asyncio.gather(*(provider.send(outgoing()) for _ in range(10)))

    # Nine gaps of a twentieth of a second.
    assert asyncio.get_running_loop().time() - began >= 0.45


async def test_who_would_wait_long_is_told_when_to_come_back(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    resend.faults = [replace(TOO_MANY, headers={"retry-after": "30"})]
    provider = open_resend()
    with pytest.raises(ParkedError) as first:
        await provider.send(outgoing())
    with pytest.raises(ParkedError) as second:
        await provider.send(outgoing())

    assert first.value.detail == "Resend answered 429: rate_limit_exceeded Too many requests"
    assert second.value.detail == "the account's sending rate is used up"
    for parked in (first, second):
        assert parked.value.retry_after is not None
        assert timedelta(seconds=25) < parked.value.retry_after <= timedelta(seconds=31)
    assert len(resend.requests) == 1


async def test_a_flood_over_the_limit_loses_nothing(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    resend.requests_per_second, resend.enforced = 50, True
    provider = open_resend(timeout=timedelta(seconds=10))

    async def insist(message: OutgoingMessage) -> None:
        while True:
            try:
                await provider.send(message)
            except ParkedError as parked:
                await asyncio.sleep((parked.retry_after or timedelta(0)).total_seconds())
            else:
                return

    await asyncio.wait_for(asyncio.gather(*(insist(outgoing()) for _ in range(120))), 30)

    assert len(resend.mails) == 120
    # Few are refused: the first flood before the limit was known, and who met them.
    assert len(resend.requests) < 240


@pytest.mark.parametrize("key", [FULL, SENDING])
async def test_verifying_sends_nothing(
    open_resend: OpenResend, resend: FakeResend, key: str
) -> None:
    await open_resend(api_key=key).verify()

    assert resend.requests == ["GET /domains"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (BROKEN, "Resend answered 500: internal_server_error"),
        (HTML, "Resend answered 502 without a word"),
        (Fault(200, body="<html>"), "does not answer as Resend does"),
        (Fault(200, body='{"data": 1}'), "does not answer as Resend does"),
        (Fault(404, body="nothing here"), "Resend answered 404 without a word"),
        (Fault(301, body="moved"), "Resend answered 301 without a word"),
    ],
)
async def test_verifying_tells_what_is_wrong(
    open_resend: OpenResend, resend: FakeResend, fault: Fault, words: str
) -> None:
    resend.always = fault

    with pytest.raises(AccountError, match=words):
        await open_resend().verify()


async def test_verifying_tells_of_a_key_out_of_use(open_resend: OpenResend) -> None:
    with pytest.raises(AccountError, match=r"credentials: .* This API key is suspended"):
        await open_resend(api_key=SUSPENDED).verify()


async def test_a_message_id_is_told_once_resend_has_it(
    open_resend: OpenResend, resend: FakeResend, outgoing: Outgoing
) -> None:
    provider = open_resend()
    receipt = await provider.send(outgoing())
    resend.tells_message_ids = False
    assert await provider.identify(receipt.provider_id) is None
    resend.tells_message_ids = True

    assert await provider.identify(receipt.provider_id) == resend.mails[0].message_id
    assert await provider.identify("unknown") is None


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("a@b.test", "<a@b.test>"),
        (" <a@b.test>\n", "<a@b.test>"),
        ("two words", None),
        ("", None),
        (7, None),
        (None, None),
        ("<" + "x" * 2000 + ">", None),
    ],
)
async def test_a_message_id_in_any_form(
    open_resend: OpenResend, resend: FakeResend, told: Any, read: str | None
) -> None:
    resend.always = Fault(200, body=json.dumps({"message_id": told}))

    assert await open_resend().identify("id") == read


async def test_a_key_for_sending_only_will_never_tell_a_message_id(
    open_resend: OpenResend, outgoing: Outgoing
) -> None:
    provider = open_resend(api_key=SENDING)
    receipt = await provider.send(outgoing())

    with pytest.raises(PermanentError, match="may only send"):
        await provider.identify(receipt.provider_id)


async def test_an_id_cannot_lead_elsewhere(open_resend: OpenResend, resend: FakeResend) -> None:
    with pytest.raises(AccountError, match="404"):
        await open_resend().identify("../domains?x=")

    assert resend.requests == []


@pytest.mark.parametrize("fault", [BROKEN, HTML, DROPPED, NEVER_ANSWERED, TOO_MANY])
async def test_asking_for_a_message_id_can_fail_for_now(
    open_resend: OpenResend, resend: FakeResend, fault: Fault
) -> None:
    resend.always = fault

    with pytest.raises(TransientError):
        await open_resend().identify("id")


async def test_the_fake_refuses_who_does_not_say_who_it_is(resend: FakeResend) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(resend.url.rpartition(":")[2]))
    writer.write(b"GET /domains HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    answer = await reader.read()

    writer.close()
    assert b"403 Forbidden" in answer
    assert b"error code: 1010" in answer


async def test_the_fake_forgets_a_key_after_a_day(
    outgoing: Outgoing, open_resend: OpenResend, clock: Clock
) -> None:
    async with running_resend(now=lambda: clock.now().timestamp()) as resend:
        provider, message = open_resend(base_url=resend.url), outgoing()
        first = await provider.send(message)
        clock.advance(timedelta(hours=23, minutes=59))
        assert (await provider.send(message)).provider_id == first.provider_id
        clock.advance(timedelta(minutes=1))

        await provider.send(message)

        assert len(resend.mails) == 2
