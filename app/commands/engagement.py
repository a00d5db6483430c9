# ruff: noqa: PLC0415  # each command imports only what it needs
"""The command that judges opens and clicks anew."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.commands.reach import run_opened


def reclassify(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only those since then, in UTC.")] = None,
    after: Annotated[
        str | None, typer.Option(help="Go on behind this one, up to which an earlier run came.")
    ] = None,
) -> None:
    """Judge kept opens and clicks by today's rules, and correct what is counted of them."""
    from app.context import Deps
    from app.services import reclassification as service

    start = None if since is None else since.replace(tzinfo=UTC)

    async def run(deps: Deps) -> None:
        done = service.Reclassified()
        async for done in service.reclassify(deps, tenant=tenant, since=start, after=after):
            so_far = f"{done.looked_at} looked at, {done.changed} changed"
            typer.echo(f"{so_far}; to go on from here: --after {done.last}", err=True)
        for turn, count in done.turns.most_common():
            typer.echo(f"{count} {turn.kind}: {turn.before} -> {turn.after}")
        typer.echo(f"{done.changed} of {done.looked_at} opens and clicks changed.")

    run_opened(run)
