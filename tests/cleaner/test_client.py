"""HTML cleaned beside this process: what is made to be endless work is shown as text."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from app import patience as patience_module
from app.cleaner import client
from app.mail.safe_html.cleaning import cleaned, is_small
from app.mail.safe_html.showing import SafeHtml, as_text, shown
from app.patience import MOST, SECONDS, Patience

safe_html = partial(client.safe_html, patience=Patience())
ROW = '<tr><td style="color:red" onclick="x()"><img src="https://a.test/é.png">a</td></tr>\n'
LONG = f"<table>{ROW * 500}</table><script>x</script>"


def test_it_is_as_if_it_were_cleaned_here() -> None:
    assert not is_small(LONG)
    assert safe_html(LONG) == shown(cleaned(LONG))
    assert safe_html(LONG).remote_images == 500
    styled = "<style>p{color:red}</style><p>a"
    assert safe_html(styled) == shown(cleaned(styled)) == SafeHtml('<p style="color:red">a</p>')


def test_pictures_and_links_are_those_of_the_mail() -> None:
    html = f'<img src="cid:a"><a href="https://us.test/1">b</a>{LONG}'

    safe = safe_html(html, images={"a": "https://us.test/a"}, links={"https://us.test/1": "tel:1"})

    away = 'target="_blank" rel="noopener noreferrer nofollow"'
    assert safe.html.startswith(f'<img src="https://us.test/a"><a href="tel:1" {away}>b</a>')


def test_several_are_cleaned_at_a_time() -> None:
    mails = [f"<p>{number}</p>{LONG}" for number in range(4)]

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(safe_html, mails * 2))

    assert made == [shown(cleaned(mail)) for mail in mails * 2]


@pytest.mark.parametrize("tag", ["div", "p", "b", "ul><li", "blockquote", "font color=red"])
def test_thousands_of_unclosed_tags_are_closed(tag: str) -> None:
    times = 5000 // (1 + tag.count("<"))

    html = safe_html(f"<{tag}>a" * times).html

    assert html.count(f"</{tag.partition('>')[0].split()[0]}>") == times


@pytest.mark.parametrize(
    "html",
    [
        # As much of lists takes 94 seconds (https://github.com/servo/html5ever/issues/788).
        "<div>" * 100_000 + "deep",
        # Each of the end tags makes all of the others again: memory without end.
        "".join(f"<b a={n}>" for n in range(4000))
        + "".join(f"<i a={n}>" for n in range(4000))
        + "deep</b>" * 4000,
        # Each of the rules is written into each of the elements.
        f"<style>{''.join(f'b{{a{n}:b}}' for n in range(5000))}</style>{'<b></b>' * 5000}deep",
    ],
    ids=["time", "memory", "styles"],
)
def test_what_takes_too_much_is_shown_as_text(html: str) -> None:
    patience = Patience()

    safe = client.safe_html(html, patience)

    assert safe == SafeHtml(f"<pre>{'deep' * html.count('deep')}</pre>")
    # It is not tried again, and the next one finds a process that lives.
    assert client.safe_html(html, patience) == safe
    assert patience.losses == 1
    assert client.safe_html(LONG, patience) == shown(cleaned(LONG))


def test_what_grows_without_measure_is_shown_as_text() -> None:
    html = (
        "".join(f"<b a={n}>" for n in range(300))
        + "".join(f"<i a={n}>" for n in range(300))
        + "x</b>" * 300
    )

    assert is_small(html)
    assert len(cleaned(html)) > 50 * len(html)
    assert safe_html(html) == SafeHtml(f"<pre>{'x' * 300}</pre>")


def test_any_character_comes_back() -> None:
    text = "".join(map(chr, range(1, 0x300))).replace("<", "").replace("&", "") + "\u2028\U0001f600"

    assert json.dumps(safe_html(text * 100 + LONG).html) == json.dumps(
        shown(cleaned(text * 100 + LONG)).html
    )


def test_after_much_endless_work_large_html_is_shown_as_text() -> None:
    moments = [0.0]
    patience = Patience(lambda: moments[-1])
    for _ in range(MOST):
        assert client.safe_html(LONG, patience) == shown(cleaned(LONG))
        patience.lose()

    assert client.safe_html(LONG, patience) == as_text(LONG)
    assert client.safe_html("<p onclick=x>a</p>", patience) == SafeHtml("<p>a</p>")
    moments.append(SECONDS)
    assert client.safe_html(LONG, patience) == shown(cleaned(LONG))


def test_of_a_page_of_endless_work_a_few_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many mails are shown together: that bounds how long an answer takes."""
    tried: dict[bytes, None] = {}
    monkeypatch.setattr(client, "_endless", tried)
    monkeypatch.setattr(patience_module, "MOST", 2)
    patience = Patience(lambda: 0.0)
    mails = [f"{number}{'<div>' * 30_000}deep" for number in range(50)]

    with ThreadPoolExecutor(client.PLACES) as threads:
        made = list(threads.map(partial(client.safe_html, patience=patience), mails))

    assert made == [as_text(mail) for mail in mails]
    # Those that were in hand when the patience was lost were tried too.
    assert 2 <= len(tried) <= 2 + client.PLACES - 1
