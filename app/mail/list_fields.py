"""Header fields by which mail programs let their readers leave (RFC 2369, 2919 and 8058)."""

import hashlib
import re

# Fields that only we write: they would lead elsewhere than the mail's own links.
LIST_FIELDS = frozenset({"list-id", "list-unsubscribe", "list-unsubscribe-post"})
ONE_CLICK = ("List-Unsubscribe", "One-Click")

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NO_LABEL = re.compile(r"[^a-z0-9.-]+")
# RFC 2919, section 3: 255 octets for all of it.
_LONGEST_HOST = 160


def unsubscribe_fields(url: str, address: str | None) -> tuple[tuple[str, str], ...]:
    """Write List-Unsubscribe, with the one web address that it may have, and List-Unsubscribe-Post.

    A mail to `address`, where there is one, does the same as the page.
    """
    ways = [f"<{url}>", *([] if address is None else [f"<mailto:{address}?subject=unsubscribe>"])]
    name, value = ONE_CLICK
    return (name, ", ".join(ways)), (f"{name}-Post", f"{name}={value}")


def list_id_field(id_: str, *, tenant: str, host: str) -> tuple[str, str]:
    """Write List-Id (RFC 2919) for what is known by an id to a tenant; always the same for it.

    `host` is ours. The list has no name there: what a tenant calls its lists is not for readers.
    """
    domain = _NO_LABEL.sub("-", host.lower())[-_LONGEST_HOST:].strip(".-") or "localhost"
    return "List-Id", f"<{id_}.{_label(tenant)}.{domain}>"


def _label(tenant: str) -> str:
    """Give the tenant as it is where a domain may hold it, else what stands for it."""
    if _LABEL.fullmatch(tenant):
        return tenant
    return f"t{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"
