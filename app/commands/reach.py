"""What commands need before they begin."""

from collections.abc import Callable

import typer

FAILURE = 1


def reach(server: str, ask: Callable[[str], object], url: str) -> None:
    """End the command with one line when the server does not answer; it shows no credentials."""
    from app.embedded.errors import EmbeddedServerError  # noqa: PLC0415  # slow to import

    try:
        ask(url)
    except EmbeddedServerError as error:
        typer.echo(f"{server}: {error}; `letterbox doctor` tells more", err=True)
        raise typer.Exit(FAILURE) from None
