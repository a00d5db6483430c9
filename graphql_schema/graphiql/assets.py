"""The third-party files of GraphiQL: which ones, and where a browser gets them.

They are not kept in the repository. `npm ci` puts them into `node_modules` beside this file, and
the API serves them from there; where that was not done, browsers fetch the same bytes from a CDN.
Both are checked by the browser (W3C Subresource Integrity).
"""

from dataclasses import dataclass
from pathlib import Path

CDN = "https://cdn.jsdelivr.net"
INSTALLED = Path(__file__).with_name("node_modules")


@dataclass(frozen=True)
class Asset:
    """A file `path` of the npm package `package`; `integrity` is its hash."""

    name: str
    package: str
    version: str
    path: str
    integrity: str

    @property
    def file(self) -> Path:
        """Where `npm ci` puts it."""
        return INSTALLED / self.package / self.path

    @property
    def remote(self) -> str:
        """Its address at the CDN."""
        return f"{CDN}/npm/{self.package}@{self.version}/{self.path}"


STYLES = (
    Asset(
        "graphiql.css",
        "graphiql",
        "4.1.2",
        "graphiql.min.css",
        "sha384-1el1QShFBnnXTx9x/Cprg82hZWKt0ry29OAYIXt05swbi0KcZDFoj0CWguMpopJr",
    ),
    Asset(
        "explorer.css",
        "@graphiql/plugin-explorer",
        "4.0.6",
        "dist/style.css",
        "sha384-XffIsImDMwexX8UM/Bg3tss0MZOeQmZcnHzk0avUrw9ff0IQ2g9j7QLA6m2lz5D0",
    ),
)
# Each needs those before it.
SCRIPTS = (
    Asset(
        "react.js",
        "react",
        "18.3.1",
        "umd/react.production.min.js",
        "sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
    ),
    Asset(
        "react-dom.js",
        "react-dom",
        "18.3.1",
        "umd/react-dom.production.min.js",
        "sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
    ),
    Asset(
        "graphiql.js",
        "graphiql",
        "4.1.2",
        "graphiql.min.js",
        "sha384-9XdHu7ajgGJziD4J1zNBKQ842Q/+zZfDv+ib1eMhZWBH6hPAs806x+Jbcf0yNO6B",
    ),
    Asset(
        "explorer.js",
        "@graphiql/plugin-explorer",
        "4.0.6",
        "dist/index.umd.js",
        "sha384-gXYG2RCFRuAiKUaKTbKxOVlvr0U9z0D/V/l5jdvRSH46vQ+9cpkG2d3ByiggUYvD",
    ),
    Asset(
        "graphql-ws.js",
        "graphql-ws",
        "6.4.2",
        "umd/graphql-ws.min.js",
        "sha384-mxvR4Mzbsb6QVx/9xI2gtQikQA6m8zMDBFnu3l//4/ROsWt7y2sUGWd+/tYQqDm7",
    ),
)
ASSETS = {asset.name: asset for asset in (*STYLES, *SCRIPTS)}


def are_installed() -> bool:
    """Whether `npm ci` has put all of them here."""
    return all(asset.file.is_file() for asset in ASSETS.values())
