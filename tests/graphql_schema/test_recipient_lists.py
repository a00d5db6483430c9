"""What the GraphQL door of recipient lists takes, shows and refuses."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

LIST = "id name description memberCount created createdBy updated updatedBy"
MEMBER = "id listId email name variables created updated"
CREATE = f"mutation($input: CreateRecipientListInput!) {{ answer: createRecipientList(input: $input) {{ {LIST} }} }}"  # noqa: E501
UPDATE = f"mutation($id: ID!, $input: UpdateRecipientListInput!) {{ answer: updateRecipientList(id: $id, input: $input) {{ {LIST} }} }}"  # noqa: E501
DELETE = "mutation($id: ID!) { answer: deleteRecipientList(id: $id) }"
ONE = f"query($id: ID!) {{ answer: recipientList(id: $id) {{ {LIST} }} }}"
MANY = f"query($filter: RecipientListFilter) {{ answer: recipientLists(filter: $filter) {{ nodes {{ {LIST} }} }} }}"  # noqa: E501
MEMBERS = f"query($id: ID!, $first: Int!, $after: String, $filter: ListMemberFilter) {{ answer: recipientListMembers(listId: $id, first: $first, after: $after, filter: $filter) {{ nodes {{ {MEMBER} }} pageInfo {{ endCursor }} totalCount }} }}"  # noqa: E501
ADD = f"mutation($id: ID!, $members: [ListMemberInput!]!) {{ answer: addListMembers(listId: $id, members: $members) {{ member {{ {MEMBER} }} duplicate error }} }}"  # noqa: E501
IMPORT = "mutation($id: ID!, $csv: String!) { answer: importListMembers(listId: $id, csv: $csv) { added duplicates failed variables errors { line message } list { id memberCount } } }"  # noqa: E501
CHANGE = f"mutation($id: ID!, $input: UpdateListMemberInput!) {{ answer: updateListMember(id: $id, input: $input) {{ {MEMBER} }} }}"  # noqa: E501
REMOVE = "mutation($id: ID!, $ids: [ID!]!) { answer: removeListMembers(listId: $id, ids: $ids) }"
NOW = "2026-11-24T09:30:00Z"
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(client: httpx2.AsyncClient) -> Ask:
    """Asks and gives the answer, or the code and fields of the error."""

    async def post(query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = (await client.post("/graphql", json=body)).json()
        if "errors" not in answer:
            return answer["data"]["answer"]
        extensions = answer["errors"][0]["extensions"]
        return extensions["code"], [one["path"] for one in extensions.get("fields", [])]

    return post


async def test_a_list_from_its_making_to_its_end(ask: Ask) -> None:
    made = await ask(CREATE, input={"name": "Customers", "description": "Who bought"})
    found = await ask(ONE, id=made["id"])
    listed = await ask(MANY, filter={"name": {"eq": "customers"}})
    renamed = await ask(UPDATE, id=made["id"], input={"name": "Clients"})
    taken = await ask(CREATE, input={"name": "clients"})
    deleted = await ask(DELETE, id=made["id"])

    assert made == {
        "id": made["id"],
        "name": "Customers",
        "description": "Who bought",
        "memberCount": 0,
        "created": NOW,
        "createdBy": "alice",
        "updated": NOW,
        "updatedBy": "alice",
    }
    assert found == made
    assert listed == {"nodes": [made]}
    assert renamed == {**made, "name": "Clients"}
    assert taken == ("CONFLICT", ["name"])
    assert deleted == made["id"]
    assert await ask(MANY) == {"nodes": []}
    assert await ask(ONE, id=made["id"]) == ("NOT_FOUND", [])


async def test_members_from_their_adding_to_their_end(ask: Ask) -> None:
    id_ = (await ask(CREATE, input={"name": "Customers"}))["id"]
    rows = [
        {"email": "Jan@c.test", "name": "Jan", "variables": {"city": "Ede"}},
        {"email": "jan@C.TEST"},
        {"email": "nobody"},
    ]
    added = await ask(ADD, id=id_, members=rows)
    jan = added[0]["member"]
    imported = await ask(IMPORT, id=id_, csv="email,name\npiet@c.test,Piet\n,x\njan@c.test,\n")
    first = await ask(MEMBERS, id=id_, first=1)
    second = await ask(MEMBERS, id=id_, first=1, after=first["pageInfo"]["endCursor"])
    found = await ask(MEMBERS, id=id_, first=9, filter={"name": {"contains": "PIET"}})
    changed = await ask(CHANGE, id=jan["id"], input={"name": None, "variables": {"city": "Urk"}})
    removed = await ask(REMOVE, id=id_, ids=[jan["id"], "nonsense"])

    assert jan == {
        "id": jan["id"],
        "listId": id_,
        "email": "jan@c.test",
        "name": "Jan",
        "variables": {"city": "Ede"},
        "created": NOW,
        "updated": NOW,
    }
    assert added[1:] == [
        {"member": None, "duplicate": True, "error": None},
        {"member": None, "duplicate": False, "error": "email: The address has no @-sign."},
    ]
    assert imported == {
        "added": 1,
        "duplicates": 1,
        "failed": 1,
        "variables": [],
        "errors": [{"line": 3, "message": "email: The address is empty."}],
        "list": {"id": id_, "memberCount": 2},
    }
    assert (first["nodes"], first["totalCount"]) == ([jan], 2)
    assert [member["email"] for member in second["nodes"]] == ["piet@c.test"]
    assert (found["nodes"], found["totalCount"]) == (second["nodes"], 1)
    assert changed == {**jan, "name": None, "variables": {"city": "Urk"}}
    assert removed == [jan["id"]]
    assert (await ask(ONE, id=id_))["memberCount"] == 1


async def test_bad_input_is_named(ask: Ask) -> None:
    id_ = (await ask(CREATE, input={"name": "Customers"}))["id"]

    assert await ask(CREATE, input={"name": " "}) == ("BAD_USER_INPUT", ["name"])
    assert await ask(UPDATE, id=id_, input={"name": None}) == ("BAD_USER_INPUT", ["name"])
    assert await ask(MEMBERS, id=id_, first=-1) == ("BAD_USER_INPUT", ["first"])
    assert await ask(MEMBERS, id=id_, first=1, after="x") == ("BAD_USER_INPUT", ["after"])
    assert await ask(IMPORT, id=id_, csv="no header") == ("BAD_USER_INPUT", ["csv"])
    assert await ask(CHANGE, id=id_, input={"email": "x"}) == ("BAD_USER_INPUT", ["email"])
