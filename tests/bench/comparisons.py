"""The cases that have a floor, and how near to it they are to come."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.mail.engagement.hits import EngagementKind
from tests.bench.counting import counted
from tests.bench.seed import TRACKED, database_of, scale, seed
from tests.bench.versus import HEAD, Comparison, Measured, client_line, compare, floor_of
from tests.processes import Processes, Servers

COMPARED = (
    "twenty",
    "nested",
    "page",
    "find",
    "accept",
    "post",
    "track",
    "link",
    "analytics",
    "cursor",
    "csv",
)
# What is answered first, and counted later by a worker.
COUNTED = {"track": EngagementKind.OPEN, "link": EngagementKind.CLICK}
BASE = "/api/v1/communications"
TWENTY = (
    "query Table { communications(first: 20) { nodes { id subject status type recipients "
    "senderEmail sentAt created openCount opened relatedEntityType relatedEntityId } } }"
)
NESTED = (
    "query Record($id: ID!) { communication(id: $id) { id subject status type recipients "
    "senderEmail sentAt created openCount opened relatedEntityType relatedEntityId "
    "thread { outbound { id subject sentAt } inbound { id subject fromEmail receivedAt } } "
    "deliveries { nodes { id recipients { address status } } } } }"
)
SEND = (
    "mutation Send($input: SendCommunicationInput!) "
    "{ sendCommunication(input: $input) { id subject status } }"
)
MAIL = {
    "subject": "Your offer",
    "body": '<p>Dear customer, <a href="https://acme.test/offer?id=7">your offer</a>.</p>',
    "recipients": ["customer@acme.test"],
}
PART = (
    "query Part($after: String) { communications(first: 20, after: $after) "
    "{ nodes { id subject status sentAt } } }"
)
ENDS = (
    "query Ends($first: Int!, $after: String) { communications(first: $first, after: $after) "
    "{ pageInfo { endCursor hasNextPage } } }"
)
# As many records stand before page 1,000; they are passed in the largest parts there are.
BEFORE, LARGEST = 999 * 20, 200
ANALYTICS = "{ analytics { totalSent openRate clickRate } }"


def _get(path: str, token: str | None = None) -> str:
    return _request("GET", path, token)


def _request(method: str, path: str, token: str | None, body: Any = None) -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: Mozilla/5.0"]
    if token is not None:
        lines.append(f"Authorization: {token}")
    text = "" if body is None else json.dumps(body)
    if text:
        lines += ["Content-Type: application/json", f"Content-Length: {len(text)}"]
    return "\r\n".join([*lines, "", text])


def operations(token: str, query: str, variables: Sequence[Any] = (None,)) -> list[str]:
    return [
        _request("POST", "/graphql", token, {"query": query, "variables": one}) for one in variables
    ]


async def cases_of(processes: Processes, token: str) -> dict[str, Comparison]:
    db = database_of(processes)
    cursor = db["communications"].find({"bench": {"$lt": TRACKED}}, {"trackingId": 1})
    rows = await cursor.sort("bench", 1).to_list(TRACKED)
    ids = [str(row["_id"]) for row in rows]
    named = [{"id": id_} for id_ in ids]
    mail = [{"input": MAIL}]
    return {
        "twenty": Comparison(
            "GraphQL: 20 records x 12 fields", 0.65,
            operations(token, TWENTY), operations(token, TWENTY),
        ),
        "nested": Comparison(
            "GraphQL: a record, its thread, deliveries", 0.5,
            operations(token, NESTED, named),
            [_request("POST", "/nested", None, {"variables": one}) for one in named],
        ),
        "page": Comparison(
            "REST /page?size=20", 0.65, [_get(f"{BASE}/page?size=20", token)], [_get("/page")]
        ),
        "find": Comparison(
            "REST /find/{id}", 0.65,
            [_get(f"{BASE}/find/{id_}", token) for id_ in ids],
            [_get(f"/find/{id_}") for id_ in ids],
        ),
        "accept": Comparison(
            "GraphQL sendCommunication", 0.5,
            operations(token, SEND, mail), [_request("POST", "/send", None, MAIL)],
        ),
        "post": Comparison(
            "REST POST /send", 0.5,
            [_request("POST", f"{BASE}/send", token, MAIL)],
            [_request("POST", "/send", None, MAIL)],
        ),
        "track": Comparison(
            "/track/{id}", 0.5,
            [_get(f"{BASE}/track/{row['trackingId']}") for row in rows], [_get("/track")],
        ),
        "link": Comparison(
            "/link/{id}/{n}", 0.6,
            [_get(f"{BASE}/link/{row['trackingId']}/0") for row in rows],
            [_get(f"/link/{id_}/0") for id_ in ids],
            only="302",
        ),
        "analytics": Comparison(
            "analytics, all of the tenant", 0.3,
            operations(token, ANALYTICS), [_get("/analytics")],
        ),
        "cursor": Comparison(
            "page 1,000 by cursor, beside page 1", 0.9,
            operations(token, PART, [{"after": await _far(processes)}]), operations(token, PART),
            beside="api",
        ),
        "csv": Comparison(
            "CSV of every record", 0.3,
            [_get(f"{BASE}/csv-export", token)], [_get("/drained")],
            seconds=0.1, connections=1,
        ),
    }  # fmt: skip


async def _far(processes: Processes) -> str:
    """Give the cursor behind which page 1,000 stands, or the last page there is."""
    after, passed = None, 0
    async with processes.client() as client:
        while passed < BEFORE:
            first = min(LARGEST, BEFORE - passed)
            asked = {"query": ENDS, "variables": {"first": first, "after": after}}
            found = (await client.post("/graphql", json=asked)).raise_for_status().json()
            ends = found["data"]["communications"]["pageInfo"]
            if not ends["hasNextPage"]:
                break
            after, passed = ends["endCursor"], passed + first
    return str(after)


async def comparisons(names: Sequence[str]) -> list[Measured]:
    """Measure these cases; prints each line as it is known."""
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="letterbox-bench-") as folder:
        servers = Servers(Path(folder))
        await servers.start("mongod")
        await servers.start("redis")
        processes = Processes(servers, Path(folder), "bench", {})
        try:
            await seeded(processes, scale())
            token = processes.client().headers["Authorization"]
            async with floor_of(processes) as floor:
                cases = await cases_of(processes, token)
                print(await client_line(floor))
                print(HEAD)
                for name in names:
                    measured.append(await compare(processes, floor, cases[name]))
                    print(measured[-1].line(), flush=True)
                    if name in COUNTED:
                        print(await counted(processes, COUNTED[name], measured[-1].answers))
        finally:
            processes.stop()
            servers.stop()
    return measured


async def seeded(processes: Processes, rows: int) -> None:
    """Start an API and fill its database; nothing else runs then."""
    print(f"loading {rows:,} communications ...", flush=True)
    for name in ("sink", "api", "worker"):
        processes.start(name)
    await processes.ready(f"http://127.0.0.1:{processes.control_port}/counts")
    await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")
    await seed(processes, rows)
    # As after any import past the API.
    await processes.run("recount")
