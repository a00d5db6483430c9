"""The settings that say how much one caller may ask for, and from where."""

from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, FilePath, field_validator, model_validator
from pydantic_settings import BaseSettings

from app.settings.durations import Duration
from app.trusted_documents import read_manifest

_ANY = "*"


class ProtectionSettings(BaseSettings):
    graphql_depth: int = Field(
        12,
        ge=1,
        description="Deepest GraphQL operation, in fields; introspection may be 15 deep.",
    )
    graphql_aliases: int = Field(30, ge=0, description="Most aliases in one operation.")
    graphql_tokens: int = Field(
        4000, ge=1, le=20_000, description="Most tokens (words and signs) in one document."
    )
    graphql_root_fields: int = Field(
        20, ge=1, description="Most fields at the top of one operation."
    )
    graphql_repeats: int = Field(
        20, ge=0, description="How often one document may name a field where it stands already."
    )
    graphql_directives: int = Field(40, ge=0, description="Most directives in one document.")
    graphql_definitions: int = Field(
        100, ge=1, description="Most operations and fragments in one document, and most variables."
    )
    graphql_cost: int = Field(
        100_000,
        ge=1,
        description="Most that an operation may cost, or all of a batch: about one for each object "
        "it may give. `extensions.cost` tells it.",
    )
    graphql_volume: int = Field(
        64 * 1024 * 1024,
        ge=1024 * 1024,
        description="Octets of texts, bodies above all, that the operations of one request may "
        "read together.",
    )
    graphql_batch: int = Field(
        10, ge=0, le=100, description="Most operations in one request; `0` refuses batches."
    )
    graphql_apq: bool = Field(
        True, description="`false` keeps no documents of clients (automatic persisted queries)."
    )
    graphql_apq_lifetime: Duration = Field(
        timedelta(days=1), description="How long a client's document is kept after its last use."
    )
    trusted_documents: FilePath | None = Field(
        None,
        description="JSON file of the only GraphQL documents that may run, `{id: document}` or "
        "Apollo's manifest; without it all may.",
    )
    graphql_introspection: bool = Field(
        True, description="`false` refuses questions for the schema (`__schema`, `__type`)."
    )
    graphql_suggestions: bool | None = Field(
        None,
        description="Whether errors suggest names (`Did you mean …`); by default in development.",
    )
    graphiql: bool = Field(True, description="`false` serves no GraphiQL at /graphql.")

    operation_timeout: Duration = Field(
        timedelta(seconds=30),
        description="Longest time for a request, an operation, and a search in MongoDB.",
    )

    requests_in_hand: int = Field(
        500,
        ge=1,
        description="Requests one API process works on at a time, and half as many of one caller.",
    )
    rate_limit_tenant: int = Field(
        6000,
        ge=0,
        le=60_000_000,
        description="Most requests of a tenant in a minute; `0`: any number.",
    )
    rate_limit_tenant_burst: int = Field(
        1000, ge=1, description="Most of them at once, after a pause."
    )
    rate_limit_key: int = Field(
        3000,
        ge=0,
        le=60_000_000,
        description="Most requests of an API key (or a user, by JWT) in a minute; `0`: any number.",
    )
    rate_limit_key_burst: int = Field(500, ge=1, description="Most of them at once, after a pause.")

    cors_origins: str = Field(
        "",
        description="Origins whose scripts may call from browsers, comma separated, e.g. "
        "`https://crm.example`; `*` for any, none without it.",
    )
    cors_headers: str = Field(
        "", description="Headers they may send besides those that are needed, comma separated."
    )
    cors_credentials: bool = Field(
        False, description="`true` lets them send cookies, which count nowhere here."
    )

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        return words(self.cors_origins)

    @property
    def allowed_headers(self) -> tuple[str, ...]:
        return words(self.cors_headers)

    @field_validator("trusted_documents")
    @classmethod
    def _can_be_read(cls, path: Path | None) -> Path | None:
        if path is not None:
            read_manifest(path)
        return path

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        wrong = [origin for origin in words(text) if not _is_origin(origin)]
        if wrong:
            raise ValueError(f"no origins (scheme://host, perhaps :port): {', '.join(wrong)}")
        return text

    @model_validator(mode="after")
    def _names_who_gets_credentials(self) -> Self:
        if self.cors_credentials and _ANY in self.allowed_origins:
            raise ValueError("LETTERBOX_CORS_CREDENTIALS needs origins by name, not `*`")
        return self


def words(text: str) -> tuple[str, ...]:
    """Split what is separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _is_origin(text: str) -> bool:
    """Tell whether a browser would send this in Origin (RFC 6454, section 6.2)."""
    parts = urlsplit(text)
    return text == _ANY or (
        bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}".lower()
    )
