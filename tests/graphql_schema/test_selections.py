"""Which fields an operation asks for, and which stored ones it can do without."""

from collections.abc import Callable
from typing import Any

import pytest
import strawberry

from graphql_schema.context import Info
from graphql_schema.selections import chosen_names, selected_names, unasked

Look = Callable[[Info], Any]
DEEP = (
    "{ tree { a: leaf ...F ... on Tree { inner { deep: leaf } } } } "
    "fragment F on Tree { other inner { ...G } } fragment G on Tree { twig }"
)


@strawberry.type
class Tree:
    leaf: str | None = None
    other: str | None = None
    twig: str | None = None
    inner: "Tree | None" = None


@pytest.fixture
def seen() -> Callable[[Look, str], Any]:
    """What is seen by a look at the operation from the field `tree`."""

    def look_at(look: Look, document: str) -> Any:
        found: list[Any] = []

        def root(info: Info) -> Tree:
            found.append(look(info))
            return Tree()

        @strawberry.type
        class Query:
            tree: Tree = strawberry.field(resolver=root)

        result = strawberry.Schema(Query).execute_sync(document)
        assert result.errors is None
        return found[0]

    return look_at


def test_all_names_however_deep(seen: Callable[[Look, str], Any]) -> None:
    assert seen(selected_names, DEEP) == {"leaf", "other", "inner", "twig"}


def test_the_names_of_one_level(seen: Callable[[Look, str], Any]) -> None:
    assert seen(chosen_names, DEEP) == {"leaf", "other", "inner"}
    assert seen(lambda info: chosen_names(info, "inner"), DEEP) == {"leaf", "twig"}
    assert seen(lambda info: chosen_names(info, "inner", "inner"), DEEP) == set()


def test_stored_fields_that_nothing_needs(seen: Callable[[Look, str], Any]) -> None:
    heavy = {"long": ["leaf"], "longer": ["twig", "x"], "longest": ["nothing"]}

    assert seen(lambda info: unasked(info, heavy), DEEP) == {"longer", "longest"}
    assert seen(lambda info: unasked(info, heavy, "inner"), DEEP) == {"longest"}


def test_fragments_that_use_the_next_one_twice_are_read_once(
    seen: Callable[[Look, str], Any],
) -> None:
    chain = " ".join(f"fragment F{n} on Tree {{ ...F{n + 1} ...F{n + 1} }}" for n in range(30))
    document = f"{{ tree {{ ...F0 }} }} {chain} fragment F30 on Tree {{ leaf }}"

    looked = seen(lambda info: (chosen_names(info), selected_names(info)), document)

    assert looked == ({"leaf"}, {"leaf"})
