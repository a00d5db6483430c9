"""GraphiQL, the editor for GraphQL that a browser gets at /graphql; it needs no internet."""

from functools import cache
from html import escape
from pathlib import Path

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from graphql_schema.graphiql.assets import ASSETS, CDN, SCRIPTS, STYLES, Asset, are_installed

BASE = "/graphql/assets"
EXAMPLES = Path(__file__).with_name("examples")
_START = Path(__file__).with_name("start.js")
# Their bytes follow from their address only with their version in it.
_A_DAY = {"Cache-Control": "public, max-age=86400"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Letterbox: GraphiQL</title>
<link rel="icon" href="data:,">
<style>body {{ margin: 0 }} #graphiql {{ height: 100dvh }}</style>
{styles}
</head>
<body>
<div id="graphiql">Loading GraphiQL. It needs JavaScript.</div>
<script type="application/json" id="examples">{examples}</script>
{scripts}
<script src="{base}/start.js"></script>
</body>
</html>
"""


def page() -> Response:
    """Give the page; its files come from here where they are installed, else from a CDN."""
    local = are_installed()
    source = "" if local else f" {CDN}"
    # GraphiQL sets styles of its own, and shows inline pictures and fonts.
    policy = (
        f"default-src 'self'; script-src 'self'{source}; style-src 'self' 'unsafe-inline'{source}; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws: wss:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(_html(local=local), headers={"Content-Security-Policy": policy})


def asset_routes() -> list[BaseRoute]:
    """Serve the page's files below /graphql/assets, to anyone."""
    return [Route(f"{BASE}/{{name}}", _asset, methods=["GET"])]


@cache
def examples() -> list[dict[str, str]]:
    """Read the example operations, one for each tab: {"title", "query", "variables"}."""
    found: list[dict[str, str]] = []
    for path in sorted(EXAMPLES.glob("*.graphql")):
        variables = path.with_suffix(".json")
        found.append({
            "title": path.stem.partition("-")[2],
            "query": path.read_text(),
            "variables": variables.read_text() if variables.exists() else "",
        })  # fmt: skip
    return found


@cache
def _html(*, local: bool) -> str:
    return _PAGE.format(
        base=BASE,
        styles="\n".join(
            f'<link rel="stylesheet" href="{_address(asset, local=local)}" {_check(asset)}>'
            for asset in STYLES
        ),
        scripts="\n".join(
            f'<script src="{_address(asset, local=local)}" {_check(asset)}></script>'
            for asset in SCRIPTS
        ),
        # Within a script element only `<` could end it.
        examples=orjson.dumps(examples()).decode().replace("<", "\\u003c"),
    )


def _address(asset: Asset, *, local: bool) -> str:
    return f"{BASE}/{asset.name}?{asset.version}" if local else escape(asset.remote)


def _check(asset: Asset) -> str:
    return f'integrity="{asset.integrity}" crossorigin="anonymous"'


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name == _START.name:
        return FileResponse(_START, media_type="text/javascript")
    asset = ASSETS.get(name)
    if asset is None or not asset.file.is_file():
        raise HTTPException(404)
    return FileResponse(asset.file, headers=_A_DAY)
