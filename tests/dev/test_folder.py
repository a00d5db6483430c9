import json
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from app.dev import folder as folder_module
from app.dev.errors import StackError
from app.dev.folder import DataFolder
from app.embedded.process import spawn
from app.encryption import read_keys


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder.at(tmp_path / "data")


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_secret_is_made_once_and_private(folder: DataFolder) -> None:
    first = folder.jwt_secret()

    assert folder.jwt_secret() == first
    assert len(first) == 64
    assert mode_of(folder.root / "secret") == 0o600
    assert [file.name for file in folder.root.iterdir()] == ["secret"]


def test_encryption_key_is_made_once_private_and_strong(folder: DataFolder) -> None:
    first = folder.encryption_key()

    assert folder.encryption_key() == first
    assert len(read_keys(first)) == 1
    assert mode_of(folder.root / "encryption-key") == 0o600
    assert first != folder.jwt_secret()


def test_secret_made_by_many_at_once_is_one(folder: DataFolder) -> None:
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: folder.jwt_secret(), range(64)))

    assert len(secrets) == 1


def test_secret_that_no_stack_made_is_not_made_by_asking(folder: DataFolder) -> None:
    with pytest.raises(StackError, match=r"^No stack has run with this data folder, "):
        folder.known_jwt_secret()

    assert not folder.root.exists()
    assert folder.jwt_secret() == folder.known_jwt_secret()


def test_second_stack_is_refused_with_one_line(folder: DataFolder) -> None:
    with (
        folder.locked(),
        pytest.raises(StackError, match=r"^Letterbox already runs on \S+ \(process \d+\): ") as no,
        folder.locked(),
    ):
        pass

    assert "\n" not in str(no.value)


def test_lock_is_free_again_afterwards(folder: DataFolder) -> None:
    with folder.locked():
        pass

    with folder.locked() as descriptor:
        assert descriptor > 0


def test_children_of_a_killed_stack_keep_the_lock(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "CHILDREN_LIMIT", timedelta(seconds=0.3))
    with folder.locked() as lock:
        child = spawn("api", ["/bin/sleep", "60"], log=folder.log("api"), inherited=[lock])
    folder.pid_file("api").write_text(f"{child.pid}\n")

    with pytest.raises(StackError, match=rf"; end them: kill {child.pid}$"), folder.locked():
        pass
    child.stop()

    with folder.locked():
        assert not child.is_running


def test_environment_is_private_and_known_while_the_stack_runs(folder: DataFolder) -> None:
    with folder.locked():
        folder.write_environment({"LETTERBOX_PORT": "9000"})

        assert folder.running_environment() == {"LETTERBOX_PORT": "9000"}
        assert mode_of(folder.stack_file) == 0o600
        assert json.loads(folder.stack_file.read_bytes()) == {"LETTERBOX_PORT": "9000"}

    assert folder.running_environment() == {}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_new_folder_is_private(folder: DataFolder) -> None:
    with folder.locked():
        assert mode_of(folder.root) == 0o700


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with (
        pytest.raises(StackError, match=r"^Cannot use the data folder "),
        DataFolder.at(file / "data").locked(),
    ):
        pass
