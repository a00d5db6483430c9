"""Which hosts a tenant may have us connect to: those anyone on the Internet could reach.

A host that a tenant names must not lead into the network that this service stands in (OWASP calls
that server-side request forgery). Its name may lead elsewhere at every look-up, so the address
that was checked is the one that is connected to.
"""

import asyncio
import socket
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# Where mail is submitted (RFC 6409, RFC 8314), relayed (RFC 5321), and what providers use besides.
PORTS = (25, 465, 587, 2525)
# Addresses that carry one of IPv4 in their last octets (RFC 4291, RFC 6052).
_CARRIERS = (IPv6Network("::/96"), IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
# Teredo (RFC 4380), and translation within a network (RFC 8215).
_INNER = (IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))


class ForbiddenHostError(Exception):
    """Nobody may have us connect there; the text says why."""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the Internet's, whatever form it is written in."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        return _is_public_6(address)
    return _is_public_4(address)


def check_port(port: int) -> None:
    """Raise ForbiddenHostError for a port at which no relay listens."""
    if port not in PORTS:
        raise ForbiddenHostError(f"must be one of {', '.join(map(str, PORTS))}")


async def public_addresses(host: str, port: int, *, limit: timedelta) -> list[str]:
    """Look up where `host` is.

    Raises ForbiddenHostError when any of its addresses is not public, OSError when it has none.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limit.total_seconds()):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("no host can have this name") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(map(is_public, addresses)):
        raise ForbiddenHostError("must be a public host; this one is in a private network")
    return addresses


async def connect_public(host: str, port: int, *, limit: timedelta) -> socket.socket:
    """Connect to `host`, at the very addresses that were checked, one after the other.

    Raises ForbiddenHostError, and OSError when none of them answers.
    """
    check_port(port)
    failure: OSError = OSError("it has no address")
    for address in await public_addresses(host, port, limit=limit):
        try:
            return await _connected(address, port, limit)
        except OSError as error:
            failure = error
    raise failure


async def _connected(address: str, port: int, limit: timedelta) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        async with asyncio.timeout(limit.total_seconds()):
            await asyncio.get_running_loop().sock_connect(connection, (address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def _is_public_4(address: IPv4Address) -> bool:
    # is_global knows loopback, private, link-local, shared (RFC 6598) and documentation blocks.
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_public_6(address: IPv6Address) -> bool:
    if address.sixtofour is not None or any(address in inner for inner in _INNER):
        # They lead to any IPv4 address, and no relay stands behind them.
        return False
    if any(address in carrier for carrier in _CARRIERS):
        return _is_public_4(IPv4Address(int(address) & 0xFFFFFFFF))
    return (
        address.is_global
        and address.scope_id is None
        and not (address.is_multicast or address.is_reserved or address.is_site_local)
    )
