# ruff: noqa: PLC0415  # each command imports only what it needs
"""The commands of receiving: the listener for mail servers, and whose mail it is."""

from typing import Annotated, Literal

import typer

from app.commands.reach import FAILURE, reach, run_opened

domains = typer.Typer(
    help="Say whose mail to a domain, or to an address, is.", no_args_is_help=True
)
_HOST, _PORT = "127.0.0.1", 2424
Name = Annotated[str, typer.Argument(help="A domain (`acme.example`) or an address.")]


def inbound(
    protocol: Annotated[
        Literal["lmtp", "smtp"], typer.Option(help="What the mail server speaks.")
    ] = "lmtp",
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; default LETTERBOX_INBOUND_LISTENER or 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Port to listen on; default LETTERBOX_INBOUND_LISTENER or 2424.",
        ),
    ] = None,
    own: Annotated[str | None, typer.Option("--for", hidden=True)] = None,
) -> None:
    """Take mail from mail servers such as Postfix."""
    from app.embedded.probes import ask_mongo
    from app.listening.server import Protocol, run_listener
    from app.settings import Settings

    settings = Settings()
    reach("MongoDB", ask_mongo, settings.mongo_url)
    place = settings.listener_place or (_HOST, _PORT)
    place = (host or place[0], port or place[1])
    try:
        run_listener(settings, Protocol(protocol), *place, own=own)
    except OSError as error:
        typer.echo(f"Port {place[1]} of {place[0]} cannot be had: {error.strerror}", err=True)
        raise typer.Exit(FAILURE) from None


def reparse(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
) -> None:
    """Read received messages anew of which something could not be read (`parseFault`)."""
    from app.context import Deps
    from app.services.receiving import rereading as service

    async def run(deps: Deps) -> None:
        done = service.Reread()
        async for done in service.reread(deps, tenant=tenant):
            typer.echo(f"{done.looked_at} looked at, {done.mended} mended", err=True)
        typer.echo(f"{done.mended} of {done.looked_at} messages could be read whole.")

    run_opened(run)


@domains.command()
def add(name: Name, tenant: Annotated[str, typer.Option(help="Tenant whose mail it is.")]) -> None:
    """Let mail to a domain, or to an address, be a tenant's."""
    from app.context import Deps
    from app.services.receiving import domains as service

    async def run(deps: Deps) -> None:
        added = await service.add(deps, tenant, name)
        typer.echo(f"Mail to {added.name} is {added.tenant_id}'s.")

    run_opened(run)


@domains.command()
def remove(name: Name) -> None:
    """Take no more mail for a domain or an address; what came stays."""
    from app.context import Deps
    from app.services.receiving import domains as service

    async def run(_: Deps) -> None:
        await service.remove(name)
        typer.echo("Removed.")

    run_opened(run)


@domains.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
) -> None:
    """Print domains and addresses, each with its tenant."""
    from app.context import Deps
    from app.services.receiving import domains as service

    async def run(_: Deps) -> None:
        for one in await service.listed(tenant):
            typer.echo(f"{one.name}\t{one.tenant_id}")

    run_opened(run)
