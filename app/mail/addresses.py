import re
import secrets
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailSyntaxError
from email_validator.syntax import validate_email_domain_name, validate_email_local_part

MAX_ADDRESS_LENGTH = 320
MAX_DOMAIN_LENGTH = 253
MAX_TEXT_LENGTH = 2000

_QUOTED_PAIR = re.compile(r"\\(.)")
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Mailbox:
    """One address with an optional display name.

    `address` is what stands in the envelope and in headers: ASCII, the domain in its IDNA form.
    """

    address: str
    name: str | None = None


def parse_mailbox(text: str) -> Mailbox:
    """Read `a@b.nl` or `Jan de Vries <a@b.nl>` (RFC 5322 section 3.4, one mailbox, no comments).

    The local part is kept as given, the domain becomes lower-case IDNA ASCII; names such as
    `.test` or `.local` pass. No SMTPUTF8: a non-ASCII local part is refused, as are quoted local
    parts that need their quotes, domain literals, domains without a dot and addresses beyond 320
    characters. Raises ValueError with one sentence fit to show to a caller.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise ValueError("The address is too long.")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text):
        raise ValueError("The address contains a line break or another control character.")
    stripped = text.strip()
    if not stripped:
        raise ValueError("The address is empty.")
    name, address = _split(stripped)
    return Mailbox(address=_address(address), name=name)


def new_message_id(domain: str) -> str:
    """Make an unguessable Message-ID `<random@domain>` (RFC 5322 section 3.6.4).

    `domain` may be one label, such as `localhost`; raises ValueError when it is no domain name.
    """
    return f"<{secrets.token_hex(20)}@{_ascii_domain(domain)}>"


def domain_name(text: str) -> str:
    """Write a domain with at least one dot in lower-case IDNA ASCII (RFC 5891).

    Raises ValueError with one sentence fit to show to a caller.
    """
    return _dotted_domain(text)


def _split(text: str) -> tuple[str | None, str]:
    """Part the display name from the address."""
    if not text.endswith(">"):
        if "<" in text or ">" in text:
            raise ValueError("The address must end at the closing angle bracket.")
        return None, text
    name, bracket, address = text[:-1].rpartition("<")
    if not bracket:
        raise ValueError("The address has a closing angle bracket but no opening one.")
    name = name.strip()
    quoted = _QUOTED_STRING.fullmatch(name)
    if quoted:
        name = _QUOTED_PAIR.sub(r"\1", quoted[1]).strip()
    elif "<" in name or ">" in name or ("@" in name and ("," in name or ";" in name)):
        raise ValueError("One address is expected here, not a list.")
    return name or None, address.strip()


def _address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at:
        raise ValueError("The address has no @-sign.")
    if not local:
        raise ValueError("There is nothing before the @-sign.")
    if not domain:
        raise ValueError("There is nothing after the @-sign.")
    address = f"{_local_part(local)}@{_dotted_domain(domain)}"
    if len(address) > MAX_ADDRESS_LENGTH:
        raise ValueError(f"The address is longer than {MAX_ADDRESS_LENGTH} characters.")
    return address


def _local_part(text: str) -> str:
    quoted = _QUOTED_STRING.fullmatch(text)
    local = _QUOTED_PAIR.sub(r"\1", quoted[1]) if quoted else text
    if not local.isascii():
        raise ValueError("Letters outside ASCII before the @-sign are not supported.")
    try:
        validate_email_local_part(local, allow_smtputf8=False)
    except EmailSyntaxError as error:
        raise ValueError("The part before the @-sign is not valid.") from error
    return local


def _dotted_domain(text: str) -> str:
    if text.startswith("["):
        raise ValueError("An IP address after the @-sign is not supported.")
    domain = _ascii_domain(text)
    if "." not in domain:
        raise ValueError("The part after the @-sign has no dot.")
    if domain.rpartition(".")[2].isdigit():
        raise ValueError("The part after the @-sign does not end in a domain such as .com.")
    return domain


@lru_cache(maxsize=4096)
def _ascii_domain(text: str) -> str:
    # The library refuses special-use names (.test, .local), which development and private networks
    # do use; under a stand-in top level it judges only the syntax (RFC 1123, RFC 5891).
    stand_in = ".com"
    try:
        if len(text) > MAX_DOMAIN_LENGTH:
            raise ValueError("The part after the @-sign is too long.")
        under = validate_email_domain_name(text + stand_in, globally_deliverable=False)
    except EmailSyntaxError as error:
        raise ValueError("The part after the @-sign is not a valid domain name.") from error
    return under["ascii_domain"].removesuffix(stand_in)
