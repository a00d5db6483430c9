"""Related records, asked for by their keys: many fields of one operation, one call."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from strawberry.dataloader import DataLoader

from app.context import Context

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")
Options = ParamSpec("Options")


class Loaders:
    """What gathers the calls of one operation, in its context.

    Nothing is remembered between calls: a mutation, or the next event of a subscription, changes
    what was read before.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    async def load(
        self,
        find: Callable[
            Concatenate[Context, Collection[Key], Options], Awaitable[Mapping[Key, Found]]
        ],
        key: Key,
        *args: Options.args,
        **options: Options.kwargs,
    ) -> Found | None:
        """What the resolver `find` finds for `key`; None where it finds nothing.

        It is called once for the keys of all fields that ask at the same time with the same
        options. What it raises, each of them raises.
        """
        name = (find, args, tuple(sorted(options.items())))
        if name not in self._loaders:

            async def batch(keys: list[Key]) -> list[Found | None]:
                found = await find(self._context, dict.fromkeys(keys), *args, **options)
                return [found.get(one) for one in keys]

            self._loaders[name] = DataLoader(batch, cache=False)
        loaded: Found | None = await self._loaders[name].load(key)
        return loaded
