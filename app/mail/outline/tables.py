"""Tables that are set in columns: these are as wide as what is filled in makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.mail.character_references import unescaped
from app.mail.outline.marks import FIRST_MADE, MARK, Pattern

if TYPE_CHECKING:
    from inscriptis.html_properties import HorizontalAlignment, VerticalAlignment
    from inscriptis.model.html_document_state import HtmlDocumentState
    from inscriptis.model.table import Table, TableCell

    _Cell = tuple[HorizontalAlignment, VerticalAlignment, list[Pattern]]

# Behind the marks for what is written behind links, of which there are fewer.
FIRST_TABLE = FIRST_MADE + 0x4000


class Columns:
    """The cells of a table, line by line, to be filled in and set in columns."""

    def __init__(self, table: Table) -> None:
        self._separator = table.cell_separator
        self._rows: list[list[_Cell]] = [
            [(cell.align, cell.valign, _lines(cell)) for cell in row.columns] for row in table.rows
        ]

    def lines(self, words: Mapping[int, str]) -> list[str]:
        """Give the table, set with these words in it."""
        from inscriptis.model.table import Table, TableCell  # noqa: PLC0415  # large, as is lxml

        table = Table(0, self._separator)
        for row in self._rows:
            table.add_row()
            for align, valign, lines in row:
                cell = TableCell(align, valign)
                cell.blocks = [line.filled(words) for line in lines]
                table.add_cell(cell)
        # Inscriptis reads references in tables twice.
        return [unescaped(line) for line in table.get_text()[:-1].split("\n")]


def _lines(cell: TableCell) -> list[Pattern]:
    cell.normalize_blocks()
    return [Pattern(line) for line in cell.blocks]


class StandIns:
    """Marks in the place of tables whose cells have marks; `columns` are the tables behind them.

    A second mark on the next line shows where further lines begin.
    """

    def __init__(self) -> None:
        self._next = FIRST_TABLE
        self.columns: dict[int, Columns] = {}

    def end_table(self, state: HtmlDocumentState) -> None:
        """Be called at each `</table>`, in the place of what Inscriptis does."""
        from inscriptis.model.tag.table_tag import table_end_handler  # noqa: PLC0415  # as above

        table = state.current_table[-1]
        if any(_has_marks(cell) for row in table.rows for cell in row.columns):
            self.columns[self._next] = Columns(table)
            state.current_table[-1] = _StandIn(self._next)
            self._next += 2
        table_end_handler(state)


def _has_marks(cell: TableCell) -> bool:
    return MARK.search(cell.get_text()) is not None


class _StandIn:
    def __init__(self, number: int) -> None:
        self._text = f"{chr(number)}\n{chr(number + 1)}\n"

    def get_text(self) -> str:
        return self._text

    def get_annotations(self, *_: int) -> list[object]:
        return []
