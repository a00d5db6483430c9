"""The public resolvers of recipients: whoever holds a link of their mail may leave by it."""

from collections.abc import Collection

from app.context import Context
from app.documents.vocabulary import PreferenceSource
from app.services.unsubscribing import leaving
from app.services.unsubscribing.leaving import Shown


async def look(context: Context, token: str) -> Shown:
    """Tell what a link is about; nothing changes. Raises NotFoundError."""
    return await leaving.look(context.deps, token)


async def leave(context: Context, token: str, *, via: PreferenceSource) -> Shown:
    """Send the holder no more mail such as it came with. Raises NotFoundError."""
    return await leaving.leave(context.deps, token, via=via)


async def choose(
    context: Context, token: str, *, wanted: Collection[str], among: Collection[str]
) -> Shown:
    """Take the holder's word on topics by their keys. Raises NotFoundError."""
    return await leaving.choose(context.deps, token, wanted=wanted, among=among)


async def choose_all(context: Context, token: str, *, wanted: bool) -> Shown:
    """Take the holder's word on all mail. Raises NotFoundError."""
    return await leaving.choose_all(context.deps, token, wanted=wanted)
