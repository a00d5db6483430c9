"""Invitations and answers to them in the shapes of Outlook, Google and Apple."""

OUTLOOK_REQUEST = """\
BEGIN:VCALENDAR
METHOD:REQUEST
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ORGANIZER;CN=Jan de Vries:mailto:jan@customer.test
ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=crm@acme.
 test:mailto:crm@acme.test
DESCRIPTION;LANGUAGE=nl-NL:Zie de offerte.\\n\\n
UID:040000008200E00074C5B7101A82E00800000000B0C3F2A1D23EDB01
SUMMARY;LANGUAGE=nl-NL:Bespreking\\, offerte
 n
DTSTART;TZID=W. Europe Standard Time:20260701T100000
DTEND;TZID=W. Europe Standard Time:20260701T113000
CLASS:PUBLIC
LOCATION;LANGUAGE=nl-NL:Kamer 1
BEGIN:VALARM
SUMMARY:Reminder
TRIGGER;RELATED=START:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")

OUTLOOK_ACCEPTED = """\
BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VEVENT
ATTENDEE;PARTSTAT=ACCEPTED;CN=Jan de Vries:mailto:jan@customer.test
COMMENT;LANGUAGE=nl-NL:\\n
UID:demo-1@acme.test
SUMMARY;LANGUAGE=nl-NL:Geaccepteerd: Demo
DTSTART;TZID=W. Europe Standard Time:20261201T100000
DTEND;TZID=W. Europe Standard Time:20261201T110000
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def mail(
    calendar: str, *, method: str, words: str = "", html: str | None = None, subject: str = "Demo"
) -> bytes:
    """A mail with a calendar as Exchange writes it: beside its text, without a name."""
    rich = (
        ""
        if html is None
        else f'--_000_\r\nContent-Type: text/html; charset="utf-8"\r\n\r\n{html}\r\n'
    )
    return (
        "From: Jan <jan@customer.test>\r\nTo: crm@acme.test\r\n"
        f"Subject: {subject}\r\nMessage-ID: <invitation@customer.test>\r\n"
        'Content-Type: multipart/alternative; boundary="_000_"\r\nMIME-Version: 1.0\r\n\r\n'
        f'--_000_\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\n{words}\r\n{rich}'
        f'--_000_\r\nContent-Type: text/calendar; charset="utf-8"; method={method}\r\n\r\n'
        f"{calendar}\r\n--_000_--\r\n"
    ).encode()
