from app.context import Context, Scope
from app.documents.communications import Communication
from app.services import replies
from app.services.replies import Reply, ReplyTarget


async def reply(
    context: Context,
    target: ReplyTarget,
    command: Reply,
    *,
    idempotency_key: str | None = None,
) -> Communication:
    """Accept an answer; `idempotency_key` stands in for the request's own.

    Raises what `replies.reply` raises.
    """
    caller = context.require(Scope.COMMUNICATIONS_SEND)
    key = context.idempotency_key if idempotency_key is None else idempotency_key
    return await replies.reply(context.deps, caller, target, command, idempotency_key=key)
