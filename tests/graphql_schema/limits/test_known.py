from app.settings import Settings
from graphql_schema.limits.known import KnownDocuments

SETTINGS = Settings()


def test_what_was_seen_last_is_known() -> None:
    known = KnownDocuments(count=2)
    for query in ("{ a }", "{ b }"):
        known.add(query, SETTINGS)
    assert known.has("{ a }", SETTINGS)

    known.add("{ c }", SETTINGS)

    # `a` was asked for after `b` was seen.
    assert [known.has(query, SETTINGS) for query in ("{ a }", "{ b }", "{ c }")] == [
        True,
        False,
        True,
    ]


def test_it_is_known_under_the_limits_that_held_it() -> None:
    known = KnownDocuments()
    known.add("{ a }", SETTINGS)

    for name in ("depth", "aliases", "root_fields", "repeats", "directives", "definitions"):
        changed = SETTINGS.model_copy(update={f"graphql_{name}": 1})
        assert not known.has("{ a }", changed)
    closed = SETTINGS.model_copy(update={"graphql_introspection": False})
    assert not known.has("{ a }", closed)


def test_long_documents_are_not_kept() -> None:
    known = KnownDocuments()

    known.add("{ a }" + " " * 8192, SETTINGS)

    assert not known.has("{ a }" + " " * 8192, SETTINGS)
