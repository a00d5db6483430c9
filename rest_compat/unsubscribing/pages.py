"""The pages for recipients: plain HTML, with nothing in it that is fetched or runs."""

import base64
import hashlib
from collections.abc import Iterator
from html import escape

from starlette.responses import Response

from app.mail.list_fields import ONE_CLICK
from app.services.topics import named_in
from app.services.unsubscribing.leaving import Shown
from rest_compat.unsubscribing.texts import TEXTS, Texts

# The page's own button says that it was a person.
VIA, PAGE = "via", "page"
ACTION, SAVE, NONE, AGAIN = "action", "save", "none", "again"
TOPIC, AMONG = "topic", "among"
_SHOWN_OF_LOCAL = 3

_STYLE = """
:root { color-scheme: light dark }
body { font: 17px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 36rem; padding: 0 1rem;
  overflow-wrap: anywhere }
fieldset { border: 0; margin: 0; padding: 0 }
legend { font-weight: 600; padding: 0 }
button { font: inherit; padding: .5rem 1rem }
li { list-style: none; margin: .6rem 0 }
ul { padding: 0 }
small { display: block; margin-left: 1.8rem; opacity: .8 }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address of a page is a key to it.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept-Language",
}


def asking(shown: Shown, language: str, token: str) -> Response:
    """Ask whether to leave; of somebody who left it is told."""
    if not shown.receives:
        return left(shown, language, token)
    texts = TEXTS[language]
    question = texts.ask_all if shown.topic is None else texts.ask_topic
    name, value = ONE_CLICK
    parts = [
        _paragraph(_said(question, shown, language)),
        _form(_hidden(name, value) + _hidden(VIA, PAGE) + _line(_button(texts.leave))),
        *_ending(texts, token),
    ]
    return _page(texts.ask_title, parts, language)


def left(shown: Shown, language: str, token: str) -> Response:
    """Tell that no more such mail comes."""
    texts = TEXTS[language]
    told = texts.left_all if shown.topic is None else texts.left_topic
    parts = [_paragraph(_said(told, shown, language), live=True), *_ending(texts, token)]
    return _page(texts.left_title, parts, language)


def choosing(shown: Shown, language: str, *, saved: bool = False) -> Response:
    """Show all topics and what the address gets of them, to be changed."""
    texts, everything = TEXTS[language], shown.standings.unsubscribed
    parts = [_paragraph(texts.saved, live=True)] if saved else []
    if everything:
        parts.append(_paragraph(texts.none_now))
    if shown.standings.topics:
        parts += [_paragraph(_said(texts.choose, shown, language)), _topics(shown, language)]
    else:
        parts.append(_paragraph(texts.no_topics))
    action, words = (AGAIN, texts.again) if everything else (NONE, texts.leave_all)
    parts += [
        f"<h2>{escape(texts.none_title)}</h2>",
        _form(_line(_button(words, action))),
        _paragraph(texts.personal),
    ]
    return _page(texts.choose_title, parts, language)


def unknown(language: str) -> Response:
    """Tell what to do with a link that leads to nobody."""
    texts = TEXTS[language]
    return _page(texts.unknown_title, [_paragraph(texts.unknown)], language, status=404)


def masked(address: str) -> str:
    """Show enough of an address for its owner to know it: `j***@customer.test`."""
    local, _, domain = address.rpartition("@")
    return f"{local[0] if len(local) >= _SHOWN_OF_LOCAL else ''}***@{domain}"


def _said(text: str, shown: Shown, language: str) -> str:
    topic = "" if shown.topic is None else named_in(shown.topic, language).name
    holder = shown.holder
    return text.format(sender=holder.sender, address=masked(holder.address), topic=topic)


def _topics(shown: Shown, language: str) -> str:
    texts = TEXTS[language]
    items = "".join(_items(shown, language))
    legend = f"<legend>{escape(texts.topics)}</legend>"
    choices = f"<fieldset>{legend}<ul>{items}</ul></fieldset>"
    return _form(choices + _line(_button(texts.save, SAVE)))


def _items(shown: Shown, language: str) -> Iterator[str]:
    for standing in shown.standings.topics:
        words, key = named_in(standing.topic, language), standing.topic.key
        ticked = " checked" if standing.receives else ""
        described = f' aria-describedby="about-{escape(key)}"' if words.description else ""
        about = (
            f'<small id="about-{escape(key)}">{escape(words.description)}</small>'
            if words.description
            else ""
        )
        yield (
            f'<li>{_hidden(AMONG, key)}<label><input type="checkbox" name="{TOPIC}" '
            f'value="{escape(key)}"{ticked}{described}> {escape(words.name)}</label>{about}</li>'
        )


def _ending(texts: Texts, token: str) -> Iterator[str]:
    yield _paragraph(texts.personal)
    # Beside this page, whatever a proxy calls the place of both.
    href = f"../preferences/{token}"
    yield _line(f'<a href="{escape(href)}">{escape(texts.to_preferences)}</a>')


def _paragraph(text: str, *, live: bool = False) -> str:
    role = ' role="status"' if live else ""
    return f"<p{role}>{escape(text)}</p>"


def _line(html: str) -> str:
    return f"<p>{html}</p>"


def _form(html: str) -> str:
    return f'<form method="post">{html}</form>'


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def _button(words: str, action: str | None = None) -> str:
    named = "" if action is None else f' name="{ACTION}" value="{action}"'
    return f'<button type="submit"{named}>{escape(words)}</button>'


def _page(title: str, parts: list[str], language: str, *, status: int = 200) -> Response:
    body = "\n".join(parts)
    html = f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
    headers = {**_HEADERS, "Content-Language": language}
    return Response(html, status, media_type="text/html", headers=headers)
