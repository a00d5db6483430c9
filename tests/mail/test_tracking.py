from collections.abc import Callable

import pytest

from app.mail.tracking import TrackedBody, track

PIXEL = '<img src="https://t.test/p?a=1&amp;b=2" width="1" height="1" alt="" style="display:none">'


@pytest.mark.parametrize(
    ("html", "expected", "links"),
    [
        ('<a href="http://b.nl">x</a>', '<a href="T0">x</a>', ["http://b.nl"]),
        ("<A HREF = 'HTTPS://B.nl'>x</A>", "<A HREF = 'T0'>x</A>", ["HTTPS://B.nl"]),
        ("<a href=http://b.nl>x</a>", "<a href=T0>x</a>", ["http://b.nl"]),
        ("<a href=http://b.nl/>x</a>", "<a href=T0>x</a>", ["http://b.nl/"]),
        ("<a/href='http://b.nl'/>x", "<a/href='T0'/>x", ["http://b.nl"]),
        ('<a\r\n\thref\n=\n"http://b.nl"\r\n>x', '<a\r\n\thref\n=\n"T0"\r\n>x', ["http://b.nl"]),
        ('<a href=" \n http://b.nl/a b\t ">x', '<a href="T0">x', ["http://b.nl/a b"]),
        ('<a href="ht\ntp://b.nl">x', '<a href="T0">x', ["http://b.nl"]),
        ('<a href="http://b.nl/?a=1&amp;b=2">x', '<a href="T0">x', ["http://b.nl/?a=1&b=2"]),
        (
            '<a href="http://b.nl/?a=1&copy=2&section=3&#x26;c&lt">x',
            '<a href="T0">x',
            ["http://b.nl/?a=1&copy=2&section=3&c<"],
        ),
        ('<a href="http://{{ host }}/{% if a %}x{% endif %}">x', '<a href="T0">x', None),
        ('<a href="http://b.nl" href="http://c.nl">x', '<a href="T0" href="http://c.nl">x', None),
        ('<a =x href="http://b.nl">x', '<a =x href="T0">x', None),
        ('<a title=">" href="http://b.nl">x', '<a title=">" href="T0">x', None),
        ("<a x=a'b href=http://b.nl>'x", "<a x=a'b href=T0>'x", None),
        ('<area shape=rect href="http://b.nl">', '<area shape=rect href="T0">', None),
        (
            '<a href="http://b.nl">x</a><a href="http://b.nl">x</a>',
            '<a href="T0">x</a><a href="T1">x</a>',
            ["http://b.nl", "http://b.nl"],
        ),
        (
            '<a href="http://b.nl"><map><area href="http://c.nl"></map></a><a href="http://d.nl">x',
            '<a href="T0"><map><area href="T1"></map></a><a href="T2">x',
            ["http://b.nl", "http://c.nl", "http://d.nl"],
        ),
        ("1 < 2 <a href=http://b.nl>", "1 < 2 <a href=T0>", None),
        ("<!----!><a href=http://b.nl>", "<!----!><a href=T0>", None),
        ("<!--><a href=http://b.nl>-->", "<!--><a href=T0>-->", None),
        ("<![if !mso]><a href=http://b.nl><![endif]>", "<![if !mso]><a href=T0><![endif]>", None),
        ('<!DOCTYPE x "a>b"><a href=http://b.nl>', '<!DOCTYPE x "a>b"><a href=T0>', None),
        ("<title>a</title ><a href=http://b.nl>", "<title>a</title ><a href=T0>", None),
        ("<script>'</scripty>'</script><a href=http://b.nl>", None, ["http://b.nl"]),
        ("<![CDATA[ <a href=http://b.nl>", "<![CDATA[ <a href=http://b.nl>", []),
        ("<![CDATA[ > <a href=http://b.nl>", "<![CDATA[ > <a href=T0>", None),
    ],
)
def test_web_links_are_replaced(
    tracked: Callable[[str], TrackedBody], html: str, expected: str | None, links: list[str] | None
) -> None:
    result = tracked(html)

    assert result.html == (expected or html.replace("http://b.nl", "T0"))
    assert links is None or result.links == tuple(links)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "no markup at all",
        '<a href="mailto:a@b.nl">x</a>',
        '<a href="tel:+31">x</a><a href="sms:+31">x</a><a href="#top">x</a><a href="/a">x</a>',
        '<a href="javascript:void(0)">x</a><a href="cid:1">x</a><a href="data:,x">x</a>',
        '<a href="">x</a><a href>x</a><a>x</a><a href=>x</a><a href="https://">x</a>',
        '<a data-href="http://b.nl" name="http://b.nl">x</a>',
        '<link href="http://b.nl"><base href="http://b.nl"><img src="http://b.nl">',
        '<abbr href="http://b.nl"><a-b href="http://b.nl"></a href="http://b.nl">',
        "<p title=\"<a href='http://b.nl'>x</a>\">",
        '<a href="#"  href="http://b.nl">x</a>',
        '<!-- <a href="http://b.nl">x</a> -->',
        '<!--[if mso]><a href="http://b.nl">x</a><![endif]-->',
        '<!--> --><!-- a --!-> <a href="http://b.nl">',
        "<script>\"<a href='http://b.nl'>\"</script>",
        '<script><!--<script></script><a href="http://b.nl">--></script>',
        '<STYLE><a href="http://b.nl"></style>',
        '<textarea><a href="http://b.nl"></textarea><title><a href="http://b.nl"></title>',
        '<xmp><a href="http://b.nl"></xmp><iframe><a href="http://b.nl"></iframe>',
        '<noembed><a href="http://b.nl"></noembed><noframes><a href="http://b.nl"></noframes>',
        '<plaintext></plaintext><a href="http://b.nl">',
        '<svg><![CDATA[ > <a href="http://b.nl"> ]]></svg>',
        '<a href="http://b.nl',
        "<a href=http://b.nl",
        '<a title="> <a href=http://b.nl>',
        '<a href="http://b.nl/' + "x" * 8000 + '">x</a>',
    ],
)
def test_everything_else_stays(tracked: Callable[[str], TrackedBody], html: str) -> None:
    assert tracked(html) == TrackedBody(html=html, links=())


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://b.nl/unsubscribe/1">x</a>',
        '<a href="https://b.nl/Email-UNSUB.php">x</a>',
        '<a href="https://b.nl/a?action=opt-out&amp;x=1">x</a>',
        '<a href="https://b.nl/optout">x</a>',
        '<a href="https://b.nl/?afmelden=1">x</a>',
        '<a href="https://b.nl/nieuwsbrief/uitschrijven">x</a>',
        '<a href="https://b.nl/#/unsubscribe">x</a>',
        '<a href="https://b.nl/doUnsubscribe">x</a>',
        '<a href="https://b.nl/?next=%2Funsubscribe">x</a>',
        '<a href="https://b.nl/1" rel="nofollow Unsubscribe">x</a>',
        '<a href="https://b.nl/1">Click to <b>Unsub</b>scribe</a>',
        '<a href="https://b.nl/1">Uitschrijven</a>',
        '<a href="https://b.nl/1"><span title="a > b">Opt&nbsp;out</span></a>',
        '<a href="https://b.nl/1">Afmelden <a name="x">',
        '<a href="https://b.nl/1" data-letterbox-track="off">x</a>',
        '<a data-letterbox-track=OFF href="https://b.nl/1">x</a>',
    ],
)
def test_unsubscribe_and_marked_links_stay(
    tracked: Callable[[str], TrackedBody], html: str
) -> None:
    assert tracked(html) == TrackedBody(html=html, links=())


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://b.nl/unsubstantiated">x</a>',
        '<a href="https://b.nl/sunsub?optouts=1">x</a>',
        '<a href="https://unsubscribe.nl/">x</a>',
        '<a href="https://b.nl/">x</a> or unsubscribe',
        '<a href="https://b.nl/"><img alt="x" src="unsubscribe.png"><!-- unsubscribe --></a>',
        '<a href="https://b.nl/" data-letterbox-track="on" title="unsubscribe">x</a>',
    ],
)
def test_words_elsewhere_do_not_count(tracked: Callable[[str], TrackedBody], html: str) -> None:
    assert len(tracked(html).links) == 1


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="http://b.nl">', '<a href="h?a=&amp;b=&quot;&#x27;&lt; `">'),
        ("<a href='http://b.nl'>", "<a href='h?a=&amp;b=&quot;&#x27;&lt; `'>"),
        ("<a href=http://b.nl>", "<a href=h?a&#61;&amp;b&#61;&quot;&#x27;&lt;&#32;&#96;>"),
    ],
)
def test_the_new_url_is_escaped_for_its_quotes(html: str, expected: str) -> None:
    assert track(html, link_url=lambda _: "h?a=&b=\"'< `", pixel_url=None).html == expected


@pytest.mark.parametrize(
    "html",
    [
        "@",
        "text@",
        "<p>text</p>@",
        "<body>text@</body></html>",
        "<body>text</body>more@</BODY\n x='</body>'>",
        "text@</html>",
        "@</body><!-- </body> -->",
        "@</body><script></body></script><style></body></style>",
        '@</body><p title="</body>">',
        "@</body></html></html>",
        "</bodyx>@",
        "text@<!-- never closed </body>",
        "text@<title>never closed </body>",
        "text@<plaintext></body>",
        "text@<p title='never closed </body>",
        "text@</",
        "text <@",
        "a &amp@",
    ],
)
def test_the_pixel_has_its_place(html: str) -> None:
    result = track(html.replace("@", ""), link_url=None, pixel_url="https://t.test/p?a=1&b=2")

    assert result == TrackedBody(html=html.replace("@", PIXEL), links=())


def test_links_around_the_pixel_are_replaced_too() -> None:
    html = '<a href="http://b.nl">x</a></body><a href="http://c.nl">y</a>'

    result = track(html, link_url=lambda index: f"T{index}", pixel_url="https://t.test/p?a=1&b=2")

    assert result.html == f'<a href="T0">x</a>{PIXEL}</body><a href="T1">y</a>'


def test_what_is_to_stay_untouched_stays() -> None:
    html = '<a href="https://t.test/u/1">a</a><a href="https://t.test/up">b</a><a href="//x">c</a>'

    found = track(
        html, link_url=str, pixel_url=None, untouched=("https://t.test/u/", "https://t.test/p/")
    )

    assert found.html == html.replace("https://t.test/up", "0")
    assert found.links == ("https://t.test/up",)
