"""The README says what is true."""

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from app.cli import app
from app.settings import Settings

README = (Path(__file__).parent.parent / "README.md").read_text()
START, END = "<!-- settings: checked by tests/test_readme.py -->", "<!-- end of settings -->"


def shown(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return ""
    match value:
        case timedelta():
            return f"`{value.total_seconds():g}`"
        case StrEnum():
            return f"`{value.value}`"
        case _:
            return f"`{value}`"


def settings_table() -> str:
    rows = [
        f"| `LETTERBOX_{name.upper()}` | {shown(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def test_the_settings_table_is_current() -> None:
    written = README[README.index(START) + len(START) : README.index(END)].strip()

    assert written == settings_table()


@pytest.mark.parametrize("path", re.findall(r"\]\(([a-z_/.]+)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    assert (Path(__file__).parent.parent / path).exists()


def test_the_targets_it_names_exist() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z]+)", README)) - {"one"}

    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_the_commands_table_is_complete() -> None:
    commands = {
        one.name or one.callback.__name__
        for one in app.registered_commands
        if not one.hidden and one.callback
    }

    assert set(re.findall(r"`letterbox ([a-z]+)`(?=.* \|)", README)) == commands
