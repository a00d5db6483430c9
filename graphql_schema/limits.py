"""What one document may ask for; beyond it, it is refused before anything runs."""

from collections.abc import Callable

from strawberry.extensions import (
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
    SchemaExtension,
)

DEPTH = 12
ALIASES = 30
TOKENS = 4000


def limits() -> list[Callable[[], SchemaExtension]]:
    """Make the extensions that hold the limits, fresh for each operation."""
    return [
        lambda: MaxTokensLimiter(max_token_count=TOKENS),
        lambda: QueryDepthLimiter(max_depth=DEPTH),
        lambda: MaxAliasesLimiter(max_alias_count=ALIASES),
    ]
