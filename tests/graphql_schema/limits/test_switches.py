from collections.abc import Callable

import httpx2
import pytest

from app.settings import Environment, Settings

BROWSER = {"Accept": "text/html"}


async def test_graphiql_can_be_switched_off(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    shown = await client_under(graphiql=True).get("/graphql", headers=BROWSER)
    hidden = await client_under(graphiql=False).get("/graphql", headers=BROWSER)

    assert shown.headers["content-type"].startswith("text/html")
    assert hidden.status_code == 406
    assert hidden.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("environment", "said", "suggests"),
    [
        (Environment.PRODUCTION, None, False),
        (Environment.DEVELOPMENT, None, True),
        (Environment.PRODUCTION, True, True),
        (Environment.DEVELOPMENT, False, False),
    ],
)
def test_names_are_suggested_in_development(
    environment: Environment, said: bool | None, suggests: bool
) -> None:
    settings = Settings(environment=environment, graphql_suggestions=said)

    assert settings.suggests_names is suggests
