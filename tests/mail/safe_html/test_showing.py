"""Pictures, trackers, styles and links of what was cleaned."""

import pytest

from app.mail.safe_html.cleaning import cleaned
from app.mail.safe_html.showing import SafeHtml, as_text, shown
from app.mail.safe_html.styles import safe_style

PHOTO = "https://a.test/photo.jpg?a=1&amp;b=2"


def test_pictures_of_others_wait_until_they_are_wanted() -> None:
    safe = shown(
        cleaned(f'<p>data-remote-src="x"<img src="{PHOTO}" width=100 alt="&lt;Photo&gt;"></p>')
    )

    held = f'<img data-remote-src="{PHOTO}" width="100" alt="&lt;Photo&gt;">'
    assert safe == SafeHtml(f'<p>data-remote-src="x"{held}</p>', remote_images=1)
    loaded = f'<img src="{PHOTO}" width="100" alt="&lt;Photo&gt;">'
    assert safe.with_remote_images() == f'<p>data-remote-src="x"{loaded}</p>'


def test_nobody_else_can_ask_for_the_attribute() -> None:
    safe = shown(cleaned('<img data-remote-src="javascript:x" alt=" data-remote-src=&quot;x">'))

    assert safe.with_remote_images() == '<img alt=" data-remote-src=&quot;x">'


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("cid:logo@acme", ' src="https://us.test/1?a=1&amp;b=2"'),
        ("CID:logo%40acme", ' src="https://us.test/1?a=1&amp;b=2"'),
        ("cid:other", ""),
        ("data:image/png;base64,iVBORw0KGgo=", ' src="data:image/png;base64,iVBORw0KGgo="'),
        ("data:image/svg+xml;base64,PHN2Zz4=", ""),
        ("data:image/svg+xml,<svg onload=x>", ""),
        ("data:text/html;base64,PHA+", ""),
        ("data:image/png,<svg>", ""),
        ("javascript:x", ""),
        ("logo.png", ""),
        ("file:///c:/logo.png", ""),
        ("mailto:jan@a.test", ""),
        ("", ""),
    ],
)
def test_pictures_in_the_mail_are_shown(source: str, left: str) -> None:
    images = {"logo@acme": "https://us.test/1?a=1&b=2"}

    safe = shown(cleaned(f"<img alt=Logo src='{source}'>"), images=images)

    assert safe == SafeHtml(f'<img{left} alt="Logo">')


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://a.test/x" width=1 height=1>',
        '<img src="https://a.test/x" width=0 height="1px">',
        '<img src="https://a.test/x" height=1>',
        '<img src="https://a.test/x" style="width:1px;height:1px !important">',
        '<img src="https://a.test/x" width=100 height=100 style="width:0;max-height:0px">',
        '<img src="https://a.test/x" style="display: none">',
        '<img src="https://a.test/x" style="border:0;visibility:hidden">',
        '<img src="https://a.test/x" style="opacity:0">',
        '<img src="https://crm.test/api/v1/communications/track/Zm9v">',
        '<img src="https://x.list-manage.com/track/open.php?u=1&id=2">',
        '<img src="https://u1.ct.sendgrid.net/wf/open?upn=x">',
        '<img src="http://abc.r.eu-west-1.awstrack.me/I0/1">',
        '<img src="https://mailtrack.io/trace/mail/x.png">',
        '<img src="//t.yesware.com/t/1">',
    ],
)
def test_trackers_are_left_out_for_good(image: str) -> None:
    assert shown(cleaned(f"a{image}b")) == SafeHtml("ab", trackers=1)


@pytest.mark.parametrize(
    ("around", "trackers"),
    [
        ('<div style="display:none">', 1),
        ('<span style="color:red;opacity:0">', 1),
        ('<div style="max-height:0;overflow:hidden">', 1),
        ('<div style="visibility:hidden"><div><b>b</b></div>', 1),
        ('<p style="display:none">a</p>', 0),
        ('<div style="display:none"><div>a</div></div>', 0),
        ('<b style="display:none">a</b><br><blockquote>', 0),
        ('<div style="max-height:0">', 0),
        ('<div style="height:10px;overflow:hidden">', 0),
        ('<div style="overflow:hidden">', 0),
    ],
)
def test_what_stands_in_something_hidden_is_hidden(around: str, trackers: int) -> None:
    image = '<img src="https://a.test/1.png" width=9><img src="cid:a" alt="ours">'

    safe = shown(cleaned(f"{around}{image}"), images={"a": "https://us.test/a"})

    assert (safe.trackers, safe.remote_images) == (trackers, 1 - trackers)
    assert safe.html.count('<img src="https://us.test/a" alt="ours">') == 1


def test_after_what_is_hidden_pictures_are_seen() -> None:
    hidden = '<div style="display:none"><div><img src="https://a.test/1"></div></div>'
    picture = '<img src="https://a.test/2">'

    safe = shown(cleaned(f"{picture}{hidden}{picture}{hidden}"))

    assert (safe.trackers, safe.remote_images) == (2, 2)


@pytest.mark.parametrize(
    "attributes",
    [
        "width=1 height=20",
        "width=100% height=1",
        'style="width:100%;height:1px"',
        'style="width:10px;height:1.5em"',
        'style="opacity:0.5;min-width:0"',
        "width=auto height=1",
        "",
    ],
)
def test_what_can_be_seen_is_a_picture(attributes: str) -> None:
    safe = shown(cleaned(f'<img src="https://a.test/backtrack/opening.png" {attributes}>'))

    assert (safe.remote_images, safe.trackers) == (1, 0)


@pytest.mark.parametrize(
    ("style", "left"),
    [
        (
            "color: red; font: 12px/1.5 'A B', serif",
            "color:red;font:12px / 1.5 &quot;A B&quot; , serif",
        ),
        ("margin: 0 auto; padding: 4px!important", "margin:0 auto;padding:4px ! important"),
        ("background:#fff;color:rgba(0,0,0,.5)", "background:#fff;color:rgba(0, 0, 0, 0.5)"),
        ("position:fixed;top:0;left:0;z-index:9;color:red", "color:red"),
        ("background:url(//a.test/x);color:red", "color:red"),
        ("background:u\\72l(//a.test/x);color:red", "color:red"),
        ("background:URL('x');color:red", "color:red"),
        ("font-family:a\\\\b;color:red", "color:red"),
        ("font-family:'a\\22 b';color:red", None),
        ("background:image-set('x' 1x);color:red", "color:red"),
        ("list-style:url(x);color:red", "color:red"),
        ("width:expression(alert(1));color:red", "color:red"),
        ("width:calc(100vw + 1px);color:var(--x)", None),
        ("behavior:url(x);-moz-binding:url(x)", None),
        ("margin-top:-100px;margin:0 -1px;margin-left: 1px", "margin-left:1px"),
        ("text-indent:-1em", None),
        ("text-indent:2em;letter-spacing:.1em", "text-indent:2em;letter-spacing:0.1em"),
        ("text-indent:-9999px;letter-spacing:-1px;word-spacing: -9em;color:red", "color:red"),
        ("text-indent:-48px;margin-left:.5in", "text-indent:-48px;margin-left:0.5in"),
        (
            "padding-left:16px;margin-left:24pt;text-indent:-36pt",
            "padding-left:16px;margin-left:24pt;text-indent:-36pt",
        ),
        ("margin-left:2em;text-indent:-1.5em", "margin-left:2em;text-indent:-1.5em"),
        # How much that is, the size of the letters says.
        ("font-size:900px;text-indent:-1em;margin-left:99px", "font-size:900px;margin-left:99px"),
        ("text-indent:-49px;margin-left:.5in", "margin-left:0.5in"),
        ("text-indent:-1px;margin-left:50%", "margin-left:50%"),
        ("text-indent:-1vw;margin-left:99px", "margin-left:99px"),
        ("text-indent:-1e9px;margin-left:99px", "margin-left:99px"),
        ("TEXT-INDENT:-1px", None),
        ("font-family:'</style><script>'", None),
        ("@import 'x'", None),
        ("color", None),
        ("", None),
    ],
)
def test_styles_load_nothing_and_cover_nothing(style: str, left: str | None) -> None:
    html = shown(cleaned(f'<p style="{style}">a</p>')).html

    assert html == ("<p>a</p>" if left is None else f'<p style="{left}">a</p>')


def test_endless_styles_are_dropped() -> None:
    assert safe_style("color:red;" * 1000) == ""


def test_quotes_that_do_not_close_hide_nothing() -> None:
    assert safe_style('color:red;font:"a;b:c;d:url(x)') == "color:red"


def test_links_are_shown_as_they_were_before_they_were_tracked() -> None:
    links = {"https://us.test/link/1": "https://shop.test/?a=1&b=2", "https://us.test/2": "data:x"}
    html = '<a href="https://us.test/link/1">a</a><a href="https://us.test/2">b</a>'

    away = 'target="_blank" rel="noopener noreferrer nofollow"'
    assert shown(cleaned(html), links=links).html == (
        f'<a href="https://shop.test/?a=1&amp;b=2" {away}>a</a><a>b</a>'
    )


def test_text_is_shown_as_text() -> None:
    html = "<div>a &lt;b&gt; &amp; c</div><script>x</script><p>d"

    assert as_text(html) == SafeHtml("<pre>a &lt;b&gt; &amp; c\n\nd</pre>")


def test_long_values_are_read_once() -> None:
    words = "".join(f'<p style="font-family:{"a" * 3900}{n}">' for n in range(500))
    host = "//hubspotlinks.com/"
    addresses = f'<img src="https:{host * 50_000}" width="{"0" * 1_000_000}x" height=1>'

    assert shown(cleaned(words)).html.count("style=") == 500
    assert shown(cleaned(addresses)).remote_images == 1
