"""What every provider must do. A provider's test class inherits `ProviderContract`."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from app.providers.base import EmailProvider, OutgoingMessage, PermanentError, TransientError


@dataclass(frozen=True)
class HandedOver:
    """A mail as the service behind the provider got it."""

    recipients: tuple[str, ...]
    message_id: str


class Service(ABC):
    """The service behind a provider, as far as a test must steer it.

    Whatever it was told holds until `recover`.
    """

    @abstractmethod
    def handed_over(self) -> list[HandedOver]:
        """Give the mails that it took, oldest first."""

    @abstractmethod
    def refuse_for_now(self, words: str) -> None: ...

    @abstractmethod
    def refuse_for_good(self, words: str) -> None: ...

    @abstractmethod
    def never_answer(self) -> None: ...

    @abstractmethod
    def talk_nonsense(self) -> None: ...

    @abstractmethod
    def hang_up(self) -> None: ...

    @abstractmethod
    def recover(self) -> None: ...


class ProviderContract:
    """Needs the fixtures `service`, `provider`, which sends to it and waits for it at most two
    seconds, `unreachable`, a provider whose service is not there, and `locked_out`, one with the
    wrong secret `hunter2-wrong`."""

    async def test_a_mail_is_handed_over(
        self,
        provider: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
    ) -> None:
        message = outgoing(recipients=("jan@b.test", "piet@b.test"))

        receipt = await provider.send(message)

        assert service.handed_over() == [
            HandedOver(("jan@b.test", "piet@b.test"), message.message.message_id)
        ]
        assert receipt.provider_id
        assert receipt.internet_message_id in {message.message.message_id, None}
        assert dict(receipt.refused) == {}

    async def test_the_message_id_is_told_at_once_or_when_asked_for(
        self, provider: EmailProvider, outgoing: Callable[..., OutgoingMessage]
    ) -> None:
        receipt = await provider.send(outgoing())

        told = receipt.internet_message_id or await provider.identify(receipt.provider_id)
        assert told is not None
        assert told.startswith("<")
        assert told.endswith(">")

    async def test_mails_at_once_are_handed_over_once_each(
        self,
        provider: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
    ) -> None:
        messages = [outgoing() for _ in range(25)]

        await asyncio.gather(*(provider.send(message) for message in messages))

        assert sorted(one.message_id for one in service.handed_over()) == sorted(
            message.message.message_id for message in messages
        )

    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            ("refuse_for_now", "please come back later"),
            ("never_answer", ""),
            ("talk_nonsense", ""),
            ("hang_up", ""),
        ],
    )
    async def test_a_passing_fault_is_transient(
        self,
        provider: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
        fault: str,
        words: str,
    ) -> None:
        getattr(service, fault)(*[words] * bool(words))

        with pytest.raises(TransientError) as failed:
            await asyncio.wait_for(provider.send(outgoing()), 20)

        assert words in failed.value.detail
        assert failed.value.detail.isprintable()
        assert len(failed.value.detail) > 10
        assert service.handed_over() == []

    async def test_a_refusal_for_good_is_permanent(
        self,
        provider: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
    ) -> None:
        service.refuse_for_good("this looks like spam")

        with pytest.raises(PermanentError) as failed:
            await provider.send(outgoing())

        assert "this looks like spam" in failed.value.detail
        assert service.handed_over() == []

    async def test_a_service_that_is_not_there_is_transient(
        self, unreachable: EmailProvider, outgoing: Callable[..., OutgoingMessage]
    ) -> None:
        with pytest.raises(TransientError) as failed:
            await asyncio.wait_for(unreachable.send(outgoing()), 20)

        assert len(failed.value.detail) > 10

    async def test_wrong_credentials_are_transient_and_not_repeated(
        self,
        locked_out: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
    ) -> None:
        # A person mends them; the mail waits for that.
        with pytest.raises(TransientError) as failed:
            await locked_out.send(outgoing())

        assert "credentials" in failed.value.detail
        assert "hunter2-wrong" not in failed.value.detail
        assert service.handed_over() == []

    @pytest.mark.parametrize(
        "fault", ["refuse_for_now", "refuse_for_good", "talk_nonsense", "hang_up", "never_answer"]
    )
    async def test_the_mail_after_a_fault_is_handed_over(
        self,
        provider: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
        fault: str,
    ) -> None:
        await provider.send(outgoing())
        getattr(service, fault)(*["some words"] * fault.startswith("refuse"))
        with pytest.raises((TransientError, PermanentError)):
            await provider.send(outgoing())
        service.recover()
        message = outgoing()

        await provider.send(message)

        assert [one.message_id for one in service.handed_over()][1:] == [message.message.message_id]

    async def test_a_send_that_is_cancelled_harms_no_other(
        self,
        provider: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
    ) -> None:
        service.never_answer()
        sends = [asyncio.create_task(provider.send(outgoing())) for _ in range(6)]
        await asyncio.sleep(0.1)
        for send in sends:
            send.cancel()
        results = await asyncio.gather(*sends, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError}
        service.recover()
        messages = [outgoing() for _ in range(6)]

        await asyncio.gather(*(provider.send(message) for message in messages))

        assert sorted(one.message_id for one in service.handed_over()) == sorted(
            message.message.message_id for message in messages
        )

    async def test_an_envelope_that_no_service_takes_is_permanent(
        self,
        provider: EmailProvider,
        service: Service,
        outgoing: Callable[..., OutgoingMessage],
    ) -> None:
        with pytest.raises(PermanentError):
            await provider.send(outgoing(recipients=("jän@b.test",)))

        assert service.handed_over() == []
        message = outgoing()
        await provider.send(message)
        assert [one.message_id for one in service.handed_over()] == [message.message.message_id]

    async def test_closing_twice_is_no_error(
        self, provider: EmailProvider, outgoing: Callable[..., OutgoingMessage]
    ) -> None:
        await provider.send(outgoing())

        await provider.close()
        await provider.close()
