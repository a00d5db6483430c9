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
    file: str | None = None,
) -> bytes:
    """Write a mail to crm@acme.test.

    `received` is the date of its Received field, `file` the content of a file `notes.txt` with it.
    """
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
        "Content-Type": None if file is None else "multipart/mixed; boundary=b",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    if file is not None:
        named = "Content-Disposition: attachment; filename=notes.txt"
        text = f"--b\r\n\r\n{text}\r\n--b\r\n{named}\r\n\r\n{file}\r\n--b--\r\n"
    return f"{head}\r\n{text}".encode()


async def octets_of(row: Delivery) -> bytes:
    """The mail of a delivery as SMTP carries it."""
    return compose(load(await row.stored_message()))
