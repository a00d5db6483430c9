"""Whether requests and answers are as Resend describes them."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS31Validator

CONTRACT = Path(__file__).parent.parent / "contract" / "resend.openapi.yaml"
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+|.*\S <[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+>")


def _validators() -> Mapping[str, OAS31Validator]:
    """One for each schema. What we send may hold no field that stands in none of them."""
    components = deepcopy(yaml.load(CONTRACT.read_text(), yaml.CSafeLoader)["components"])
    for name in ("SendEmailRequest", "Attachment", "Tag"):
        components["schemas"][name]["additionalProperties"] = False
    return {
        name: OAS31Validator({"$ref": f"#/components/schemas/{name}", "components": components})
        for name in components["schemas"]
    }


_VALIDATORS = _validators()


def violations(schema: str, value: object) -> list[str]:
    """Name what in `value` is not as the schema of this name says."""
    found = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in _VALIDATORS[schema].iter_errors(value)
    ]
    if schema == "SendEmailRequest" and not found and isinstance(value, dict):
        found = list(_unsaid(value))
    return found


def _unsaid(mail: Mapping[str, Any]) -> Iterator[str]:
    """Name what breaks the rules that Resend tells in words."""
    if not mail.get("html") and not mail.get("text"):
        yield "Missing `html` or `text` field."
    for field in ("from", "to", "cc", "bcc", "reply_to"):
        value = mail.get(field, [])
        if not all(map(_ADDRESS.fullmatch, [value] if isinstance(value, str) else value)):
            yield f"Invalid `{field}` field."
    for name, value in mail.get("headers", {}).items():
        if not isinstance(value, str) or "\n" in name + value:
            yield f"Invalid header {name}."
    for tag in mail.get("tags", []):
        if not all(_TAG.fullmatch(tag.get(part, "")) for part in ("name", "value")):
            yield "Tags should only contain ASCII letters, numbers, underscores, or dashes."
    if not all(map(_is_file, mail.get("attachments", []))):
        yield "Invalid attachment."


def _is_file(attachment: Mapping[str, str]) -> bool:
    try:
        base64.b64decode(attachment["content"], validate=True)
    except (KeyError, binascii.Error):
        return False
    return bool(attachment.get("filename"))
