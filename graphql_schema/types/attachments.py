"""Files of a mail as GraphQL shows and takes them."""

from typing import Self

import strawberry
from strawberry import UNSET
from strawberry.file_uploads import Upload

from app.documents import attachments as documents


@strawberry.type(description="A file that goes with a mail.")
class Attachment:
    filename: str = strawberry.field(
        description="The name under which it goes out; see AttachmentInput for what is changed."
    )
    content_type: str = strawberry.field(description="Its media type, e.g. `application/pdf`.")
    size: int = strawberry.field(description="How many octets it has.")
    content_id: str | None = strawberry.field(
        description="The id by which the HTML shows it (`cid:ID`); null when it does not."
    )

    @classmethod
    def of(cls, attachment: documents.Attachment) -> Self:
        return cls(
            filename=attachment.filename,
            content_type=attachment.media_type,
            size=attachment.size,
            content_id=attachment.content_id,
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
