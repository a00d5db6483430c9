import socket
from pathlib import Path

import pytest

from app.embedded.ports import free_port, is_free, is_open, remembered_port


def test_port_is_kept_while_free(tmp_path: Path) -> None:
    file = tmp_path / "port"

    first = remembered_port(file)

    assert remembered_port(file) == first


def test_taken_port_is_replaced_and_noted(tmp_path: Path) -> None:
    file = tmp_path / "port"
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        file.write_text(str(taken))

        port = remembered_port(file)

    assert port != taken
    assert file.read_text() == f"{port}\n"


@pytest.mark.parametrize("noted", ["", "no number", "0", "70000"])
def test_useless_note_is_replaced(noted: str, tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text(noted)

    port = remembered_port(file)

    assert file.read_text() == f"{port}\n"


def test_listener_makes_a_port_open_and_not_free() -> None:
    port = free_port()
    assert is_free(port)
    assert not is_open(port)

    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert is_open(port)
