"""The elements of MJML: what may stand in each, and which attributes it has (mjml.io, 4.15)."""

from collections.abc import Mapping
from dataclasses import dataclass

_PADDINGS = "padding padding-top padding-right padding-bottom padding-left"
_INNER = f"{_PADDINGS} container-background-color"
_BACKGROUND = (
    "background-color background-url background-repeat background-size background-position "
    "background-position-x background-position-y"
)
_BORDERS = "border border-top border-right border-bottom border-left border-radius"
_FONT = "color font-family font-size font-style font-weight letter-spacing line-height"
_TEXT = f"{_FONT} text-decoration text-transform"
_SECTION = f"{_BACKGROUND} {_BORDERS} {_PADDINGS} direction full-width text-align text-padding"
_ICONS = "icon-align icon-position icon-height icon-width"
_ICONS_URLS = "icon-wrapped-url icon-wrapped-alt icon-unwrapped-url icon-unwrapped-alt"
_IN_COLUMN = (
    "mj-accordion mj-button mj-carousel mj-divider mj-image mj-navbar mj-raw mj-social mj-spacer "
    "mj-table mj-text"
)
_EVERYWHERE = frozenset({"css-class", "mj-class"})
# In these anything may stand, and MJML does not look at it.
ENDING = {
    "mj-accordion-text", "mj-accordion-title", "mj-button", "mj-navbar-link", "mj-raw",
    "mj-social-element", "mj-style", "mj-table", "mj-text",
}  # fmt: skip
TEXT_ONLY = {"mj-preview", "mj-title"}
# Between the elements of these something can be filled in: what stands around it bears it.
WITH_MARKS = {"mj-body", "mj-column", "mj-group", "mj-hero", "mj-section", "mj-wrapper"}
DESCRIBED = {"mj-carousel-image", "mj-image"}


@dataclass(frozen=True)
class Tag:
    """`attributes` is None where each element and attribute is allowed that there is."""

    attributes: frozenset[str] | None
    children: frozenset[str]


def _tag(attributes: str = "", children: str = "") -> Tag:
    return Tag(_EVERYWHERE | frozenset(attributes.split()), frozenset(children.split()))


TAGS: Mapping[str, Tag] = {
    "mjml": _tag("owa lang dir", "mj-head mj-body"),
    "mj-head": _tag(
        children="mj-attributes mj-breakpoint mj-font mj-preview mj-raw mj-style mj-title"
    ),
    "mj-attributes": Tag(frozenset(), frozenset()),
    "mj-all": Tag(None, frozenset()),
    "mj-class": Tag(None, frozenset()),
    "mj-breakpoint": _tag("width"),
    "mj-font": _tag("name href"),
    "mj-preview": _tag(),
    "mj-style": _tag("inline"),
    "mj-title": _tag(),
    "mj-raw": _tag("position"),
    "mj-body": _tag("background-color width", "mj-hero mj-raw mj-section mj-wrapper"),
    "mj-wrapper": _tag(f"{_SECTION} gap", "mj-hero mj-raw mj-section"),
    "mj-section": _tag(_SECTION, "mj-column mj-group mj-raw"),
    "mj-group": _tag("background-color direction vertical-align width", "mj-column mj-raw"),
    "mj-column": _tag(
        f"background-color {_BORDERS} direction {_PADDINGS} vertical-align width "
        "inner-background-color inner-border inner-border-top inner-border-right "
        "inner-border-bottom inner-border-left inner-border-radius",
        _IN_COLUMN,
    ),
    "mj-hero": _tag(
        f"{_BACKGROUND} background-height background-width border-radius height mode {_INNER} "
        "inner-background-color inner-padding inner-padding-top inner-padding-right "
        "inner-padding-bottom inner-padding-left vertical-align width align",
        _IN_COLUMN,
    ),
    "mj-text": _tag(f"align height {_TEXT} {_INNER} vertical-align"),
    "mj-button": _tag(
        f"align background-color {_BORDERS} {_TEXT} {_INNER} height href inner-padding name rel "
        "target text-align title vertical-align width"
    ),
    "mj-table": _tag(
        f"align border cellpadding cellspacing {_FONT} {_INNER} role table-layout width"
    ),
    "mj-image": _tag(
        f"align alt {_BORDERS} {_INNER} fluid-on-mobile font-size full-width height href "
        "max-height name rel sizes src srcset target title usemap width"
    ),
    "mj-divider": _tag(f"align border-color border-style border-width {_INNER} width"),
    "mj-spacer": _tag(f"height width vertical-align {_INNER} {_BORDERS}"),
    "mj-social": _tag(
        f"align border-radius {_TEXT} icon-height icon-padding icon-size inner-padding mode "
        f"table-layout text-padding vertical-align {_INNER}",
        "mj-social-element",
    ),
    "mj-social-element": _tag(
        f"align alt background-color border-radius {_TEXT} href icon-height icon-padding "
        f"icon-position icon-size name {_PADDINGS} rel sizes src srcset target text-padding title "
        "vertical-align"
    ),
    "mj-navbar": _tag(
        f"align base-url hamburger ico-align ico-close ico-color ico-font-family ico-font-size "
        "ico-line-height ico-open ico-padding ico-padding-top ico-padding-right "
        f"ico-padding-bottom ico-padding-left ico-text-decoration ico-text-transform {_INNER}",
        "mj-navbar-link",
    ),
    "mj-navbar-link": _tag(f"{_TEXT} href name {_PADDINGS} rel target title"),
    "mj-accordion": _tag(
        f"border font-family {_ICONS} {_ICONS_URLS} {_INNER}", "mj-accordion-element"
    ),
    "mj-accordion-element": _tag(
        f"background-color border font-family {_ICONS} {_ICONS_URLS}",
        "mj-accordion-text mj-accordion-title",
    ),
    "mj-accordion-title": _tag(f"background-color {_TEXT} {_PADDINGS}"),
    "mj-accordion-text": _tag(f"background-color {_TEXT} {_PADDINGS}"),
    "mj-carousel": _tag(
        f"align background-color border-radius icon-width left-icon right-icon {_INNER} tb-border "
        "tb-border-radius tb-hover-border-color tb-selected-border-color tb-width thumbnails",
        "mj-carousel-image",
    ),
    "mj-carousel-image": _tag(
        "alt border-radius href rel src target tb-border tb-border-radius thumbnails-src title"
    ),
}  # fmt: skip
