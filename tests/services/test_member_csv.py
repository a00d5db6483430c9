import csv
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInputError, PayloadTooLargeError
from app.services import member_csv
from app.services.member_csv import Line, read_header, read_lines, variable_name


def lines(text: str) -> list[Line]:
    return list(read_lines(text, read_header(text)))


def values(email: str, name: str | None = None, **variables: str) -> dict[str, Any]:
    return {"email": email, "name": name, "variables": variables}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_byte_order_mark(delimiter: str, end: str, mark: str) -> None:
    rows = [["email", "name", "First city"], ["jan@c.test", "Jan", "Ede"], ["p@c.test", "", "Urk"]]
    text = mark + "".join(delimiter.join(row) + end for row in rows)

    assert lines(text) == [
        Line(2, values("jan@c.test", "Jan", First_city="Ede")),
        Line(3, values("p@c.test", "", First_city="Urk")),
    ]


@pytest.mark.parametrize(
    "header",
    ["email", "EMAIL", " E-mail ", "E-Mail Address", "emailAddress", "E-mailadres", "mail"],
)
def test_names_of_the_address_column(header: str) -> None:
    assert lines(f"city,{header}\nEde,jan@c.test\n") == [Line(2, values("jan@c.test", city="Ede"))]


@pytest.mark.parametrize("header", ["name", "Name", "Full name", "display_name", "Naam"])
def test_names_of_the_name_column(header: str) -> None:
    assert lines(f"email,{header}\njan@c.test,Jan\n") == [Line(2, values("jan@c.test", "Jan"))]


def test_of_several_address_columns_the_plainest_counts() -> None:
    assert lines("mail,email\nx,jan@c.test\n") == [Line(2, values("jan@c.test", mail="x"))]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'email,note\n"jan@c.test","a ""b"",\r\nc"\npiet@c.test,d\n'

    assert lines(text) == [
        Line(2, values("jan@c.test", note='a "b",\r\nc')),
        Line(4, values("piet@c.test", note="d")),
    ]


def test_empty_rows_are_passed_over_and_counted_as_lines() -> None:
    assert lines("email,x\n\n , \njan@c.test,1\n") == [Line(4, values("jan@c.test", x="1"))]


def test_short_rows_end_in_nothing_and_long_ones_are_told() -> None:
    assert lines("email,x,y\njan@c.test\npiet@c.test,1,2,3\n") == [
        Line(2, values("jan@c.test", x="", y="")),
        Line(3, {}, "has 4 cells, the header 3"),
    ]


def test_columns_without_a_name_are_left_out() -> None:
    assert lines("email,,x\njan@c.test,1,2\n") == [Line(2, values("jan@c.test", x="2"))]


@pytest.mark.parametrize(
    ("cell", "name"),
    [("city", "city"), ("First name", "First_name"), ("2nd", "_2nd"), ("Größe", "Größe"),
     (" a-b ", "a_b"), ("$ref", "ref"), ("a.b", "a_b"), ("", None), (" - ", None)],
)  # fmt: skip
def test_names_that_fit_a_template(cell: str, name: str | None) -> None:
    assert variable_name(cell) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must begin with a row of column names"),
        ("\ufeff\n\n", "must begin with a row of column names"),
        ("name,city\nJan,Ede\n", "must have a column `email`; the first row names the columns"),
        ("email,x,x\n", "has columns of the same name: x"),
        ("email,a b,a-b\n", "has columns of the same name: a_b"),
        ('email,x\njan@c.test,"open\n', "is no CSV at line 2: unexpected end of data"),
        ('email,x\njan@c.test,"a"b\n', "is no CSV at line 2: ',' expected after '\"'"),
        ('"email', "is no CSV: its first row cannot be read"),
        (f"email,x\njan@c.test,{'x' * 200_000}\n",
         "is no CSV at line 2: field larger than field limit (131072)"),
        (",".join(["email", *(f"c{n}" for n in range(999))]) + "\n",
         "has 1000 columns; at most 200 are read"),
    ],
)  # fmt: skip
def test_files_that_are_refused_as_a_whole(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_header(text)

    assert refused.value.detail == f"csv: {reason}"
    assert [fault.path for fault in refused.value.fields] == ["csv"]


def test_files_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_csv, "CSV_LIMIT", 20)
    monkeypatch.setattr(member_csv, "ROWS_LIMIT", 2)

    assert len(lines("email\n1\n2\n")) == 2
    with pytest.raises(InvalidInputError, match="csv: has 3 rows; at most 2 are read at a time"):
        read_header("email\n1\n2\n3\n")
    with pytest.raises(PayloadTooLargeError, match="csv: has 21 octets; at most 20 are read"):
        read_header("email\n" + "1" * 15)


@given(
    st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), max_size=8),
    st.sampled_from(",;\t"),
)
def test_whatever_is_written_is_read_back(rows: list[list[str]], delimiter: str) -> None:
    written = StringIO()
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
        [["email", "x"], *rows]
    )

    read = [line.values for line in lines(written.getvalue())]

    assert read == [values(email, x=x.strip()) for email, x in rows if email.strip() or x.strip()]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidInputError):
        assert all(line.number > 1 for line in lines(text))
