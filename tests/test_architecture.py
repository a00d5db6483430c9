"""Rules that would drift if nothing held them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.queue import JobName
from app.settings import Settings
from workers.cron import cron_jobs
from workers.settings import FUNCTIONS, LIST_FUNCTIONS

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "graphql_schema", "rest_compat", "workers")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
# The command line loads what a command needs, so that `letterbox token` answers at once.
LAZY = {
    ROOT / "app" / "cli.py",
    *(ROOT / "app" / "commands").rglob("*.py"),
    *(ROOT / "app" / "dev").rglob("*.py"),
}
LONGEST_MODULE = 300
LONGEST_FUNCTION = 50
# Functions that list every documented field: as it is accepted, and in each door's shape.
TABLES = {"communication_record", "of", "_record"}


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("module", MODULES, ids=NAMES)
def test_modules_stay_short(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("module", MODULES, ids=NAMES)
def test_functions_stay_short(module: Path) -> None:
    long = [
        function.name
        for function in functions(module)
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert set(long) <= TABLES


@pytest.mark.parametrize("module", MODULES, ids=NAMES)
def test_queries_stand_in_documents_only(module: Path) -> None:
    if ROOT / "app" / "documents" not in module.parents:
        assert "get_motor_collection" not in module.read_text()


def test_the_tenant_filter_is_made_in_one_place() -> None:
    made = [
        str(module.relative_to(ROOT)) for module in MODULES if '"tenantId": ' in module.read_text()
    ]

    # rest_compat shows the tenant of a record; only documents.base filters by it.
    assert made == ["app/documents/base.py", "rest_compat/records.py"]


@pytest.mark.parametrize("module", [m for m in MODULES if m not in LAZY], ids=str)
def test_imports_of_our_own_stand_at_the_top(module: Path) -> None:
    inner = [
        node.module
        for function in functions(module)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES
    ]
    assert inner == []


def test_every_job_name_has_its_function() -> None:
    crons = {job.name for job in cron_jobs(Settings())}

    assert {name.value for name in (*FUNCTIONS, *LIST_FUNCTIONS)} | crons == {
        name.value for name in JobName
    }
