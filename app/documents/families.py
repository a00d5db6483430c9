"""The lists that each record of a kind has: its deliveries, its members, its answers."""

from dataclasses import dataclass

from app.documents.base import Filter, object_id_of
from app.documents.catalogues import COMMUNICATIONS, INBOUND_MESSAGES, LIST_MEMBERS, TEMPLATES
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.fields import Kind
from app.documents.inbound_messages import InboundMessage
from app.documents.keyset import Key, Listing
from app.documents.list_members import ListMember
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.mail.engagement.hits import EngagementKind, EngagementVerdict


def deliveries_of(communication_id: str, without: frozenset[str]) -> Listing[Delivery]:
    """The envelopes of a mail, the latest sending first."""
    order = [
        Key("sending", Kind.NUMBER, ascending=False),
        # A mail that goes to no list has one of each sending, without a member.
        Key("memberId", Kind.ID, ascending=False, nullable=True),
    ]
    criteria = {"communicationId": object_id_of(communication_id)}
    return Listing(Delivery, order, criteria, hidden=without | frozenset(Delivery.unseen))


def members_of(list_id: str, without: frozenset[str]) -> Listing[ListMember]:
    """The members of a recipient list, in the order in which they came."""
    return LIST_MEMBERS.listing({"listId": object_id_of(list_id)}, without=without)


def made_from(template_id: str, without: frozenset[str]) -> Listing[Communication]:
    """The mails made from a template, newest first."""
    return COMMUNICATIONS.listing({"templateId": template_id}, without=without)


def versions_of(template_id: str, without: frozenset[str]) -> Listing[TemplateVersion]:
    """The published versions of a template, the latest first."""
    number = Key("number", Kind.NUMBER, ascending=False, unique=True)
    criteria = {"templateId": object_id_of(template_id), "number": {"$gt": 0}}
    return Listing(TemplateVersion, [number], criteria, hidden=without)


def users_of(template_id: str, without: frozenset[str]) -> Listing[Template]:
    """The templates whose current version was compiled with a layout or partial, by name."""
    return TEMPLATES.listing({"uses": object_id_of(template_id)}, without=without)


def sent_to(list_id: str, without: frozenset[str]) -> Listing[Communication]:
    """The mails to a recipient list, newest first."""
    return COMMUNICATIONS.listing({"recipientListId": list_id}, without=without)


def answers_to(communication_id: str, without: frozenset[str]) -> Listing[InboundMessage]:
    """The received messages that answer a mail, oldest first."""
    criteria = {"parentCommunicationId": object_id_of(communication_id)}
    return INBOUND_MESSAGES.listing(criteria, [("RECEIVED_AT", True)], without=without)


@dataclass(frozen=True)
class HitsOf:
    """The opens and clicks of a mail, latest first; of all kinds and verdicts where none is named.

    A value, so that those of many mails are read together.
    """

    kind: EngagementKind | None = None
    verdicts: tuple[EngagementVerdict, ...] | None = None

    def __call__(self, communication_id: str, without: frozenset[str]) -> Listing[Engagement]:
        criteria: Filter = {"communicationId": object_id_of(communication_id)}
        if self.kind is not None:
            criteria["kind"] = self.kind
        if self.verdicts is not None:
            criteria["verdict"] = {"$in": list(self.verdicts)}
        order = [
            Key("created", Kind.INSTANT, ascending=False),
            Key("_id", Kind.ID, ascending=False, unique=True),
        ]
        return Listing(Engagement, order, criteria, hidden=without)
