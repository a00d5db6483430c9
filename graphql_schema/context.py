from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from typing import Any, Self

import strawberry

from app.context import Context
from graphql_schema.loaders import Loaders

_FIELDS = [one.name for one in fields(Context)]


@dataclass(frozen=True)
class GraphqlContext(Context):
    """The context of one operation, with what gathers its calls.

    `worked_out` is what is known of its document already, whatever its variables are.
    """

    loaders: Loaders = field(kw_only=True, repr=False, compare=False)
    worked_out: dict[Hashable, Any] = field(
        default_factory=dict, kw_only=True, repr=False, compare=False
    )

    @classmethod
    def of(cls, context: Context, worked_out: dict[Hashable, Any] | None = None) -> Self:
        asked = {name: getattr(context, name) for name in _FIELDS}
        known = {} if worked_out is None else worked_out
        return cls(**asked, loaders=Loaders(context), worked_out=known)

    def once_of(self, info: "Info", name: Hashable, work: Callable[[], Any]) -> Any:
        """Give what `work` works out of what is selected below a field, once for its document."""
        nodes = info._raw_info.field_nodes  # noqa: SLF001 - nothing else has them
        key = (name, *map(id, nodes))
        if key not in self.worked_out:
            self.worked_out[key] = work()
        return self.worked_out[key]


Info = strawberry.Info[GraphqlContext, None]
