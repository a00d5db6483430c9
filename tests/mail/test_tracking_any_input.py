import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from app.mail.tracking import TrackedBody, track

PIXEL = '<img src="https://t.test/p?a=1&amp;b=2" width="1" height="1" alt="" style="display:none">'

PIECES = [
    "<", ">", "/", "=", '"', "'", " ", "-", "!", "]]>", "<![CDATA[", "<!--", "-->", "--!>",
    "a", "<a", "<a href=", "</a>", "<area href=", "href", "http://b.nl/c", "https://d.nl",
    "<script>", "</script>", "<title>", "</title>", "<plaintext>", "<b>", "<?", "afmelden", "é",
    "</body>", "</html>",
]  # fmt: skip
URLS = [
    "https://b.nl/?a=1&copy=2&b='c'", "HTTP://B.NL/", "http://é.nl/{{ x }}", 'https://b.nl/"x"',
    "mailto:a@b.nl", "#top", "/relative", "tel:+31201234567", "https://b.nl/afmelden", "b.nl",
]  # fmt: skip
HOSTILE = [
    "<", "<a ", "<a x=", "<!--", "<!-", "</", "</a", "<?", "<![CDATA[>", "<script><!--", "-", "&a",
    "<a href='http://b.nl/", '<a href="http://b.nl/', "<a x='\" ", "<title></title", "=\" '", "<a>",
    "</body>", "<!---", "<a href=http://b.nl><style><!--</style", "<textarea>", "<b ",
]  # fmt: skip

soup = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
urls = st.sampled_from(URLS)
elements = st.one_of(
    urls.map(lambda url: f'<a class=x href="{escape(url)}">x</a>'),
    urls.map(lambda url: f"<A\nHREF = '{escape(url)}' >x</A>"),
    urls.filter(lambda url: " " not in url and "'" not in url and '"' not in url).map(
        lambda url: f"<p><a href={escape(url)} id=1>x</a></p>"
    ),
    urls.map(lambda url: f'<map><area href="{escape(url)}"></map>'),
    urls.map(lambda url: f'<!-- <a href="{escape(url)}">x</a> -->'),
    urls.map(lambda url: f"<script>\"<a href='{escape(url)}'>x</a>\"</script>"),
    st.sampled_from(["<img alt=\"<a href='http://b.nl'>\">", "1 < 2 & 3 > 2", "<br/>", "\r\n"]),
)
documents = st.lists(elements, max_size=8).map("".join)


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value or "" for name, value in attrs if tag in {"a", "area"} and name == "href"
        ]


@pytest.fixture(scope="session", params=["html.parser", "lxml"])
def links_of(request: pytest.FixtureRequest) -> Callable[[str], list[str]]:
    """The hrefs that somebody else's parser sees."""

    def by_html_parser(html: str) -> list[str]:
        parser = Links()
        parser.feed(html)
        parser.close()
        return parser.found

    def by_lxml(html: str) -> list[str]:
        tree = document_fromstring(f"<body>{html}</body>")
        return [element.get("href") for element in tree.iter("a", "area")]

    return by_lxml if request.param == "lxml" else by_html_parser


@given(html=st.text() | soup)
def test_nothing_but_the_replaced_values_changes(html: str) -> None:
    result = track(html, link_url=lambda index: f"\ue000{index}\ue000", pixel_url="\ue001")

    kept = re.split(
        "\ue000[0-9]+\ue000",
        result.html.replace(PIXEL.replace("https://t.test/p?a=1&amp;b=2", "\ue001"), ""),
    )
    values = [rf"\s*{re.escape(link)}\s*" for link in result.links]
    pattern = "".join(
        re.escape(piece) + value for piece, value in zip(kept, [*values, ""], strict=True)
    )
    assert re.fullmatch(pattern, html)


@given(html=st.text() | soup)
def test_with_nothing_to_do_nothing_changes(html: str) -> None:
    assert track(html, link_url=None, pixel_url=None) == TrackedBody(html=html, links=())


@given(html=documents)
def test_other_parsers_see_the_same_links(
    tracked: Callable[[str], TrackedBody], links_of: Callable[[str], list[str]], html: str
) -> None:
    result = tracked(html)

    back = {f"T{index}": url for index, url in enumerate(result.links)}
    after = links_of(result.html)
    assert [back.get(url, url) for url in after] == links_of(html)
    assert [url for url in after if url in back] == list(back)
    assert all("afmelden" in url or url[:4].lower() != "http" for url in after)


@pytest.mark.timeout(40)
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_input_takes_linear_time(tracked: Callable[[str], TrackedBody], piece: str) -> None:
    html = piece * (2_000_000 // len(piece))

    assert len(tracked(html).html) <= len(html)


@pytest.mark.timeout(40)
@pytest.mark.parametrize("piece", ["<!--", "<b ", "</", "<", "&#1", "<![CDATA["])
def test_a_hostile_anchor_text_takes_linear_time(
    tracked: Callable[[str], TrackedBody], piece: str
) -> None:
    inside = f"<style>{piece * (2_000_000 // len(piece))}</style>"

    assert tracked(f'<a href="http://b.nl">{inside}</a>').links == ("http://b.nl",)
