"""The data folder of a development stack, and which process may use it."""

import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from app.dev.errors import StackError

# `doctor` takes the lock for a moment, to see whether somebody has it.
OWNER_LIMIT = timedelta(seconds=0.3)
# The children of a stack that was killed are still ending.
CHILDREN_LIMIT = timedelta(seconds=15)


@dataclass(frozen=True)
class DataFolder:
    root: Path

    @classmethod
    def at(cls, path: str | Path) -> "DataFolder":
        return cls(Path(path).expanduser().resolve())

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def stack_file(self) -> Path:
        """The environment of the running stack, as JSON; readable by its owner only."""
        return self.run / "stack.json"

    def log(self, name: str) -> Path:
        return self.root / "log" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"

    def running_environment(self) -> dict[str, str]:
        """`LETTERBOX_*` variables of the stack that runs on this folder; empty without one."""
        if not self._is_held():
            return {}
        try:
            environment: dict[str, str] = json.loads(self.stack_file.read_bytes())
        except (OSError, ValueError):
            return {}
        return environment

    def forget_stack(self) -> None:
        """Remove what a stack notes about itself while it runs."""
        for file in (self.stack_file, *self.run.glob("*.pid")):
            file.unlink(missing_ok=True)

    def write_environment(self, environment: Mapping[str, str]) -> None:
        temporary = _private_file(self.stack_file, json.dumps(dict(environment), indent=2))
        temporary.replace(self.stack_file)

    def jwt_secret(self) -> str:
        """Read the signing secret of this folder; the first call makes it."""
        return self._made_once(self._secret, secrets.token_urlsafe(48))

    def encryption_key(self) -> str:
        """Read the key of this folder's LETTERBOX_SECRET_KEYS; the first call makes it."""
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        return self._made_once(self.root / "encryption-key", key)

    def known_jwt_secret(self) -> str:
        """Read the signing secret of this folder; raises StackError where no stack made one."""
        if not self._secret.exists():
            raise StackError(
                f"No stack has run with this data folder, {self.root}: start `letterbox dev` with "
                "it, or set LETTERBOX_JWT_SECRET"
            )
        return self.jwt_secret()

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Hold this folder; gives a descriptor for the children to inherit.

        They hold its lock until the last of them has ended, also when this process is killed.
        Raises StackError when another stack holds the folder.
        """
        self._make()
        with _opened(self.run / "lock") as own, _opened(self.run / "children.lock") as shared:
            if not _lock(own, OWNER_LIMIT):
                owner = _number(os.pread(own, 20, 0))
                raise StackError(
                    f"Letterbox already runs on {self.root} (process {owner}): "
                    "stop it, or choose another folder with --data-dir"
                )
            os.ftruncate(own, 0)
            os.pwrite(own, str(os.getpid()).encode(), 0)
            if not _lock(shared, CHILDREN_LIMIT):
                raise StackError(self._left_over())
            yield shared

    def _made_once(self, file: Path, text: str) -> str:
        """Read `file`; where there is none yet it is made of `text`, for its owner only."""
        if not file.exists():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = _private_file(file, text + "\n")
            try:
                # Unlike a rename, a link never replaces what another process made meanwhile.
                file.hardlink_to(temporary)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return file.read_text("ascii").strip()

    @property
    def _secret(self) -> Path:
        return self.root / "secret"

    def _make(self) -> None:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.run.mkdir(exist_ok=True)
        except OSError as error:
            raise StackError(f"Cannot use the data folder {self.root}: {error.strerror}") from error

    def _is_held(self) -> bool:
        """Whether a stack runs here: one that was killed leaves its files behind."""
        if not self.run.exists():
            return False
        with _opened(self.run / "lock") as own:
            return not _lock(own, timedelta(0))

    def _left_over(self) -> str:
        pids = [_number(file.read_bytes()) for file in sorted(self.run.glob("*.pid"))]
        left = " ".join(str(pid) for pid in pids if _is_alive(pid))
        return f"Processes of a killed Letterbox still use {self.root}; end them: kill {left}"


def _private_file(beside: Path, text: str) -> Path:
    temporary = beside.with_name(f".{beside.name}.{secrets.token_hex(8)}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  # pathlib cannot open with a mode of its own
        file.write(text)
    return temporary


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, limit: timedelta) -> bool:
    """Whether the lock was got within `limit`; closing the descriptor gives it back."""
    end = time.monotonic() + limit.total_seconds()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        else:
            return True


def _number(text: bytes) -> int:
    return int(text) if text.strip().isdigit() else 0


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It lives and belongs to another user.
        return True
    return True
