"""Who fetched it: the rules in their order, of which the first that holds gives the verdict."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    GMAIL_PREFETCH,
    GMAIL_PROXY,
    LOADERS,
    NETWORKS,
    OFFICE,
    PROGRAMS,
    SCANNERS,
    YAHOO_PROXY,
)

# Goes up whenever a rule changes what is thought of any hit.
VERSION = 2


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


# Mails are opened by few different programs, and the tables are long.
@lru_cache(maxsize=4096)
def _matches(pattern: re.Pattern[str], agent: str) -> bool:
    return pattern.search(agent) is not None


def _calls_itself(*patterns: re.Pattern[str]) -> Callable[[Hit, timedelta], bool]:
    return lambda hit, _: any(_matches(one, _agent(hit)) for one in patterns)


def _is_program(hit: Hit, _delay: timedelta) -> bool:
    agent = _agent(hit)
    return _matches(PROGRAMS, agent) or (_is_click(hit) and _matches(LOADERS, agent))


RULES = (
    Rule("head", EngagementVerdict.SCANNER, lambda hit, _: hit.method == "HEAD"),
    # Nothing else is known of an open that Resend tells.
    Rule("told-by-provider", EngagementVerdict.HUMAN, _told_without_agent),
    Rule("no-user-agent", EngagementVerdict.SCANNER, lambda hit, _: not _agent(hit).strip()),
    Rule(
        "gmail-proxy",
        EngagementVerdict.PROXY,
        lambda hit, _: not _is_click(hit) and _matches(GMAIL_PROXY, _agent(hit)),
    ),
    Rule(
        "yahoo-proxy",
        EngagementVerdict.PROXY,
        lambda hit, _: not _is_click(hit) and _matches(YAHOO_PROXY, _agent(hit)),
    ),
    Rule(
        "gmail-prefetch",
        EngagementVerdict.PREFETCH,
        lambda hit, _: not _is_click(hit) and _matches(GMAIL_PREFETCH, _agent(hit)),
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
        _calls_itself(GMAIL_PROXY, GMAIL_PREFETCH, YAHOO_PROXY),
    ),
    Rule("scanner-agent", EngagementVerdict.SCANNER, _calls_itself(SCANNERS)),
    Rule("program-agent", EngagementVerdict.SCANNER, _is_program),
    Rule(
        "office-link",
        EngagementVerdict.SCANNER,
        lambda hit, _: _is_click(hit) and _matches(OFFICE, _agent(hit)),
    ),
    Rule("scanner-network", EngagementVerdict.SCANNER, _from_scanners_network),
    Rule("at-delivery", EngagementVerdict.SCANNER, _at_delivery),
)
# By these a machine is known for what it is, whatever it does.
_NAMED = {"image-proxy-link", "scanner-agent", "program-agent", "office-link", "scanner-network"}
_NAMED_RULES = tuple(rule for rule in RULES if rule.name in _NAMED)
BURST = Judgement(EngagementVerdict.SCANNER, "burst")
PERSON = Judgement(EngagementVerdict.HUMAN, "person")


def judge(hits: Sequence[Hit], delay: timedelta) -> list[Judgement]:
    """Judge hits of one mail to one envelope, each also by those around it; in their order.

    `delay` is how soon after the delivery a link is followed by machines alone; zero: never.
    """
    # A person may follow a link while a machine that is known looks through the others.
    in_bursts = bursts([hit for hit in hits if not _is_named(hit, delay)])
    repeated = repeats(hits)
    judged: list[Judgement] = []
    for hit in hits:
        alone = _alone(hit, delay)
        if alone is PERSON and hit.id in in_bursts:
            alone = BURST
        judged.append(
            Judgement(alone.verdict, alone.rule, repeat=True) if hit.id in repeated else alone
        )
    return judged


def joined(before: Judgement, now: Judgement) -> Judgement:
    """What is thought of a hit that others joined; `now` is by those only that are near to them.

    Further hits make bursts and repeats of what was none; they take nothing back.
    """
    is_burst = before.rule == PERSON.rule and now.rule == BURST.rule
    first = BURST if is_burst else before
    return replace(first, repeat=before.repeat or now.repeat)


def _is_named(hit: Hit, delay: timedelta) -> bool:
    return any(rule.holds(hit, delay) for rule in _NAMED_RULES)


def _alone(hit: Hit, delay: timedelta) -> Judgement:
    for rule in RULES:
        if rule.holds(hit, delay):
            return Judgement(rule.verdict, rule.name)
    return PERSON
