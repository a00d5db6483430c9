"""Members from a CSV file, into a recipient list."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from app.context import Caller, Deps
from app.services.list_members import Added, NewMember, check_room, read_rows, store
from app.services.member_csv import Line, read_header, read_lines
from app.services.recipient_lists import list_of

# What an answer tells one by one; `failed` counts them all.
ERRORS_SHOWN = 1_000
_ROWS_AT_A_TIME = 1_000


@dataclass(frozen=True)
class RowError:
    """Why the row that begins in this line of the file (from 1) became no member."""

    line: int
    message: str


@dataclass
class Import:
    """What became of the rows; `errors` are the first thousand of those that `failed`."""

    variables: list[str]
    added: int = 0
    duplicates: int = 0
    failed: int = 0
    errors: list[RowError] = field(default_factory=list)

    def note(self, line: Line, outcome: Added) -> None:
        if outcome.error is not None:
            self.failed += 1
            if len(self.errors) < ERRORS_SHOWN:
                self.errors.append(RowError(line.number, outcome.error))
        elif outcome.duplicate:
            self.duplicates += 1
        else:
            self.added += 1


async def import_members(deps: Deps, caller: Caller, list_id: str, csv: str) -> Import:
    """Add the rows of a CSV file; wrong ones are told, and keep no other from being added.

    An import that was cut off is finished by doing it again: what was added is a duplicate then.
    Raises NotFoundError, PayloadTooLargeError, and InvalidInputError for a file that cannot be read
    as a whole; then nothing was added.
    """
    found = await list_of(caller, list_id)
    header = await asyncio.to_thread(read_header, csv)
    await check_room(found, csv.count("\n"))
    done = Import(header.named)
    lines = read_lines(csv, header)
    while chunk := await asyncio.to_thread(_read_chunk, lines):
        outcomes = await store(deps, found, [row for _, row in chunk])
        for (line, _), outcome in zip(chunk, outcomes, strict=True):
            done.note(line, outcome)
    return done


def _read_chunk(lines: Iterator[Line]) -> list[tuple[Line, NewMember | str]]:
    chunk = list(islice(lines, _ROWS_AT_A_TIME))
    rows = read_rows([line.values for line in chunk])
    return [
        (line, row if line.error is None else line.error)
        for line, row in zip(chunk, rows, strict=True)
    ]
