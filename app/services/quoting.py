"""The answered mail below its answer: in the HTML as a quotation, in the text behind `>`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

from app.context import Deps
from app.documents.attachments import Attachment
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.outsourcing import OutsourcingDocument
from app.errors import ConflictError, FieldError, InvalidInputError
from app.mail import quoting
from app.mail.quoting import Author
from app.mail.safe_html.showing import SafeHtml
from app.mail.text import plain_text
from app.services import safe_html
from app.services.inputs import blank_is_absent
from app.services.quoted_pictures import QuotedPictures, quotable
from app.services.receiving.attachments import with_files
from app.services.templates.locales import chosen

Document = TypeVar("Document", bound=OutsourcingDocument)


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        reason = "must be a time zone of the IANA database, e.g. Europe/Amsterdam"
        raise ValueError(reason) from error
    return name


OptionalTimezone = Annotated[
    Annotated[str, AfterValidator(_timezone)] | None, BeforeValidator(blank_is_absent)
]


@dataclass(frozen=True)
class Room:
    """What still fits an answer: so many files, of so many octets together."""

    files: int
    octets: int


@dataclass(frozen=True)
class Original:
    """What can be quoted of a mail, and whose mail it is."""

    author: Author
    written_at: datetime
    tenant: str
    html: SafeHtml | None
    text: str
    pictures: QuotedPictures


@dataclass(frozen=True)
class Quoted:
    """An answer with the original below it, or without; `pictures` go with it.

    `text` is what is new as text, and `below` what comes behind that; both are None where the text
    is made of the HTML.
    """

    html: str
    text: str | None
    below: str | None
    pictures: Sequence[Attachment]


async def of_ours(deps: Deps, record: Communication, room: Room) -> Original:
    """Give a mail of ours as its recipients got it, but for what counts their opens and clicks.

    Raises ConflictError where its content is lost, InvalidInputError for mail to a list.
    """
    if record.recipient_list_id is not None:
        raise _refused("is not for mail to a list, of which each member got a text of their own")
    whole = await _whole(record)
    text = whole.text
    if text is None:
        links = {link.url: link.original_url for link in whole.clicked_links}
        text = await asyncio.to_thread(plain_text, whole.body, replacements=links)
    pictures = await quotable(
        deps, whole.tenant_id, whole.attachments, count=room.files, octets=room.octets
    )
    return Original(
        author=Author(whole.sender_name, whole.sender_email),
        written_at=whole.sent_at or whole.created,
        tenant=whole.tenant_id,
        html=await safe_html.of_sent(whole, images=pictures.sources),
        text=text,
        pictures=pictures,
    )


async def of_theirs(deps: Deps, message: InboundMessage, room: Room) -> Original:
    """Give a received message. Raises ConflictError where its content is not here, or lost."""
    if message.fetch_error is not None:
        raise _lost()
    whole = await _whole(message)
    files = (await with_files(deps, message)).attachments or []
    pictures = await quotable(deps, whole.tenant_id, files, count=room.files, octets=room.octets)
    return Original(
        author=Author(whole.from_name, whole.from_email),
        written_at=whole.date or whole.received_at,
        tenant=whole.tenant_id,
        html=await safe_html.of_received(whole, images=pictures.sources),
        text=whole.body_text or "",
        pictures=pictures,
    )


async def quoted(
    body: str, original: Original, *, locale: str | None, timezone: str | None
) -> Quoted:
    """Put the original below what is new. Raises InvalidInputError where it says nothing."""
    line = quoting.attribution(
        original.author,
        original.written_at,
        language=chosen(locale, quoting.LANGUAGES) or quoting.DEFAULT_LANGUAGE,
        timezone=timezone,
    )
    html, is_cut = await _html_of(original)
    if not html.strip():
        raise _refused("is not for a mail without a text")

    def below() -> Quoted:
        new = plain_text(body, replacements={})
        return Quoted(
            html=quoting.html_below(body, line, html, is_cut=is_cut),
            text=new,
            below=quoting.quoted_text(line, original.text),
            pictures=original.pictures.shown_in(html),
        )

    return await asyncio.to_thread(below)


async def _html_of(original: Original) -> tuple[str, bool]:
    """Give what is quoted as HTML, and whether it was cut."""
    if original.html is None:
        text = original.text.strip("\n")
        return quoting.html_of_text(text[: quoting.TEXT_LIMIT]), len(text) > quoting.TEXT_LIMIT
    html = quoting.as_sent(original.html)
    cut = quoting.shortened(html)
    if cut is not None:
        images = original.pictures.own_sources
        html = (await safe_html.safe(original.tenant, cut, images=images)).with_remote_images()
    return quoting.untracked(html), cut is not None


async def _whole(document: Document) -> Document:
    whole = (await type(document).load_contents({"": document}))[""]
    if isinstance(whole, Exception):
        raise _lost() from whole
    return whole


def _lost() -> ConflictError:
    return ConflictError("The answered mail cannot be quoted: its content is not here.")


def _refused(reason: str) -> InvalidInputError:
    return InvalidInputError.of(FieldError("quoteOriginal", reason))
