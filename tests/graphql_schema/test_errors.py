import httpx2
import pytest
import strawberry
from pymongo.errors import AutoReconnect, ExecutionTimeout
from starlette.types import Receive, Scope, Send

from app.context import Deps
from app.errors import FieldError, InvalidInputError
from app.main import create_app
from graphql_schema.errors import coded


@strawberry.type
class Query:
    @strawberry.field
    def fault(self) -> str:
        raise RuntimeError("the password is hunter2")

    @strawberry.field
    def refused(self) -> str:
        raise InvalidInputError.of(FieldError("a", "is bad"), FieldError("b[1]", "is worse"))

    @strawberry.field
    def away(self) -> str:
        raise AutoReconnect("10.0.0.7:27017: connection closed")

    @strawberry.field
    def endless(self) -> str:
        raise ExecutionTimeout("operation exceeded time limit", 50)


schema = strawberry.Schema(Query)


async def test_a_fault_of_ours_shows_a_reference_that_is_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = await schema.execute("{ fault }")

    assert result.errors is not None
    error = coded(result.errors[0])
    assert error.message == "Something went wrong on our side."
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL"
    assert error.path == ["fault"]
    assert "hunter2" not in str(error.formatted)
    assert error.extensions["reference"] in capsys.readouterr().out


async def test_an_error_of_the_callers_keeps_its_code_and_fields() -> None:
    result = await schema.execute("{ refused }")

    assert result.errors is not None
    error = coded(result.errors[0])
    assert error.formatted == {
        "message": "a: is bad; b[1]: is worse",
        "locations": [{"line": 1, "column": 3}],
        "path": ["refused"],
        "extensions": {
            "code": "BAD_USER_INPUT",
            "fields": [
                {"path": "a", "message": "is bad"},
                {"path": "b[1]", "message": "is worse"},
            ],
        },
    }


async def test_a_store_that_is_away_is_told_apart_from_a_fault() -> None:
    result = await schema.execute("{ away }")

    assert result.errors is not None
    error = coded(result.errors[0])
    assert error.message == "The store does not answer; try again."
    assert error.extensions == {"code": "UNAVAILABLE"}


async def test_a_search_that_took_too_long_is_told_apart_from_a_fault() -> None:
    result = await schema.execute("{ endless }")

    assert result.errors is not None
    error = coded(result.errors[0])
    assert error.message == (
        "The search took too long and was ended; ask for less, or narrow it down."
    )
    assert error.extensions == {"code": "TIMEOUT"}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (RuntimeError("the password is hunter2"), 500, "INTERNAL"),
        (AutoReconnect("10.0.0.7:27017: connection closed"), 503, "UNAVAILABLE"),
        (ExecutionTimeout("operation exceeded time limit", 50), 504, "TIMEOUT"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_what_happens_before_an_operation_is_told_in_the_same_form(
    deps: Deps, capsys: pytest.CaptureFixture[str], fault: Exception, status: int, code: str
) -> None:
    class Broken:
        async def caller(self, authorization: str | None) -> None:
            raise fault

    app = create_app(deps.settings, deps)

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        state = {"deps": deps, "authenticator": Broken()}
        await app({**scope, "state": state}, receive, send)

    transport = httpx2.ASGITransport(with_state)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        answer = await client.post("/graphql", json={"query": "{ __typename }"})

    [error] = answer.json()["errors"]
    assert answer.status_code == status
    assert error["extensions"]["code"] == code
    assert "hunter2" not in answer.text
    if code == "INTERNAL":
        assert error["extensions"]["reference"] in capsys.readouterr().out
