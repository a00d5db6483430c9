"""HTML of mails as a page may show it: the same fields for what was sent and what was received."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Annotated

import strawberry

from app.context import Context
from app.mail.safe_html.showing import SafeHtml
from graphql_schema.context import Info
from graphql_schema.limits import Cost

# The names of what is shown here.
SAFE_FIELDS = ("safeHtml", "remoteImageCount", "trackerCount")
_COST = Cost(weight=5)

Clean = Callable[[Context], Awaitable[SafeHtml | None]]


@strawberry.enum(description="What becomes of images that stand on somebody's server.")
class RemoteImages(Enum):
    BLOCK = strawberry.enum_value(
        "BLOCK",
        description="Nothing is loaded: the address is in `data-remote-src` instead of `src`.",
    )
    ALLOW = strawberry.enum_value(
        "ALLOW", description="They are loaded, so that their servers see who reads, and when."
    )


async def _safe_html(
    root: "SafelyShown",
    info: Info,
    remote_images: Annotated[
        RemoteImages,
        strawberry.argument(description="Whether images of other servers are loaded."),
    ] = RemoteImages.BLOCK,
) -> str | None:
    safe = await root.cleaned(info)
    if safe is None or remote_images is RemoteImages.BLOCK:
        return None if safe is None else safe.html
    return safe.with_remote_images()


async def _remote_image_count(root: "SafelyShown", info: Info) -> int | None:
    safe = await root.cleaned(info)
    return None if safe is None else safe.remote_images


async def _tracker_count(root: "SafelyShown", info: Info) -> int | None:
    safe = await root.cleaned(info)
    return None if safe is None else safe.trackers


@strawberry.type
class SafelyShown:
    """What a mail's type shows of its HTML; `clean` is called once, however much is asked for."""

    clean: strawberry.Private[Clean]
    cleaning: strawberry.Private[asyncio.Future[SafeHtml | None] | None] = None

    safe_html: str | None = strawberry.field(
        resolver=_safe_html,
        directives=[_COST],
        description=(
            "Its HTML, safe to show: no scripts, forms, style sheets or tracking pixels, links "
            "that open apart, the mail's own pictures by their `url`. Where it is made to be "
            "endless work, its text in `<pre>`. Null without HTML."
        ),
    )
    remote_image_count: int | None = strawberry.field(
        resolver=_remote_image_count,
        directives=[_COST],
        description="How many images `safeHtml` has of other servers; null without HTML.",
    )
    tracker_count: int | None = strawberry.field(
        resolver=_tracker_count,
        directives=[_COST],
        description="How many tracking pixels `safeHtml` leaves out; null without HTML.",
    )

    async def cleaned(self, info: Info) -> SafeHtml | None:
        if self.cleaning is None:
            self.cleaning = asyncio.ensure_future(self.clean(info.context))
        return await self.cleaning
