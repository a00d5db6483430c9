import pytest
from graphql import parse, print_ast

from app.settings import Settings
from graphql_schema.limits.known import Document, KnownDocuments

SETTINGS = Settings()


def test_what_was_seen_last_is_known() -> None:
    known = KnownDocuments(total=12)
    a, b, c = (Document(parse(query)) for query in ("{ a }", "{ b }", "{ c }"))
    known.add("{ a }", SETTINGS, a)
    known.add("{ b }", SETTINGS, b)
    assert known.get("{ a }", SETTINGS) is a

    known.add("{ c }", SETTINGS, c)

    # `a` was asked for after `b` was seen.
    assert [known.get(query, SETTINGS) for query in ("{ a }", "{ b }", "{ c }")] == [a, None, c]


def test_the_first_that_was_known_stays() -> None:
    known = KnownDocuments(total=12)
    first = Document(parse("{ a }"))
    for document in (first, *(Document(parse("{ a }")) for _ in range(9))):
        known.add("{ a }", SETTINGS, document)
    known.add("{ b }", SETTINGS, Document(parse("{ b }")))

    assert known.get("{ a }", SETTINGS) is first


def test_it_is_known_under_the_limits_that_held_it() -> None:
    known = KnownDocuments()
    known.add("{ a }", SETTINGS, Document(parse("{ a }")))

    for name in ("depth", "aliases", "root_fields", "repeats", "directives", "definitions"):
        changed = SETTINGS.model_copy(update={f"graphql_{name}": 1})
        assert known.get("{ a }", changed) is None
    closed = SETTINGS.model_copy(update={"graphql_introspection": False})
    assert known.get("{ a }", closed) is None


def test_long_documents_are_not_kept() -> None:
    known = KnownDocuments()
    text = "{ a }" + " " * 8192

    known.add(text, SETTINGS, Document(parse(text)))

    assert known.get(text, SETTINGS) is None


@pytest.mark.parametrize(
    ("text", "directives", "whole"),
    [
        ("{ a }", set(), "{ a }"),
        ("{ a @skip(if: true) }", {"skip"}, "{ a @skip(if: true) }"),
        ("{ a @stream ... @defer { b } }", {"stream", "defer"}, "{ a ... { b } }"),
    ],
)
def test_what_stands_in_a_document(text: str, directives: set[str], whole: str) -> None:
    document = Document(parse(text))

    assert document.directives == directives
    assert document.asks_for_parts is ("defer" in directives)
    assert print_ast(document.whole) == print_ast(parse(whole))
