# ruff: noqa: ASYNC240  # the files are small and nobody else waits
import asyncio
import errno
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import pytest
from aiosmtplib import SMTPDataError

from app.dev import inbox as inbox_module
from app.dev.inbox import smtp_session

MAIL = (
    "From: Zoë <zoe@example.org>\r\nTo: bob@example.org\r\nSubject: Één\r\n\r\n"
    ".a line that starts with a dot\r\n..two\r\nlast\r\n"
).encode()


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[aiosmtplib.SMTP]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: smtp_session(tmp_path), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=port, local_hostname="localhost") as client,
    ):
        yield client


async def test_mail_is_kept_byte_for_byte(relay: aiosmtplib.SMTP, tmp_path: Path) -> None:
    _, answer = await relay.sendmail("crm@letterbox.test", ["bob@example.org"], MAIL)

    [mail] = tmp_path.glob("*.eml")
    assert mail.read_bytes() == MAIL
    assert answer == f"2.0.0 Kept as {mail.stem}"
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".eml", ".json"]


async def test_envelope_stands_beside_the_mail(relay: aiosmtplib.SMTP, tmp_path: Path) -> None:
    recipients = ["bob@example.org", "hidden@example.org"]

    await relay.sendmail("crm@letterbox.test", recipients, MAIL)

    [mail] = tmp_path.glob("*.eml")
    envelope = json.loads(mail.with_suffix(".json").read_bytes())
    assert envelope["envelopeFrom"] == "crm@letterbox.test"
    assert envelope["envelopeTo"] == recipients
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope["receivedAt"])


async def test_names_sort_by_time_of_receipt(relay: aiosmtplib.SMTP, tmp_path: Path) -> None:
    for number in range(20):
        await relay.sendmail("crm@letterbox.test", ["bob@example.org"], b"X: %d\r\n\r\n" % number)

    mails = [file.read_bytes() for file in sorted(tmp_path.glob("*.eml"))]
    assert mails == [b"X: %d\r\n\r\n" % number for number in range(20)]


async def test_addresses_beyond_ascii_are_taken(relay: aiosmtplib.SMTP, tmp_path: Path) -> None:
    await relay.sendmail("crm@letterbox.test", ["zoë@example.org"], MAIL, mail_options=["SMTPUTF8"])

    [sidecar] = tmp_path.glob("*.json")
    assert json.loads(sidecar.read_bytes())["envelopeTo"] == ["zoë@example.org"]


async def test_full_disk_is_a_passing_failure(
    relay: aiosmtplib.SMTP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(inbox_module, "keep", refuse)

    with pytest.raises(SMTPDataError) as caught:
        await relay.sendmail("crm@letterbox.test", ["bob@example.org"], MAIL)

    assert caught.value.code == 452
    assert list(tmp_path.iterdir()) == []
