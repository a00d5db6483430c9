"""The demo tenant's first mails, sent like anybody's: over REST, through a worker."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from app.dev.errors import DemoError
from app.dev.mails import DEMO_MAILS

SEND_LIMIT = timedelta(seconds=30)
POLL = 0.1
_WANTED = "wanted\n"
_HANDED_OVER = {"SENT", "DELIVERED"}
_GIVEN_UP = {"FAILED", "BOUNCED", "CANCELLED", "COMPLAINED"}


@dataclass(frozen=True)
class DemoMarker:
    """Remembers in the data folder whether the demo is still to be loaded."""

    root: Path

    @property
    def is_wanted(self) -> bool:
        return self._file.exists() and self._file.read_text("ascii") == _WANTED

    def want_when_new(self) -> None:
        """Want the demo on a folder that no stack has used; one that was cut short stays wanted."""
        if not self._file.exists() and not (self.root / "mongod").exists():
            self._file.write_text(_WANTED, "ascii")

    def finish(self) -> None:
        self._file.write_text("loaded\n", "ascii")

    @property
    def _file(self) -> Path:
        return self.root / "demo"


def load_demo(base: str, token: str, check: Callable[[], None]) -> int:
    """Send the demo mails and return how many, once all are sent; a repeat adds nothing.

    `check` is called while waiting and may raise. Raises DemoError when a mail is refused,
    given up or not sent in time.
    """
    headers = {"Authorization": f"Bearer {token}"}
    address = f"{base}/api/v1/communications"
    try:
        with httpx2.Client(
            base_url=address, headers=headers, timeout=10, trust_env=False
        ) as client:
            ids = [_send(client, number, mail) for number, mail in enumerate(DEMO_MAILS, start=1)]
            _await_sending(client, ids, check)
    except httpx2.HTTPError as error:
        raise DemoError(f"the API did not answer ({error})") from error
    return len(ids)


def _send(client: httpx2.Client, number: int, mail: dict[str, Any]) -> str:
    answer = client.post("/send", json=mail, headers={"Idempotency-Key": f"demo-{number}"})
    return str(_record(answer)["id"])


def _await_sending(client: httpx2.Client, ids: list[str], check: Callable[[], None]) -> None:
    end = time.monotonic() + SEND_LIMIT.total_seconds()
    waiting = list(ids)
    while waiting:
        check()
        record = _record(client.get(f"/find/{waiting[0]}"))
        if record["status"] in _HANDED_OVER:
            waiting.pop(0)
            continue
        if record["status"] in _GIVEN_UP:
            raise DemoError(f"{record['status']}: {record.get('errorMessage')}")
        if time.monotonic() > end:
            raise DemoError(f"{len(waiting)} mails are still {record['status']}")
        time.sleep(POLL)


def _record(answer: httpx2.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise DemoError(f"the API answered {answer.status_code}: {answer.text[:300]}")
    record: dict[str, Any] = answer.json()
    return record
