"""Reading of received mail, for longer than the tests of every day try it."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.mail.shapes import messages
from tests.services.receiving.test_reading import holds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

EXAMPLES = 20_000


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(messages())
def test_any_message_is_read(raw: bytes) -> None:
    holds(raw)
