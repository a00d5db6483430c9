from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.mail.engagement.hits import (
    EngagementKind,
    EngagementSource,
    EngagementVerdict,
    Hit,
    Judgement,
)
from app.mail.engagement.rules import RULES, joined, judge
from app.mail.engagement.tables import NETWORKS
from tests.fakes.visits import APPLE, BARRACUDA, CHROME, GMAIL, IPHONE, YAHOO

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DELAY = timedelta(seconds=5)
OPEN = Hit(
    id="1",
    kind=EngagementKind.OPEN,
    source=EngagementSource.OWN,
    at=NOON,
    method="GET",
    user_agent=CHROME,
    address="192.0.2.0/24",
    since_delivery=timedelta(hours=1),
)
CLICK = replace(OPEN, kind=EngagementKind.CLICK, url="https://acme.test")

OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; "
    "Microsoft Outlook 16.0.5266; ms-office; MSOffice 16)"
)
THUNDERBIRD = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
CUBOT = "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/96.0 Mobile"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36"
)
GMAIL_AHEAD = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
EDGE_12 = GMAIL_AHEAD.removesuffix(" Mozilla/5.0")
HUMAN, PROXY = EngagementVerdict.HUMAN, EngagementVerdict.PROXY
PREFETCH, SCANNER = EngagementVerdict.PREFETCH, EngagementVerdict.SCANNER
# What opens a mail, or follows a link, by this user agent.
AGENTS = [
    (CHROME, HUMAN, HUMAN),
    (IPHONE, HUMAN, HUMAN),
    (THUNDERBIRD, HUMAN, HUMAN),
    (CUBOT, HUMAN, HUMAN),
    (SAFARI, HUMAN, HUMAN),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0", HUMAN,
     HUMAN),
    (ANDROID, HUMAN, HUMAN),
    # Outlook loads pictures itself, and looks at what a link is before it gives it to a browser.
    (OUTLOOK, HUMAN, SCANNER),
    ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)", HUMAN, SCANNER),
    (GMAIL, PROXY, SCANNER),
    (YAHOO, PROXY, SCANNER),
    (APPLE, PREFETCH, SCANNER),
    (GMAIL_AHEAD, PREFETCH, SCANNER),
    (EDGE_12, HUMAN, HUMAN),
    # Mail apps of telephones load pictures so; they open links in a browser.
    ("okhttp/4.12.0", HUMAN, SCANNER),
    ("Dalvik/2.1.0 (Linux; U; Android 14; SM-S911B Build/UP1A)", HUMAN, HUMAN),
    ("Mail/3826.200.121 CFNetwork/1568.200.51 Darwin/24.1.0", HUMAN, HUMAN),
    ("Outlook-iOS/729.1 (3.24.1)", HUMAN, HUMAN),
    # Where a content network stands before us, nobody says more.
    ("Amazon CloudFront", HUMAN, HUMAN),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Avast/131.0", HUMAN,
     HUMAN),
    ("Microsoft Office Existence Discovery", HUMAN, SCANNER),
    ("", SCANNER, SCANNER),
    ("  ", SCANNER, SCANNER),
    (BARRACUDA, SCANNER, SCANNER),
    ("Mozilla/5.0 (compatible; proofpoint-urldefense)", SCANNER, SCANNER),
    ("Mimecast-URL-Protect/1.0", SCANNER, SCANNER),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b",
     SCANNER, SCANNER),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", SCANNER, SCANNER),
    ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", SCANNER, SCANNER),
    ("facebookexternalhit/1.1", SCANNER, SCANNER),
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/131.0.0.0 Safari/537.36",
     SCANNER, SCANNER),
    ("curl/8.5.0", SCANNER, SCANNER),
    ("Wget/1.21.4", SCANNER, SCANNER),
    ("python-requests/2.32.3", SCANNER, SCANNER),
    ("python-httpx/0.28.1", SCANNER, SCANNER),
    ("Go-http-client/1.1", SCANNER, SCANNER),
    ("Java/17.0.9", SCANNER, SCANNER),
]  # fmt: skip


def verdict_of(hit: Hit) -> EngagementVerdict:
    [judgement] = judge([hit], DELAY)
    return judgement.verdict


def rule_of(hit: Hit) -> str:
    [judgement] = judge([hit], DELAY)
    return judgement.rule


@pytest.mark.parametrize(("agent", "opens", "clicks"), AGENTS, ids=[one[0][:60] for one in AGENTS])
def test_a_user_agent_has_its_verdict(
    agent: str, opens: EngagementVerdict, clicks: EngagementVerdict
) -> None:
    assert verdict_of(replace(OPEN, user_agent=agent)) is opens
    assert verdict_of(replace(CLICK, user_agent=agent)) is clicks


@pytest.mark.parametrize(
    ("hit", "rule"),
    [
        (replace(OPEN, method="HEAD", user_agent=GMAIL), "head"),
        (replace(OPEN, source=EngagementSource.RESEND, user_agent=None), "told-by-provider"),
        (replace(OPEN, user_agent=None), "no-user-agent"),
        (replace(OPEN, user_agent=GMAIL), "gmail-proxy"),
        (replace(OPEN, user_agent=YAHOO), "yahoo-proxy"),
        (replace(OPEN, user_agent=GMAIL_AHEAD), "gmail-prefetch"),
        (replace(CLICK, user_agent=GMAIL_AHEAD), "image-proxy-link"),
        (replace(OPEN, user_agent=APPLE), "apple-privacy"),
        (replace(CLICK, user_agent=APPLE), "bare-user-agent"),
        (replace(CLICK, user_agent=GMAIL), "image-proxy-link"),
        (replace(CLICK, user_agent=BARRACUDA), "scanner-agent"),
        (replace(CLICK, user_agent="curl/8.5.0"), "program-agent"),
        (replace(CLICK, user_agent=OUTLOOK), "office-link"),
        (replace(CLICK, address="209.222.82.0/24"), "scanner-network"),
        (replace(CLICK, since_delivery=timedelta(seconds=4.999)), "at-delivery"),
        (CLICK, "person"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_first_rule_that_holds_gives_it(hit: Hit, rule: str) -> None:
    assert rule_of(hit) == rule


def test_every_rule_is_named_once() -> None:
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)


def test_a_link_is_scanned_when_the_mail_arrives() -> None:
    early = replace(CLICK, since_delivery=timedelta(seconds=4))
    unknown = replace(CLICK, since_delivery=None)

    assert rule_of(early) == rule_of(unknown) == "at-delivery"
    assert rule_of(replace(CLICK, since_delivery=DELAY)) == "person"
    assert judge([early, unknown], timedelta(0))[0].verdict is HUMAN
    # A picture may be seen at once.
    assert rule_of(replace(OPEN, since_delivery=timedelta(0))) == "person"


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("64.235.150.9", "scanner-network"),
        ("64.235.150.0/24", "scanner-network"),
        ("148.163.159.0/24", "scanner-network"),
        ("148.163.160.0/24", "person"),
        ("2001:db8::/48", "person"),
        ("no address", "person"),
        (None, "person"),
    ],
)
def test_a_scanners_network_is_known(address: str | None, rule: str) -> None:
    assert rule_of(replace(OPEN, address=address)) == rule


def test_no_network_is_smaller_than_what_is_kept_of_an_address() -> None:
    assert [network for network in NETWORKS if network.prefixlen > 24] == []


def clicks(*moments: tuple[float, str]) -> list[Hit]:
    """Clicks at these seconds on these links, by people as far as each alone tells."""
    return [
        replace(
            CLICK,
            id=f"{number:03}",
            at=NOON + timedelta(seconds=second),
            url=f"https://acme.test/{link}",
            user_agent=f"{CHROME} {number}",
        )
        for number, (second, link) in enumerate(moments)
    ]


@pytest.mark.parametrize(
    ("moments", "scanned"),
    [
        ([(0, "a"), (2, "b"), (5, "c")], [0, 1, 2]),
        ([(0, "a"), (2, "b"), (5.001, "c")], []),
        ([(0, "a"), (1, "b")], [0, 1]),
        ([(0, "a"), (1.001, "b")], []),
        # The same link again and again is somebody impatient.
        ([(0, "a"), (0.2, "a"), (0.4, "a"), (0.6, "a")], []),
        # What stands before and after a burst is no part of it.
        ([(0, "a"), (60, "a"), (60.5, "b"), (61, "c"), (120, "b")], [1, 2, 3]),
        ([(0, "a"), (3, "b"), (4, "c"), (8, "d"), (20, "a")], [0, 1, 2, 3]),
        ([(0, "a"), (1, "a"), (3, "b"), (3.5, "a"), (4, "c")], [0, 1, 2, 3, 4]),
    ],
)
def test_links_followed_one_after_another_are_followed_by_a_machine(
    moments: list[tuple[float, str]], scanned: list[int]
) -> None:
    hits = clicks(*moments)

    judged = judge(hits, DELAY)
    turned = judge(hits[::-1], DELAY)[::-1]

    assert [number for number, one in enumerate(judged) if one.rule == "burst"] == scanned
    assert judged == turned
    assert {one.rule for one in judged} <= {"burst", "person"}


@pytest.mark.parametrize(
    ("machine", "rule"),
    [
        ({"user_agent": BARRACUDA}, "scanner-agent"),
        ({"user_agent": "curl/8.5.0"}, "program-agent"),
        ({"user_agent": OUTLOOK}, "office-link"),
        ({"user_agent": GMAIL}, "image-proxy-link"),
        ({"address": "209.222.82.0/24"}, "scanner-network"),
        ({"user_agent": BARRACUDA, "method": "HEAD"}, "head"),
    ],
)
def test_a_person_follows_a_link_while_a_known_machine_looks_through_the_others(
    machine: dict[str, Any], rule: str
) -> None:
    *scanned, person = clicks((0, "a"), (0.1, "b"), (0.2, "c"), (0.5, "d"))
    hits = [*(replace(one, **machine) for one in scanned), person]

    assert [one.rule for one in judge(hits, DELAY)] == [rule, rule, rule, "person"]


@pytest.mark.parametrize(
    ("machine", "rule"),
    [
        ({"since_delivery": timedelta(seconds=4)}, "at-delivery"),
        ({"method": "HEAD"}, "head"),
        ({"user_agent": None}, "no-user-agent"),
    ],
)
def test_a_machine_without_a_name_makes_a_burst_with_what_looks_like_a_person(
    machine: dict[str, Any], rule: str
) -> None:
    first, second, third = clicks((0, "a"), (2, "b"), (4, "c"))
    hits = [replace(first, **machine), replace(second, **machine), third]

    # The first rule that holds gives the verdict: of two it is what they did alone.
    assert [one.rule for one in judge(hits, DELAY)] == [rule, rule, "burst"]


def test_further_hits_take_nothing_back() -> None:
    person, burst = Judgement(HUMAN, "person"), Judgement(SCANNER, "burst")
    early = Judgement(SCANNER, "at-delivery", repeat=True)

    assert joined(person, burst) == burst
    assert joined(burst, person) == burst
    assert joined(person, replace(person, repeat=True)) == replace(person, repeat=True)
    assert joined(replace(person, repeat=True), burst) == replace(burst, repeat=True)
    # What another release, or other settings, took it for.
    assert joined(early, person) == early
    assert joined(early, burst) == early


def at(hit: Hit, second: float, id_: str) -> Hit:
    return replace(hit, id=id_, at=NOON + timedelta(seconds=second))


def test_what_one_client_fetches_twice_within_a_second_counts_once() -> None:
    first, again, chained = at(OPEN, 0, "1"), at(OPEN, 1, "2"), at(OPEN, 1.9, "3")
    later = at(OPEN, 3, "4")
    other = replace(at(OPEN, 0.5, "5"), user_agent=IPHONE)
    elsewhere = replace(at(OPEN, 0.5, "6"), address="198.51.100.0/24")
    click = at(CLICK, 0.5, "7")

    judged = judge([chained, again, first, later, other, elsewhere, click], DELAY)

    assert [one.repeat for one in judged] == [True, True, False, False, False, False, False]
    assert judged[0] == Judgement(HUMAN, "person", repeat=True)


def test_what_resend_tells_of_what_we_saw_counts_once() -> None:
    ours = at(OPEN, 60, "1")
    told = replace(OPEN, source=EngagementSource.RESEND, user_agent=None)
    before, after = at(told, 0, "2"), at(told, 120, "3")
    alone = at(told, 130, "4")
    other = replace(before, kind=EngagementKind.CLICK, url="https://acme.test", id="5")

    judged = judge([before, ours, after, alone, other], DELAY)

    assert [one.repeat for one in judged] == [True, False, True, False, False]


def test_much_company_is_judged_in_a_moment() -> None:
    hits = clicks(*((number / 1000, str(number % 50)) for number in range(5000)))

    assert {one.rule for one in judge(hits, DELAY)} == {"burst"}
