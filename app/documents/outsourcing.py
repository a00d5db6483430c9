"""Documents whose bodies stand elsewhere when they are too large to stand in them."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Self

from beanie import PydanticObjectId
from gridfs.errors import NoFile

from app.documents import content
from app.documents.base import TenantDocument


class OutsourcingDocument(TenantDocument):
    """`content_id` is where the bodies stand (`app.documents.content`), None for short ones."""

    content_id: PydanticObjectId | None = None

    @property
    @abstractmethod
    def filled(self) -> bool:
        """Whether it has its bodies, or at least one that is not empty."""

    @abstractmethod
    def fill(self, octets: bytes) -> None:
        """Take the bodies as they stand elsewhere."""

    async def load_content(self) -> None:
        """Fill in bodies that were too large to stand in the document."""
        if self.content_id is not None and not self.filled:
            self.fill(await content.get(type(self), self.content_id))

    @classmethod
    async def shown(cls, tenant: str, id_: str) -> Self | None:
        """The tenant's document in full, None when the tenant has none with this id."""
        found = await cls.of_tenant(tenant, id_)
        if found is not None:
            await found.load_content()
        return found

    @classmethod
    async def load_contents(cls, documents: Mapping[str, Self]) -> dict[str, Self | Exception]:
        """As `load_content`, for all in one call; a NoFile in place of one whose body is lost."""
        lacking = {
            key: one.content_id
            for key, one in documents.items()
            if one.content_id is not None and not one.filled
        }
        contents = await content.get_many(cls, lacking.values())
        whole: dict[str, Self | Exception] = dict(documents)
        for key, file_id in lacking.items():
            if file_id in contents:
                documents[key].fill(contents[file_id])
            else:
                whole[key] = NoFile(f"no content with id {file_id}")
        return whole
