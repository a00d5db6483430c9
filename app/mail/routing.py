"""Addresses and domains as names under which mail is received."""

import unicodedata

from app.mail.addresses import domain_name

_MAX_LOCAL = 200


def receiving_name(text: str) -> str:
    """Write a domain, or an address, in the one form in which both are compared.

    The domain as IDNA in ASCII (RFC 5891), all in lower case. Raises ValueError, with a sentence
    fit to show, for what is neither.
    """
    local, at, domain = text.strip().rpartition("@")
    name = domain_name(domain)
    if not at:
        return name
    local = _local(local)
    if not 0 < len(local) <= _MAX_LOCAL:
        raise ValueError(f"The part before the @-sign must have 1 to {_MAX_LOCAL} characters.")
    if any(unicodedata.category(sign)[0] in "CZ" for sign in local):
        raise ValueError("The part before the @-sign is not valid.")
    return f"{local}@{name}"


def receiving_names(address: str) -> list[str]:
    """Give the names by which an address may be known, the closest first; none for no address.

    `sales+offer@acme.test` gives itself, `sales@acme.test` and `acme.test` (RFC 5233).
    """
    try:
        name = receiving_name(address)
    except ValueError:
        return []
    local, at, domain = name.rpartition("@")
    if not at:
        return []
    base = local.partition("+")[0]
    return list(dict.fromkeys([name, f"{base}@{domain}" if base else name, domain]))


def _local(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return unicodedata.normalize("NFC", text[1:-1] if quoted else text).lower()
