# ruff: noqa: PLC0415  # each command imports only what it needs: `token` must not load a server
"""The `letterbox` command."""

import contextlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import ValidationError

from app.commands import engagement, totals
from app.commands import inbound as receiving
from app.commands.reach import FAILURE, reach

INVALID_SETTINGS = 2
STARTUP_FAILURE = 3

app = typer.Typer(
    name="letterbox",
    help="Letterbox, the e-mail service that CRMs plug in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(engagement.reclassify)
app.command()(totals.recount)
app.command()(receiving.inbound)
app.command()(receiving.reparse)
app.add_typer(receiving.domains, name="inbound-domain")

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the development stack; default LETTERBOX_DATA_DIR or .letterbox."),
]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the API.")]


def main() -> None:
    """Run the command line; settings that are wrong end it with exit code 2 and no traceback."""
    try:
        app()
    except ValidationError as error:
        if error.title != "Settings":
            raise
        from app.dev.environment import problems_of

        for line in problems_of(error):
            typer.echo(line, err=True)
        raise SystemExit(INVALID_SETTINGS) from None


@app.command()
def dev(
    port: Port = None,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(min=1, max=32, help="Worker processes.")] = 1,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Demo mails on first use.")] = True,
    inbound: Annotated[
        bool, typer.Option("--inbound/--no-inbound", help="A port where mail servers hand mail in.")
    ] = True,
) -> None:
    """Start everything on this machine: servers, inbox, API, worker and listener."""
    from app.dev.environment import data_folder
    from app.dev.stack import StackOptions, run_stack
    from app.settings import Settings

    options = StackOptions(
        folder=data_folder(data_dir),
        port=port or Settings().port,
        workers=workers,
        with_demo=demo,
        with_inbound=inbound,
    )
    raise typer.Exit(run_stack(options))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Port = None,
) -> None:
    """Run the API."""
    from app import loading

    loading.begin()
    from app.embedded.probes import ask_mongo
    from app.serving import api_server
    from app.settings import Settings

    if host is not None:
        os.environ["LETTERBOX_HOST"] = host
    if port is not None:
        os.environ["LETTERBOX_PORT"] = str(port)
    settings = Settings()
    reach("MongoDB", ask_mongo, settings.mongo_url)
    server = api_server("app.main:app_from_environment", settings)
    # After its own orderly end uvicorn raises the signal once more.
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise typer.Exit(STARTUP_FAILURE)


@app.command()
def worker() -> None:
    """Run a worker, which sends mail."""
    from app import loading

    loading.begin()
    from app.embedded.probes import ask_mongo, ask_redis
    from app.settings import Settings
    from workers.settings import run_worker

    settings = Settings()
    reach("MongoDB", ask_mongo, settings.mongo_url)
    reach("Redis", ask_redis, settings.redis_url)
    run_worker(settings)


@app.command()
def token(
    tenant: Annotated[str, typer.Option(help="Tenant the token is for.")],
    user: Annotated[str, typer.Option(help="User the token is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it allows; repeatable; default all.")
    ] = None,
    lifetime_hours: Annotated[float, typer.Option(min=0.01, help="How long it is valid.")] = 720,
    data_dir: DataDir = None,
) -> None:
    """Print a bearer token that fits LETTERBOX_JWT_SECRET or the development stack."""
    from app.dev.environment import data_folder, token_settings
    from app.dev.errors import StackError
    from app.dev.tokens import make_token

    try:
        made = make_token(
            token_settings(data_folder(data_dir)),
            tenant=tenant,
            user=user,
            scopes=scope or [],
            lifetime=timedelta(hours=lifetime_hours),
        )
    except StackError as error:
        typer.echo(error, err=True)
        raise typer.Exit(FAILURE) from None
    typer.echo(made)


@app.command()
def key(
    tenant: Annotated[str, typer.Option(help="Tenant the key is for.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it allows; repeatable; default all.")
    ] = None,
) -> None:
    """Make an API key and print it: nobody can be shown it again."""
    import asyncio

    from app.bootstrap import open_deps
    from app.embedded.probes import ask_mongo
    from app.errors import AppError
    from app.logs import configure_logs
    from app.services.api_keys import issue
    from app.settings import Settings

    settings = Settings()
    configure_logs(settings)
    reach("MongoDB", ask_mongo, settings.mongo_url)

    async def run() -> str:
        async with open_deps(settings) as deps:
            return (await issue(deps, tenant, name, scope)).secret

    try:
        typer.echo(asyncio.run(run()))
    except AppError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(FAILURE) from None


@app.command()
def rotate() -> None:
    """Encrypt the secrets of all provider accounts with the first of LETTERBOX_SECRET_KEYS."""
    import asyncio

    from app.bootstrap import open_deps
    from app.embedded.probes import ask_mongo
    from app.errors import AppError
    from app.services.account_secrets import Resealed, reseal
    from app.settings import Settings

    settings = Settings()
    reach("MongoDB", ask_mongo, settings.mongo_url)

    async def run() -> Resealed:
        async with open_deps(settings):
            return await reseal(settings)

    try:
        done = asyncio.run(run())
    except AppError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(FAILURE) from None
    typer.echo(f"{done.changed} accounts were encrypted anew.")
    if done.lost:
        typer.echo(f"The key of these is missing: {' '.join(done.lost)}", err=True)
        raise typer.Exit(FAILURE)


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check everything Letterbox depends on and say how to mend what is wrong."""
    from app.dev.doctor import run_doctor
    from app.dev.environment import data_folder

    raise typer.Exit(run_doctor(data_folder(data_dir)))


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from graphql_schema.schema import schema as graphql_schema

    typer.echo(graphql_schema.as_str())


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the REST routes."""
    from rest_compat.openapi import document

    typer.echo(document().decode().rstrip())


@app.command(hidden=True)
def inbox(port: Annotated[int, typer.Option(min=1, max=65535)], data_dir: DataDir = None) -> None:
    """Run the SMTP server of the development inbox."""
    from app.dev.environment import data_folder
    from app.dev.inbox import run_inbox

    run_inbox(port, data_folder(data_dir).inbox)


if __name__ == "__main__":
    main()
