"""The settings that say how much one caller may ask for, and from where."""

from pydantic import Field
from pydantic_settings import BaseSettings


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
    graphql_introspection: bool = Field(
        True, description="`false` refuses questions for the schema (`__schema`, `__type`)."
    )
    graphql_suggestions: bool | None = Field(
        None,
        description="Whether errors suggest names (`Did you mean …`); by default in development.",
    )
