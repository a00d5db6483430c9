"""The demo tenant's starter set of templates, made like anybody's: over GraphQL."""

from typing import Any

import httpx2

from app.dev.errors import DemoError
from app.dev.starter.catalogue import starter_set

_CREATE = "mutation Starter($input: CreateTemplateInput!) { createTemplate(input: $input) { id } }"
_TAKEN = "CONFLICT"


def load_starter_set(base: str, token: str) -> int:
    """Make the templates that are missing; how many there are. Raises DemoError for a refusal."""
    headers = {"Authorization": f"Bearer {token}"}
    templates = starter_set()
    try:
        with httpx2.Client(base_url=base, headers=headers, timeout=10, trust_env=False) as client:
            for template in templates:
                _make(client, template)
    except httpx2.HTTPError as error:
        raise DemoError(f"the API did not answer ({error})") from error
    return len(templates)


def _make(client: httpx2.Client, template: dict[str, Any]) -> None:
    asked = {"query": _CREATE, "variables": {"input": template}}
    answer = client.post("/graphql", json=asked)
    if not answer.is_success:
        raise DemoError(f"the API answered {answer.status_code}: {answer.text[:300]}")
    for error in answer.json().get("errors", []):
        # A start that was cut short had made it already.
        if error.get("extensions", {}).get("code") != _TAKEN:
            raise DemoError(f"the template {template['name']} was refused: {error['message']}")
