from beanie import Document

from app.documents.api_keys import ApiKey
from app.documents.attachments import AttachmentContent
from app.documents.backfills import Backfill
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.engagement.hits import Engagement
from app.documents.idempotency_keys import IdempotencyKey
from app.documents.inbound_domains import InboundDomain
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.list_members import ListMember
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.paces import Pace
from app.documents.preferences import Preference
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.recipient_lists import RecipientList
from app.documents.standings import ConversationStanding
from app.documents.suppressions import Suppression
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.documents.topics import Topic
from app.documents.totals.cells import Ledger, Total
from app.documents.turns import Turn
from app.documents.ways_out import WayOut

ALL_DOCUMENTS: list[type[Document]] = [
    ApiKey,
    AttachmentContent,
    Backfill,
    Communication,
    ConversationStanding,
    Delivery,
    Engagement,
    IdempotencyKey,
    InboundDomain,
    InboundMessage,
    InboxEntry,
    Ledger,
    ListMember,
    MailboxSubscription,
    Pace,
    Preference,
    ProviderAccount,
    ProviderEvent,
    RecipientList,
    Suppression,
    Template,
    TemplateVersion,
    Topic,
    Total,
    Turn,
    WayOut,
]
