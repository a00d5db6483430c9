"""The words and signs of a template by Jinja's lexer, each with the place where it stands.

Jinja counts lines; here its line numbers are offsets into the text, in what it parses too, so that
a fault can be told by line and column.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer, TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.mail.templates.values import RenderError, template_error

TOKENS_LIMIT = 30_000
# Jinja splits a text at each of them.
LINES_LIMIT = 500_000
# What Jinja looks for character by character, with all that it may be at each of them: the same,
# by the only characters that it may be at.
_ANYTHING = "(.*?)"
_QUICKER = {
    "root": r"([^{]*+(?:\{(?![{%#])[^{]*+)*+)",
    "comment_begin": r"((?:[^#+-]++|[+-]{1,999}(?=[+-])|[+-](?!#\})|#{1,999}(?=#)|#(?!\}))*+)",
    "raw_begin": r"((?:[^{]++|\{(?!%[-+]?\s*+endraw\s*+[-+]?%\}))*+)",
}
_STRING = re.compile(r"""('[^'\\]*+(?:\\.[^'\\]*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+")""", re.DOTALL)
# Its regular expression takes 300 octets for each digit.
_LONG_NUMBER = re.compile(r"[0-9][0-9A-Za-z_.+-]{999}")
_OUTSIDE = {"data", "variable_end", "block_end", "comment_end", "raw_end"}


class Word(NamedTuple):
    """A piece of the text that starts at `start`; `kind` is Jinja's name for it."""

    start: int
    kind: str
    text: str


class _Lexer(Lexer):
    """Jinja's, in less time for texts of megabytes; they are normalised already."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        for name, quicker in _QUICKER.items():
            first, *others = self.rules[name]
            pattern = first.pattern.pattern.replace(_ANYTHING, quicker, 1)
            self.rules[name] = [first._replace(pattern=re.compile(pattern, re.DOTALL)), *others]
        for name in ("block_begin", "variable_begin"):
            self.rules[name] = [
                rule._replace(pattern=_STRING) if rule.tokens == "string" else rule
                for rule in self.rules[name]
            ]

    def _normalize_newlines(self, value: str) -> str:
        return value


class _Environment(ImmutableSandboxedEnvironment):
    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        del state
        return TokenStream(_LEXER.wrap(words(source)), name, filename)


_ENVIRONMENT = _Environment(keep_trailing_newline=True)
_LEXER = _Lexer(_ENVIRONMENT)


def normalised(text: str) -> str:
    r"""The text with every line ending in "\n", as Jinja reads it; offsets are into this."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def words(text: str) -> Iterator[Word]:
    """Yield all of a normalised text in order, but for what `{%-` and `-%}` strip.

    Raises TemplateSyntaxError with the offset for its line number.
    """
    position = 0
    try:
        for word in _words(text):
            position = word.start + len(word.text)
            yield word
    except TemplateSyntaxError as error:
        error.lineno = position
        raise


def _words(text: str) -> Iterator[Word]:
    if text.count("\n") > LINES_LIMIT:
        raise TemplateSyntaxError(f"has more than {LINES_LIMIT} lines", 0)
    position, kind = 0, "data"
    tokens = _LEXER.tokeniter(text, None)
    while kind in _OUTSIDE or not _LONG_NUMBER.match(text, position):
        found = next(tokens, None)
        if found is None:
            return
        _, kind, word = found
        # Nothing but stripped spaces stands before it.
        position = text.index(word, position)
        yield Word(position, kind, word)
        position += len(word)
    raise TemplateSyntaxError("a number has too many digits", 0)


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
