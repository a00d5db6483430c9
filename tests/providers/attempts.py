import hashlib
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.mail.compose import Attachment
from app.providers.base import OutgoingMessage


class Attempts:
    """Keeps what a provider saves of one mail, as a delivery does."""

    long = timedelta(seconds=10)

    def __init__(self) -> None:
        self.saved: list[str] = []
        self.done = False

    async def save(self, state: str) -> None:
        self.saved.append(state)

    def next(self, message: OutgoingMessage, **changes: Any) -> OutgoingMessage:
        """Make the first or the next attempt at it."""
        state = self.saved[-1] if self.saved else None
        return replace(message, state=state, save=self.save, **changes)


def file(size: int, *, content_id: str | None = None) -> Attachment:
    """A file of that many octets of any kind."""
    content = random.Random(size).randbytes(size)  # noqa: S311 - no secret
    digest = hashlib.sha256(content).hexdigest()
    return Attachment("Offerte ü.pdf", "application/pdf", size, digest, content_id, content)
