"""Ids that tell their kind, in all their spellings, and everything else as it is."""

import base64

import pytest
from graphql import GraphQLError

from graphql_schema.ids import kind_of, read_id

PLAIN = "665f1c2e9b1e8a0012345678"
TYPED = f"Communication:{PLAIN}"


@pytest.mark.parametrize(
    "text",
    [
        TYPED,
        base64.b64encode(TYPED.encode()).decode(),
        base64.urlsafe_b64encode(TYPED.encode()).decode().rstrip("="),
    ],
    ids=["plain", "base64", "unpadded"],
)
def test_a_typed_id_gives_the_plain_one_and_its_kind(text: str) -> None:
    assert read_id(text) == PLAIN
    assert kind_of(read_id(text)) == "Communication"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "",
        "deal-42",
        "communication:665f1c2e9b1e8a0012345678",
        f"Communication:{PLAIN}0",
        f"Communication:{PLAIN}\n",
        f" Communication:{PLAIN}",
        "Communication:x",
        "Q29tbXVuaWNhdGlvbjp4",
        "=" * 50,
        "é" * 20,
        TYPED * 1000,
        base64.b64encode((TYPED * 1000).encode()).decode(),
        base64.b64encode(base64.b64encode(TYPED.encode())).decode(),
    ],
)
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert read_id(text) == text
    assert kind_of(read_id(text)) is None


def test_a_number_is_an_id_as_ever() -> None:
    assert read_id(42) == "42"


@pytest.mark.parametrize("value", [None, True, 1.5, [PLAIN], {"id": PLAIN}])
def test_what_is_no_id_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError, match="ID cannot represent value"):
        read_id(value)
