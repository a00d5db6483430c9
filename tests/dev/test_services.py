import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.dev import services as services_module
from app.dev.errors import InterruptedStack, StackError
from app.dev.folder import DataFolder
from app.dev.services import ChildService, Services, shorten_log
from app.dev.signals import StopSignals
from app.embedded.process import Child, spawn


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder.at(tmp_path)
    folder.run.mkdir()
    return folder


@pytest.fixture
def signals() -> Iterator[StopSignals]:
    with StopSignals() as signals:
        yield signals


@pytest.fixture
def services(folder: DataFolder, signals: StopSignals) -> Iterator[Services]:
    services = Services(folder, signals)
    yield services
    services.stop()


@pytest.fixture
def started(folder: DataFolder, services: Services) -> Callable[[str, str], ChildService]:
    """Starts a shell script as a service that is ready at once."""

    def start(name: str, script: str) -> ChildService:
        child = spawn(name, ["/bin/sh", "-c", script], log=folder.log(name))
        service = ChildService(child, lambda: True)
        services.add(service)
        return service

    return start


def end_of(service: ChildService) -> Child:
    service.child.process.wait()
    return service.child


def test_pid_files_stand_while_services_run(
    folder: DataFolder, services: Services, started: Callable[[str, str], ChildService]
) -> None:
    api = started("api", "exec sleep 60")
    worker = started("worker-2", "exec sleep 60")
    services.wait([api, worker])

    assert folder.pid_file("api").read_text() == f"{api.child.pid}\n"
    assert folder.pid_file("worker-2").read_text() == f"{worker.child.pid}\n"

    services.stop()

    assert list(folder.run.iterdir()) == []
    assert [api.child.ending, worker.child.ending] == ["signal SIGTERM"] * 2


def test_users_of_a_service_stop_before_it(
    tmp_path: Path, services: Services, started: Callable[[str, str], ChildService]
) -> None:
    for name in ("mongod", "redis", "inbox", "api", "worker", "worker-2"):
        service = started(
            name, f"trap 'echo {name} >> {tmp_path}/order; exit' TERM; echo up; while :; do :; done"
        )
        while "up" not in service.child.last_lines():
            pass

    services.stop()

    order = (tmp_path / "order").read_text().split()
    assert order == ["api", "worker", "worker-2", "inbox", "redis", "mongod"]


def test_end_of_one_is_told_with_its_last_lines(
    services: Services, started: Callable[[str, str], ChildService]
) -> None:
    api = started("api", "read line; exit 7")
    worker = started("worker", "echo bad day; exec sleep 60")
    services.wait([worker])
    end_of(api)
    while "bad day" not in worker.child.last_lines():
        pass
    worker.child.kill()

    with pytest.raises(StackError) as caught:
        services.watch()

    first, *_, last = str(caught.value).splitlines()
    assert first == f"worker ended (signal SIGKILL); the end of {worker.child.log}:"
    assert last.strip() == "bad day"


def test_end_at_start_is_told_with_its_exit_code(
    services: Services, started: Callable[[str, str], ChildService]
) -> None:
    api = started("api", "exit 7")
    end_of(api)

    with pytest.raises(StackError, match=r"^api ended \(exit code 7\); "):
        services.wait([api])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_interrupts_the_wait(
    number: signal.Signals, folder: DataFolder, services: Services
) -> None:
    child = spawn("api", ["/bin/sleep", "60"], log=folder.log("api"))
    never = ChildService(child, lambda: False)
    services.add(never)

    signal.raise_signal(number)

    with pytest.raises(InterruptedStack):
        services.wait([never])


def test_second_signal_hurries(
    services: Services, signals: StopSignals, started: Callable[[str, str], ChildService]
) -> None:
    stubborn = started("api", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    while "up" not in stubborn.child.last_lines():
        pass
    former = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.2)

    services.stop()

    signal.signal(signal.SIGALRM, former)
    assert signals.count == 1
    assert stubborn.child.ending == "signal SIGKILL"


def test_large_log_is_moved_and_written_on(
    folder: DataFolder,
    started: Callable[[str, str], ChildService],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services_module, "LOG_LIMIT", 10)
    go = folder.root / "go"
    api = started("api", f"echo before; while ! test -e {go}; do sleep 0.02; done; echo after")
    while "before" not in api.child.last_lines():
        pass

    shorten_log(api.child)
    go.touch()
    end_of(api)

    assert api.child.log.read_text() == "after\n"
    assert api.child.last_lines() == ["after"]
    assert folder.log("api").with_name("api.log.1").read_text().endswith("before\n")
