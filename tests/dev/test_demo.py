from collections.abc import Callable
from pathlib import Path

import pytest

from app.dev.demo import DemoMarker, load_demo
from app.dev.errors import DemoError, InterruptedStack
from app.dev.mails import DEMO_MAILS
from app.embedded.ports import free_port
from tests.dev.conftest import Api


def test_each_mail_is_sent_under_a_key_of_its_own(api: Callable[..., str]) -> None:
    base = api((200, {"id": "c1", "status": "SENT"}))

    assert load_demo(base, "token", lambda: None) == len(DEMO_MAILS)

    prefix = "/api/v1/communications"
    assert Api.seen == [
        *(f"POST {prefix}/send demo-{number}" for number in (1, 2, 3, 4)),
        *[f"GET {prefix}/find/c1"] * 4,
    ]


def test_mail_is_waited_for(api: Callable[..., str]) -> None:
    pending, sent = {"id": "c1", "status": "PENDING"}, {"id": "c1", "status": "SENT"}
    base = api(*[(200, pending)] * 6, (200, sent))

    load_demo(base, "token", lambda: None)

    assert len(Api.seen) == 10


def test_refusal_is_explained(api: Callable[..., str]) -> None:
    base = api((400, {"detail": "no sender"}))

    with pytest.raises(DemoError, match=r'^the API answered 400: {"detail": "no sender"}$'):
        load_demo(base, "token", lambda: None)


def test_failed_mail_is_explained(api: Callable[..., str]) -> None:
    base = api((200, {"id": "c1", "status": "FAILED", "errorMessage": "550 no such user"}))

    with pytest.raises(DemoError, match=r"^FAILED: 550 no such user$"):
        load_demo(base, "token", lambda: None)


def test_absent_api_is_explained() -> None:
    with pytest.raises(DemoError, match=r"^the API did not answer \("):
        load_demo(f"http://127.0.0.1:{free_port()}", "token", lambda: None)


def test_waiting_can_be_interrupted(api: Callable[..., str]) -> None:
    def interrupt() -> None:
        raise InterruptedStack

    base = api((200, {"id": "c1", "status": "PENDING"}))

    with pytest.raises(InterruptedStack):
        load_demo(base, "token", interrupt)


def test_demo_stays_wanted_until_it_is_loaded(tmp_path: Path) -> None:
    DemoMarker(tmp_path).want_when_new()
    (tmp_path / "mongod").mkdir()
    DemoMarker(tmp_path).want_when_new()
    assert DemoMarker(tmp_path).is_wanted

    DemoMarker(tmp_path).finish()
    DemoMarker(tmp_path).want_when_new()
    assert not DemoMarker(tmp_path).is_wanted


def test_demo_is_not_wanted_on_a_used_folder(tmp_path: Path) -> None:
    (tmp_path / "mongod").mkdir()
    marker = DemoMarker(tmp_path)

    marker.want_when_new()

    assert not marker.is_wanted
