"""What is wrong with the words of templates, as GraphQL tells it."""

from typing import Self

import strawberry

from app.services import templates as services
from app.services.templates.sources import Fault
from graphql_schema.limits import ListSize


@strawberry.type(description="What is wrong, or doubtful, at one place of a template.")
class TemplateFault:
    path: str = strawberry.field(
        description="The field of the input, as `body` or `locales[0].text`, or `partials.NAME`."
    )
    line: int | None = strawberry.field(
        description="The line in that text, from 1; null where it is the field as a whole."
    )
    column: int | None = strawberry.field(description="The character in that line, from 1.")
    message: str = strawberry.field(description="What it is, in words.")

    @classmethod
    def of(cls, fault: Fault) -> Self:
        return cls(path=fault.path, line=fault.line, column=fault.column, message=fault.message)


@strawberry.type(description="What is wrong with a template, and what it asks for.")
class TemplateCheck:
    ok: bool = strawberry.field(description="Whether it could be published: there are no faults.")
    faults: list[TemplateFault] = strawberry.field(
        directives=[ListSize(assumed_size=3)], description="What keeps it from being published."
    )
    warnings: list[TemplateFault] = strawberry.field(
        directives=[ListSize(assumed_size=3)], description="What is doubtful, and allowed."
    )
    variables: list[str] = strawberry.field(
        directives=[ListSize(assumed_size=10)],
        description="The names of the variables that its texts ask for, declared or not.",
    )

    @classmethod
    def of(cls, check: services.Check) -> Self:
        return cls(
            ok=not check.faults,
            faults=[TemplateFault.of(fault) for fault in check.faults],
            warnings=[TemplateFault.of(fault) for fault in check.warnings],
            variables=check.variables,
        )
