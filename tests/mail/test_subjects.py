import pytest

from app.mail.subjects import answered_subject


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("Your offer", "Re: Your offer"),
        ("Re: Your offer", "Re: Your offer"),
        ("RE:Your offer", "Re: Your offer"),
        ("re : Your offer", "Re: Your offer"),
        ("Re: Re: RE: Your offer", "Re: Your offer"),
        ("Re[2]: Your offer", "Re: Your offer"),
        ("RE(3): Your offer", "Re: Your offer"),
        ("Re^4: Your offer", "Re: Your offer"),
        ("Antw: Offerte", "Re: Offerte"),
        ("AW: Re: AW: Angebot", "Re: Angebot"),
        ("SV: VS: Tilbud", "Re: Tilbud"),
        ("Odp: Oferta", "Re: Oferta"),
        ("回复：报价", "Re: 报价"),  # noqa: RUF001 - as it is written there
        ("Отв: Счет", "Re: Счет"),
        ("Fwd: Your offer", "Re: Fwd: Your offer"),
        ("WG: AW: Angebot", "Re: WG: AW: Angebot"),
        ("Re: Fwd: Re: Your offer", "Re: Fwd: Re: Your offer"),
        ("Regarding: this", "Re: Regarding: this"),
        ("Re your offer", "Re: Re your offer"),
        ("Re[12345]: x", "Re: Re[12345]: x"),
        ("", "Re:"),
        ("Re:", "Re:"),
        (None, "Re:"),
        ("a\r\nBcc:\tb\0", "Re: a Bcc: b"),
        ("a" * 2000, f"Re: {'a' * 96}"),
        ("Re:" * 20_000, "Re:"),
    ],
)
def test_there_is_one_re(subject: str | None, answered: str) -> None:
    assert answered_subject(subject, limit=100) == answered
