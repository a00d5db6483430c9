import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.parameters import read_parameters


@pytest.mark.parametrize(
    ("value", "token", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("Text/PLAIN; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('a/b;x="1;2" ;y = 3', "a/b", {"x": "1;2", "y": "3"}),
        (r'a/b; x="a\"b\\c"', "a/b", {"x": r'a"b\c'}),
        ("a/b; x=", "a/b", {"x": ""}),
        ('a/b; x="never closed', "a/b", {"x": "never closed"}),
        ("a/b; name=my file (1).pdf", "a/b", {"name": "my file (1).pdf"}),
        ("text/plain; charset=us-ascii (Plain text)", "text/plain", {"charset": "us-ascii"}),
        ("attachment (or not); x=1", "attachment", {"x": "1"}),
        ("a/b; x=first; X=second", "a/b", {"x": "first"}),
        ("a/b;;; x=1;", "a/b", {"x": "1"}),
        ('a/b; name="=?utf-8?q?Zo=C3=AB?=.pdf"', "a/b", {"name": "Zoë.pdf"}),
        ("a/b; name==?utf-8?q?Zo=C3=AB?=", "a/b", {"name": "Zoë"}),
        ("a/b; name*=UTF-8''Zo%C3%AB", "a/b", {"name": "Zoë"}),
        ("a/b; name*=iso-8859-1'nl'Zo%EB", "a/b", {"name": "Zoë"}),
        ("a/b; name=plain; name*=UTF-8''Zo%C3%AB", "a/b", {"name": "Zoë"}),
        ("a/b; name*1=b; name*0=a", "a/b", {"name": "ab"}),
        ("a/b; name*0*=utf-8''Zo%C3; name*1*=%AB; name*2=%41", "a/b", {"name": "Zoë%41"}),
        ("a/b; name*0=a; name*2=c", "a/b", {"name": "a"}),
        ("a/b; name*=no-quotes", "a/b", {"name": "no-quotes"}),
        ("a/b; name*=x-none''Zo%EB", "a/b", {"name": "Zoë"}),
        ("", "", {}),
        ("; x=1", "", {"x": "1"}),
        ("a/b\r\n\t; x=1", "a/b", {"x": "1"}),
    ],
)
def test_what_is_told(value: str, token: str, parameters: dict[str, str]) -> None:
    assert read_parameters(value) == (token, parameters)


def test_what_is_endless_is_cut() -> None:
    assert read_parameters("a/b" + "; x=1" * 400 + "; y=2")[1] == {"x": "1"}


@given(st.text(st.sampled_from(" ;=\"\\*0129'%()aZ?utf-8é\ud800"), max_size=60))
def test_nothing_breaks_it(value: str) -> None:
    token, parameters = read_parameters(value)

    assert token == token.lower()
    assert all(isinstance(text, str) for text in parameters.values())
