"""What the starter set holds: parts first, because templates are compiled with them."""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "mjml"
_PARTS = [
    ("Huisstijl", "LAYOUT", "huisstijl", "Het kader om elke mail"),
    ("Voettekst", "PARTIAL", "voettekst", "Adres, contact en afmelden, onder elke mail"),
    ("Ondertekening", "PARTIAL", "ondertekening", "De groet van de afzender"),
]


def _variable(
    name: str, example: Any, type_: str = "STRING", *, required: bool = True, **more: Any
) -> dict[str, Any]:
    return {"name": name, "type": type_, "required": required, "example": example, **more}


_NAME = _variable("name", "Zoë Çelik", description="Hoe de lezer wordt aangesproken")
_SENDER = _variable("sender", "Noëlle van der Meer", required=False, default="IJsbrand & Zonen")
_URL = _variable("url", "https://example.com/dossier/1042", "URL")
# Of each: its name, type, file, subjects in Dutch and English, and variables.
_TEMPLATES: list[tuple[str, str, str, str, str, list[dict[str, Any]]]] = [
    (
        "Offerte", "OFFERTE", "offerte",
        "Offerte {{ number }} voor {{ name }}", "Offer {{ number }} for {{ name }}",
        [
            _NAME, _SENDER, _URL,
            _variable("number", "2026-0417"),
            _variable("amount", "€ 4.950,-"),
            _variable("valid_until", "2026-12-31", "DATE"),
        ],
    ),
    (
        "Herinnering", "HERINNERING", "herinnering",
        "Herinnering: {{ what }}", "A reminder: {{ what }}",
        [
            _NAME, _SENDER, _URL,
            _variable("what", "offerte 2026-0417"),
            _variable("sent_on", "2026-11-01", "DATE"),
        ],
    ),
    (
        "Factuur", "FACTUUR", "factuur",
        "Factuur {{ number }} ({{ total }})", "Invoice {{ number }} ({{ total }})",
        [
            _NAME, _SENDER, _URL,
            _variable("number", "F-2026-118"),
            _variable("total", "€ 1.237,50"),
            _variable("due", "2026-11-30", "DATE"),
            _variable("lines", [{"text": "Coördinatie", "amount": "€ 1.237,50"}], "LIST"),
        ],
    ),
    (
        "Afspraak", "AFSPRAAK", "afspraak",
        "Bevestiging: {{ date }} om {{ time }} uur", "Confirmed: {{ date }} at {{ time }}",
        [
            _NAME, _SENDER, _URL,
            _variable("date", "2026-12-01", "DATE"),
            _variable("time", "10.30"),
            _variable("place", "bij u thuis, Sint-Jansstraat 3"),
            _variable("note", "Zorgt u dat de meterkast bereikbaar is?", required=False),
        ],
    ),
    (
        "Nieuwsbrief", "NIEUWSBRIEF", "nieuwsbrief",
        "Nieuws: {{ title }}", "News: {{ title }}",
        [
            {**_NAME, "required": False}, _SENDER,
            _variable("title", "winterklaar in drie stappen"),
            _variable("introduction", "De dagen worden korter; tijd voor het dak."),
            _variable(
                "items",
                [
                    {"title": "Isolatie", "text": "Zo blijft het warm.",
                     "url": "https://example.com/isolatie"},
                    {"title": "Ventilatie", "text": "En zo blijft het fris."},
                ],
                "LIST",
            ),
        ],
    ),
    (
        "Welkom", "ALGEMEEN", "welkom",
        "Welkom bij IJsbrand & Zonen, {{ name }}", "Welcome to IJsbrand & Zonen, {{ name }}",
        [_NAME, _SENDER, _URL],
    ),
]  # fmt: skip


def _read(name: str) -> str:
    return (FOLDER / f"{name}.mjml").read_text("utf-8")


def starter_set() -> list[dict[str, Any]]:
    """Give inputs of `createTemplate`, in the order in which they have to be made."""
    parts = [
        {
            "name": name, "kind": kind, "format": "MJML", "body": _read(file),
            "description": description,
        }
        for name, kind, file, description in reversed(_PARTS)
    ]  # fmt: skip
    templates = [
        {
            "name": name, "type": type_, "format": "MJML", "layout": "Huisstijl", "locale": "nl",
            "subject": dutch, "body": _read(f"{file}.nl"), "variables": variables,
            "locales": [{"locale": "en", "subject": english, "body": _read(f"{file}.en")}],
        }
        for name, type_, file, dutch, english, variables in _TEMPLATES
    ]  # fmt: skip
    return [*parts, *templates]
