from dataclasses import replace
from typing import Any

from app.providers.base import OutgoingMessage


class Attempts:
    """Keeps what a provider saves of one mail, as a delivery does."""

    def __init__(self) -> None:
        self.saved: list[str] = []

    async def save(self, state: str) -> None:
        self.saved.append(state)

    def next(self, message: OutgoingMessage, **changes: Any) -> OutgoingMessage:
        """Make the first or the next attempt at it."""
        state = self.saved[-1] if self.saved else None
        return replace(message, state=state, save=self.save, **changes)
