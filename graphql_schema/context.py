from dataclasses import dataclass, field, fields
from typing import Self

import strawberry

from app.context import Context
from graphql_schema.loaders import Loaders


@dataclass(frozen=True)
class GraphqlContext(Context):
    """The context of one operation, with what gathers its calls."""

    loaders: Loaders = field(kw_only=True, repr=False, compare=False)

    @classmethod
    def of(cls, context: Context) -> Self:
        asked = {one.name: getattr(context, one.name) for one in fields(Context)}
        return cls(**asked, loaders=Loaders(context))


Info = strawberry.Info[GraphqlContext, None]
