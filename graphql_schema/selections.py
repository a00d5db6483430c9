from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from graphql_schema.context import Info


def selected_names(info: Info) -> set[str]:
    """Give the names of all fields that are asked for below this one.

    Each fragment is read once. The library's own `selected_fields` reads it wherever it is used,
    and thirty fragments that use the next one twice each are a billion uses.
    """
    raw = info._raw_info  # noqa: SLF001 - nothing else has the fragments
    names: set[str] = set()
    fragments: set[str] = set()
    waiting: list[SelectionSetNode | None] = [node.selection_set for node in raw.field_nodes]
    while waiting:
        selection_set = waiting.pop()
        for node in () if selection_set is None else selection_set.selections:
            if isinstance(node, FieldNode):
                names.add(node.name.value)
            if not isinstance(node, FragmentSpreadNode):
                waiting.append(getattr(node, "selection_set", None))
            elif node.name.value not in fragments:
                fragments.add(node.name.value)
                waiting.append(raw.fragments[node.name.value].selection_set)
    return names
