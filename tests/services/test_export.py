import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.services.export import csv_lines
from rest_compat.records import communication_record

MOMENT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
ROW: dict[str, Any] = {
    "_id": PydanticObjectId("6b050e9454d4a1b9322b3eaa"),
    "tenantId": "acme",
    "status": "SENT",
    "subject": "Your offer",
    "body": "<p>a</p>",
    "originalBody": "<p>a</p>",
    "senderEmail": "crm@acme.test",
    "recipients": ["jan@customer.test"],
    "cc": [],
    "bcc": [],
    "providerType": "SMTP",
    "trackingEnabled": True,
    "linkTrackingEnabled": False,
    "opened": False,
    "openCount": 0,
    "clickedLinks": [],
    "events": [],
    "created": MOMENT,
    "trackingId": "hidden",
}


async def exported(*rows: dict[str, Any]) -> list[dict[str, str]]:
    async def stored() -> AsyncIterator[dict[str, Any]]:
        for row in rows:
            yield row

    text = "".join([line async for line in csv_lines(stored())])
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_the_columns_are_those_of_a_record() -> None:
    (row,) = await exported(ROW)

    assert list(row) == list(communication_record(ROW))
    assert row["id"] == "6b050e9454d4a1b9322b3eaa"
    assert row["created"] == "2026-11-24T09:30:00Z"
    assert row["trackingEnabled"] == "true"
    assert row["linkTrackingEnabled"] == "false"
    assert row["openCount"] == "0"
    assert row["cc"] == "[]"
    assert row["sentAt"] == row["variables"] == ""


@given(
    texts=st.lists(st.text(alphabet=st.sampled_from('ab",;\r\n =\u2028é')), min_size=2, max_size=2)
)
def test_any_text_is_read_back_as_it_was(texts: list[str]) -> None:
    subject, name = texts

    (row,) = asyncio.run(exported({**ROW, "subject": subject, "senderName": name}))

    assert row["subject"].removeprefix("'") == subject
    assert row["senderName"].removeprefix("'") == name


@pytest.mark.parametrize("start", [*"=+-@\t\r\uff1d\uff0b\uff0d\uff20", "\n=", "\n\n-"])
async def test_what_a_spreadsheet_would_run_is_quoted_off(start: str) -> None:
    formula = f"{start}cmd|' /C calc'!A0"
    event = {"id": "1", "type": "FAIL", "date": MOMENT, "description": formula}

    (row,) = await exported(
        {**ROW, "subject": formula, "variables": {formula: [formula]}, "events": [event]}
    )

    quoted = formula.replace("\t", "\\t").replace("\r", "\\r").replace("\n", "\\n")
    assert row["subject"] == f"'{formula}"
    assert row["variables"] == f'{{"\'{quoted}":["\'{quoted}"]}}'
    assert f'"description":"\'{quoted}"' in row["events"]


@pytest.mark.parametrize(
    "text", ["a=b", "1-2", "a,b", 'a "b"', "a\r\nb", "'a", "é\u2028", " =1", "\n\na"]
)
async def test_other_texts_stay_as_they_are(text: str) -> None:
    (row,) = await exported({**ROW, "subject": text})

    assert row["subject"] == text


async def test_a_row_is_written_as_if_it_were_alone() -> None:
    kinds = [None, "=a", "b", 7, True, MOMENT, ["x"]]
    rows = [{**ROW, "subject": kinds[at % 7], "replyTo": kinds[at % 3]} for at in range(120)]
    for row in rows[60:64]:
        row["body"] = "x" * 100_000

    written = await exported(*rows)

    assert written == [one for row in rows for one in await exported(row)]


async def test_nested_values_show_what_is_documented() -> None:
    link = {"originalUrl": "https://a.test", "url": "https://t.test", "clickCount": 1,
            "lastClickedAt": MOMENT}  # fmt: skip

    (row,) = await exported({**ROW, "clickedLinks": [link]})

    assert row["clickedLinks"] == (
        '[{"clickCount":1,"clickedAt":null,"originalUrl":"https://a.test","url":"https://t.test"}]'
    )


async def test_lines_end_as_the_standard_says_and_cells_are_quoted() -> None:
    async def stored() -> AsyncIterator[dict[str, Any]]:
        yield {**ROW, "subject": 'a "b",\nc'}

    header, line = [line async for line in csv_lines(stored())]

    assert header.endswith("variables\r\n")
    assert '"a ""b"",\nc"' in line
    assert line.endswith("\r\n")
