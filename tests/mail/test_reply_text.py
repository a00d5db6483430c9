"""What is new in an answer, in the shapes of the programs that people write it with."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.reply_text import reply_text

NEW = "Fine, in May.\n\nJan"
OUTLOOK = "From: Acme <crm@acme.test>\nSent: Tuesday\nTo: Jan\nSubject: Your offer\n\nHello"
SHAPES = {
    "gmail": "On Tue, Nov 24, 2026 at 10:00 AM Acme <crm@acme.test> wrote:\n\n> Hello\n> Bye",
    "gmail, broken": "On Tue, Nov 24, 2026 at 10:00 AM Acme\n<crm@acme.test>\nwrote:\n> Hello",
    "gmail, dutch, broken": "Op di 24 nov 2026 schreef Acme, afdeling <\ncrm@acme.test>:\n> Hoi",
    "apple, dutch": "Op 24 nov 2026 heeft Acme het volgende geschreven:\n\nHallo",
    "apple, forward": "Begin forwarded message:\n\nFrom: Acme\n\nHello",
    "apple, french forward": "D\u00e9but du message r\u00e9exp\u00e9di\u00e9 :\n\nDe: Acme",
    "gmail, dutch": "Op di 24 nov 2026 om 10:00 schreef Acme <crm@acme.test>:\n\n> Hallo",
    "thunderbird, german": "Am 24.11.26 um 10:00 schrieb Acme:\n> Hallo",
    "apple, french": "Le 24 nov. 2026, Acme <crm@acme.test> a \u00e9crit :\n\n> Bonjour",
    "gmail, spanish": "El mar, 24 nov 2026 a las 10:00, Acme escribi\u00f3:\n> Hola",
    "outlook": OUTLOOK,
    "outlook, ruled": f"{'_' * 32}\n{OUTLOOK}",
    "outlook, bold": OUTLOOK.replace("From:", "*From:*").replace("Sent:", "*Sent:*"),
    "outlook, dutch": "Van: Acme\nVerzonden: dinsdag\nAan: Jan\nOnderwerp: Offerte\n\nHallo",
    "outlook, german": "Von: Acme\nGesendet: Dienstag\nAn: Jan\nBetreff: Angebot\n\nHallo",
    "outlook, french": "De : Acme\nEnvoy\u00e9 : mardi\n\u00c0 : Jan\nObjet : Offre\n\nBonjour",
    "outlook, spanish": "De: Acme\nEnviado: martes\nPara: Jan\nAsunto: Oferta\n\nHola",
    "divider": "-----Original Message-----\nFrom: Acme\n\nHello",
    "divider, german": "-----Urspr\u00fcngliche Nachricht-----\nVon: Acme\n\nHallo",
    "outlook, ruled apart": f"{'-' * 40}\n\n{OUTLOOK}",
    "outlook for the mac": OUTLOOK.replace("Sent: Tuesday", "Date: Tuesday at 10:00"),
    "outlook, no subject": OUTLOOK.replace("\nSubject: Your offer", ""),
    "gmx": "Gesendet: Dienstag\nVon: Acme\nAn: Jan\nBetreff: Angebot\n\nHallo",
    "gmail, dated": "2026-11-24 10:00 GMT+01:00 Acme <crm@acme.test>:\n\n> Hello",
    "yahoo, german": "Am 24.11. hat Acme <crm@acme.test> Folgendes geschrieben:\n\nHallo",
    "yahoo, spanish": "En martes, 24 de noviembre, Acme escribi\u00f3:\n\nHola",
    "roundcube, dutch": "Acme schreef op 2026-11-24 10:00:\n\n> Hallo",
    "divider, french": "-----Message d\u2019origine-----\nDe : Acme\n\nBonjour",
    "divider, of t-online": "-----Original-Nachricht-----\nBetreff: Angebot\n\nHallo",
    "quotes alone": "> Hello\n> Bye",
}  # fmt: skip


@pytest.mark.parametrize("history", SHAPES.values(), ids=SHAPES)
def test_the_history_is_left_out(history: str) -> None:
    assert reply_text(f"{NEW}\n\n{history}") == NEW
    assert reply_text(f"{NEW}\n\n{history}\n\n-- \nAcme") == NEW


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nJan de Vries\nCustomer",
        "Sent from my iPhone",
        "Verzonden vanaf mijn Galaxy",
        "Von meinem iPhone gesendet",
        "Envoy\u00e9 de mon iPhone",
        "Enviado desde mi iPhone",
        f"{'_' * 40}\nusers mailing list -- users@lists.test\nTo unsubscribe",
        "Get Outlook for iOS<https://aka.ms/x>",
        "Sent from Outlook for Android",
        "Sent from Mail for Windows",
        "Verzonden vanuit Outlook",
        "Outlook voor iOS",
        "Gesendet von Outlook f\u00fcr iOS",
        "Envoy\u00e9 \u00e0 partir de Outlook",
        "Enviado desde Outlook para iOS",
    ],
)
def test_the_signature_is_left_out(signature: str) -> None:
    assert reply_text(f"{NEW}\n\n{signature}\n") == NEW
    assert reply_text(f"{NEW}\n{signature}\n\n{SHAPES['gmail']}") == NEW


def test_answers_between_the_lines_stay() -> None:
    text = "On Tuesday Acme wrote:\n> May?\n\nYes.\n\n> June?\n\nNo.\n\n-- \nJan"

    assert reply_text(text) == "Yes.\n\n\nNo."


def test_answers_below_stay() -> None:
    assert reply_text("On Tuesday\nAcme wrote:\n> May?\n> June?\n\nMay.\n\n-- \nJan") == "May."
    assert reply_text("Acme schreef op 2026-11-24 10:00:\n\n> Mei?\nMei.") == "Mei."


def test_what_was_only_passed_on_has_nothing_new() -> None:
    assert reply_text(OUTLOOK) == ""
    assert reply_text("---------- Forwarded message ---------\nFrom: Acme\n\nHello") == ""


@pytest.mark.parametrize(
    "text",
    [
        NEW,
        "On Monday I wrote: nothing.",
        "From: here\nto there it is far.",
        "Le lundi, je viens.",
        "a -- b",
        "The sum:\n----------",
        "De: nada",
        "From: Amsterdam\nTo: Paris\nDate: 3 May\nShall we?",
        "Sent: it\nTo: you\nCc: me",
        "What Jan wrote:\nnothing.",
        "On the page you wrote:\nIs that right?",
        "En la carta Juan escribi\u00f3:\nnada.",
        "Op maandag schreef ik een brief.\nDe lijst is:\neen",
        f"{'_' * 40}\nSums\nmailing list",
    ],
)
def test_what_only_looks_like_a_mark_stays(text: str) -> None:
    assert reply_text(text) == text


def test_long_texts_are_read_once() -> None:
    text = "On a day\n" * 100_000 + "> " * 500_000 + "From: a\n" * 100_000

    assert reply_text(text).startswith("On a day")


@pytest.mark.parametrize("line", ["a\n", "a" * 400 + "\n"], ids=["many lines", "much text"])
def test_behind_what_people_write_nothing_is_looked_for(line: str) -> None:
    long = line * 6000
    between = f"On Tue 24 Nov Acme wrote:\n> Hello\n{NEW}\n"

    assert reply_text(f"{long}{OUTLOOK}") == f"{long}{OUTLOOK}"
    assert reply_text(f"{NEW}\n\n{OUTLOOK}\n{long}") == NEW
    assert reply_text(f"{between}{long}").startswith(f"{NEW}\na")


def test_the_emptiest_lines_of_a_stranger_cost_little() -> None:
    start = time.process_time()

    said = reply_text("\n" * 20_000_000 + "Hello")

    # Seconds, were each line looked at.
    assert time.process_time() - start < 1
    assert said == "Hello"


@given(st.text(alphabet=st.sampled_from("On>-:wrote \nFromSe*_")))
def test_no_text_breaks_it(text: str) -> None:
    assert len(reply_text(text)) <= len(text)
