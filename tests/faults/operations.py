"""The GraphQL operations around a recipient list, and how one is asked for."""

from typing import Any

import httpx2

CREATE = (
    "mutation($input: CreateRecipientListInput!) { it: createRecipientList(input: $input) { id } }"
)
ADD = (
    "mutation($id: ID!, $members: [ListMemberInput!]!) "
    "{ it: addListMembers(listId: $id, members: $members) { error } }"
)
SEND = "mutation($input: SendCommunicationInput!) { it: sendCommunication(input: $input) { id } }"
LOOK = (
    "query($id: ID!) { it: communication(id: $id) "
    "{ status progress { total queued sent failed suppressed cancelled } } }"
)


async def ask(client: httpx2.AsyncClient, document: str, **variables: Any) -> Any:
    """Give what the operation answers; None while the API or MongoDB is away."""
    body = {"query": document, "variables": variables}
    answer = (await client.post("/graphql", json=body)).json()
    return answer["data"]["it"] if "errors" not in answer else None
