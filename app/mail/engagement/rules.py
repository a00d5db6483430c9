"""Who fetched it: the rules in their order, of which the first that holds gives the verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from app.mail.engagement.company import bursts, repeats
from app.mail.engagement.hits import (
    EngagementKind,
    EngagementSource,
    EngagementVerdict,
    Hit,
    Judgement,
)
from app.mail.engagement.tables import (
    BARE,
    GMAIL_PROXY,
    NETWORKS,
    OFFICE,
    PROGRAMS,
    SCANNERS,
    YAHOO_PROXY,
)

# Goes up whenever a rule changes what is thought of any hit.
VERSION = 1


@dataclass(frozen=True)
class Rule:
    """`holds` is asked with a hit and the time within which a mail's links are scanned."""

    name: str
    verdict: EngagementVerdict
    holds: Callable[[Hit, timedelta], bool]


def _told_without_agent(hit: Hit, _delay: timedelta) -> bool:
    return hit.source is not EngagementSource.OWN and not hit.user_agent


def _at_delivery(hit: Hit, delay: timedelta) -> bool:
    if hit.kind is EngagementKind.OPEN or not delay:
        return False
    # None: its hand-over is not even written down yet.
    return hit.since_delivery is None or hit.since_delivery < delay


def _from_scanners_network(hit: Hit, _delay: timedelta) -> bool:
    return hit.address is not None and _is_scanners(hit.address)


@lru_cache(maxsize=10_000)
def _is_scanners(address: str) -> bool:
    try:
        network: IPv4Network | IPv6Network = ip_network(address)
    except ValueError:
        return False
    return isinstance(network, IPv4Network) and any(network.subnet_of(one) for one in NETWORKS)


def _is_click(hit: Hit) -> bool:
    return hit.kind is EngagementKind.CLICK


def _agent(hit: Hit) -> str:
    return hit.user_agent or ""


RULES = (
    Rule("head", EngagementVerdict.SCANNER, lambda hit, _: hit.method == "HEAD"),
    # Nothing else is known of an open that Resend tells.
    Rule("told-by-provider", EngagementVerdict.HUMAN, _told_without_agent),
    Rule("no-user-agent", EngagementVerdict.SCANNER, lambda hit, _: not _agent(hit).strip()),
    Rule(
        "gmail-proxy",
        EngagementVerdict.PROXY,
        lambda hit, _: not _is_click(hit) and bool(GMAIL_PROXY.search(_agent(hit))),
    ),
    Rule(
        "yahoo-proxy",
        EngagementVerdict.PROXY,
        lambda hit, _: not _is_click(hit) and bool(YAHOO_PROXY.search(_agent(hit))),
    ),
    Rule(
        "apple-privacy",
        EngagementVerdict.PREFETCH,
        lambda hit, _: not _is_click(hit) and _agent(hit).strip() == BARE,
    ),
    Rule("bare-user-agent", EngagementVerdict.SCANNER, lambda hit, _: _agent(hit).strip() == BARE),
    Rule(
        "image-proxy-link",
        EngagementVerdict.SCANNER,
        lambda hit, _: bool(GMAIL_PROXY.search(_agent(hit)) or YAHOO_PROXY.search(_agent(hit))),
    ),
    Rule(
        "scanner-agent",
        EngagementVerdict.SCANNER,
        lambda hit, _: bool(SCANNERS.search(_agent(hit))),
    ),
    Rule(
        "program-agent",
        EngagementVerdict.SCANNER,
        lambda hit, _: bool(PROGRAMS.search(_agent(hit))),
    ),
    Rule(
        "office-link",
        EngagementVerdict.SCANNER,
        lambda hit, _: _is_click(hit) and bool(OFFICE.search(_agent(hit))),
    ),
    Rule("scanner-network", EngagementVerdict.SCANNER, _from_scanners_network),
    Rule("at-delivery", EngagementVerdict.SCANNER, _at_delivery),
)
BURST = Judgement(EngagementVerdict.SCANNER, "burst")
PERSON = Judgement(EngagementVerdict.HUMAN, "person")


def judge(hits: Sequence[Hit], delay: timedelta) -> list[Judgement]:
    """Judge hits of one mail to one envelope, each also by those around it; in their order.

    `delay` is how soon after the delivery a link is followed by machines alone; zero: never.
    """
    in_bursts, repeated = bursts(hits), repeats(hits)
    judged: list[Judgement] = []
    for hit in hits:
        alone = _alone(hit, delay)
        if alone is PERSON and hit.id in in_bursts:
            alone = BURST
        judged.append(
            Judgement(alone.verdict, alone.rule, repeat=True) if hit.id in repeated else alone
        )
    return judged


def _alone(hit: Hit, delay: timedelta) -> Judgement:
    for rule in RULES:
        if rule.holds(hit, delay):
            return Judgement(rule.verdict, rule.name)
    return PERSON
