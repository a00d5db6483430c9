"""How a tenant's communications are listed, part by part."""

from collections.abc import Sequence

from app.documents.communications import Communication
from app.documents.criteria import Expression, selecting
from app.documents.fields import Kind
from app.documents.keyset import Key, Listing
from app.documents.vocabulary import CommunicationOrderField as By

# By its time of creation, and then by its id, everything can be told from everything else.
_CREATED = Key("created", Kind.INSTANT)
_ID = Key("_id", Kind.ID)
_KEYS = {
    By.CREATED: _CREATED,
    By.UPDATED: Key("updated", Kind.INSTANT, nullable=True),
    By.SCHEDULED_AT: Key("scheduledAt", Kind.INSTANT, nullable=True),
    By.SENT_AT: Key("sentAt", Kind.INSTANT, nullable=True),
    By.OPENED_AT: Key("openedAt", Kind.INSTANT, nullable=True),
    By.OPEN_COUNT: Key("openCount", Kind.NUMBER, nullable=True),
    By.STATUS: Key("status", Kind.CHOICE, nullable=True),
    By.TYPE: Key("type", Kind.CHOICE, nullable=True),
    By.SUBJECT: Key("subject", Kind.TEXT, nullable=True),
    By.SENDER_EMAIL: Key("senderEmail", Kind.TEXT, nullable=True),
}
# What is never shown, and long.
_UNSEEN = frozenset({"searchText"})
# Heavy, and what may be left in MongoDB when nobody asks for it.
HEAVY = frozenset({"body", "originalBody", "variables", "attachments", "clickedLinks", "events"})


def listed(
    expression: Expression, order: Sequence[tuple[By, bool]], *, without: frozenset[str]
) -> Listing:
    """The records that match, newest first without an `order`, which says what ascends.

    Of the `HEAVY` fields those in `without` are not read.
    """
    by = dict(order) or {By.CREATED: False}
    keys = {_KEYS[field].path: _KEYS[field].directed(ascending) for field, ascending in by.items()}
    # As the last one goes, so that an index serves either way.
    ascending = list(by.values())[-1]
    for key in (_CREATED, _ID):
        keys.setdefault(key.path, key.directed(ascending))
    hidden = _UNSEEN | without
    if {"body", "originalBody"} <= without:
        # By it bodies that stand elsewhere would be fetched.
        hidden |= {"contentId"}
    return Listing(Communication, list(keys.values()), selecting(expression), hidden=hidden)
