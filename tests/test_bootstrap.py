from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from app.bootstrap import open_providers, utc_now
from app.context import Deps
from app.documents import ALL_DOCUMENTS
from app.documents.vocabulary import ProviderType
from app.providers.smtp import SmtpProvider
from app.settings import Settings, SmtpSecurity


def test_the_time_is_aware_and_in_whole_milliseconds() -> None:
    before = datetime.now(UTC)

    now = utc_now()

    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert before - timedelta(milliseconds=1) < now <= datetime.now(UTC)


async def test_what_is_opened_answers(deps: Deps, opened_once: Deps) -> None:
    await deps.ping_mongo()
    await deps.queue.ping()

    assert list(deps.providers) == [ProviderType.SMTP]
    assert opened_once.now is utc_now


async def test_every_document_has_its_collection(deps: Deps) -> None:
    names = {document.get_collection_name() for document in ALL_DOCUMENTS}

    assert {"communications", "deliveries", "idempotencyKeys"} <= names
    assert len(names) == len(ALL_DOCUMENTS)


async def test_times_come_back_aware(deps: Deps) -> None:
    collection = ALL_DOCUMENTS[0].get_motor_collection()
    await collection.insert_one({"_id": 1, "at": deps.now()})

    row = await collection.find_one({"_id": 1})

    assert row is not None
    assert row["at"] == deps.now()
    assert row["at"].utcoffset() == timedelta(0)


async def test_the_relay_is_the_one_of_the_settings(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    settings = Settings(
        smtp_host="relay.acme.test",
        smtp_port=587,
        smtp_username="acme",
        smtp_password=SecretStr("s3cret"),
        smtp_security=SmtpSecurity.STARTTLS,
        smtp_ca_file=ca_file,
        smtp_connections=7,
        smtp_timeout=timedelta(seconds=9),
    )

    provider = open_providers(settings)[ProviderType.SMTP]

    assert isinstance(provider, SmtpProvider)
    account = provider._account  # noqa: SLF001 - what it was made of is the point
    assert (account.host, account.port) == ("relay.acme.test", 587)
    assert (account.username, account.password) == ("acme", "s3cret")
    assert (account.security, account.ca_file) == (SmtpSecurity.STARTTLS, ca_file)
    assert (account.connections, account.timeout) == (7, timedelta(seconds=9))


def test_an_account_does_not_show_its_password() -> None:
    settings = Settings(smtp_username="acme", smtp_password=SecretStr("s3cret-of-the-relay"))

    provider = open_providers(settings)[ProviderType.SMTP]

    assert isinstance(provider, SmtpProvider)
    assert "s3cret-of-the-relay" not in repr(provider._account)  # noqa: SLF001 - likewise
