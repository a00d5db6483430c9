"""Opens and clicks as GraphQL shows them: each fetch as it came, and what is thought of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from app.documents import communications
from app.documents.engagement import hits as documents
from app.mail.engagement.hits import EngagementKind, EngagementSource, EngagementVerdict
from graphql_schema.connections import After, Before, Last
from graphql_schema.context import Info
from graphql_schema.links import First, list_of, part_command, to_one
from graphql_schema.resolvers import engagements as resolvers
from graphql_schema.resolvers import families
from graphql_schema.types.enums import explained
from graphql_schema.types.nodes import Node, kind

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication

explained(
    EngagementKind,
    "What was fetched.",
    {"OPEN": "The picture that tells of opens.", "CLICK": "A tracked link."},
)
explained(
    EngagementSource,
    "Who saw it.",
    {"OWN": "The picture and links of this service.", "RESEND": "Resend, which told of it."},
)
explained(
    EngagementVerdict,
    "Who fetched it. HUMAN and PROXY count as people's.",
    {
        "HUMAN": "A person.",
        "PROXY": "The mailbox's own machine, when a person opened the mail.",
        "PREFETCH": "The mailbox's own machine, whether anybody opens the mail or not.",
        "SCANNER": "A machine that looks for threats, makes previews or the like.",
    },
)


@kind(documents.Engagement, find=resolvers.engagements_with_ids)
@strawberry.type(
    description=(
        "A fetch of a mail's picture or of one of its links: kept as it came, with a verdict of "
        "who made it."
    )
)
class Engagement(Node):
    id: strawberry.ID = strawberry.field(description="Id of the hit.")
    communication_id: strawberry.ID = strawberry.field(description="The mail it is of.")
    delivery_id: strawberry.ID = strawberry.field(description="The envelope it is of.")
    kind: EngagementKind = strawberry.field(description="What was fetched.")
    source: EngagementSource = strawberry.field(description="Who saw it.")
    verdict: EngagementVerdict = strawberry.field(description="Who fetched it.")
    rule: str = strawberry.field(
        description="The rule that gave the verdict, e.g. `gmail-proxy`; the README lists them."
    )
    rules_version: int = strawberry.field(description="The version of the rules that judged it.")
    counted: bool = strawberry.field(
        description=(
            "Whether it stands in the figures of people or machines; what a client fetches twice "
            "within a second counts once."
        )
    )
    recipient: str | None = strawberry.field(
        description="Whose mail it was; null for mail to several addresses."
    )
    link: int | None = strawberry.field(
        description="Of a click, the number of the link in the mail, from 0."
    )
    url: str | None = strawberry.field(description="Of a click, where the link leads.")
    method: str = strawberry.field(description="GET, or HEAD.")
    user_agent: str | None = strawberry.field(
        description="What the client calls itself, at most 500 characters."
    )
    address: str | None = strawberry.field(
        description="The client's network, or its address where that is kept."
    )
    since_delivery: float | None = strawberry.field(
        description=(
            "Seconds between it and the nearest moment at which the mail was handed over, or its "
            "delivery was reported."
        )
    )
    created: datetime = strawberry.field(description="When it was fetched.")
    communication: (
        Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")] | None
    ) = to_one(communications.Communication, "communication_id", "The mail it is of.")

    @classmethod
    def of(cls, hit: documents.Engagement) -> Self:
        return cls(
            id=strawberry.ID(str(hit.id)),
            communication_id=strawberry.ID(str(hit.communication_id)),
            delivery_id=strawberry.ID(str(hit.delivery_id)),
            kind=hit.kind,
            source=hit.source,
            verdict=hit.verdict,
            rule=hit.rule,
            rules_version=hit.rules,
            counted=not hit.repeat,
            recipient=hit.recipient,
            link=hit.link,
            url=hit.url,
            method=hit.method,
            user_agent=hit.user_agent,
            address=hit.address,
            since_delivery=hit.since_delivery,
            created=hit.created,
        )


async def engagements_of(  # noqa: PLR0917 - GraphQL gives arguments by name
    root: Any,
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    kind: Annotated[
        EngagementKind | None, strawberry.argument(description="Only opens, or only clicks.")
    ] = None,
    verdict: Annotated[
        list[EngagementVerdict] | None,
        strawberry.argument(description="Only those with one of these verdicts."),
    ] = None,
) -> Any:
    """Show the opens and clicks of a mail."""
    command = part_command(first=first, after=after, last=last, before=before)
    family = families.hits(kind, verdict)
    return await list_of(info, root.id, family, documents.Engagement, command)
