from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pydantic import Field
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.documents.base import StoredModel, TenantDocument, object_id_of
from app.documents.names import NAMES
from app.documents.searching import SEARCH_TIME
from app.documents.vocabulary import AccountStatus, ProviderType
from app.errors import ConflictError, FieldError
from app.settings import SmtpSecurity

_DEFAULT = "oneDefault"
_NAME = "oneName"
# What a breaker knows of an account; taken away whenever the account may work again.
BREAKER = ("failures", "trips", "downUntil", "lastError")


class SmtpOptions(StoredModel):
    host: str
    port: int
    security: SmtpSecurity
    username: str | None = None
    connections: int


class GraphOptions(StoredModel):
    """A mailbox of Microsoft 365, and the application that may use it.

    Where `receives_mail`, what it received since `receives_since` is taken in.
    """

    directory_id: str
    client_id: str
    mailbox: str
    receives_mail: bool = False
    receives_since: datetime | None = None

    @property
    def application(self) -> tuple[str, str]:
        return self.directory_id, self.client_id

    @property
    def place(self) -> str:
        """The mailbox, and by what it is read."""
        return "/".join((*self.application, self.mailbox))


class ProviderAccount(TenantDocument):
    """A tenant's own relay, Resend key or mailbox.

    `sender_emails` are addresses and `@domain`s, lower-case, whose mail goes by this account; each
    stands in one account of the tenant only. `secrets` holds each secret by its name, sealed for
    this account (`app.services.account_secrets`). While mail cannot go by it, `fallback_id` is the
    account that stands in (`app.documents.breakers`). `revision` counts the changes that its users
    made.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    name: str
    provider_type: ProviderType
    sender_emails: list[str] = Field(default_factory=list)
    is_default: bool = False
    fallback_id: PydanticObjectId | None = None
    smtp: SmtpOptions | None = None
    graph: GraphOptions | None = None
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    failures: int = 0
    trips: int = 0
    down_until: datetime | None = None
    last_error: str | None = None
    revision: int = 1
    created_by: str
    updated: datetime
    updated_by: str

    class Settings:
        name = "providerAccounts"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [("tenantId", ASCENDING), ("name", ASCENDING)],
                name=_NAME,
                unique=True,
                collation=NAMES,
            ),
            IndexModel(
                [("tenantId", ASCENDING)],
                name=_DEFAULT,
                unique=True,
                partialFilterExpression={"isDefault": True},
            ),
            IndexModel([("tenantId", ASCENDING), ("_id", ASCENDING)]),
            IndexModel(
                [("graph.receivesMail", ASCENDING)],
                partialFilterExpression={"graph.receivesMail": True},
            ),
            # An address that stood in two accounts would leave open by which its mail goes.
            IndexModel(
                [("tenantId", ASCENDING), ("senderEmails", ASCENDING)],
                name="oneSender",
                unique=True,
                partialFilterExpression={"senderEmails": {"$type": "string"}},
            ),
        ]

    @property
    def status(self) -> AccountStatus:
        return AccountStatus.UP if self.down_until is None else AccountStatus.DOWN

    async def store(self) -> None:
        """Insert it, as the default where the tenant has none.

        Raises ConflictError for a name or a sender that another account has.
        """
        self.is_default = True
        try:
            try:
                await self.insert()
            except DuplicateKeyError as error:
                if _violated(error) != _DEFAULT:
                    raise
                self.is_default = False
                await self.insert()
        except DuplicateKeyError as error:
            raise _taken(error) from error

    @classmethod
    async def by_id(cls, id_: PydanticObjectId | str) -> Self | None:
        """The account of whichever tenant, for who holds its id from a record or a webhook."""
        object_id = object_id_of(str(id_))
        row = await cls.get_motor_collection().find_one({"_id": object_id})
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def choices(cls, tenant: str) -> list[Self]:
        """The tenant's accounts without their secrets, oldest first, to choose among."""
        cursor = cls.get_motor_collection().find(cls.owned(tenant, {}), {"secrets": 0})
        rows = await cursor.sort("_id", ASCENDING).to_list(None)
        return [cls.model_validate(row) for row in rows]

    @classmethod
    async def listed(cls, tenant: str) -> list[Self]:
        """The tenant's accounts by name."""
        cursor = (
            cls.get_motor_collection()
            .find(cls.owned(tenant, {}), **SEARCH_TIME.of_find())
            .sort("name", ASCENDING)
            .collation(NAMES)
        )
        return [cls.model_validate(row) async for row in cursor]

    @classmethod
    async def with_secrets(cls) -> AsyncIterator[Self]:
        """Every account of every tenant that has secrets."""
        cursor = cls.get_motor_collection().find({"secrets": {"$nin": [None, {}]}})
        async for row in cursor:
            yield cls.model_validate(row)

    @classmethod
    async def receiving(cls) -> list[PydanticObjectId]:
        """Ids of the accounts, of all tenants, whose mail is to be taken in."""
        cursor = cls.get_motor_collection().find({"graph.receivesMail": True}, {"_id": 1})
        return [row["_id"] async for row in cursor]

    # Moves.

    async def replace_secrets(self, secrets: dict[str, str]) -> bool:
        """Keep these in place of its own; False when they changed meanwhile."""
        changed = await self.move(
            self.id, leaving={"secrets": self.secrets}, update={"$set": {"secrets": secrets}}
        )
        return changed is not None

    @classmethod
    async def change(
        cls,
        tenant: str,
        id_: PydanticObjectId,
        changes: dict[str, Any],
        *,
        revision: int,
        now: datetime,
        author: str,
    ) -> Self | None:
        """Set the stored fields in `changes` (`smtp.host`), null ones to nothing.

        It counts as working again. None when it is gone, or `revision` is not its own. Raises
        ConflictError for a name or a sender that another account has.
        """
        kept = {name: value for name, value in changes.items() if value is not None}
        update = {
            "$set": {**kept, "updated": now, "updatedBy": author},
            "$unset": dict.fromkeys([*BREAKER, *(changes.keys() - kept.keys())], ""),
            "$inc": {"revision": 1},
        }
        try:
            return await cls.move(
                id_, leaving=cls.owned(tenant, {"revision": revision}), update=update
            )
        except DuplicateKeyError as error:
            raise _taken(error) from error

    @classmethod
    async def make_default(
        cls, tenant: str, id_: PydanticObjectId, *, now: datetime, author: str
    ) -> Self | None:
        """Make it the tenant's only default, in one transaction; None when it is gone."""
        collection = cls.get_motor_collection()
        change = {"updated": now, "updatedBy": author}

        async def exchange(session: AsyncIOMotorClientSession) -> dict[str, Any] | None:
            # Looked for first: without it the old one stays.
            if await collection.find_one(cls.owned(tenant, {"_id": id_}), session=session) is None:
                return None
            await collection.update_many(
                cls.owned(tenant, {"isDefault": True, "_id": {"$ne": id_}}),
                {"$set": {"isDefault": False, **change}},
                session=session,
            )
            row: dict[str, Any] | None = await collection.find_one_and_update(
                cls.owned(tenant, {"_id": id_}),
                {"$set": {"isDefault": True, **change}},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            return row

        async with await collection.database.client.start_session() as session:
            row = await session.with_transaction(exchange)
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def delete_once(cls, tenant: str, id_: PydanticObjectId) -> bool:
        """Remove it with its secrets; False when it is gone already."""
        removed = await cls.get_motor_collection().delete_one(cls.owned(tenant, {"_id": id_}))
        return removed.deleted_count == 1


def _violated(error: DuplicateKeyError) -> str:
    """Name the index that refused a second entry."""
    keys = (error.details or {}).get("keyPattern", {})
    if "senderEmails" in keys:
        return "oneSender"
    return _NAME if "name" in keys else _DEFAULT


def _taken(error: DuplicateKeyError) -> ConflictError:
    fault = FieldError("name", "is the name of another provider account")
    if _violated(error) != _NAME:
        sender = (error.details or {}).get("keyValue", {}).get("senderEmails")
        fault = FieldError("senderEmails", f"{sender} is a sender of another provider account")
    return ConflictError(f"{fault.path}: {fault.message}", fields=[fault])
