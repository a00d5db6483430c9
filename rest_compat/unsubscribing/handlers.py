"""What recipients and their mail programs ask. A link is all they need, and GET changes nothing."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from app.documents.vocabulary import PreferenceSource
from app.errors import InvalidInputError, NotFoundError
from app.mail.list_fields import ONE_CLICK
from graphql_schema.resolvers import unsubscribing as resolvers
from rest_compat.bodies import Form, read_form
from rest_compat.requests import public_context_of
from rest_compat.unsubscribing import pages
from rest_compat.unsubscribing.texts import language_of

# The longest that is sent: a page with a thousand topics.
_LIMIT = 256 * 1024
_ONE_CLICK_LIMIT = 16 * 1024

Handler = Callable[[Request], Awaitable[Response]]


def _page(handler: Handler) -> Handler:
    """Show those who come by a link of nobody a page: they are people."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except NotFoundError:
            return pages.unknown(_language(request))

    return answered


@_page
async def unsubscribe(request: Request) -> Response:
    """Serve the page that unsubscribes; only POST does it."""
    return await (_leave(request) if request.method == "POST" else _ask(request))


@_page
async def preferences(request: Request) -> Response:
    """Serve the page on which the holder of a link chooses; only POST changes anything."""
    return await (_choose(request) if request.method == "POST" else _show(request))


async def _ask(request: Request) -> Response:
    """Ask whether to leave. Scanners of mail fetch this too: nothing changes."""
    token = request.path_params["token"]
    shown = await resolvers.look(public_context_of(request), token)
    return pages.asking(shown, _language(request), token)


async def _leave(request: Request) -> Response:
    """Unsubscribe, by one click in a mail program (RFC 8058) or by the button of the page."""
    form = await read_form(request, limit=_ONE_CLICK_LIMIT)
    name, value = ONE_CLICK
    if form.get(name) != [value]:
        raise InvalidInputError(f"The form must hold {name}={value} (RFC 8058).")
    by_page = form.get(pages.VIA) == [pages.PAGE]
    via = PreferenceSource.PAGE if by_page else PreferenceSource.ONE_CLICK
    token = request.path_params["token"]
    shown = await resolvers.leave(public_context_of(request), token, via=via)
    return pages.left(shown, _language(request), token)


async def _show(request: Request) -> Response:
    """Show what the holder of a link gets."""
    shown = await resolvers.look(public_context_of(request), request.path_params["token"])
    return pages.choosing(shown, _language(request))


async def _choose(request: Request) -> Response:
    """Take the choice that was made on the page."""
    form = await read_form(request, limit=_LIMIT)
    context, token = public_context_of(request), request.path_params["token"]
    match form.get(pages.ACTION):
        case [pages.SAVE]:
            shown = await resolvers.choose(
                context, token, wanted=_keys(form, pages.TOPIC), among=_keys(form, pages.AMONG)
            )
        case [pages.NONE | pages.AGAIN as action]:
            shown = await resolvers.choose_all(context, token, wanted=action == pages.AGAIN)
        case _:
            actions = f"{pages.SAVE}, {pages.NONE} or {pages.AGAIN}"
            raise InvalidInputError(f"The form must hold one {pages.ACTION}: {actions}.")
    return pages.choosing(shown, _language(request), saved=True)


def _keys(form: Form, name: str) -> frozenset[str]:
    return frozenset(form.get(name, ()))


def _language(request: Request) -> str:
    return language_of(request.headers.get("accept-language"))
