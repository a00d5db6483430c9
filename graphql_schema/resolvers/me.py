from app.context import Caller, Context
from app.documents.api_keys import ApiKey
from app.services import api_keys


async def me(context: Context) -> tuple[Caller, ApiKey | None]:
    """Tell who calls, and by which key if by one; that needs no scope."""
    caller = context.require_caller()
    key = None if caller.key_id is None else await api_keys.key_of(caller, caller.key_id)
    return caller, key
