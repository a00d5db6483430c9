"""What makes two messages with one Message-ID the same message, and what does not."""

import pytest

from app.mail.fingerprints import fingerprint
from app.mail.parse import parse
from tests.fakes.messages import message


def of(raw: bytes) -> str:
    return fingerprint(parse(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"Received: by relay.test\r\n" + message(),
        message().replace(b"\r\n", b"\n"),
        message(text="Fine! \r\n\r\n"),
        message(sender="J. Jansen <JAN@customer.test>"),
        message(subject="Re:  Your\r\n offer"),
    ],
    ids=["trace", "line ends", "blank lines", "display name", "folding"],
)
def test_what_servers_change_makes_no_other_message(raw: bytes) -> None:
    assert of(raw) == of(message())


@pytest.mark.parametrize(
    "raw",
    [
        message(text="Fine? No!"),
        message(subject="Re: Your order"),
        message(sender="eve@else.test"),
        message().replace(b"24 Nov", b"25 Nov"),
        b"\r\n",
    ],
    ids=["text", "subject", "author", "date", "nothing"],
)
def test_what_its_author_says_makes_another(raw: bytes) -> None:
    assert of(raw) != of(message())


def test_mail_without_text_is_known_by_its_html() -> None:
    html = b"Content-Type: text/html\r\n\r\n<p>One</p>"

    assert of(html) != of(html.replace(b"One", b"Two"))
