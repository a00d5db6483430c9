"""From what an author wrote to what is filled in: checked, and compiled once for each version."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.context import Deps
from app.documents.template_versions import Compiled, Form, TemplateVersion, Use, Words
from app.documents.templates import STORED_BODY_LIMIT
from app.errors import FieldError, InvalidInputError, PayloadTooLargeError
from app.mail.templates.filling import check
from app.mail.templates.values import RenderError


@dataclass
class Compilation:
    """What came of words; `faults` keep them from being filled in."""

    compiled: Compiled | None = None
    uses: list[Use] = field(default_factory=list)
    faults: list[FieldError] = field(default_factory=list)


def check_sizes(deps: Deps, words: Words) -> None:
    """Raise PayloadTooLargeError for bodies that are too large, one or all of a version."""
    limit = min(deps.settings.body_limit, STORED_BODY_LIMIT)
    total = 0
    for path, text in _texts(words):
        octets = len(text.encode())
        total += octets
        if octets > limit:
            raise _too_large(path, f"must be at most {limit} octets in UTF-8")
    if total > STORED_BODY_LIMIT:
        raise _too_large("locales", f"must be at most {STORED_BODY_LIMIT} octets in all")


def _too_large(path: str, reason: str) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"{path}: {reason}", fields=[FieldError(path, reason)])


def _texts(words: Words) -> Iterator[tuple[str, str]]:
    yield "body", words.body
    if words.text is not None:
        yield "text", words.text
    for number, one in enumerate(words.locales):
        for name, text in (("body", one.body), ("text", one.text)):
            if text is not None:
                yield f"locales[{number}].{name}", text


async def compilation_of(words: Words) -> Compilation:
    """Check and compile words."""
    return await asyncio.to_thread(_compiled, words)


async def compile_into(version: TemplateVersion, words: Words) -> None:
    """Put the words into a version, compiled. Raises InvalidInputError that tells every fault."""
    made = await compilation_of(words)
    if made.faults or made.compiled is None:
        raise InvalidInputError.of(*made.faults)
    version.say(words)
    version.compiled = made.compiled.model_dump_json(by_alias=True)
    version.uses = made.uses


async def compiled_of(version: TemplateVersion) -> Compiled:
    """Give what is filled in of a version. Raises InvalidInputError for a faulty draft."""
    if version.compiled is not None:
        return Compiled.model_validate_json(version.compiled)
    made = await compilation_of(version.said)
    if made.compiled is None:
        raise InvalidInputError.of(*made.faults)
    return made.compiled


def _compiled(words: Words) -> Compilation:
    made = Compilation()
    for path, text in (("subject", words.subject), *_texts(words)):
        try:
            check(text)
        except RenderError as error:
            made.faults.append(FieldError(path, str(error)))
    if not made.faults:
        plain = Form(subject=words.subject, html=words.body, text=words.text)
        made.compiled = Compiled(
            form=plain,
            locales={
                one.locale: Form(
                    subject=one.subject or words.subject,
                    html=one.body or words.body,
                    text=one.text or (None if one.body else words.text),
                )
                for one in words.locales
            },
        )
    return made
