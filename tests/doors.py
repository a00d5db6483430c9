"""The two doors of the service, seen alike: one behaviour suite runs over both."""

from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from app.errors import ErrorCode

RECORD_FIELDS = (
    "bcc", "body", "cc", "conversationId", "created", "createdBy", "errorMessage", "id",
    "internetMessageId", "linkTrackingEnabled", "messageId", "openCount", "opened", "openedAt",
    "originalBody", "providerType", "recipientListId", "recipients", "relatedEntityId",
    "relatedEntityType", "replyTo", "scheduledAt", "senderEmail", "senderName", "sentAt",
    "status", "subject", "templateId", "templateName", "tenantId", "trackingEnabled", "type",
    "updated", "updatedBy", "variables",
)  # fmt: skip
RECORD_SELECTION = (
    " ".join(RECORD_FIELDS)
    + " clickedLinks { clickCount clickedAt originalUrl url }"
    + " events { authorId date description id type }"
)
STATUS_CODES = {
    400: ErrorCode.BAD_USER_INPUT,
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    409: ErrorCode.CONFLICT,
    413: ErrorCode.PAYLOAD_TOO_LARGE,
    503: ErrorCode.UNAVAILABLE,
}


@dataclass(frozen=True)
class Answer:
    """`code` is None and `record` the documented 37 fields when it worked."""

    code: ErrorCode | None
    detail: str
    record: dict[str, Any]


class Door(Protocol):
    async def send(self, mail: object, *, key: str | None = None) -> Answer: ...

    async def find(self, id_: str) -> Answer: ...


@dataclass(frozen=True)
class RestDoor:
    client: httpx2.AsyncClient

    async def send(self, mail: object, *, key: str | None = None) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._answer(
            await self.client.post("/api/v1/communications/send", json=mail, headers=headers)
        )

    async def find(self, id_: str) -> Answer:
        return self._answer(await self.client.get(f"/api/v1/communications/find/{id_}"))

    def _answer(self, response: httpx2.Response) -> Answer:
        body = response.json()
        if response.status_code == 200:
            return Answer(None, "", body)
        assert body.keys() == {"title", "detail", "time"}
        return Answer(STATUS_CODES[response.status_code], body["detail"], {})


@dataclass(frozen=True)
class GraphqlDoor:
    client: httpx2.AsyncClient

    async def send(self, mail: object, *, key: str | None = None) -> Answer:
        document = (
            "mutation Send($input: SendCommunicationInput!, $key: String) {"
            "  answer: sendCommunication(input: $input, idempotencyKey: $key) {"
            f"   {RECORD_SELECTION} }} }}"
        )
        return await self._answer(document, {"input": mail, "key": key})

    async def find(self, id_: str) -> Answer:
        document = (
            f"query Find($id: ID!) {{ answer: communication(id: $id) {{ {RECORD_SELECTION} }} }}"
        )
        return await self._answer(document, {"id": id_})

    async def _answer(self, document: str, variables: dict[str, Any]) -> Answer:
        response = await self.client.post(
            "/graphql", json={"query": document, "variables": variables}
        )
        body = response.json()
        if "errors" not in body:
            return Answer(None, "", body["data"]["answer"])
        error = body["errors"][0]
        return Answer(ErrorCode(error["extensions"]["code"]), error["message"], {})
