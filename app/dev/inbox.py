"""The SMTP server of the development inbox: takes every mail and keeps it as a file."""

import asyncio
import json
import secrets
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from app.embedded.ports import LOOPBACK

SIZE_LIMIT = 64 * 1024 * 1024


def run_inbox(port: int, folder: Path) -> None:
    """Take mail on loopback `port` into `folder` until SIGTERM or SIGINT."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(port, folder))


async def _serve(port: int, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: smtp_session(folder), LOOPBACK, port)
    try:
        await stopped.wait()
    finally:
        server.close()


def smtp_session(folder: Path) -> SMTP:
    """Make the protocol of one connection."""
    return SMTP(
        Keeper(folder),
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
        # Else aiosmtpd asks the resolver for this machine's name, which can take seconds.
        hostname="localhost",
        ident="Letterbox inbox",
    )


@dataclass(frozen=True)
class Keeper:
    folder: Path

    async def handle_DATA(  # noqa: N802  # aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        try:
            name = keep(self.folder, envelope)
        except OSError as error:
            # aiosmtpd would answer 500, and the worker would give the mail up for good.
            return f"452 4.3.1 Cannot keep the mail: {error.strerror}"
        return f"250 2.0.0 Kept as {name}"


def keep(folder: Path, envelope: Envelope) -> str:
    """Write one mail and its envelope; return its name, which sorts by time of receipt."""
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(4)}"
    content = envelope.content or b""
    sidecar = {
        "envelopeFrom": envelope.mail_from,
        "envelopeTo": envelope.rcpt_tos,
        "receivedAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    # The mail last: whoever sees it finds its envelope too.
    _write(folder, f"{name}.json", json.dumps(sidecar, ensure_ascii=False).encode())
    _write(folder, f"{name}.eml", content.encode() if isinstance(content, str) else content)
    return name


def _write(folder: Path, name: str, content: bytes) -> None:
    temporary = folder / f".{name}.part"
    temporary.write_bytes(content)
    temporary.replace(folder / name)
