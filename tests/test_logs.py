"""What is logged is for whoever runs the service: never what its tenants write."""

import json
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from app.logs import configure_logs
from app.settings import Environment, Settings

BODY = "<p>Dear Jan, your blood test is back</p>"
RECIPIENT = "jan@customer.test"


@pytest.fixture(params=list(Environment))
def environment(request: pytest.FixtureRequest) -> Iterator[Environment]:
    environment: Environment = request.param
    yield environment
    structlog.reset_defaults()


@pytest.fixture
def fault(environment: Environment, capsys: pytest.CaptureFixture[str]) -> str:
    """The log of a fault in a function that had a mail in hand."""
    configure_logs(Settings(environment=environment, jwt_secret=SecretStr("s" * 40)))

    def send(body: str, recipient: str) -> None:
        raise RuntimeError(f"cannot divide {len(body) + len(recipient)}")

    try:
        send(BODY, RECIPIENT)
    except RuntimeError:
        structlog.get_logger().exception("delivery.fault", delivery_id="7")
    return capsys.readouterr().err


def test_a_fault_is_logged_without_what_it_had_in_hand(fault: str) -> None:
    assert "delivery.fault" in fault
    assert "cannot divide" in fault
    assert "blood test" not in fault
    assert RECIPIENT not in fault


def test_production_logs_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(environment=Environment.PRODUCTION))

    structlog.get_logger().info("delivery.sent", delivery_id="7", attempt=1)

    line = json.loads(capsys.readouterr().err)
    structlog.reset_defaults()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "delivery.sent", "level": "info", "delivery_id": "7", "attempt": 1}


def test_what_is_below_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(environment=Environment.PRODUCTION, log_level="WARNING"))

    structlog.get_logger().info("delivery.sent")

    structlog.reset_defaults()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/api/v1/attachments/{'a-_9' * 20}", "/api/v1/attachments/..."),
        (f"/u/{'b' * 33}.{'c' * 33}", "/u/....."),
        ("/api/v1/communications/6b050e9454d4a1b9322b3eaa/thread",) * 2,
    ],
)
def test_what_opens_something_is_not_logged(
    environment: Environment, capsys: pytest.CaptureFixture[str], path: str, shown: str
) -> None:
    configure_logs(Settings(environment=environment, jwt_secret=SecretStr("s" * 40)))

    structlog.get_logger().error("rest.fault", path=path)

    logged = capsys.readouterr().err
    assert shown in logged
    assert "a-_9" not in logged
    assert "bbb" not in logged
