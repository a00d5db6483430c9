"""Reading members from CSV (RFC 4180, and what spreadsheets make of it)."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from app.errors import FieldError, InvalidInputError, PayloadTooLargeError

CSV_LIMIT = 32 * 1024 * 1024
ROWS_LIMIT = 200_000
COLUMNS_LIMIT = 200
_DELIMITERS = ",;\t"
# As their letters, whatever stands between: `E-mail Address`, `emailAddress`.
_EMAIL = ("email", "emailaddress", "emailadres", "mail", "mailaddress")
_NAME = ("name", "fullname", "displayname", "naam")


@dataclass(frozen=True)
class Header:
    """What stands in which column; `variables` are the names to fill in by, None for no name."""

    delimiter: str
    email: int
    name: int | None
    variables: tuple[str | None, ...]

    @property
    def named(self) -> list[str]:
        """The variables that rows bring."""
        return [name for name in self.variables if name is not None]


@dataclass(frozen=True)
class Line:
    """A row with the number of its first line, from 1; `error` says what is wrong with it."""

    number: int
    values: dict[str, object]
    error: str | None = None


def read_header(text: str) -> Header:
    """Read the first row, and look whether all of the file is CSV.

    Raises PayloadTooLargeError, and InvalidInputError for a file that cannot be read as a whole.
    """
    size = len(text.encode(errors="replace"))
    if size > CSV_LIMIT:
        fault = FieldError("csv", f"has {size} octets; at most {CSV_LIMIT} are read at a time")
        raise PayloadTooLargeError(f"{fault.path}: {fault.message}", fields=[fault])
    delimiter, cells = _first_row(text)
    header = _header(delimiter, cells)
    rows = sum(1 for _ in _rows(text, delimiter)) - 1
    if rows > ROWS_LIMIT:
        raise _fault(f"has {rows} rows; at most {ROWS_LIMIT} are read at a time")
    return header


def read_lines(text: str, header: Header) -> Iterator[Line]:
    """Read the rows behind the header; empty ones are passed over."""
    rows = _rows(text, header.delimiter)
    next(rows)
    for number, cells in rows:
        if len(cells) > len(header.variables):
            reason = f"has {len(cells)} cells, the header {len(header.variables)}"
            yield Line(number, {}, reason)
        else:
            yield Line(number, _values(header, cells))


def _values(header: Header, cells: list[str]) -> dict[str, object]:
    # A row that ends early has nothing in the columns that are left.
    full = cells + [""] * (len(header.variables) - len(cells))
    variables = {
        name: cell.strip()
        for name, cell in zip(header.variables, full, strict=True)
        if name is not None
    }
    return {
        "email": full[header.email],
        "name": None if header.name is None else full[header.name],
        "variables": variables,
    }


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its first line."""
    reader = csv.reader(_open(text), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _fault(f"is no CSV at line {number}: {error}") from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield number, cells


def _open(text: str) -> StringIO:
    # Line ends are the reader's business: they may stand inside quotes.
    return StringIO(text.removeprefix("\ufeff"), newline="")


def _first_row(text: str) -> tuple[str, list[str]]:
    """Take the delimiter that shows an address column, and of several the most columns."""
    found = []
    for delimiter in _DELIMITERS:
        try:
            _, cells = next(_rows(text, delimiter), (0, []))
        except InvalidInputError:
            continue
        found.append((_place(cells, _EMAIL) is not None, len(cells), delimiter, cells))
    if not found:
        raise _fault("is no CSV: its first row cannot be read")
    *_, delimiter, cells = max(found, key=lambda one: one[:2])
    return delimiter, cells


def _header(delimiter: str, cells: list[str]) -> Header:
    if not cells:
        raise _fault("must begin with a row of column names")
    if len(cells) > COLUMNS_LIMIT:
        raise _fault(f"has {len(cells)} columns; at most {COLUMNS_LIMIT} are read")
    email = _place(cells, _EMAIL)
    if email is None:
        raise _fault("must have a column `email`; the first row names the columns")
    name = _place(cells, _NAME)
    variables = tuple(
        None if place in {email, name} else variable_name(cell) for place, cell in enumerate(cells)
    )
    named = [one for one in variables if one is not None]
    if twice := sorted({one for one in named if named.count(one) > 1}):
        raise _fault(f"has columns of the same name: {', '.join(twice)}")
    return Header(delimiter, email, name, variables)


def _place(cells: list[str], names: tuple[str, ...]) -> int | None:
    """Find the column of one of these names, the first name that there is."""
    letters = [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells]
    return next((letters.index(name) for name in names if name in letters), None)


def variable_name(cell: str) -> str | None:
    """Make a name that can stand in `{{ }}`: `First name` is `First_name`; None for no name."""
    name = re.sub(r"\W+", "_", cell.strip()).strip("_")
    return f"_{name}" if name[:1].isdigit() else name or None


def _fault(reason: str) -> InvalidInputError:
    return InvalidInputError.of(FieldError("csv", reason))
