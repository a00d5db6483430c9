import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.tnef.rtf import MOST_OCTETS, unpacked_rtf
from tests.fakes.tnef import packed_rtf

# The example of MS-OXRTFCP, section 3.1.
EXAMPLE = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a7"
    "03000a00726370673132354232"
    "0af32068656c090020627705b06c647d0a800fa0"
)


def test_the_example_of_the_specification() -> None:
    assert unpacked_rtf(EXAMPLE) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_a_reference_may_go_on_into_what_it_writes() -> None:
    assert unpacked_rtf(packed_rtf([b"{\\rtf1 ", b"WXYZ", (4, 17), b"}"])) == (
        b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZW}"
    )


def test_what_is_not_packed_is_given_as_it_is() -> None:
    plain = struct.pack("<II4sI", 20, 6, b"MELA", 0) + b"{\\rtf}and more"

    assert unpacked_rtf(plain) == b"{\\rtf}"


@pytest.mark.parametrize(
    "octets",
    [b"", b"LZFu", bytes(40), EXAMPLE[:16], EXAMPLE[:8] + b"zzzz" + EXAMPLE[12:]],
)
def test_what_is_none_is_none(octets: bytes) -> None:
    assert unpacked_rtf(octets) is None


def test_what_is_too_large_is_left() -> None:
    assert unpacked_rtf(EXAMPLE + bytes(MOST_OCTETS)) is None


def test_one_that_is_cut_off_gives_what_is_there() -> None:
    whole = unpacked_rtf(EXAMPLE) or b""

    for cut in range(17, len(EXAMPLE)):
        assert whole.startswith(unpacked_rtf(EXAMPLE[:cut]) or b"")


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_octets_give_an_answer_of_bounded_size(body: bytes) -> None:
    unpacked = unpacked_rtf(struct.pack("<II4sI", 0, 2**32 - 1, b"LZFu", 0) + body)

    assert unpacked is None or len(unpacked) <= 9 * (len(body) + 1)
