"""What the demo tenant begins with, made like anybody's: over GraphQL."""

from collections.abc import Sequence
from typing import Any

import httpx2

from app.dev.errors import DemoError
from app.dev.starter.catalogue import starter_set
from app.dev.starter.topics import STARTER_TOPICS

_TEMPLATE = (
    "mutation Starter($input: CreateTemplateInput!) { createTemplate(input: $input) { id } }"
)
_TOPIC = "mutation Starter($input: CreateTopicInput!) { createTopic(input: $input) { id } }"
_TAKEN = "CONFLICT"


def load_starter_set(base: str, token: str) -> int:
    """Make the templates that are missing; how many there are. Raises DemoError for a refusal."""
    return _load(base, token, _TEMPLATE, "template", starter_set())


def load_starter_topics(base: str, token: str) -> int:
    """Make the topics that are missing; how many there are. Raises DemoError for a refusal."""
    return _load(base, token, _TOPIC, "topic", STARTER_TOPICS)


def _load(base: str, token: str, query: str, noun: str, inputs: Sequence[dict[str, Any]]) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx2.Client(base_url=base, headers=headers, timeout=10, trust_env=False) as client:
            for one in inputs:
                _make(client, query, noun, one)
    except httpx2.HTTPError as error:
        raise DemoError(f"the API did not answer ({error})") from error
    return len(inputs)


def _make(client: httpx2.Client, query: str, noun: str, input_: dict[str, Any]) -> None:
    answer = client.post("/graphql", json={"query": query, "variables": {"input": input_}})
    if not answer.is_success:
        raise DemoError(f"the API answered {answer.status_code}: {answer.text[:300]}")
    for error in answer.json().get("errors", []):
        # A start that was cut short had made it already.
        if error.get("extensions", {}).get("code") != _TAKEN:
            raise DemoError(f"the {noun} {input_['name']} was refused: {error['message']}")
