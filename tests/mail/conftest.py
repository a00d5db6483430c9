from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest

from app.mail.addresses import Mailbox
from app.mail.compose import Message
from app.mail.tracking import TrackedBody, track


@pytest.fixture(scope="session")
def tracked() -> Callable[[str], TrackedBody]:
    """Track links only, as `T0`, `T1`, ..."""
    return lambda html: track(html, link_url=lambda index: f"T{index}", pixel_url=None)


@pytest.fixture(scope="session")
def make_message() -> Callable[..., Message]:
    def make(**changes: Any) -> Message:
        fields: dict[str, Any] = {
            "sender": Mailbox("crm@letterbox.test", "Letterbox"),
            "to": (Mailbox("jan@b.nl"),),
            "subject": "Offerte 12",
            "html": "<p>Hello</p>",
            "text": "Hello\n",
            "message_id": "<1@letterbox.test>",
            "date": datetime(2026, 11, 24, 9, 5, 6, tzinfo=UTC),
        }
        return Message(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def parse() -> Callable[[bytes], EmailMessage]:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes
