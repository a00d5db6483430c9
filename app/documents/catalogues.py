"""How a tenant's records of each kind can be listed, part by part."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Generic, TypeVar

from pymongo.collation import Collation

from app.documents.api_keys import ApiKey
from app.documents.base import Filter, TenantDocument
from app.documents.communications import Communication
from app.documents.fields import FIELDS, Field, Kind
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.keyset import ID, Key, Listing
from app.documents.list_members import ListMember
from app.documents.names import NAMES
from app.documents.preferences import Preference
from app.documents.provider_accounts import ProviderAccount
from app.documents.recipient_lists import RecipientList
from app.documents.suppressions import Suppression
from app.documents.templates import Template
from app.documents.topics import Topic
from app.documents.vocabulary import (
    CommunicationType,
    InboundStatus,
    PreferenceSource,
    PreferenceState,
    ProviderType,
    SuppressionReason,
    TopicDefault,
)
from app.mail.kinds import InboundKind

Document = TypeVar("Document", bound=TenantDocument)


@dataclass(frozen=True)
class Catalogue(Generic[Document]):
    """How records of a kind can be listed.

    `fields` may be asked about, by `keys` they may be ordered, each under the name that callers
    have for it. Without an order they stand by `default`: a name of a key, and whether it ascends.
    What is equal in the keys named is ordered by `ties`, the way the last of them goes, so that an
    index that serves one way serves the other.
    """

    document: type[Document]
    fields: Mapping[str, Field]
    keys: Mapping[str, Key]
    default: tuple[str, bool]
    ties: Sequence[Key] = (ID,)
    collation: Collation | None = None

    def listing(
        self,
        criteria: Filter,
        order: Sequence[tuple[str, bool]] = (),
        *,
        without: Collection[str] = (),
    ) -> Listing[Document]:
        """Those that match `criteria`; `order` names keys, and says whether they ascend."""
        keys, hidden = self._known(tuple(order), frozenset(without))
        return Listing(self.document, keys, criteria, self.collation, hidden)

    @cached_property
    def _known(self) -> Callable[..., tuple[Sequence[Key], frozenset[str]]]:
        return lru_cache(256)(self._keys_and_hidden)

    def _keys_and_hidden(
        self, order: Sequence[tuple[str, bool]], without: Collection[str]
    ) -> tuple[Sequence[Key], frozenset[str]]:
        named = list(order) or [self.default]
        last = named[-1][1]
        wanted = [self.keys[name].directed(ascending) for name, ascending in named]
        wanted += [key.directed(last) for key in self.ties]
        keys: dict[str, Key] = {}
        for key in wanted:
            keys.setdefault(key.path, key)
            if key.unique:
                break
        hidden = frozenset({*self.document.unseen, *without} - keys.keys())
        return list(keys.values()), hidden


_CREATED = Key("created", Kind.INSTANT)
_UPDATED = Key("updated", Kind.INSTANT, nullable=True)
_NAME = Key("name", Kind.TEXT, unique=True)
_BY_NAME = {"NAME": _NAME, "CREATED": _CREATED, "UPDATED": _UPDATED}


def _fields(*fields: Field, **choices: type[StrEnum]) -> dict[str, Field]:
    known = [*fields, *(Field(name, name, Kind.CHOICE, kind) for name, kind in choices.items())]
    return {field.name: field for field in known}


def _of(kind: Kind, *names: str, many: bool = False) -> list[Field]:
    return [Field(name, name, kind, many=many) for name in names]


_ID = Field("id", "_id", Kind.ID)
_CHANGES = [
    _ID,
    *_of(Kind.INSTANT, "created", "updated"),
    *_of(Kind.TEXT, "createdBy", "updatedBy"),
]

# What communications may be asked about over GraphQL only.
_MAIL = [
    Field("providerAccountId", "accountId", Kind.ID),
    Field("templateVersion", "templateVersion", Kind.NUMBER),
    Field("locale", "locale", Kind.TEXT),
    Field("isTest", "isTest", Kind.FLAG, sparse=True),
    Field("topicId", "topicId", Kind.ID),
    Field("unsubscribedAt", "unsubscribedAt", Kind.INSTANT),
]
COMMUNICATIONS = Catalogue(
    Communication,
    {**FIELDS, **{field.name: field for field in _MAIL}},
    {
        "CREATED": _CREATED,
        "UPDATED": _UPDATED,
        "SCHEDULED_AT": Key("scheduledAt", Kind.INSTANT, nullable=True),
        "SENT_AT": Key("sentAt", Kind.INSTANT, nullable=True),
        "OPENED_AT": Key("openedAt", Kind.INSTANT, nullable=True),
        "OPEN_COUNT": Key("openCount", Kind.NUMBER, nullable=True),
        "STATUS": Key("status", Kind.CHOICE, nullable=True),
        "TYPE": Key("type", Kind.CHOICE, nullable=True),
        "SUBJECT": Key("subject", Kind.TEXT, nullable=True),
        "SENDER_EMAIL": Key("senderEmail", Kind.TEXT, nullable=True),
    },
    ("CREATED", False),
    ties=(_CREATED, ID),
)
INBOUND_MESSAGES = Catalogue(
    InboundMessage,
    _fields(
        *_CHANGES,
        *_of(Kind.TEXT, "subject", "fromEmail", "fromName", "conversationId", "relatedEntityType"),
        *_of(Kind.TEXT, "relatedEntityId", "internetMessageId"),
        *_of(Kind.TEXT, "recipients", "cc", "envelopeRecipients", many=True),
        *_of(Kind.TEXT, "fetchError", "parseFault"),
        *_of(Kind.ID, "parentCommunicationId"),
        *_of(Kind.INSTANT, "receivedAt"),
        Field("hasAttachments", "hasAttachments", Kind.FLAG, sparse=True),
        status=InboundStatus,
        providerType=ProviderType,
        kind=InboundKind,
    ),
    {
        "RECEIVED_AT": Key("receivedAt", Kind.INSTANT),
        "CREATED": _CREATED,
        "FROM_EMAIL": Key("fromEmail", Kind.TEXT, nullable=True),
        "SUBJECT": Key("subject", Kind.TEXT, nullable=True),
    },
    ("RECEIVED_AT", False),
)
INBOX = Catalogue(
    InboxEntry,
    _fields(
        Field("id", "conversationId", Kind.TEXT),
        *_of(Kind.TEXT, "subject", "fromEmail", "assignee", "relatedEntityType", "relatedEntityId"),
        *_of(Kind.NUMBER, "unread"),
        *_of(Kind.INSTANT, "latestReceived"),
    ),
    {"LATEST_RECEIVED": Key("latestReceived", Kind.INSTANT)},
    ("LATEST_RECEIVED", False),
)
SUPPRESSIONS = Catalogue(
    Suppression,
    _fields(
        _ID,
        *_of(Kind.TEXT, "address", "detail", "createdBy"),
        *_of(Kind.ID, "communicationId"),
        *_of(Kind.INSTANT, "created"),
        reason=SuppressionReason,
    ),
    {"CREATED": _CREATED, "ADDRESS": Key("address", Kind.TEXT, unique=True)},
    ("CREATED", False),
)
TEMPLATES = Catalogue(
    Template,
    _fields(*_CHANGES, *_of(Kind.TEXT, "name", "subject", "description"), type=CommunicationType),
    _BY_NAME,
    ("NAME", True),
    collation=NAMES,
)
RECIPIENT_LISTS = Catalogue(
    RecipientList,
    _fields(*_CHANGES, *_of(Kind.TEXT, "name", "description")),
    _BY_NAME,
    ("NAME", True),
    collation=NAMES,
)
LIST_MEMBERS = Catalogue(
    ListMember,
    _fields(_ID, *_of(Kind.TEXT, "email", "name"), *_of(Kind.INSTANT, "created", "updated")),
    {"ADDED": ID, "EMAIL": Key("email", Kind.TEXT, unique=True)},
    ("ADDED", True),
)
PROVIDER_ACCOUNTS = Catalogue(
    ProviderAccount,
    _fields(
        *_CHANGES,
        *_of(Kind.TEXT, "name"),
        *_of(Kind.TEXT, "senderEmails", many=True),
        *_of(Kind.FLAG, "isDefault"),
        *_of(Kind.ID, "fallbackId"),
        providerType=ProviderType,
    ),
    _BY_NAME,
    ("NAME", True),
    collation=NAMES,
)
TOPICS = Catalogue(
    Topic,
    _fields(*_CHANGES, *_of(Kind.TEXT, "key", "name", "description"), default=TopicDefault),
    {**_BY_NAME, "NAME": Key("name", Kind.TEXT), "KEY": Key("key", Kind.TEXT, unique=True)},
    ("NAME", True),
    collation=NAMES,
)
PREFERENCES = Catalogue(
    Preference,
    _fields(
        _ID,
        *_of(Kind.TEXT, "address", "authorId", "detail"),
        *_of(Kind.ID, "topicId", "communicationId"),
        *_of(Kind.INSTANT, "date", "created"),
        state=PreferenceState,
        via=PreferenceSource,
    ),
    {"DATE": Key("date", Kind.INSTANT), "ADDRESS": Key("address", Kind.TEXT)},
    ("DATE", False),
)
API_KEYS = Catalogue(
    ApiKey,
    _fields(
        _ID,
        *_of(Kind.TEXT, "name", "createdBy"),
        *_of(Kind.INSTANT, "created", "expiresAt", "lastUsedAt", "revokedAt"),
    ),
    {
        "CREATED": _CREATED,
        "NAME": Key("name", Kind.TEXT),
        "LAST_USED_AT": Key("lastUsedAt", Kind.INSTANT, nullable=True),
    },
    ("CREATED", False),
)
