import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInputError, PayloadTooLargeError
from graphql_schema.json_text import VALUES_LIMIT, read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_what_was_written_is_read(value: Any) -> None:
    assert read_json(orjson.dumps(value)) == value
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b"{} {}", "is not valid JSON"),
        (b"NaN", "is not valid JSON"),
        (b"[1e999]", "is not valid JSON"),
        (b"1" * 5000, "is not valid JSON"),
        (b'"\xff"', "is not valid JSON"),
        (b'"\\ud800"', "is not valid JSON"),
        (b'"\xed\xa0\x80"', "is not valid JSON"),
        (b"\x00", "is not valid JSON"),
        (b"\xef\xbb\xbf{}", "is not valid JSON"),
        ('{"a": 1}'.encode("utf-16"), "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "is not valid JSON"),
        (b"[" * 1020 + b"]" * 1020, "is nested too deep"),
        (b'{"a":' * 1020 + b"1" + b"}" * 1020, "is nested too deep"),
        (b'{"a": 1, "a": 1}', 'has the key "a" twice in one object'),
        (b'{"a": 1, "\\u0061": 2}', 'has the key "a" twice in one object'),
        (b'[{"a": {"b": 1, "c": 2, "c": 3}}]', 'has the key "c" twice in one object'),
        (b'{"a\\"\\n": 1, "a\\"\\n": 1}', 'has the key "a\\"\\n" twice in one object'),
    ],
)
def test_what_is_no_clear_json_is_refused(text: bytes, words: str) -> None:
    with pytest.raises(InvalidInputError) as whole:
        read_json(text)
    with pytest.raises(InvalidInputError) as part:
        read_json(text, "variables")

    assert whole.value.detail.startswith(f"The request {words}")
    assert whole.value.fields == ()
    assert part.value.detail.startswith(f"variables: {words}")
    assert [field.path for field in part.value.fields] == ["variables"]


def test_equal_keys_of_different_objects_are_no_matter() -> None:
    assert read_json(b'{"a": {"a": 1}, "b": {"a": 1}}') == {"a": {"a": 1}, "b": {"a": 1}}


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"1," * VALUES_LIMIT + b"1]",
        b"[" + b'"a",' * VALUES_LIMIT * 3 + b'"a"]',
        b"[" + b"{}," * VALUES_LIMIT + b"{}]",
        b"[" + b"[]," * VALUES_LIMIT + b"[]]",
        b"[" + b"[[[[[]]]]]," * (VALUES_LIMIT // 2) + b"[]]",
    ],
)
def test_more_values_than_can_be_read_at_once_are_refused(text: bytes) -> None:
    with pytest.raises(PayloadTooLargeError) as caught:
        read_json(text)

    assert caught.value.detail == f"The request has more than {VALUES_LIMIT} values."


def test_a_long_text_is_one_value() -> None:
    text = '<p style="a,[{b">\\' * VALUES_LIMIT

    assert read_json(orjson.dumps([text])) == [text]
