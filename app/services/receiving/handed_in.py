"""Messages that users and their programs hand in."""

from collections.abc import Sequence

from app.documents.origins import Origin
from app.errors import FieldError, InvalidInputError
from app.mail.routing import receiving_names

MAX_RECIPIENTS = 1000
_MAX_LENGTH = 320


def origin_of(recipients: Sequence[str], path: str) -> Origin:
    """Take whom the envelope named (RFC 5321); raises InvalidInputError for what is no address.

    `path` is what the caller knows them by.
    """
    if len(recipients) > MAX_RECIPIENTS:
        raise InvalidInputError.of(FieldError(path, f"must be at most {MAX_RECIPIENTS} addresses"))
    faults = [
        FieldError(f"{path}[{index}]", "must be an address such as crm@acme.example")
        for index, address in enumerate(recipients)
        if len(address) > _MAX_LENGTH or not receiving_names(address)
    ]
    if faults:
        raise InvalidInputError.of(*faults)
    return Origin(recipients=tuple(address.strip() for address in recipients))
