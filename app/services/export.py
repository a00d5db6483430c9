"""Communications as CSV (RFC 4180): a line for each, a column for each documented field."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any

import orjson

from app.documents.fields import RECORD_FIELDS, Kind, parts_of
from app.instants import format_instant

# What a spreadsheet takes for the start of a formula, some in full width too, or skips before one.
_SIGNS = "=+@\\-\uff1d\uff0b\uff20\uff0d"
_FORMULA = re.compile(rf"[{_SIGNS}\t\r]|\n+[{_SIGNS}]")
# Rows that are written together, and characters of bodies after which no more are waited for.
_AT_A_TIME = 50
_LONG = 256 * 1024
_PARTS = {field.name: tuple(parts_of(field.name)) for field in RECORD_FIELDS
          if field.kind is Kind.PARTS}  # fmt: skip


async def csv_lines(rows: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[str]:
    r"""Give the header, then each row as its line; every line ends in "\r\n".

    Times are written as elsewhere, lists and objects as JSON, what is missing as nothing. A text
    that a spreadsheet would run is quoted off by an apostrophe, also inside of JSON.
    """
    [header] = _lines([[field.name] for field in RECORD_FIELDS])
    yield header
    waiting: list[Mapping[str, Any]] = []
    length = 0
    async for row in rows:
        waiting.append(row)
        length += len(row.get("body") or "")
        if len(waiting) == _AT_A_TIME or length > _LONG:
            for line in _lines(_columns(waiting)):
                yield line
            waiting, length = [], 0
    for line in _lines(_columns(waiting)):
        yield line


def _columns(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    """Write each field of all rows: mostly what stands in one is of one kind."""
    for field in RECORD_FIELDS:
        path = field.path
        values: list[Any] = [row.get(path) for row in rows]
        kinds = set(map(type, values))
        if kinds == {NoneType}:
            yield [""] * len(values)
        elif kinds == {datetime}:
            yield list(map(format_instant, values))
        elif kinds == {str}:
            yield [_quoted(_harmless(value)) for value in values]
        else:
            yield [_quoted(_cell(field.name, value)) for value in values]


def _lines(columns: Iterable[Sequence[str]]) -> list[str]:
    """Write records (RFC 4180 section 2) whose cells are quoted where they have to be.

    csv.writer, which looks at each sign, takes 13 times as long.
    """
    return [f"{','.join(cells)}\r\n" for cells in zip(*columns, strict=True)]


def _quoted(cell: str) -> str:
    if '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return f'"{cell}"' if "," in cell or "\n" in cell or "\r" in cell else cell


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _harmless(value)
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        parts = _PARTS.get(name)
        shown = value if parts is None else [{part: one.get(part) for part in parts}
                                             for one in value]  # fmt: skip
        return orjson.dumps(_nested(shown)).decode()
    return str(value)


def _harmless(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _nested(value: Any) -> Any:
    match value:
        case str():
            return _harmless(value)
        case datetime():
            return format_instant(value)
        case list():
            return [_nested(item) for item in value]
        case dict():
            return {_harmless(name): _nested(item) for name, item in value.items()}
    return value
