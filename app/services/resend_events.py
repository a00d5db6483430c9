"""Resend's events in our words (https://resend.com/docs/dashboard/webhooks/event-types)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.documents.vocabulary import NewsKind
from app.instants import parse_instant
from app.mail.engagement.hits import EngagementKind
from app.mail.received_text import on_one_line, storable
from app.providers.resend_payload import DELIVERY_TAG

MAX_ADDRESSES = 100
MAX_WORDS = 500

# The one table: what each type moves, and why some move nothing.
KINDS = {
    "email.delivered": NewsKind.DELIVERED,
    "email.delivery_delayed": NewsKind.DEFERRED,
    # Unless it passes: see `_kind`.
    "email.bounced": NewsKind.BOUNCED,
    "email.complained": NewsKind.COMPLAINED,
    "email.failed": NewsKind.FAILED,
    "email.suppressed": NewsKind.FAILED,
}
NO_MOVES = {
    "email.scheduled": "mail is handed over to go out at once",
    "email.sent": "the hand-over is recorded already",
    "email.received": "mail that Resend received is fetched, and moves no record by itself",
}
HITS = {"email.opened": EngagementKind.OPEN, "email.clicked": EngagementKind.CLICK}
UNKNOWN_TYPE = "events of this type move nothing"


@dataclass(frozen=True)
class ToldHit:
    """An open or a click; of an open Resend tells nothing but that it was."""

    kind: EngagementKind
    link: str | None
    user_agent: str | None
    address: str | None
    date: datetime | None


@dataclass(frozen=True)
class ResendEvent:
    """An event as far as it says something; `kind` is None for what moves nothing.

    `hit` is an open or a click that it tells of.

    `delivery_id` stands on a tag of ours, `email_id` is Resend's, `message_id` the Message-ID that
    recipients see, angle brackets included.
    """

    kind: NewsKind | None
    no_move: str | None
    date: datetime | None
    delivery_id: str | None
    email_id: str | None
    message_id: str | None
    addresses: tuple[str, ...]
    words: str | None
    hit: ToldHit | None = None


def type_of(raw: bytes) -> str | None:
    """Tell the type of an event; None for what is no event. Never raises."""
    type_ = _object(raw).get("type")
    return storable(type_)[:MAX_WORDS] if isinstance(type_, str) and type_ else None


def read_event(raw: bytes) -> ResendEvent:
    """Read an event; whatever is missing or of another shape is left out. Never raises."""
    event = _object(raw)
    data = _dict(event.get("data"))
    type_ = type_of(raw) or ""
    message_id = _text(data.get("message_id"))
    return ResendEvent(
        kind=_kind(type_, data),
        no_move=None if type_ in {*KINDS, *HITS} else NO_MOVES.get(type_, UNKNOWN_TYPE),
        date=_date(event.get("created_at")),
        delivery_id=_tag(data.get("tags")),
        email_id=_text(data.get("email_id")),
        message_id=None if message_id is None else f"<{message_id.strip('<> ')}>",
        addresses=tuple(_addresses(data.get("to"))),
        words=_words(data),
        hit=_hit(type_, data),
    )


def _hit(type_: str, data: dict[str, Any]) -> ToldHit | None:
    if type_ not in HITS:
        return None
    click = _dict(data.get("click"))
    return ToldHit(
        HITS[type_],
        link=_text(click.get("link")),
        user_agent=_text(click.get("userAgent")),
        address=_text(click.get("ipAddress")),
        date=_date(click.get("timestamp")),
    )


def _kind(type_: str, data: dict[str, Any]) -> NewsKind | None:
    kind = KINDS.get(type_)
    if kind is NewsKind.BOUNCED and _dict(data.get("bounce")).get("type") != "Permanent":
        # Transient and Undetermined: given up for now, and not the address's fault.
        return NewsKind.SOFT_BOUNCED
    return kind


def _words(data: dict[str, Any]) -> str | None:
    """Give what the recipient's server said, else what Resend says."""
    told = next((d for d in map(_dict, map(data.get, _DETAILS)) if d), {})
    diagnosis = told.get("diagnosticCode")
    # A list by their description, a text in one of their libraries, nothing in another.
    lines = diagnosis if isinstance(diagnosis, list) else [diagnosis]
    said = " ".join(line for line in lines if isinstance(line, str))
    words = said or next((w for w in map(_text, map(told.get, _REASONS)) if w), "")
    return on_one_line(storable(words.removeprefix("smtp;")))[:MAX_WORDS] or None


_DETAILS = ("bounce", "failed", "suppressed")
_REASONS = ("message", "reason", "type")


def _tag(tags: object) -> str | None:
    """Read our tag: tags come as an object, and as the list they were sent as."""
    if isinstance(tags, list):
        pairs = {d.get("name"): d.get("value") for d in map(_dict, tags) if _text(d.get("name"))}
        return _text(pairs.get(DELIVERY_TAG))
    return _text(_dict(tags).get(DELIVERY_TAG))


def _addresses(to: object) -> Iterable[str]:
    for address in (to if isinstance(to, list) else [to])[:MAX_ADDRESSES]:
        if isinstance(address, str) and address:
            yield storable(address.rpartition("<")[2].removesuffix(">").strip())


def _date(value: object) -> datetime | None:
    try:
        moment = parse_instant(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _text(value: object) -> str | None:
    return storable(value) if isinstance(value, str) and value else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return _dict(orjson.loads(raw))
    except orjson.JSONDecodeError:
        return {}
