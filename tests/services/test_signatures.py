from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.signatures import Signed, is_genuine
from tests.fakes.svix import signature

# The vector of the Standard Webhooks specification, which Svix and Resend document too.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIMESTAMP = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(1614265330, UTC)


def genuine(
    *,
    secret: str = SECRET,
    id_: str = ID,
    timestamp: str = TIMESTAMP,
    signatures: str = SIGNATURE,
    body: bytes = BODY,
    now: datetime = NOW,
) -> bool:
    return is_genuine(secret, Signed(id_, timestamp, signatures), body, now=now)


def test_the_published_vector_is_genuine() -> None:
    assert genuine()
    assert genuine(secret=SECRET.removeprefix("whsec_"))


@pytest.mark.parametrize(
    "signatures",
    [
        f"v1,bm90IHRoaXMgb25l {SIGNATURE}",
        f"{SIGNATURE} v1,bm90IHRoaXMgb25l",
        f"v1,*** v1a,xyz v2,{SIGNATURE[3:]} {SIGNATURE}",
        f"v1, {SIGNATURE}",
        f"{SIGNATURE} {SIGNATURE}",
    ],
)
def test_one_good_signature_among_others_will_do(signatures: str) -> None:
    assert genuine(signatures=signatures)


@pytest.mark.parametrize("seconds", [-300, -1, 0, 299, 300])
def test_five_minutes_either_way_are_tolerated(seconds: int) -> None:
    assert genuine(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400])
def test_what_is_older_or_younger_is_not(seconds: int) -> None:
    assert not genuine(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "signatures",
    [
        "",
        " ",
        "v1,",
        "v1",
        SIGNATURE[3:],
        f"v2,{SIGNATURE[3:]}",
        f"V1,{SIGNATURE[3:]}",
        SIGNATURE[:-1],
        SIGNATURE.lower(),
        f"{SIGNATURE}=",
        f"{SIGNATURE},{SIGNATURE}",
        "v1,é",
        " ".join(["v1,x"] * 20 + [SIGNATURE]),
    ],
)
def test_what_is_no_signature(signatures: str) -> None:
    assert not genuine(signatures=signatures)


@pytest.mark.parametrize(
    "timestamp", ["", " 1614265330", "1614265330.0", "+1614265330", "1e9", "-1", "١٦", "9" * 13]
)
def test_what_is_no_time(timestamp: str) -> None:
    assert not genuine(timestamp=timestamp, signatures=signature(BODY, ID, timestamp))


@pytest.mark.parametrize("id_", ["", "a b", "é", "x" * 257, "msg_other"])
def test_another_id_was_not_signed(id_: str) -> None:
    assert not genuine(id_=id_)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_***", "whsec_c2VjcmV0LW9mLWFub3RoZXI=", "whsec_é"]
)
def test_another_secret_did_not_sign_it(secret: str) -> None:
    assert not genuine(secret=secret)


def test_an_empty_key_signs_nothing() -> None:
    assert not genuine(secret="whsec_", signatures=signature(BODY, ID, TIMESTAMP, "whsec_"))


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY.replace(b" ", b""), b"\xff"])
def test_another_body_was_not_signed(body: bytes) -> None:
    assert not genuine(body=body)


@given(st.text(), st.text(), st.text(), st.text(), st.binary())
def test_nothing_raises(
    secret: str, id_: str, timestamp: str, signatures: str, body: bytes
) -> None:
    assert not is_genuine(secret, Signed(id_, timestamp, signatures), body, now=NOW)
