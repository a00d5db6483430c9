"""What callers may know of the lists that records of a kind have."""

from collections.abc import Collection, Mapping, Sequence

from app.context import Context, Scope
from app.documents import families as documents
from app.mail.engagement.hits import EngagementKind, EngagementVerdict
from app.services import families
from app.services.connections import PartCommand
from app.services.families import Family, Slice

DELIVERIES = Family(Scope.COMMUNICATIONS_READ, documents.deliveries_of)
ANSWERS = Family(Scope.COMMUNICATIONS_READ, documents.answers_to)
MADE_FROM = Family(Scope.COMMUNICATIONS_READ, documents.made_from)
VERSIONS = Family(Scope.TEMPLATES_READ, documents.versions_of)
USED_BY = Family(Scope.TEMPLATES_READ, documents.users_of)
SENT_TO = Family(Scope.COMMUNICATIONS_READ, documents.sent_to)
MEMBERS = Family(Scope.RECIPIENTS_READ, documents.members_of)


def hits(kind: EngagementKind | None, verdicts: Sequence[EngagementVerdict] | None) -> Family:
    """Give the opens and clicks of mails that are of this kind and have one of these verdicts."""
    named = None if verdicts is None else tuple(sorted(set(verdicts)))
    return Family(Scope.COMMUNICATIONS_READ, documents.HitsOf(kind, named))


async def slices_of(
    context: Context,
    keys: Collection[str],
    family: Family,
    command: PartCommand,
    *,
    without: frozenset[str] = frozenset(),
) -> Mapping[str, Slice]:
    """Give a part of each list. Raises what `families.slices_of` raises."""
    caller = context.require(family.scope)
    return await families.slices_of(caller, family, keys, command, without=without)


async def reached(
    context: Context, keys: Collection[str], family: Family, command: PartCommand, *, ahead: bool
) -> Mapping[str, bool]:
    """Tell whether records stand ahead of a part of each list, or behind it."""
    caller = context.require(family.scope)
    return await families.reached(caller, family, keys, command, ahead=ahead)


async def counts_of(context: Context, keys: Collection[str], family: Family) -> Mapping[str, int]:
    """Count the records of each list."""
    return await families.counts_of(context.require(family.scope), family, keys)
