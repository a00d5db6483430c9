import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import unquote

from app.mail.character_references import unescaped
from app.mail.safe_html.styles import safe_style
from app.mail.safe_html.trackers import is_hidden, is_tracker
from app.mail.text_crude import stripped

# As the cleaner writes it, so that no value can end a tag.
_TAG = re.compile(r'<([a-z][a-z0-9]*)((?: [a-z-]+="[^"<>]*")+)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_HELD_BACK = re.compile(r'(<img(?: [a-z-]+="[^"<>]*")*?) data-remote-src="')
_WEB = re.compile(r"https?://", re.IGNORECASE)
_PICTURE = re.compile(
    r"data:image/(?:png|jpe?g|gif|webp|bmp|avif);base64,[a-z0-9+/=\s]*", re.IGNORECASE
)
_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_AWAY = {"target": "_blank", "rel": "noopener noreferrer nofollow"}
_BREAKS = re.compile(r"[\t\n\r]")
_EDGES = "".join(map(chr, range(0x21)))


@dataclass(frozen=True)
class SafeHtml:
    """HTML that runs nothing, and loads nothing but what is in the mail.

    `remote_images` are those that somebody's server would be asked for: they have
    `data-remote-src` where `src` would be. `trackers` were left out for good.
    """

    html: str
    remote_images: int = 0
    trackers: int = 0

    def with_remote_images(self) -> str:
        return _HELD_BACK.sub(r'\1 src="', self.html)


def shown(
    cleaned: str, *, images: Mapping[str, str] | None = None, links: Mapping[str, str] | None = None
) -> SafeHtml:
    """Finish what `cleaning.cleaned` made.

    `images` are addresses of the mail's own pictures, by their Content-ID without brackets;
    without one, a picture keeps its size and `alt` alone. Links whose address is a key of `links`
    get its value instead.
    """
    pass_ = _Pass(images or {}, links or {})
    html = _TAG.sub(pass_.tag, cleaned)
    return SafeHtml(html, pass_.remote_images, pass_.trackers)


def as_text(html: str) -> SafeHtml:
    """Show the text of HTML that nobody can be asked to clean. Linear."""
    return SafeHtml(f"<pre>{escape(stripped(html).strip(), quote=False)}</pre>")


@dataclass
class _Pass:
    images: Mapping[str, str]
    links: Mapping[str, str]
    remote_images: int = field(default=0, init=False)
    trackers: int = field(default=0, init=False)
    hidden_until: int = field(default=0, init=False)

    def tag(self, found: re.Match[str]) -> str:
        name = found[1]
        values = {key: unescaped(value) for key, value in _ATTRIBUTE.findall(found[2])}
        if "style" in values:
            values["style"] = safe_style(values["style"])
            if not values["style"]:
                del values["style"]
        is_hidden_in = found.start() < self.hidden_until
        if name == "img":
            return self._image(values, is_hidden_in=is_hidden_in)
        if not is_hidden_in and is_hidden(values.get("style", "")):
            self.hidden_until = _end(name, found.string, found.end())
        if name == "a" and "href" in values:
            url = _plain(values["href"])
            url = self.links.get(url, url)
            values = {**values, "href": url, **_AWAY} if _LINK.match(url) else {}
        return f"<{name}{_written(values.items())}>"

    def _image(self, values: dict[str, str], *, is_hidden_in: bool) -> str:
        url = _plain(values.pop("src", ""))
        if url[:4].lower() == "cid:":
            url = self.images.get(unquote(url[4:]), self.images.get(url[4:], ""))
            source = {"src": url} if url else {}
        elif _WEB.match(url):
            if is_hidden_in or is_tracker(url, values):
                self.trackers += 1
                return ""
            self.remote_images += 1
            source = {"data-remote-src": url}
        else:
            source = {"src": url} if _PICTURE.fullmatch(url) else {}
        return f"<img{_written([*source.items(), *values.items()])}>"


def _end(name: str, html: str, start: int) -> int:
    """Find where the element ends whose content starts there. The cleaner has closed each."""
    depth = 1
    for tag in re.compile(rf"<(/?){name}(?=[ >])").finditer(html, start):
        depth += -1 if tag[1] else 1
        if not depth:
            return tag.start()
    return start


def _plain(url: str) -> str:
    """Drop what browsers drop of an address (URL standard, section 4.4)."""
    return _BREAKS.sub("", url.strip(_EDGES))


def _written(values: Iterable[tuple[str, str]]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in values)
