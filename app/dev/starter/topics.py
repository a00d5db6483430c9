"""The topics of the demo tenant: one that everybody gets, one for who asked for it."""

from typing import Any

STARTER_TOPICS: list[dict[str, Any]] = [
    {
        "key": "nieuwsbrief",
        "name": "Nieuwsbrief",
        "description": "Eens per maand: nieuwe projecten, tips en subsidies",
        "default": "OPT_OUT",
        "translations": [
            {
                "locale": "en",
                "name": "Newsletter",
                "description": "Once a month: new projects, hints and subsidies",
            }
        ],
    },
    {
        "key": "uitnodigingen",
        "name": "Uitnodigingen",
        "description": "Voor open dagen en bijeenkomsten in de buurt",
        "default": "OPT_IN",
        "translations": [
            {
                "locale": "en",
                "name": "Invitations",
                "description": "To open days and meetings nearby",
            }
        ],
    },
]
