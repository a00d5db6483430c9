from collections.abc import Collection, Iterator, Mapping

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from graphql_schema.context import Info


def selected_names(info: Info) -> set[str]:
    """Give the names of all fields that are asked for below this one, however deep."""
    names: set[str] = set()
    waiting = _below(info)
    while waiting:
        fields = list(_fields(waiting, info))
        names.update(field.name.value for field in fields)
        waiting = [field.selection_set for field in fields]
    return names


def chosen_names(info: Info, *path: str) -> set[str]:
    """Give the names of the fields that are asked for of this one, or of those at `path` in it.

    `chosen_names(info, "edges", "node")` are the fields of a connection's nodes.
    """
    waiting = _below(info)
    for step in path:
        fields = _fields(waiting, info)
        waiting = [field.selection_set for field in fields if field.name.value == step]
    return {field.name.value for field in _fields(waiting, info)}


def unasked(info: Info, heavy: Mapping[str, Collection[str]], *path: str) -> frozenset[str]:
    """Give the stored fields that can be left in MongoDB.

    `heavy` names each stored field that is long, with the fields that show it. `path` is as of
    `chosen_names`.
    """
    chosen = chosen_names(info, *path)
    return frozenset(stored for stored, shown in heavy.items() if chosen.isdisjoint(shown))


Selections = list[SelectionSetNode | None]


def _below(info: Info) -> Selections:
    raw = info._raw_info  # noqa: SLF001 - nothing else has the nodes
    return [node.selection_set for node in raw.field_nodes]


def _fields(waiting: Selections, info: Info) -> Iterator[FieldNode]:
    """Give the fields of selections, those of fragments in them too.

    Each fragment is read once. The library's own `selected_fields` reads it wherever it is used,
    and thirty fragments that use the next one twice each are a billion uses.
    """
    named: Mapping[str, FragmentDefinitionNode] = info._raw_info.fragments  # noqa: SLF001
    fragments: set[str] = set()
    waiting = list(waiting)
    while waiting:
        selection_set = waiting.pop()
        for node in () if selection_set is None else selection_set.selections:
            if isinstance(node, FieldNode):
                yield node
            elif not isinstance(node, FragmentSpreadNode):
                waiting.append(getattr(node, "selection_set", None))
            elif node.name.value not in fragments:
                fragments.add(node.name.value)
                waiting.append(named[node.name.value].selection_set)
