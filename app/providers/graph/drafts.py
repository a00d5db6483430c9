"""What is kept between attempts of a mail that is handed over in steps."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

# What `save` is given when there is no draft any more.
NO_DRAFT = ""


@dataclass(frozen=True)
class Draft:
    """A draft in `mailbox`; `id` is Graph's, and stays when the draft becomes a sent message.

    `recipients` tells sets of recipients apart; `complete` when nothing is missing in it any more.
    `asked_at` (seconds since 1970) is when Graph was last asked to send it and did not refuse:
    from then on it may have gone out.
    """

    mailbox: str
    id: str
    internet_message_id: str
    conversation_id: str | None
    recipients: str = ""
    complete: bool = False
    asked_at: float | None = None

    @classmethod
    def of_answer(cls, mailbox: str, message: Any) -> Self | None:
        """Read it of Graph's message resource; None when that is none."""
        if not isinstance(message, dict):
            return None
        id_, message_id = message.get("id"), message.get("internetMessageId")
        conversation_id = message.get("conversationId")
        if not (isinstance(id_, str) and id_ and isinstance(message_id, str) and message_id):
            return None
        thread = conversation_id if isinstance(conversation_id, str) else None
        return cls(mailbox, id_, message_id, thread)

    @classmethod
    def load(cls, state: str | None) -> Self | None:
        """Read what `dump` wrote; None for nothing, and for what another provider wrote."""
        if not state:
            return None
        try:
            return cls(**json.loads(state))
        except (ValueError, TypeError):
            return None

    def dump(self) -> str:
        return json.dumps(asdict(self))


def fingerprint(recipients: Iterable[str]) -> str:
    """Tell sets of addresses apart without keeping them."""
    return hashlib.sha256("\n".join(sorted(recipients)).encode()).hexdigest()
