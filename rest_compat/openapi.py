"""The document of the REST routes, and a page to browse it that needs no internet."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

DOCUMENT = Path(__file__).with_name("openapi.json")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Letterbox: Communications API</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon-32x32.png">
</head>
<body>
<div id="document"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#document", deepLinking: true, persistAuthorization: true,
});
"""
# Everything comes from here; Swagger UI sets styles of its own and shows inline pictures.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)


def document_routes(base: str) -> list[BaseRoute]:
    """Serve `openapi.json` and the page `docs` below `base`, to anyone."""
    assets = StaticFiles(directory=str(files("swagger_ui") / "static"))
    return [
        Route(f"{base}/openapi.json", _document, methods=["GET"]),
        Route(f"{base}/docs", _page, methods=["GET"]),
        Route(f"{base}/docs/start.js", _start, methods=["GET"]),
        Mount(f"{base}/docs/assets", assets),
    ]


@cache
def document() -> bytes:
    """Read the OpenAPI 3.1 document, JSON."""
    return DOCUMENT.read_bytes()


async def _document(request: Request) -> Response:  # noqa: ARG001 - Starlette's signature
    return Response(document(), media_type="application/json")


async def _page(request: Request) -> Response:  # noqa: ARG001 - Starlette's signature
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


async def _start(request: Request) -> Response:  # noqa: ARG001 - Starlette's signature
    return Response(_START, media_type="text/javascript")
