"""Graph's change notifications (learn.microsoft.com/graph/change-notifications-delivery-webhooks).

They tell ids only: what came must be fetched.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.errors import InvalidInputError, PayloadTooLargeError
from app.mail.received_text import storable

MAX_NOTIFICATIONS = 1000
_MAX_ID = 256
_MAX_KIND = 100
CREATED = "created"
# What becomes of a subscription, told as `lifecycleEvent`.
MISSED, REAUTHORIZE, REMOVED = "missed", "reauthorizationRequired", "subscriptionRemoved"


@dataclass(frozen=True)
class Notification:
    """One of the notifications that come together; `client_state` proves who sent it.

    `raw` is what it says, as JSON without that secret. `subscription_id` is whose it is.
    """

    id: str
    kind: str
    client_state: str
    raw: bytes
    subscription_id: str | None = None

    def is_genuine(self, client_state: str) -> bool:
        return hmac.compare_digest(
            self.client_state.encode("utf-8", "replace"), client_state.encode()
        )


def read_notifications(body: bytes) -> list[Notification]:
    """Read the body of one call.

    Raises InvalidInputError for what is no list of notifications, PayloadTooLargeError for more
    than 1,000 of them.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError("The body is not valid JSON.") from error
    items = told.get("value") if isinstance(told, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidInputError("The body holds no notifications: value must be a list of objects.")
    if len(items) > MAX_NOTIFICATIONS:
        raise PayloadTooLargeError(f"There are more than {MAX_NOTIFICATIONS} notifications.")
    return [_notification(item) for item in items]


def message_of(raw: bytes) -> str | None:
    """Tell the id of the message that a kept notification is about; None when it names none."""
    item = orjson.loads(raw)
    data = item.get("resourceData")
    id_ = data.get("id") if isinstance(data, Mapping) else None
    if not isinstance(id_, str) or not id_:
        resource = item.get("resource")
        id_ = resource.rpartition("/")[2] if isinstance(resource, str) else None
    return id_ or None


def subscription_of(raw: bytes) -> str | None:
    """Tell the id of the subscription that a kept notification is of; None when it names none."""
    return _text(orjson.loads(raw), "subscriptionId")


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None


def _notification(item: Mapping[str, Any]) -> Notification:
    said = {name: value for name, value in item.items() if name != "clientState"}
    try:
        raw = orjson.dumps(said)
    except orjson.JSONEncodeError as error:
        raise InvalidInputError("The body holds a notification that is nested too deep.") from error
    id_, state = item.get("id"), item.get("clientState")
    named = isinstance(id_, str) and 0 < len(id_) <= _MAX_ID
    kind = item.get("lifecycleEvent") or item.get("changeType")
    return Notification(
        id=storable(str(id_)) if named else f"sha256:{hashlib.sha256(raw).hexdigest()}",
        kind=storable(str(kind))[:_MAX_KIND],
        client_state=state if isinstance(state, str) else "",
        raw=raw,
        subscription_id=_text(item, "subscriptionId"),
    )
