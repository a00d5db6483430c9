"""Resend's webhooks as it writes them (field names of its OpenAPI description)."""

from typing import Any

import orjson

from tests.fakes.resend_mailroom import ReceivedMail

EMAIL_ID = "56761188-7520-42d8-8898-ff6fc54ce618"


def event(
    kind: str,
    *,
    delivery: str | None = None,
    to: tuple[str, ...] = ("jan@customer.test",),
    created_at: str = "2100-11-24T09:31:12.126Z",
    **more: Any,
) -> bytes:
    """An `email.KIND` event; `more` goes into its data."""
    data = {
        "email_id": EMAIL_ID,
        "created_at": "2100-11-24T09:30:11.894Z",
        "from": "Acme <crm@acme.test>",
        "to": list(to),
        "subject": "Your offer",
        "headers": [{"name": "X-Ref", "value": "1"}],
        **({} if delivery is None else {"tags": {"letterbox_delivery": delivery}}),
        **more,
    }
    return orjson.dumps({"type": f"email.{kind}", "created_at": created_at, "data": data})


def bounce(type_: str = "Permanent", **more: Any) -> dict[str, Any]:
    """The data that a bounce has more."""
    told = {
        "type": type_,
        "subType": "General",
        "message": "The recipient's email provider sent a bounce.",
        "diagnosticCode": ["smtp; 550 5.1.1 user unknown"],
    }
    return {"bounce": {**told, **more}}


def received(mail: ReceivedMail, **more: Any) -> bytes:
    """The event that tells of a received mail: no body, no headers, and whom it was really for."""
    fields = {name: value for name, value in mail.fields.items() if name not in {"id", "reply_to"}}
    data = {"email_id": mail.id, **fields, "received_for": ["sales@acme.test"], **more}
    told = {"type": "email.received", "created_at": "2100-11-24T09:28:00.000Z", "data": data}
    return orjson.dumps(told)
