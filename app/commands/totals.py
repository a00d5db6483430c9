# ruff: noqa: PLC0415  # each command imports only what it needs
"""The command that makes the totals of analytics anew, or compares them with the records."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from app.commands.reach import FAILURE, run_opened


def recount(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Go on where an earlier run was ended.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare them with the records, and change nothing.")
    ] = False,
) -> None:
    """Count the records anew for analytics, as after an import past the API."""
    if run_opened(_checked(tenant) if check else _recounted(tenant, anew=not go_on)):
        raise typer.Exit(FAILURE)


def _recounted(tenant: str | None, *, anew: bool) -> Callable[..., Awaitable[int]]:
    from app.context import Deps
    from app.services import recounting as service

    async def run(deps: Deps) -> int:
        for one in await service.tenants() if tenant is None else [tenant]:
            async for done in service.recount(deps, one, anew=anew):
                if done.is_whole:
                    typer.echo(f"{one}: {done.records} records counted.")
                else:
                    typer.echo(f"{one}: {done.records} so far", err=True)
        return 0

    return run


def _checked(tenant: str | None) -> Callable[..., Awaitable[int]]:
    from app.context import Deps
    from app.services import recounting as service

    async def run(deps: Deps) -> int:
        wrong = 0
        for one in await service.tenants() if tenant is None else [tenant]:
            days, faults = 0, 0
            async for done in service.check(deps, one):
                days += done.day is not None
                faults += len(done.faults)
                for fault in done.faults:
                    typer.echo(f"{one}: {fault}")
                if done.day is not None:
                    typer.echo(f"{one}: {done.day:%Y-%m-%d} compared", err=True)
            typer.echo(f"{one}: {days} days compared, {faults} totals are wrong.")
            wrong += faults
        return wrong

    return run
