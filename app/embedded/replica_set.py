"""Makes a started mongod a writable one-node replica set, and asks until it is."""

from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.embedded.ports import LOOPBACK, is_open

REPLICA_SET = "rs0"

Client = MongoClient[dict[str, Any]]


class ReplicaSetReadiness:
    """True once the mongod with this process id is primary on `port`."""

    def __init__(self, port: int, pid: int) -> None:
        self._address = f"{LOOPBACK}:{port}"
        self._port = port
        self._pid = pid
        self._client: Client | None = None
        self._configured = False

    def __call__(self) -> bool:
        # The driver waits half a second after a refused connection; a plain connect does not.
        if self._client is None and not is_open(self._port):
            return False
        try:
            return self._is_primary(self._connected())
        except PyMongoError:
            return False

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> Client:
        if self._client is None:
            self._client = MongoClient(
                self._address,
                directConnection=True,
                serverSelectionTimeoutMS=1000,
                connectTimeoutMS=1000,
                socketTimeoutMS=5000,
            )
        return self._client

    def _is_primary(self, client: Client) -> bool:
        if not self._configured:
            # Another process may have been faster to take the port: leave its server alone.
            if client.admin.command("serverStatus")["pid"] != self._pid:
                return False
            self._configure(client)
            self._configured = True
        return bool(client.admin.command("hello").get("isWritablePrimary"))

    def _configure(self, client: Client) -> None:
        stored = client["local"]["system.replset"].find_one()
        members = [{"_id": 0, "host": self._address}]
        if stored is None:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        elif [member["host"] for member in stored["members"]] != [self._address]:
            # The node finds itself in no member after a change of port (state REMOVED): it takes
            # a new configuration only by force.
            changed = {**stored, "version": stored["version"] + 1, "members": members}
            client.admin.command("replSetReconfig", changed, force=True)
