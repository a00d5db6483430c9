"""The words that are stored and shown: states, kinds and outcomes."""

from enum import StrEnum


class CommunicationStatus(StrEnum):
    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class CommunicationType(StrEnum):
    OFFERTE = "OFFERTE"
    FACTUUR = "FACTUUR"
    HERINNERING = "HERINNERING"
    CONTRACT = "CONTRACT"
    AFSPRAAK = "AFSPRAAK"
    NIEUWSBRIEF = "NIEUWSBRIEF"
    SUPPORT = "SUPPORT"
    ALGEMEEN = "ALGEMEEN"


class ProviderType(StrEnum):
    RESEND = "RESEND"
    GRAPH = "GRAPH"
    SMTP = "SMTP"


class AccountStatus(StrEnum):
    UP = "UP"
    DOWN = "DOWN"


class ReceivingState(StrEnum):
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    FAULTY = "FAULTY"


class EventType(StrEnum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    SCHEDULE = "SCHEDULE"
    RESCHEDULE = "RESCHEDULE"
    CANCEL = "CANCEL"
    SEND = "SEND"
    FAIL = "FAIL"
    RESEND = "RESEND"
    DELIVER = "DELIVER"
    BOUNCE = "BOUNCE"
    COMPLAIN = "COMPLAIN"
    OPEN = "OPEN"
    CLICK = "CLICK"
    COMMENT = "COMMENT"
    REPLY = "REPLY"
    DELETE = "DELETE"


class TemplateKind(StrEnum):
    """What mail is made of: whole mails, the frames around them, and parts that they share."""

    TEMPLATE = "TEMPLATE"
    LAYOUT = "LAYOUT"
    PARTIAL = "PARTIAL"


class TemplateFormat(StrEnum):
    HTML = "HTML"
    MJML = "MJML"


class VersionState(StrEnum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"


class VariableType(StrEnum):
    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    URL = "URL"
    EMAIL = "EMAIL"
    LIST = "LIST"
    OBJECT = "OBJECT"


class InboundStatus(StrEnum):
    NEW = "NEW"
    READ = "READ"
    ARCHIVED = "ARCHIVED"


class Direction(StrEnum):
    OUTBOUND = "OUTBOUND"
    INBOUND = "INBOUND"


class DeliveryStatus(StrEnum):
    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    CANCELLED = "CANCELLED"


class RecipientStatus(StrEnum):
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    SUPPRESSED = "SUPPRESSED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    DEFERRED = "DEFERRED"
    DELIVERED = "DELIVERED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"


class NewsKind(StrEnum):
    """What a provider, or a mail server, tells of a mail that is out."""

    DELIVERED = "DELIVERED"
    DEFERRED = "DEFERRED"
    BOUNCED = "BOUNCED"
    SOFT_BOUNCED = "SOFT_BOUNCED"
    COMPLAINED = "COMPLAINED"
    FAILED = "FAILED"


class EventSource(StrEnum):
    RESEND = "RESEND"
    GRAPH = "GRAPH"
    MAIL = "MAIL"


class EventVerdict(StrEnum):
    """What came of a provider's event: a move, none for a reason, or a message we do not know."""

    APPLIED = "APPLIED"
    NO_MOVE = "NO_MOVE"
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"


class SuppressionReason(StrEnum):
    BOUNCE = "BOUNCE"
    COMPLAINT = "COMPLAINT"
    MANUAL = "MANUAL"


class TopicDefault(StrEnum):
    """Whether somebody who said nothing gets the mail of a topic."""

    OPT_IN = "OPT_IN"
    OPT_OUT = "OPT_OUT"


class PreferenceState(StrEnum):
    SUBSCRIBED = "SUBSCRIBED"
    UNSUBSCRIBED = "UNSUBSCRIBED"


class PreferenceSource(StrEnum):
    """How it was told; all but USER are the recipient's own doing."""

    ONE_CLICK = "ONE_CLICK"
    PAGE = "PAGE"
    MAILTO = "MAILTO"
    USER = "USER"


class AttemptOutcome(StrEnum):
    SENT = "SENT"
    TRANSIENT = "TRANSIENT"
    PARKED = "PARKED"
    UNCERTAIN = "UNCERTAIN"
    PERMANENT = "PERMANENT"
    INTERRUPTED = "INTERRUPTED"


class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


class CommunicationOrderField(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    SCHEDULED_AT = "SCHEDULED_AT"
    SENT_AT = "SENT_AT"
    OPENED_AT = "OPENED_AT"
    OPEN_COUNT = "OPEN_COUNT"
    STATUS = "STATUS"
    TYPE = "TYPE"
    SUBJECT = "SUBJECT"
    SENDER_EMAIL = "SENDER_EMAIL"


class InboundMessageOrderField(StrEnum):
    RECEIVED_AT = "RECEIVED_AT"
    CREATED = "CREATED"
    FROM_EMAIL = "FROM_EMAIL"
    SUBJECT = "SUBJECT"


class ConversationOrderField(StrEnum):
    LATEST_RECEIVED = "LATEST_RECEIVED"


class ApiKeyOrderField(StrEnum):
    CREATED = "CREATED"
    NAME = "NAME"
    LAST_USED_AT = "LAST_USED_AT"


class SuppressionOrderField(StrEnum):
    CREATED = "CREATED"
    ADDRESS = "ADDRESS"


class NamedOrderField(StrEnum):
    """By what templates, recipient lists and provider accounts can be ordered."""

    NAME = "NAME"
    CREATED = "CREATED"
    UPDATED = "UPDATED"


class TopicOrderField(StrEnum):
    NAME = "NAME"
    KEY = "KEY"
    CREATED = "CREATED"
    UPDATED = "UPDATED"


class PreferenceOrderField(StrEnum):
    DATE = "DATE"
    ADDRESS = "ADDRESS"


class ListMemberOrderField(StrEnum):
    ADDED = "ADDED"
    EMAIL = "EMAIL"
