"""Filters that write dates and numbers as readers of a language do, by the data of CLDR."""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, localcontext
from functools import lru_cache, wraps
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from app.mail.templates.values import ValueFault, text_of, whole_of

# As much work as so many steps of a template.
STEPS = 100
# The second argument of each of them is the locale.
BEFORE_LOCALE = 1
DEFAULT_LOCALE = "en"
_LENGTHS = {"short", "medium", "long", "full"}
_PATTERN_LENGTH = 100
_DECIMALS = 10
_DIGITS = 30
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,15})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=64)
def known_locale(tag: str) -> Locale | None:
    """The language of a tag such as nl or nl-BE; that without the region where it has no own."""
    if not _LOCALE.fullmatch(tag):
        return None
    for one in (tag, re.split("[-_]", tag)[0]):
        try:
            return Locale.parse(one.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            continue
    return None


def _locale(locale: object) -> Locale:
    found = known_locale(text_of(locale))
    if found is None:
        raise ValueFault("takes a locale such as nl or nl-BE")
    return found


def _date(
    value: object,
    /,
    format: object = "long",  # noqa: A002 - so it is called in templates
    locale: object = DEFAULT_LOCALE,
    timezone: object = None,
) -> str:
    pattern, language = text_of(format), _locale(locale)
    if len(pattern) > _PATTERN_LENGTH:
        raise ValueFault(f"takes a format of at most {_PATTERN_LENGTH} characters")
    moment = _moment(value, timezone)
    try:
        if pattern in _LENGTHS:
            return format_date(moment, pattern, locale=language)
        return format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=language)
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
        raise ValueFault("takes a format such as long or d MMMM yyyy HH:mm") from error


def _moment(value: object, timezone: object) -> datetime:
    text = value if isinstance(value, str) else ""
    try:
        if _DATE.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), datetime.min.time())
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueFault("works on ISO 8601 dates only, e.g. 2019-08-24T14:15:22Z") from error
    if timezone is None or moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(ZoneInfo(text_of(timezone)))
    except (ValueError, OSError, LookupError, OverflowError) as error:
        raise ValueFault("takes a time zone such as Europe/Amsterdam") from error


def _amount(value: object) -> Decimal:
    """A number, or a text that is one, as amounts of money often come."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueFault("works on numbers only")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueFault("works on numbers only, with a point and without other signs")
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueFault("works on numbers only") from error
    if not amount.is_finite() or abs(amount.adjusted()) > _DIGITS:
        raise ValueFault("the number is too large")
    return amount


def _decimals(decimals: object) -> str:
    count = whole_of(decimals)
    if not 0 <= count <= _DECIMALS:
        raise ValueFault(f"takes 0 to {_DECIMALS} decimals")
    return "." + "0" * count if count else ""


def _rounding_half_up() -> AbstractContextManager[Context]:
    """As readers do; by itself it would be to the even digit."""
    return localcontext(Context(prec=2 * _DIGITS, rounding=ROUND_HALF_UP))


def _money(value: object, /, currency: object, locale: object = DEFAULT_LOCALE) -> str:
    code = text_of(currency)
    if not _CURRENCY.fullmatch(code):
        raise ValueFault("takes a currency such as EUR")
    with _rounding_half_up():
        return format_currency(_amount(value), code, locale=_locale(locale))


def _number(value: object, /, decimals: object = None, locale: object = DEFAULT_LOCALE) -> str:
    pattern = None if decimals is None else f"#,##0{_decimals(decimals)}"
    with _rounding_half_up():
        return format_decimal(_amount(value), pattern, locale=_locale(locale))


def _percent(value: object, /, decimals: object = 0, locale: object = DEFAULT_LOCALE) -> str:
    language = _locale(locale)
    given = language.percent_formats[None].pattern
    pattern = re.sub(r"0(?:\.[0#]+)?(?=[^0]*\Z)", f"0{_decimals(decimals)}", given)
    with _rounding_half_up():
        return format_percent(_amount(value), pattern, locale=language)


def _or_nothing(write: Callable[..., str]) -> Callable[..., str]:
    """Null is nothing here as everywhere: so come variables that are optional and not given."""

    @wraps(write)
    def written(value: object, /, *arguments: object, **named: object) -> str:
        return "" if value is None else write(value, *arguments, **named)

    return written


LOCALISED: Mapping[str, Callable[..., str]] = {
    "date": _or_nothing(_date),
    "money": _or_nothing(_money),
    "number": _or_nothing(_number),
    "percent": _or_nothing(_percent),
}
