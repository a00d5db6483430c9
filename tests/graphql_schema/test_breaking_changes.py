"""What a client of the last release could do, it can do still.

At a release `graphql_schema/schema.graphql` is copied over `tests/contract/released.graphql`. A
change that breaks clients on purpose is made there as well, and told in the notes of the release.
"""

import re
from pathlib import Path

from graphql import build_schema, find_breaking_changes

ROOT = Path(__file__).parents[2]


def test_nothing_breaks_clients_of_the_last_release() -> None:
    released = build_schema((ROOT / "tests/contract/released.graphql").read_text())
    current = build_schema((ROOT / "graphql_schema/schema.graphql").read_text())

    assert [change.description for change in find_breaking_changes(released, current)] == []


def test_a_field_that_is_gone_is_named() -> None:
    released = (ROOT / "tests/contract/released.graphql").read_text()
    current = re.sub(r'  """[^"]*"""\n  errorMessage: String\n', "", released)

    changes = find_breaking_changes(build_schema(released), build_schema(current))

    assert [change.description for change in changes] == [
        "Field Communication.errorMessage was removed."
    ]
