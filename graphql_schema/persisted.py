"""Operations whose document is named instead of sent, by two protocols.

`documentId` of the GraphQL over HTTP specification (appendix on persisted documents), and
`extensions.persistedQuery` of Apollo (automatic persisted queries): its clients send a hash first,
and the document with it once they are told PersistedQueryNotFound.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLError

from app.context import Context
from app.errors import FieldError
from app.trusted_documents import sha256_of

NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PREFIX = "sha256:"
# Of the specification: an id of one's own, or a prefix and what it names.
_ID = re.compile(r"[A-Za-z0-9._~-]{1,200}(:[A-Za-z0-9._~-]{1,200})?")
_VERSION = 1


def names_document(value: Mapping[str, Any]) -> bool:
    """Whether a request names its document, so that it need not bring it."""
    return value.get("documentId") is not None or _persisted_query(value) is not None


def reference_of(value: Mapping[str, Any]) -> str | None:
    """Give how a request names its document: by the SHA-256 in hexadecimal digits, or another id.

    None when it does not. The request must have no `reference_errors`.
    """
    named, document_id = _persisted_query(value), value.get("documentId")
    if named is not None:
        return str(named["sha256Hash"])
    return None if document_id is None else str(document_id).removeprefix(_PREFIX)


def reference_errors(value: Mapping[str, Any]) -> Iterator[FieldError]:
    """Tell what is wrong with it, also when it is the hash of another document than the query."""
    named, document_id = _persisted_query(value), value.get("documentId")
    if named is not None and document_id is not None:
        yield FieldError("documentId", "excludes extensions.persistedQuery")
    elif named is not None:
        path = "extensions.persistedQuery"
        if not isinstance(named, dict) or named.get("version") != _VERSION:
            yield FieldError(path, f"must be an object with version {_VERSION} and sha256Hash")
        else:
            yield from _hash_errors(f"{path}.sha256Hash", named.get("sha256Hash"), value)
    elif document_id is not None:
        if not isinstance(document_id, str) or not _ID.fullmatch(document_id):
            yield FieldError("documentId", "must be a string such as sha256:, then 64 digits")
        elif document_id.startswith(_PREFIX) or _SHA256.fullmatch(document_id):
            yield from _hash_errors("documentId", document_id.removeprefix(_PREFIX), value)


def _hash_errors(path: str, sha256: Any, value: Mapping[str, Any]) -> Iterator[FieldError]:
    query = value.get("query")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        yield FieldError(path, "must have 64 hexadecimal digits, in lower case")
    elif isinstance(query, str) and sha256_of(query) != sha256:
        yield FieldError(path, "is not the SHA-256 of the query")


async def text_of(query: str | None, reference: str | None, context: Context) -> str:
    """Give the document of a request that may run. Raises GraphQLError with a code of its own."""
    documents = context.deps.documents
    if documents.trusted is not None:
        text = documents.trusted.get(sha256_of(query) if query else reference or "")
        if text is None:
            words = "Only registered documents run here, and this is none of them."
            raise GraphQLError(words, extensions={"code": NOT_TRUSTED})
        return text
    if query:
        return query
    if not documents.automatic:
        raise GraphQLError("PersistedQueryNotSupported", extensions={"code": NOT_SUPPORTED})
    found = None
    if reference and _SHA256.fullmatch(reference):
        found = await documents.find(reference)
    if found is None:
        raise GraphQLError("PersistedQueryNotFound", extensions={"code": NOT_FOUND})
    return found


async def keep(query: str | None, reference: str | None, context: Context) -> None:
    """Keep a document of somebody known that came with its hash."""
    documents, caller = context.deps.documents, context.caller
    if caller is None or not documents.automatic or not query or not reference:
        return
    if _SHA256.fullmatch(reference):
        await documents.keep(caller.tenant, reference, query)


def _persisted_query(value: Mapping[str, Any]) -> Any:
    extensions = value.get("extensions")
    return extensions.get("persistedQuery") if isinstance(extensions, dict) else None
