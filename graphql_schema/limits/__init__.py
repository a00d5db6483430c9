"""What one operation may ask for; beyond it, it is refused before anything of it runs."""

from graphql_schema.limits.budget import Budget, adding_up
from graphql_schema.limits.sizes import Cost, ListSize

__all__ = ["Budget", "Cost", "ListSize", "adding_up"]
