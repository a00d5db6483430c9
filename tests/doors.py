"""The two doors of the service, seen alike: one behaviour suite runs over both."""

import base64
import json
from collections.abc import Sequence
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
INBOUND_SELECTION = (
    "bodyHtml bodyText cc conversationId created createdBy fromEmail fromName graphMessageId id "
    "inReplyTo internetMessageId parentCommunicationId receivedAt recipients relatedEntityId "
    "relatedEntityType status subject tenantId updated updatedBy "
    "events { authorId date description id type }"
)
TIMELINE_SELECTION = (
    "bodyHtml bodyText cc conversationId date direction fromEmail fromName id opened recipients "
    "status subject"
)
RATES_SELECTION = "clickRate openRate totalClicked totalOpened totalSent"
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
    """`code` is None and `record` the documented answer when it worked."""

    code: ErrorCode | None
    detail: str
    record: Any


class Door(Protocol):
    async def send(self, mail: object, *, key: str | None = None) -> Answer: ...

    async def find(self, id_: str) -> Answer: ...

    async def attachments(self, id_: str) -> list[dict[str, Any]]: ...

    async def schedule(self, mail: object, *, key: str | None = None) -> Answer: ...

    async def scheduled(self) -> Answer: ...

    async def cancel(self, id_: str) -> Answer: ...

    async def resend(self, id_: str, *, key: str | None = None) -> Answer: ...

    async def comment(self, id_: str, text: object) -> Answer: ...

    async def delete(self, id_: str) -> Answer: ...

    async def delete_list(self, ids: list[str]) -> Answer: ...

    async def by_ids(self, ids: list[str]) -> Answer: ...

    async def all(self) -> Answer: ...

    async def search(self, **asked: Any) -> Answer: ...

    async def csv(self, **asked: Any) -> Answer: ...

    async def ingest(self, raw: bytes, recipients: Sequence[str] = ()) -> Answer: ...

    async def thread(self, id_: str) -> Answer: ...

    async def timeline(self, entity_type: str, entity_id: str) -> Answer: ...

    async def analytics(self, **asked: str) -> Answer: ...


@dataclass(frozen=True)
class RestDoor:
    client: httpx2.AsyncClient

    async def send(self, mail: object, *, key: str | None = None) -> Answer:
        return await self._call("POST", "/send", json=mail, headers=_key_header(key))

    async def find(self, id_: str) -> Answer:
        return await self._call("GET", f"/find/{id_}")

    async def attachments(self, id_: str) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = (await self.find(id_)).record.get("attachments", [])
        return shown

    async def schedule(self, mail: object, *, key: str | None = None) -> Answer:
        return await self._call("POST", "/schedule", json=mail, headers=_key_header(key))

    async def scheduled(self) -> Answer:
        return await self._call("GET", "/scheduled")

    async def cancel(self, id_: str) -> Answer:
        return await self._call("POST", f"/{id_}/cancel")

    async def resend(self, id_: str, *, key: str | None = None) -> Answer:
        return await self._call("POST", f"/{id_}/resend", headers=_key_header(key))

    async def comment(self, id_: str, text: object) -> Answer:
        return await self._call(
            "POST",
            f"/{id_}/comment",
            content=json.dumps(text),
            headers={"Content-Type": "application/json"},
        )

    async def delete(self, id_: str) -> Answer:
        return await self._call("DELETE", f"/{id_}")

    async def delete_list(self, ids: list[str]) -> Answer:
        return await self._call("DELETE", "/delete-list", params={"ids": ",".join(ids)})

    async def by_ids(self, ids: list[str]) -> Answer:
        return await self._call("GET", "/find", params={"ids": ids})

    async def all(self) -> Answer:
        return await self._call("GET", "/find-all")

    async def search(self, **asked: Any) -> Answer:
        answer = await self._call("POST", "/dynamic-search", json=asked)
        for name in ("pageable", "sort"):
            answer.record.pop(name, None)
        return answer

    async def csv(self, **asked: Any) -> Answer:
        accept = {"Accept": "application/json"}
        return await self._call("GET", "/csv-export", params=asked, headers=accept)

    async def ingest(self, raw: bytes, recipients: Sequence[str] = ()) -> Answer:
        headers, asked = {"Content-Type": "message/rfc822"}, {"recipient": list(recipients)}
        return self._answer(
            await self.client.post(
                "/api/v1/inbound/mime", content=raw, headers=headers, params=asked
            )
        )

    async def thread(self, id_: str) -> Answer:
        return await self._call("GET", f"/{id_}/thread")

    async def timeline(self, entity_type: str, entity_id: str) -> Answer:
        asked = {"entityType": entity_type, "entityId": entity_id}
        return await self._call("GET", "/by-entity", params=asked)

    async def analytics(self, **asked: str) -> Answer:
        return await self._call("GET", "/analytics", params=asked)

    async def _call(self, method: str, path: str, **options: Any) -> Answer:
        return self._answer(
            await self.client.request(method, f"/api/v1/communications{path}", **options)
        )

    def _answer(self, response: httpx2.Response) -> Answer:
        if response.status_code == 204:
            return Answer(None, "", {})
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
        return await self._answer(document, {"input": _sourced(mail), "key": key})

    async def find(self, id_: str) -> Answer:
        document = (
            f"query Find($id: ID!) {{ answer: communication(id: $id) {{ {RECORD_SELECTION} }} }}"
        )
        return await self._answer(document, {"id": id_})

    async def attachments(self, id_: str) -> list[dict[str, Any]]:
        document = (
            "query($id: ID!) { answer: communication(id: $id) "
            "{ attachments { contentId contentType filename size } } }"
        )
        shown: list[dict[str, Any]] = (await self._answer(document, {"id": id_})).record[
            "attachments"
        ]
        return shown

    async def schedule(self, mail: object, *, key: str | None = None) -> Answer:
        document = (
            "mutation Schedule($input: ScheduleCommunicationInput!, $key: String) {"
            "  answer: scheduleCommunication(input: $input, idempotencyKey: $key) {"
            f"   {RECORD_SELECTION} }} }}"
        )
        return await self._answer(document, {"input": _sourced(mail), "key": key})

    async def scheduled(self) -> Answer:
        return await self._answer(
            f"{{ answer: scheduledCommunications {{ {RECORD_SELECTION} }} }}", {}
        )

    async def cancel(self, id_: str) -> Answer:
        return await self._change("cancelCommunication", id_)

    async def resend(self, id_: str, *, key: str | None = None) -> Answer:
        document = (
            "mutation($id: ID!, $key: String) { answer: resendCommunication(id: $id, "
            f"idempotencyKey: $key) {{ {RECORD_SELECTION} }} }}"
        )
        return await self._answer(document, {"id": id_, "key": key})

    async def comment(self, id_: str, text: object) -> Answer:
        document = (
            "mutation($id: ID!, $text: String!) { answer: commentCommunication(id: $id, "
            f"text: $text) {{ {RECORD_SELECTION} }} }}"
        )
        return await self._answer(document, {"id": id_, "text": text})

    async def delete(self, id_: str) -> Answer:
        document = "mutation($id: ID!) { answer: deleteCommunication(id: $id) }"
        answer = await self._answer(document, {"id": id_})
        return Answer(answer.code, answer.detail, {})

    async def delete_list(self, ids: list[str]) -> Answer:
        document = "mutation($ids: [ID!]!) { answer: deleteCommunications(ids: $ids) }"
        answer = await self._answer(document, {"ids": ids})
        return Answer(answer.code, answer.detail, {})

    async def by_ids(self, ids: list[str]) -> Answer:
        document = (
            f"query($ids: [ID!]!) {{ answer: communicationsByIds(ids: $ids) {{ {RECORD_SELECTION} "
            "} }"
        )
        return await self._answer(document, {"ids": ids})

    async def all(self) -> Answer:
        return await self._answer(f"{{ answer: allCommunications {{ {RECORD_SELECTION} }} }}", {})

    async def search(self, **asked: Any) -> Answer:
        document = (
            "query($page: Int, $size: Int, $filters: JSON, $search: [String!], "
            "$sort: [SortInput!]) { answer: communicationsPage(page: $page, size: $size, "
            f"filters: $filters, search: $search, sort: $sort) {{ content {{ {RECORD_SELECTION} }} "
            "number size totalElements totalPages first last numberOfElements empty } }"
        )
        return await self._answer(document, asked)

    async def csv(self, **asked: Any) -> Answer:
        document = (
            "query($page: Int, $size: Int) { answer: communicationsCsv(page: $page, size: $size) }"
        )
        return await self._answer(document, asked)

    async def ingest(self, raw: bytes, recipients: Sequence[str] = ()) -> Answer:
        document = (
            "mutation($raw: String!, $recipients: [String!]) { "
            f"answer: ingestMime(raw: $raw, recipients: $recipients) {{ {INBOUND_SELECTION} }} }}"
        )
        asked = {"raw": base64.b64encode(raw).decode(), "recipients": list(recipients)}
        return await self._answer(document, asked)

    async def thread(self, id_: str) -> Answer:
        document = (
            f"query($id: ID!) {{ answer: thread(id: $id) {{ inbound {{ {INBOUND_SELECTION} }} "
            f"outbound {{ {RECORD_SELECTION} }} }} }}"
        )
        return await self._answer(document, {"id": id_})

    async def timeline(self, entity_type: str, entity_id: str) -> Answer:
        document = (
            "query($type: String!, $id: String!) { answer: timeline(entityType: $type, "
            f"entityId: $id, first: 200) {{ nodes {{ {TIMELINE_SELECTION} }} }} }}"
        )
        answer = await self._answer(document, {"type": entity_type, "id": entity_id})
        record = answer.record["nodes"] if answer.code is None else answer.record
        return Answer(answer.code, answer.detail, record)

    async def analytics(self, **asked: str) -> Answer:
        document = (
            "query($from: DateTime, $to: DateTime, $timezone: String) { answer: analytics("
            f"from: $from, to: $to, timezone: $timezone) {{ {RATES_SELECTION} failureRate "
            f"byTemplate {{ templateId templateName {RATES_SELECTION} }} "
            f"byType {{ type {RATES_SELECTION} }} sendVolumeByDay {{ count date }} }} }}"
        )
        return await self._answer(document, asked)

    async def _change(self, mutation: str, id_: str) -> Answer:
        document = f"mutation($id: ID!) {{ answer: {mutation}(id: $id) {{ {RECORD_SELECTION} }} }}"
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


def _sourced(mail: object) -> object:
    """Give each file's octets as GraphQL takes them."""
    if not isinstance(mail, dict) or not isinstance(mail.get("attachments"), list):
        return mail
    files = [
        {**{name: value for name, value in file.items() if name != "content"},
         "source": {"content": file["content"]}}
        for file in mail["attachments"]
    ]  # fmt: skip
    return {**mail, "attachments": files}


def _key_header(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}
