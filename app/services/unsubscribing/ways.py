"""The ways out that a mail offers its one recipient: links, an address, header fields."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from beanie import PydanticObjectId

from app.documents.communications import Communication
from app.mail.list_fields import list_id_field, unsubscribe_fields
from app.mail.unsubscribe_tokens import unsubscribe_address, unsubscribe_token
from app.settings import Settings

UNSUBSCRIBE_URL, PREFERENCES_URL = "unsubscribe_url", "preferences_url"
# Variables that mail fills in by itself.
RESERVED = (UNSUBSCRIBE_URL, PREFERENCES_URL)
_NAMED = re.compile(rf"\{{[{{%][^{{}}]*\b(?:{'|'.join(RESERVED)})\b")

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Way:
    """A page that unsubscribes, one with all topics, and an address, where mail comes in."""

    url: str
    preferences_url: str
    address: str | None

    @property
    def variables(self) -> Mapping[str, str]:
        """What bodies and subjects call them."""
        return {UNSUBSCRIBE_URL: self.url, PREFERENCES_URL: self.preferences_url}


def own_pages(settings: Settings) -> tuple[str, str]:
    """Give what the addresses of the two kinds of pages begin with."""
    return f"{settings.public_base}/u/", f"{settings.public_base}/preferences/"


def names_ways(template: str) -> bool:
    """Whether a text that may be filled in names one of the pages."""
    return _NAMED.search(template) is not None


def sample_way(settings: Settings) -> Way:
    """Give what stands in for a way out where nobody is written to; its links lead to nobody."""
    page, preferences = own_pages(settings)
    return Way(f"{page}sample", f"{preferences}sample", None)


def way_to(settings: Settings, tenant: str, mail_id: PydanticObjectId | None) -> Way | None:
    """Give the way out of the mail to one recipient that is known by an id; None without one.

    None too where links cannot be signed.
    """
    keys = settings.unsubscribe_keys
    if mail_id is None or not keys:
        return None
    token = unsubscribe_token(keys[0], tenant=tenant, mail_id=str(mail_id))
    page, preferences = own_pages(settings)
    domain = settings.inbound_domain
    address = None if domain is None else unsubscribe_address(token, domain=domain)
    return Way(page + token, preferences + token, address)


def way_of_record(settings: Settings, record: Communication) -> Way | None:
    """Give that of a mail to one recipient; None where it offers none."""
    return way_to(settings, record.tenant_id, record.unsubscribe_id)


def way_of_member(
    settings: Settings, record: Communication, delivery_id: PydanticObjectId
) -> Way | None:
    """Give that of the mail to one member of a list; None where its record offers none."""
    return way_to(settings, record.tenant_id, delivery_id if record.unsubscribable else None)


def fields_of(settings: Settings, record: Communication, way: Way | None) -> Fields:
    """Write the fields that mail with this way out has; none without one.

    What its List-Id names is the topic, or a list that has none.
    """
    if way is None:
        return ()
    fields = unsubscribe_fields(way.url, way.address)
    of = record.topic_id or record.recipient_list_id
    if of is None:
        return fields
    host = settings.public_url.host or ""
    return (list_id_field(str(of), tenant=record.tenant_id, host=host), *fields)
