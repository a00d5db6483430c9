import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.settings import Settings
from app.trusted_documents import read_manifest, sha256_of

DOCUMENT = "{ __typename }"
HASH = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b"


def test_a_document_is_named_by_the_hash_of_its_octets() -> None:
    assert sha256_of(DOCUMENT) == HASH


@pytest.mark.parametrize(
    "manifest",
    [
        {"a": DOCUMENT},
        {"sha256:a": DOCUMENT},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": "a", "name": "A", "type": "query", "body": DOCUMENT}],
        },
    ],
)
def test_documents_are_found_by_id_and_by_hash(tmp_path: Path, manifest: Any) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))

    assert read_manifest(path) == {"a": DOCUMENT, HASH: DOCUMENT}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must be a JSON object of documents"),
        ("{}", "must be a JSON object of documents"),
        ('{"a": 1}', "must be a JSON object of documents"),
        ('{"format": "apollo-persisted-query-manifest"}', "must be a JSON object of documents"),
        (
            '{"format": "apollo-persisted-query-manifest", "operations": [{"body": "{a}"}]}',
            "must be a JSON object of documents",
        ),
        (
            '{"format": "apollo-persisted-query-manifest", "operations": [{"id": "a"}]}',
            "must be a JSON object of documents",
        ),
    ],
)
def test_a_file_that_is_no_manifest_is_told_at_the_start(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=words):
        read_manifest(path)
    with pytest.raises(ValidationError, match=words):
        Settings(trusted_documents=path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="trusted_documents"):
        Settings(trusted_documents=tmp_path / "none.json")
