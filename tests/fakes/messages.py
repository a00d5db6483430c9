"""Mails of customers as octets, and ours as they go out."""

from app.documents.deliveries import Delivery
from app.mail.compose import compose
from app.mail.stored import load


def message(
    id_: str | None = "<reply@customer.test>",
    *,
    in_reply_to: str | None = None,
    references: str | None = None,
    sender: str = "Jan <jan@customer.test>",
    subject: str = "Re: Your offer",
    text: str = "Fine!",
    received: str | None = None,
) -> bytes:
    """Write a mail to crm@acme.test; `received` is the date of its Received field."""
    fields = {
        "Received": None if received is None else f"by mail.acme.test; {received}",
        "From": sender,
        "To": "crm@acme.test",
        "Cc": "Piet <piet@customer.test>",
        "Subject": subject,
        "Date": "Tue, 24 Nov 2026 10:00:00 +0100",
        "Message-ID": id_,
        "In-Reply-To": in_reply_to,
        "References": references,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{head}\r\n{text}".encode()


async def octets_of(row: Delivery) -> bytes:
    """The mail of a delivery as SMTP carries it."""
    return compose(load(await row.stored_message()))
