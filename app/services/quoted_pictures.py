"""Pictures that stand in the HTML of an answered mail: they go with the answer that quotes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.context import Deps
from app.documents.attachments import GRACE, Attachment, AttachmentContent, ReceivedAttachment
from app.services.downloads import PICTURES

# Logos and screenshots, and not a gallery once more in each answer.
MOST = 20
MOST_OCTETS = 5 * 1024 * 1024


@dataclass(frozen=True)
class QuotedPictures:
    """As attachments of the answer, by the Content-IDs that the original has for them."""

    by_original_id: Mapping[str, Attachment]

    @property
    def sources(self) -> dict[str, str]:
        """Addresses for the answer's HTML, by the Content-IDs of the original."""
        return {id_: f"cid:{one.content_id}" for id_, one in self.by_original_id.items()}

    @property
    def own_sources(self) -> dict[str, str]:
        """The same addresses, by the Content-IDs of the answer."""
        return {source.removeprefix("cid:"): source for source in self.sources.values()}

    def shown_in(self, html: str) -> list[Attachment]:
        """Give those that safe HTML has still."""
        return [
            one
            for one in self.by_original_id.values()
            if f'<img src="cid:{one.content_id}"' in html
        ]


async def quotable(
    deps: Deps,
    tenant: str,
    files: Sequence[Attachment | ReceivedAttachment],
    *,
    count: int,
    octets: int,
) -> QuotedPictures:
    """Choose the first pictures that fit an answer with room for so many, of so many octets.

    Their contents stay for as long as it takes to write the answer down.
    """
    count, octets = min(count, MOST), min(octets, MOST_OCTETS)
    chosen: dict[str, Attachment] = {}
    for file in files:
        if not file.is_inline or file.content_id is None or file.digest is None:
            continue
        if file.content_id in chosen or file.media_type not in PICTURES or file.size > octets:
            continue
        if len(chosen) == count:
            break
        if await AttachmentContent.hold(tenant, [file.digest], deps.now() + GRACE):
            octets -= file.size
            chosen[file.content_id] = _of_the_answer(file.digest, file, len(chosen) + 1)
    return QuotedPictures(chosen)


def _of_the_answer(digest: str, file: Attachment | ReceivedAttachment, number: int) -> Attachment:
    kind = file.media_type.partition("/")[2]
    return Attachment(
        # Whatever its author called it.
        filename=f"image{number}.{kind}",
        media_type=file.media_type,
        size=file.size,
        digest=digest,
        content_id=f"quoted{number}.{digest[:20]}",
    )
