import pytest

from app.listening.replies import enhanced


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("220 mx Letterbox", "220 mx Letterbox"),
        ("250 OK", "250 2.0.0 OK"),
        ("250 2.6.0 Kept", "250 2.6.0 Kept"),
        ("354 End data", "354 End data"),
        ("500 Command line too long", "500 5.5.2 Command line too long"),
        ("503 Error: need MAIL command", "503 5.5.1 Error: need MAIL command"),
        ("552 Error: too large", "552 5.3.4 Error: too large"),
        ("421-One\r\n421 Two", "421-4.0.0 One\r\n421 4.0.0 Two"),
        ("nonsense", "nonsense"),
    ],
)
def test_replies_get_their_enhanced_codes(reply: str, told: str) -> None:
    assert enhanced(reply) == told
