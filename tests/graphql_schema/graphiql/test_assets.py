import json
from pathlib import Path

import pytest

from graphql_schema.graphiql import assets
from graphql_schema.graphiql.assets import ASSETS, CDN, Asset

FOLDER = Path(assets.__file__).parent


@pytest.mark.parametrize("asset", ASSETS.values(), ids=ASSETS)
def test_the_version_is_the_one_that_npm_installs(asset: Asset) -> None:
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    locked = json.loads((FOLDER / "package-lock.json").read_text())["packages"]

    assert wanted[asset.package] == asset.version
    assert locked[f"node_modules/{asset.package}"]["version"] == asset.version


@pytest.mark.parametrize("asset", ASSETS.values(), ids=ASSETS)
def test_the_image_carries_it(asset: Asset) -> None:
    dockerfile = (FOLDER.parents[1] / "Dockerfile").read_text()

    assert f"node_modules/{asset.package}/{asset.path} " in dockerfile


def test_every_file_is_pinned_at_the_cdn() -> None:
    assert ASSETS["react.js"].remote == f"{CDN}/npm/react@18.3.1/umd/react.production.min.js"
    assert all(asset.integrity.startswith("sha384-") for asset in ASSETS.values())


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (FOLDER / "package-lock.json").read_text()
