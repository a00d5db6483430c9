"""MJML made into HTML, once for each version of a template."""

from app.mail.templates import css
from app.mail.templates.looking import Report
from app.mail.templates.mjml_reading import Reader, Reading
from app.mail.templates.veil import Veil

MJML_LIMIT = 300_000


def html_of(veil: Veil, fault: Report, warn: Report) -> str | None:
    """Make veiled HTML of a veiled MJML template; None when there are faults.

    `fault` and `warn` are told offsets in the veiled text. Nothing is read from files or the
    network: partials were put in before.
    """
    if len(veil.text) > MJML_LIMIT:
        fault(0, f"has more than {MJML_LIMIT} characters")
        return None
    faulty = False

    def told(place: int, message: str) -> None:
        nonlocal faulty
        faulty = True
        fault(place, message)

    reading = Reader(veil, told, warn).read()
    _check_regions(veil, reading, told)
    if faulty:
        return None
    from mjml import mjml2html  # noqa: PLC0415  # used in processes beside those that import this

    try:
        made = mjml2html("".join(reading.mjml), fonts={})
    except ValueError as error:
        fault(0, f"cannot be made into HTML: {error}")
        return None
    html = _with_contents(made, veil, reading)
    _check_kept(html, veil, reading, warn)
    return _styled(html, veil, reading, warn)


def _check_regions(veil: Veil, reading: Reading, fault: Report) -> None:
    for chain in veil.chains(sorted(reading.regions)):
        if len({reading.regions[number] for number in chain}) > 1:
            place = veil.text.index(veil.word(chain[0]))
            fault(place, "must end in the element, content or attribute that it begins in")


def _with_contents(made: str, veil: Veil, reading: Reading) -> str:
    first = len(veil.marks)
    return veil.words.sub(
        lambda found: (
            reading.contents[int(found[1]) - first] if int(found[1]) >= first else found[0]
        ),
        made,
    )


def _check_kept(html: str, veil: Veil, reading: Reading, warn: Report) -> None:
    kept = set(veil.numbers(html)).union(*(veil.numbers(text) for _, text in reading.css))
    for number in sorted(reading.regions.keys() - kept):
        place = veil.text.index(veil.word(number))
        warn(place, "MJML needs to know this before it is filled in, and leaves it out")


def _styled(html: str, veil: Veil, reading: Reading, warn: Report) -> str:
    if not reading.css:
        return html
    try:
        return css.inlined(html, veil, extra="\n".join(text for _, text in reading.css))
    except css.NotInlinedError as error:
        warn(reading.css[0][0], f"is not inlined: {error}")
        return html
