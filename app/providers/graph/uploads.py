"""Files of a draft: small ones in one request, large ones by an upload session.

learn.microsoft.com/graph/outlook-large-attachments
"""

from collections.abc import Iterable

from app.mail.compose import Attachment
from app.providers.graph import faults, messages
from app.providers.graph.client import GraphClient, message_path

# In base64 it just fits the four megabytes that a request may have.
SMALL = 3_000_000
# Parts must stay below 4 MB, and be multiples of 320 KiB.
PART = 10 * 320 * 1024
_CREATED = 201
_TAKEN = {200, 201, 202}


async def attach(client: GraphClient, draft_id: str, attachments: Iterable[Attachment]) -> None:
    """Add the files one after the other. Raises ProviderError at the first that is refused."""
    for attachment in attachments:
        if len(attachment.content) < SMALL:
            await _add(client, draft_id, attachment)
        else:
            await _upload(client, draft_id, attachment)


async def _add(client: GraphClient, draft_id: str, attachment: Attachment) -> None:
    path = f"{message_path(draft_id)}/attachments"
    response = await client.call("POST", path, json=messages.file_attachment(attachment))
    if response.status_code != _CREATED:
        raise faults.of_answer(response)


async def _upload(client: GraphClient, draft_id: str, attachment: Attachment) -> None:
    path = f"{message_path(draft_id)}/attachments/createUploadSession"
    response = await client.call("POST", path, json=messages.upload(attachment))
    url = faults.json_object(response).get("uploadUrl")
    if response.status_code != _CREATED or not isinstance(url, str):
        raise faults.of_answer(response)
    content = memoryview(attachment.content)
    for start in range(0, len(content), PART):
        response = await client.put_chunk(
            url, content[start : start + PART], start=start, total=len(content)
        )
        if response.status_code not in _TAKEN:
            raise faults.of_answer(response)
