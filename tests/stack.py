"""A `letterbox dev` as a process, for the end-to-end tests and the bench."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from pathlib import Path

import httpx2
import psutil

from app.dev.environment import token_settings
from app.dev.folder import DataFolder
from app.dev.tokens import make_token

# They ask as fast as they can.
UNLIMITED = {"LETTERBOX_RATE_LIMIT_TENANT": "0", "LETTERBOX_RATE_LIMIT_KEY": "0"}


class Stack:
    """`ready_seconds` is the time from the last start to the API's and worker's readiness.

    `settings` are variables of its environment beside those of this process.
    """

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self._settings = settings or {}
        self.ready_seconds = 0.0
        self._process: subprocess.Popen[str] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        letterbox = Path(sys.executable).with_name("letterbox")
        options = ["--port", str(self.port), "--data-dir", str(self.data), "--no-demo"]
        begun = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [letterbox, "dev", "--no-inbound", *options],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **UNLIMITED, **self._settings},
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("Ready after"):
                self.ready_seconds = time.perf_counter() - begun
                return
        raise RuntimeError(f"letterbox dev ended with {self._process.wait()}")

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        self._process.send_signal(signal.SIGTERM)
        self._process.stdout.read()
        self._process.stdout.close()
        self._process.wait()
        self._process = None

    def client(self, tenant: str = "bench") -> httpx2.AsyncClient:
        token = make_token(
            token_settings(DataFolder.at(self.data)),
            tenant=tenant,
            user="bench",
            scopes=[],
            lifetime=timedelta(days=1),
        )
        return httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def resident_megabytes(self, child: str) -> float:
        pid = int((self.data / "run" / f"{child}.pid").read_text())
        return float(psutil.Process(pid).memory_info().rss / 1e6)

    def inbox(self, words: str = "") -> list[EmailMessage]:
        """Read the mails that arrived, in no order; only those with these very `words`."""
        mails = [mail.read_bytes() for mail in (self.data / "inbox").glob("*.eml")]
        return [message_from_bytes(mail, policy=policy) for mail in mails if words.encode() in mail]
