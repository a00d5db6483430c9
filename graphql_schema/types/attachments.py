"""Files of a mail as GraphQL shows and takes them."""

from typing import Self

import strawberry
from strawberry import UNSET
from strawberry.file_uploads import Upload

from app.documents import attachments as documents
from app.documents.attached import Place
from graphql_schema.context import Info
from graphql_schema.resolvers import attachments as resolvers


def _url(root: "Attachment", info: Info) -> str | None:
    return None if root.missing else resolvers.attachment_link(info.context, root.place)


@strawberry.type(description="A file that goes with a mail, or came with one.")
class Attachment:
    filename: str = strawberry.field(
        description=(
            "Its name: what it goes out under, or what its author gave it; see AttachmentInput for "
            "what is changed in both."
        )
    )
    content_type: str = strawberry.field(description="Its media type, e.g. `application/pdf`.")
    size: int = strawberry.field(description="How many octets it has.")
    content_id: str | None = strawberry.field(
        description="The id by which the HTML shows it (`cid:ID`); null when it does not."
    )
    is_inline: bool = strawberry.field(
        description="Whether the HTML shows it, so that it need not be shown as a file of its own."
    )
    missing: str | None = strawberry.field(
        description="Why its content is not here; null when it is."
    )

    place: strawberry.Private[Place]
    url: str | None = strawberry.field(
        resolver=_url,
        description=(
            "Where its content can be fetched for the next half hour at least, without a token: "
            "whoever has the address has the file. Images that the HTML shows can be shown by it, "
            "all else is saved as a file. Null where the content is `missing`, and where the "
            "service has no LETTERBOX_SECRET_KEYS, by which addresses are signed."
        ),
    )

    @classmethod
    def of(
        cls, attachment: documents.Attachment | documents.ReceivedAttachment, place: Place
    ) -> Self:
        return cls(
            place=place,
            filename=attachment.filename,
            content_type=attachment.media_type,
            size=attachment.size,
            content_id=attachment.content_id,
            is_inline=attachment.is_inline,
            missing=attachment.missing
            if isinstance(attachment, documents.ReceivedAttachment)
            else None,
        )


@strawberry.input(one_of=True, description="The octets of a file: one of both.")
class AttachmentSource:
    file: Upload | None = strawberry.field(
        default=UNSET, description="The file itself, in a multipart request."
    )
    content: str | None = strawberry.field(
        default=UNSET, description="Its octets in base64 (RFC 4648, section 4)."
    )


@strawberry.input(
    description=(
        "A file to go with a mail. Names are cleaned: folders and invisible signs go, and what "
        "would start a program when it is opened (.exe, .js, .iso) gets `.unsafe` behind it."
    )
)
class AttachmentInput:
    source: AttachmentSource = strawberry.field(description="What it holds.")
    filename: str | None = strawberry.field(
        default=None,
        description="Its name, at most 1,000 characters; that of the `file` without it.",
    )
    content_type: str | None = strawberry.field(
        default=None,
        description="Its media type; that of the `file`, or else guessed by the name, without it.",
    )
    content_id: str | None = strawberry.field(
        default=None, description="The id by which the HTML shows it (`cid:ID`), where it does."
    )
