"""What a schema cannot say of good requests, for the fuzzer's positive cases.

Loaded by schemathesis through SCHEMATHESIS_HOOKS. Only what must agree with the world is changed:
times with the clock, providers and templates with what is set up, fields with one another.
"""

import json
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

LATER = "2999-01-01T00:00:00Z"
ADDRESSES = 50
MAIL_PATHS = ("/send", "/schedule", "/send-template/{templateId}")


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    if _is_negative(case):
        return
    path = case.operation.path
    if path in MAIL_PATHS and isinstance(case.body, dict):
        _settle_mail(case.body)
    if path == "/analytics" and {"from", "to"} <= set(case.query or {}):
        case.query["from"], case.query["to"] = sorted([case.query["from"], case.query["to"]])
    if path == "/dynamic-search" and isinstance(case.body, dict):
        filters = case.body.get("filters")
        if isinstance(filters, dict):
            # Its values must fit a store, as those of a mail.
            filters.pop("variables", None)
    if path == "/dynamic-search" and case.method.upper() == "GET" and case.query:
        case.query.update(_settled_search(case.query))


def _is_negative(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode == GenerationMode.NEGATIVE


def _settle_mail(mail: dict[str, Any]) -> None:
    if mail.get("scheduledAt"):
        mail["scheduledAt"] = LATER
    if mail.get("providerType"):
        mail["providerType"] = "SMTP"
    mail.pop("templateId", None)
    mail.pop("recipientListId", None)
    # Without a list there must be one.
    mail["recipients"] = mail["recipients"] or ["jan@customer.test"]
    # Its values must fit a store: no NUL, no number beyond 64 bits.
    if mail.get("variables"):
        mail["variables"] = {"name": "Jan"}
    for number, attachment in enumerate(mail.get("attachments") or ()):
        # Each has an id of its own.
        attachment.pop("contentId", None)
        attachment["contentId"] = f"file-{number}"
    room = ADDRESSES - len(mail["recipients"])
    for field in ("cc", "bcc"):
        if mail.get(field):
            mail[field] = mail[field][:room]
            room -= len(mail[field])


def _settled_search(query: dict[str, Any]) -> dict[str, Any]:
    settled: dict[str, Any] = {}
    if "filters" in query:
        settled["filters"] = json.dumps({"status": "SENT"})
    if "sort" in query:
        settled["sort"] = ["created,desc"]
    return settled
