import pytest

from app.errors import NotAcceptableError
from graphql_schema.negotiation import MediaType, accepted

JSON = MediaType.JSON
RESPONSE = MediaType.GRAPHQL_RESPONSE
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, "
    "text/event-stream, multipart/mixed"
)


@pytest.mark.parametrize(
    ("accept", "type_"),
    [
        (None, JSON),
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ('application/json;charset="UTF-8"', JSON),
        ("application/json;odd=1", JSON),
        ("application/graphql-response+json", RESPONSE),
        ("application/graphql-response+json;q=0.001", RESPONSE),
        ("application/graphql-response+json, application/json", RESPONSE),
        ("application/json, application/graphql-response+json", JSON),
        ("application/graphql-response+json, application/json;q=0.9", RESPONSE),
        ("application/json;q=0.9, application/graphql-response+json", RESPONSE),
        ("application/json;q=0.1,application/graphql-response+json;q=0.2", RESPONSE),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
         RESPONSE),
        ("application/graphql-response+json; charset=utf-16, application/json", JSON),
        ("*/*, application/graphql-response+json", RESPONSE),
        ("application/json;q=0, */*", RESPONSE),
        ("application/graphql-response+json;q=0.5, */*", JSON),
        ("application/graphql-response+json;q=nonsense, application/json", JSON),
        ("application/graphql-response+json;q=2, application/json;q=0.1", JSON),
        ("nonsense, application, /, ;, application/json", JSON),
        (URQL, RESPONSE),
        (BROWSER, JSON),
        ("text/event-stream, */*", JSON),
        ("text/html", None),
        ("text/event-stream", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        ("application/json;q=0, application/*;q=0, */*;q=0", None),
        ("application/json; charset=utf-16", None),
        ("nonsense", None),
        ("application/xml, application/jsonp, json", None),
        (", ".join(["text/plain"] * 50) + ", application/json", None),
    ],
)  # fmt: skip
def test_the_type_that_the_client_wants_most_is_given(
    accept: str | None, type_: MediaType | None
) -> None:
    assert accepted(accept).json == type_


def test_a_client_that_takes_no_json_is_told_what_there_is() -> None:
    with pytest.raises(NotAcceptableError) as caught:
        accepted("text/html").required_json()

    assert caught.value.detail == (
        "The Accept header must allow one of: application/json, application/graphql-response+json."
    )


@pytest.mark.parametrize(
    ("accept", "takes", "prefers"),
    [
        (None, True, False),
        ("*/*", True, False),
        (URQL, True, False),
        ("text/event-stream, application/json", True, False),
        ("text/event-stream, */*", True, False),
        ("application/json, text/event-stream;q=0.9", True, False),
        ("application/json", False, False),
        ("text/event-stream;q=0, */*", False, False),
        ("text/event-stream", True, True),
        ("text/*", True, True),
        ("text/event-stream, multipart/mixed", True, True),
        ("text/event-stream, application/json;q=0.9", True, True),
    ],
)
def test_events_are_given_to_whom_wants_them_rather_than_json(
    accept: str | None, takes: bool, prefers: bool
) -> None:
    answer = accepted(accept)

    assert (answer.stream, answer.prefers_stream) == (takes, prefers)


@pytest.mark.parametrize(
    ("accept", "parts"),
    [
        (None, False),
        ("*/*", False),
        ("multipart/*", False),
        (URQL, True),
        ("multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json", True),
        ("multipart/mixed;deferSpec=20220824,application/json", False),
        ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", False),
        ("multipart/mixed;q=0, application/json", False),
    ],
)
def test_parts_are_given_to_whom_names_their_type_in_our_format(
    accept: str | None, parts: bool
) -> None:
    assert accepted(accept).parts is parts


@pytest.mark.parametrize(
    ("accept", "prefers"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/html,*/*", True),
        ("text/html;q=0.9, application/json", False),
        ("application/json, text/html", False),
        ("*/*", False),
        (None, False),
    ],
)
def test_a_page_is_for_browsers(accept: str | None, prefers: bool) -> None:
    assert accepted(accept).prefers_html is prefers
