# ruff: noqa: PLC0415  # slow to import
"""What commands need before they begin."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

Result = TypeVar("Result")
FAILURE = 1


def reach(server: str, ask: Callable[[str], object], url: str) -> None:
    """End the command with one line when the server does not answer; it shows no credentials."""
    from app.embedded.errors import EmbeddedServerError

    try:
        ask(url)
    except EmbeddedServerError as error:
        typer.echo(f"{server}: {error}; `letterbox doctor` tells more", err=True)
        raise typer.Exit(FAILURE) from None


def run_opened(work: Callable[..., Awaitable[Result]]) -> Result:
    """Do `work` with everything open: the Deps. A refusal ends the command with its words."""
    from app.bootstrap import open_deps
    from app.embedded.probes import ask_mongo
    from app.errors import AppError
    from app.logs import configure_logs
    from app.settings import Settings

    settings = Settings()
    configure_logs(settings)
    reach("MongoDB", ask_mongo, settings.mongo_url)

    async def opened() -> Result:
        async with open_deps(settings) as deps:
            return await work(deps)

    try:
        return asyncio.run(opened())
    except AppError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(FAILURE) from None
