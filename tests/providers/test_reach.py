import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import Mailbox
from app.providers.base import AccountError, OutgoingMessage
from app.providers.reach import (
    ForbiddenHostError,
    check_port,
    connect_public,
    is_public,
    public_addresses,
)
from app.providers.smtp import SmtpProvider
from app.settings import SmtpSecurity
from tests.fakes.certificates import Certificate
from tests.fakes.relay import Relay, running_relay

SECOND = timedelta(seconds=1)
PUBLIC = "93.184.216.34"
Resolve = Callable[..., list[str]]


@pytest.mark.parametrize(
    "address", ["1.1.1.1", PUBLIC, "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.0.0.1",  # noqa: S104 - nobody listens there
         "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
        "2002:7f00:1::", "2002:101:101::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
        "fec0::1", "ff02::1", "localhost", "",
    ],
)  # fmt: skip
def test_addresses_of_a_network_are_not(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_no_more_public_for_being_wrapped(address: IPv4Address) -> None:
    for base in ("::ffff:0:0", "64:ff9b::", "::"):
        wrapped = IPv6Address(int(IPv6Address(base)) + int(address))
        assert not is_public(str(wrapped)) or is_public(str(address))


@pytest.mark.parametrize("port", [25, 465, 587, 2525])
def test_relays_listen_at_these_ports(port: int) -> None:
    check_port(port)


@pytest.mark.parametrize("port", [1, 22, 80, 443, 6379, 27017, 65535])
def test_other_servers_are_not_spoken_to(port: int) -> None:
    with pytest.raises(ForbiddenHostError, match="must be one of 25, 465, 587, 2525"):
        check_port(port)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1", "0", "::1", "::ffff:7f00:1"]
)
async def test_this_machine_is_no_public_host(host: str) -> None:
    with pytest.raises(ForbiddenHostError, match="must be a public host"):
        await public_addresses(host, 25, limit=SECOND)


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "relay.invalid", "a..b"])
async def test_a_host_that_is_not_there_is_told(host: str) -> None:
    with pytest.raises(OSError, match=r"no host|not known|No address|resolution|Timeout|^$"):
        await public_addresses(host, 25, limit=SECOND)


@pytest.fixture
async def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Has every name resolve to these addresses; gives the list of names that were asked for."""

    def to(*addresses: str) -> list[str]:
        asked: list[str] = []

        async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        return asked

    return to


@pytest.fixture
async def internet(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[tuple[str, int]]]:
    """Has public addresses lead to a port of this machine; gives where was connected to."""
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    def lead_to(port: int) -> list[tuple[str, int]]:
        made: list[tuple[str, int]] = []

        async def sock_connect(connection: socket.socket, address: tuple[str, int]) -> None:
            made.append(address)
            await connect(connection, ("127.0.0.1", port))

        monkeypatch.setattr(loop, "sock_connect", sock_connect)
        return made

    return lead_to


async def test_one_private_address_among_public_ones_is_enough(resolve: Resolve) -> None:
    resolve(PUBLIC, "10.0.0.1")

    with pytest.raises(ForbiddenHostError):
        await public_addresses("relay.acme.test", 25, limit=SECOND)


async def test_the_address_that_was_checked_is_connected_to(
    resolve: Resolve, internet: Callable[[int], list[tuple[str, int]]], relay: Relay
) -> None:
    asked, made = resolve(PUBLIC), internet(relay.port)

    connection = await connect_public("relay.acme.test", 587, limit=SECOND)

    connection.close()
    assert asked == ["relay.acme.test"]
    assert made == [(PUBLIC, 587)]


async def test_one_address_after_the_other_is_tried(
    resolve: Resolve, internet: Callable[[int], list[tuple[str, int]]], closed_port: int
) -> None:
    resolve(PUBLIC, "1.1.1.1")
    made = internet(closed_port)

    with pytest.raises(ConnectionRefusedError):
        await connect_public("relay.acme.test", 25, limit=SECOND)

    assert made == [(PUBLIC, 25), ("1.1.1.1", 25)]


async def test_a_relay_is_reached_by_the_name_alone(
    resolve: Resolve,
    internet: Callable[[int], list[tuple[str, int]]],
    relay: Relay,
    open_smtp: Callable[..., SmtpProvider],
    outgoing: Callable[..., OutgoingMessage],
) -> None:
    asked, made = resolve(PUBLIC), internet(relay.port)
    provider = open_smtp(host="relay.acme.test", port=25, public_only=True)

    await provider.send(outgoing())
    await provider.send(outgoing(to=(Mailbox("piet@b.test"),)))

    assert (asked, made) == (["relay.acme.test"], [(PUBLIC, 25)])
    assert [mail.recipients for mail in relay.taken] == [("jan@b.test",)] * 2


@pytest.mark.parametrize("security", [SmtpSecurity.TLS, SmtpSecurity.STARTTLS])
async def test_the_certificate_is_checked_by_the_name(
    security: SmtpSecurity,
    resolve: Resolve,
    internet: Callable[[int], list[tuple[str, int]]],
    open_smtp: Callable[..., SmtpProvider],
    outgoing: Callable[..., OutgoingMessage],
    certificate: Certificate,
) -> None:
    tls = certificate.context if security is SmtpSecurity.TLS else None
    starttls = certificate.context if tls is None else None
    resolve(PUBLIC)
    async with running_relay(tls=tls, starttls=starttls) as relay:
        internet(relay.port)
        provider = open_smtp(
            host="relay.acme.test",
            port=465,
            public_only=True,
            security=security,
            ca_file=certificate.file,
        )

        with pytest.raises(AccountError, match=r"'relay\.acme\.test'"):
            await provider.send(outgoing())

        assert relay.taken == []


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", 25, "must be a public host"),
        ("localhost", 587, "must be a public host"),
        ("relay.acme.test", 6379, "must be one of 25, 465, 587, 2525"),
        ("a" * 64 + ".test", 25, "no host can have this name"),
    ],
)
async def test_a_forbidden_relay_is_not_connected_to(
    host: str,
    port: int,
    words: str,
    relay: Relay,
    open_smtp: Callable[..., SmtpProvider],
    outgoing: Callable[..., OutgoingMessage],
) -> None:
    provider = open_smtp(host=host, port=port, public_only=True)

    for attempt in (provider.verify(), provider.send(outgoing())):
        with pytest.raises(AccountError, match=words):
            await attempt

    assert relay.connections == 0
