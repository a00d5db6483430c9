"""What callers may know of their records whatever kind they are."""

from collections.abc import Collection, Mapping, Sequence

from app.context import Context
from app.documents import nodes
from app.documents.base import TenantDocument
from app.errors import FieldError, InvalidInputError

NODES_LIMIT = 100


async def kinds_of(
    context: Context,
    ids: Collection[str],
    told: Mapping[str, str],
    kinds: Sequence[type[TenantDocument]],
) -> Mapping[str, str]:
    """Tell of which kinds the caller's records with these ids are; unknown ids are left out.

    Those in `told` are not looked for. Whoever reads a record needs the scope of its kind. Raises
    UnauthenticatedError, and InvalidInputError for more than 100 ids.
    """
    caller = context.require_caller()
    if len(ids) > NODES_LIMIT:
        reason = f"must have at most {NODES_LIMIT} entries"
        raise InvalidInputError.of(FieldError("ids", reason))
    untold = [id_ for id_ in ids if id_ not in told]
    found = await nodes.kinds_of(caller.tenant, untold, kinds) if untold else {}
    return {**found, **told}
