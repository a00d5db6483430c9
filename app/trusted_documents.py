"""The file that names the only GraphQL documents that may run: its shapes, and reading it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

_APOLLO = "apollo-persisted-query-manifest"
_SHA256 = "sha256:"


def read_manifest(path: Path) -> Mapping[str, str]:
    """Read `{id: document}`, or Apollo's manifest (`{"format", "version", "operations"}`).

    Each document is found by its id and by its SHA-256 in hexadecimal digits, without a prefix.
    Raises ValueError that says what is wrong.
    """
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ValueError(f"cannot be read as JSON: {error}") from error
    documents = _documents(value)
    if not documents or not all(isinstance(text, str) for text in documents.values()):
        raise ValueError("must be a JSON object of documents by their ids, or Apollo's manifest")
    by_id = {id_.removeprefix(_SHA256): text for id_, text in documents.items()}
    return {**by_id, **{sha256_of(text): text for text in documents.values()}}


def sha256_of(text: str) -> str:
    """Give the hash by which clients name a document, of its UTF-8 as it is."""
    return hashlib.sha256(text.encode()).hexdigest()


def _documents(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    if value.get("format") != _APOLLO:
        return value
    operations = value.get("operations")
    if not isinstance(operations, list) or not all(map(_is_operation, operations)):
        return {}
    return {operation["id"]: operation.get("body") for operation in operations}


def _is_operation(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str)
