import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.encryption import SealError, is_current, read_keys, seal, unseal

KEYS = read_keys(base64.b64encode(bytes(range(32))).decode())
OTHER = read_keys(base64.b64encode(bytes(range(100, 132))).decode())


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


@given(st.text(), st.text())
def test_what_is_sealed_opens_at_its_place(secret: str, place: str) -> None:
    sealed = seal(KEYS, secret, place=place)

    assert sealed.isascii()
    assert unseal(KEYS, sealed, place=place) == secret


def test_no_two_seals_are_alike_and_none_shows_the_secret() -> None:
    seals = {seal(KEYS, "s3cret of the relay", place="a") for _ in range(100)}

    assert len(seals) == 100
    for sealed in seals:
        assert b"s3cret" not in base64.urlsafe_b64decode(sealed.rpartition(".")[2])


def test_it_opens_nowhere_else() -> None:
    sealed = seal(KEYS, "s3cret", place="acme/password")

    with pytest.raises(SealError, match="not what was sealed for this place"):
        unseal(KEYS, sealed, place="globex/password")


@pytest.mark.parametrize("place", range(3, 60, 7))
def test_nothing_in_it_can_be_changed(place: int) -> None:
    sealed = seal(KEYS, "s3cret", place="a")
    changed = "A" if sealed[place] != "A" else "B"

    with pytest.raises(SealError):
        unseal(KEYS, sealed[:place] + changed + sealed[place + 1 :], place="a")


@given(st.text(max_size=80))
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    head = seal(KEYS, "s3cret", place="a").rpartition(".")[0]

    for one in (text, f"{head}.{text}"):
        with pytest.raises(SealError):
            unseal(KEYS, one, place="a")


def test_keys_are_exchanged_by_putting_a_new_one_first() -> None:
    sealed = seal(KEYS, "s3cret", place="a")
    both = (*OTHER, *KEYS)

    assert unseal(both, sealed, place="a") == "s3cret"
    assert not is_current(both, sealed)
    again = seal(both, "s3cret", place="a")
    assert is_current(both, again)
    assert unseal(OTHER, again, place="a") == "s3cret"
    with pytest.raises(SealError, match="the key that sealed it is not among"):
        unseal(OTHER, sealed, place="a")
    with pytest.raises(SealError, match="the key that sealed it is not among"):
        unseal((), sealed, place="a")


def test_keys_are_read_in_either_alphabet_of_base64() -> None:
    key = bytes([0xFB, 0xFF]) + bytes(range(30))
    plain, urlsafe = base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()

    assert plain != urlsafe
    assert read_keys(f" {plain} , {urlsafe}") == (key, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password",
        text_of(bytes(range(31))),
        text_of(bytes(range(33))),
        text_of(b"a" * 32),
        text_of(b"password" * 4),
        "!" * 44,
        "é" * 44,
    ],
)
def test_a_weak_key_is_refused_without_showing_it(text: str) -> None:
    good = text_of(bytes(range(32)))

    with pytest.raises(ValueError, match="key 2 must be 32 random bytes in base64: make") as no:
        read_keys(f"{good},{text}")

    assert good not in str(no.value)
    assert not text or text not in str(no.value)
