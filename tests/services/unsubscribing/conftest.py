from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.topics import Topic
from app.services import topics
from app.services.inputs import parse


@pytest.fixture
def make_topic(deps: Deps, caller: Caller) -> Callable[..., Awaitable[Topic]]:
    """Keeps a topic of acme's whose mail everybody gets who said nothing."""

    async def make(key: str, **fields: Any) -> Topic:
        words = {"key": key, "name": key.title(), "default": "OPT_OUT", **fields}
        return await topics.create(deps, caller, parse(topics.CreateTopic, words))

    return make
