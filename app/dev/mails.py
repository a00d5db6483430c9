from typing import Any

DEMO_MAILS: list[dict[str, Any]] = [
    {
        "type": "OFFERTE",
        "subject": "Offerte 2026-0417: dakisolatie voor familie Çelik-Müller",
        "recipients": ["zoe.celik@example.org"],
        "cc": ["sjoerd.ijsselstein@example.com"],
        "senderName": "Noëlle van der Meer",
        "replyTo": "offertes@example.com",
        "relatedEntityType": "LEAD",
        "relatedEntityId": "lead-1042",
        "trackingEnabled": True,
        "linkTrackingEnabled": True,
        "body": (
            "<p>Beste Zoë,</p><p>Zoals besproken vindt u onze offerte van <b>€ 4.950,-</b> in uw "
            'dossier: <a href="https://example.com/offertes/2026-0417">bekijk de offerte</a> of '
            '<a href="https://example.com/offertes/2026-0417/akkoord">geef meteen akkoord</a>.</p>'
            "<p>Met vriendelijke groet,<br>Noëlle van der Meer</p>"
        ),
    },
    {
        "type": "FACTUUR",
        "subject": "Factuur F-2026-118 (€ 1.237,50)",
        "recipients": ["administratie@example.org"],
        "senderName": "Administratie IJsbrand & Zonen",
        "relatedEntityType": "INVOICE",
        "relatedEntityId": "F-2026-118",
        "linkTrackingEnabled": True,
        "body": (
            "<p>Geachte heer Çakmak,</p><p>Hierbij de factuur voor de coördinatie in september. "
            '<a href="https://example.com/facturen/F-2026-118">Betaal met iDEAL</a> vóór '
            "30 november.</p>"
        ),
    },
    {
        "type": "AFSPRAAK",
        "subject": "Bevestiging: opname bij u thuis, dinsdag om 10.30 uur",
        "recipients": ["andre.cafe@example.net", "renee.oezturk@example.net"],
        "senderName": "Planning",
        "relatedEntityType": "APPOINTMENT",
        "relatedEntityId": "appt-77",
        "body": (
            "<p>Dag André en Renée,</p><p>Onze adviseur Jürgen komt dinsdag om 10.30 uur langs "
            "in de Sint-Jansstraat 3. Past het tóch niet? Antwoord gerust op deze mail.</p>"
        ),
    },
    {
        "type": "HERINNERING",
        "subject": "Herinnering: één handtekening ontbreekt nog",
        "recipients": ["maaike.dejong@example.org"],
        "bcc": ["archief@example.com"],
        "senderName": "Noëlle van der Meer",
        "relatedEntityType": "LEAD",
        "relatedEntityId": "lead-1038",
        "trackingEnabled": True,
        "body": (
            "<p>Beste Maaike,</p><p>Het contract ligt klaar; alleen úw handtekening ontbreekt. "
            '<a href="https://example.com/contracten/1038">Onderteken online</a>.</p>'
        ),
    },
]
