import pytest
import strawberry
from pymongo.errors import AutoReconnect

from app.errors import FieldError, InvalidInputError
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
