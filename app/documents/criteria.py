"""From typed conditions to MongoDB's query language. Operators are written here and nowhere else.

No name and no operator of a caller gets in: paths come from `Field`, values stand behind an
operator of ours.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.documents.base import Filter
from app.documents.fields import Field, Kind


class Operator(StrEnum):
    """`ANY_OF` needs no name: a plain value is a list of one."""

    ANY_OF = "in"
    NOT = "ne"
    GTE = "gte"
    LTE = "lte"
    GT = "gt"
    LT = "lt"
    CONTAINS = "contains"


@dataclass(frozen=True)
class Condition:
    """`value` is of the field's kind, a list of such for ANY_OF; None stands for missing."""

    field: Field
    operator: Operator
    value: Any


@dataclass(frozen=True)
class Term:
    """What is to be found in a record's search text, folded (`app.mail.search_text`)."""

    text: str


@dataclass(frozen=True)
class AllOf:
    """Without parts it is everything."""

    parts: Sequence["Expression"]


@dataclass(frozen=True)
class AnyOf:
    """Of one part at least."""

    parts: Sequence["Expression"]


@dataclass(frozen=True)
class NotOf:
    part: "Expression"


Expression = Condition | Term | AllOf | AnyOf | NotOf


def selecting(expression: Expression) -> Filter:
    """Select what an expression tells."""
    match expression:
        case Condition():
            return _condition(expression)
        case Term():
            return _term(expression.text)
        case NotOf():
            return {"$nor": [selecting(expression.part)]}
        case AnyOf():
            return {"$or": [selecting(part) for part in expression.parts]}
        case AllOf():
            parts = [selecting(part) for part in expression.parts]
            return {"$and": parts} if parts else {}


def matching(conditions: Sequence[Condition], terms: Sequence[str]) -> Filter:
    """Select what meets every condition and holds every term (folded, see `app.mail.search`).

    They stand beside the tenant filter, never in its place.
    """
    return selecting(AllOf([*conditions, *map(Term, terms)]))


def _term(text: str) -> Filter:
    return {"searchText": {"$regex": re.escape(text)}}


def _condition(condition: Condition) -> Filter:
    field, value = condition.field, condition.value
    match condition.operator:
        case Operator.ANY_OF if field.kind is Kind.OBJECT:
            return {"$or": [_whole(field.path, one) for one in value]} if value else _NOTHING
        case Operator.NOT if field.kind is Kind.OBJECT:
            return {"$nor": [_whole(field.path, value)]}
        case Operator.ANY_OF:
            values = [stored for one in value for stored in _stored(field, one)]
            return {field.path: {"$eq": values[0]} if len(values) == 1 else {"$in": values}}
        case Operator.NOT:
            return {field.path: {"$nin": _stored(field, value)}}
        case Operator.CONTAINS:
            return {field.path: {"$regex": re.escape(value), "$options": "i"}}
        case compared:
            return {field.path: {f"${compared.value}": value}}


_NOTHING: Filter = {"_id": {"$in": []}}


def _stored(field: Field, value: Any) -> list[Any]:
    """How a value stands in a record; a list without entries counts as missing."""
    if field.sparse and value is False:
        return [None, False]
    return [None, []] if value is None and field.many else [value]


def _whole(path: str, value: Mapping[str, Any] | None) -> Filter:
    """Select objects equal to `value`, in whatever order their names were given.

    Objects inside them must have theirs in the same order.
    """
    if value is None:
        return {path: {"$eq": None}}
    given = {"$ifNull": [f"${path}", {}]}
    equal: list[Any] = [{"$eq": [{"$size": {"$objectToArray": given}}, len(value)]}]
    for name, inner in value.items():
        # By $getField and $literal: a name may hold dots, a text may begin with $.
        found = {"$getField": {"field": {"$literal": name}, "input": given}}
        equal.append({"$eq": [found, {"$literal": inner}]})
    return {path: {"$ne": None}, "$expr": {"$and": equal}}
