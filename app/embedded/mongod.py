from pathlib import Path

from app.embedded.binaries import MONGOD_REMEDY, find_mongod
from app.embedded.ports import LOOPBACK
from app.embedded.replica_set import REPLICA_SET, ReplicaSetReadiness
from app.embedded.servers import Program


def mongod_program(data_dir: Path, log: Path) -> Program:
    """Describe a replica set of one in `data_dir`; raises EmbeddedServerError without a mongod."""
    binary = find_mongod()

    def command(port: int) -> list[str | Path]:
        return [binary, "--port", str(port), "--dbpath", data_dir, "--logpath", log, *_OPTIONS]

    return Program(
        name="mongod",
        command=command,
        url=lambda port: f"mongodb://{LOOPBACK}:{port}/?directConnection=true",
        readiness=ReplicaSetReadiness,
        remedy=MONGOD_REMEDY,
    )


_OPTIONS = (
    *("--replSet", REPLICA_SET, "--bind_ip", LOOPBACK, "--nounixsocket", "--logappend", "--quiet"),
    *("--wiredTigerCacheSizeGB", "0.25"),
    # Without a limit the oplog may grow to 5 % of the disk.
    *("--oplogSize", "256"),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    # So long is what a process that died was writing in the way of others.
    *("--setParameter", "transactionLifetimeLimitSeconds=10"),
    # A signalled primary otherwise waits up to 15 s for secondaries we do not have.
    *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
)
