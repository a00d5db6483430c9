"""Whose mail it is: domains and addresses that the operator gave to tenants."""

from collections.abc import Sequence

from app.context import Deps
from app.documents.inbound_domains import InboundDomain
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.mail.routing import receiving_name, receiving_names

_MAX_TENANT = 200


async def add(deps: Deps, tenant: str, name: str) -> InboundDomain:
    """Let mail to a domain, or to an address, be a tenant's; again changes nothing.

    Raises InvalidInputError for what is neither, ConflictError when another tenant has it.
    """
    if not 0 < len(tenant) <= _MAX_TENANT or tenant != tenant.strip():
        fault = FieldError("tenant", f"must have 1 to {_MAX_TENANT} characters, no space around")
        raise InvalidInputError.of(fault)
    wanted = _read(name)
    stored = await InboundDomain(tenant_id=tenant, name=wanted, created=deps.now()).store_once()
    if stored.tenant_id != tenant:
        raise ConflictError(f"{wanted} is the tenant {stored.tenant_id}'s.")
    return stored


async def remove(name: str) -> None:
    """Take a domain or an address away; mail that came stays. Raises NotFoundError."""
    wanted = _read(name)
    if not await InboundDomain.remove(wanted):
        raise NotFoundError(f"No tenant has {wanted}.")


async def listed(tenant: str | None) -> Sequence[InboundDomain]:
    """Give a tenant's domains and addresses, or everybody's, by name."""
    return await InboundDomain.of_all(tenant)


async def tenant_of(address: str) -> str | None:
    """Tell whose mail to an address is: by the address, without its `+tag`, by its domain."""
    names = receiving_names(address)
    found = await InboundDomain.of_names(names) if names else None
    return None if found is None else found.tenant_id


def _read(name: str) -> str:
    try:
        return receiving_name(name)
    except ValueError as error:
        raise InvalidInputError.of(FieldError("name", str(error))) from error
