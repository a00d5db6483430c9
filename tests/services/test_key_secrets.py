import hashlib
import re

import pytest

from app.services.key_secrets import hash_of, is_whole, new_secret

# Made once; its form must never change, or keys in use would be refused.
KEY = "lb_jSHTFnWvUOIjp6pQ6mUKUHvb2XOWHjLTA1s5KWNNcZD"
CHECKSUM = "3iG65H"


def test_a_new_key_is_whole_and_like_no_other() -> None:
    made = {new_secret() for _ in range(100)}

    assert len(made) == 100
    assert all(re.fullmatch("lb_[0-9A-Za-z]{49}", key) and is_whole(key) for key in made)


def test_a_key_made_long_ago_is_whole() -> None:
    assert is_whole(KEY + CHECKSUM)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lb_",
        KEY,
        KEY + CHECKSUM + "0",
        KEY + CHECKSUM[:-1],
        KEY + CHECKSUM[::-1],
        KEY[:-1] + "E" + CHECKSUM,
        KEY.replace("lb_", "LB_") + CHECKSUM,
        KEY.replace("jS", "Sj") + CHECKSUM,
        f" {KEY}{CHECKSUM}",
        f"{KEY}{CHECKSUM}\n",
        KEY[:-1] + "é" + CHECKSUM,
    ],
)
def test_a_key_that_was_mistyped_is_not_whole(text: str) -> None:
    assert not is_whole(text)


def test_the_hash_is_that_of_the_whole_key() -> None:
    assert hash_of(KEY) == hashlib.sha256(KEY.encode()).hexdigest()
