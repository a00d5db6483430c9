"""The words and signs of a template by Jinja's lexer, each with the place where it stands.

Jinja counts lines; here its line numbers are offsets into the text, in what it parses too, so that
a fault can be told by line and column.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.mail.templates.values import RenderError, template_error

TOKENS_LIMIT = 30_000


class Word(NamedTuple):
    """A piece of the text that starts at `start`; `kind` is Jinja's name for it."""

    start: int
    kind: str
    text: str


class _Environment(ImmutableSandboxedEnvironment):
    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        del state
        return TokenStream(self.lexer.wrap(words(source)), name, filename)


_ENVIRONMENT = _Environment(keep_trailing_newline=True)


def normalised(text: str) -> str:
    r"""The text with every line ending in "\n", as Jinja reads it; offsets are into this."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def words(text: str) -> Iterator[Word]:
    """Yield all of a normalised text in order, but for what `{%-` and `-%}` strip.

    Raises TemplateSyntaxError with the offset for its line number.
    """
    position = 0
    try:
        for _, kind, word in _ENVIRONMENT.lexer.tokeniter(text, None):
            # Nothing but stripped spaces stands before it.
            position = text.index(word, position)
            yield Word(position, kind, word)
            position += len(word)
    except TemplateSyntaxError as error:
        error.lineno = position
        raise


def words_of(text: str) -> int:
    """Count its words and signs. Raises RenderError for more of them than are read."""
    count = sum(1 for _ in islice(words(text), TOKENS_LIMIT + 1))
    if count > TOKENS_LIMIT:
        raise RenderError(f"template error: has more than {TOKENS_LIMIT} words and signs")
    return count


def parsed(text: str) -> nodes.Template:
    """Parse a normalised text into nodes whose `lineno` is an offset into it.

    Raises RenderError with the place.
    """
    try:
        words_of(text)
        return _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise template_error(error.message or "cannot be read", error.lineno) from error
    except RecursionError as error:
        raise RenderError("template error: is nested too deep") from error
    except ValueError as error:
        if isinstance(error, RenderError):
            raise
        raise RenderError("template error: a number has too many digits") from error
