"""What machines call themselves and where they ask from, as far as it is known.

User agents are what gateways, link checkers and libraries send; `Microsoft Office` is what Outlook
itself loads pictures with, so it tells a machine only where it follows a link. Networks are those
that filters of received mail are documented to ask from (their makers' lists for SPF and
allow-lists); clouds in which filters rent machines are left out, because people's proxies are there
too. No network is smaller than what is kept of a client's address.
"""

import re
from ipaddress import IPv4Network, ip_network

GMAIL_PROXY = re.compile(r"GoogleImageProxy|ggpht\.com", re.IGNORECASE)
# Fetched ahead while a reader has Gmail open, in no browser that there is.
GMAIL_PREFETCH = re.compile(r"Edge/12\.246 Mozilla/5\.0\Z")
YAHOO_PROXY = re.compile(r"YahooMailProxy", re.IGNORECASE)
# Apple's Mail Privacy Protection: no more than this, from a relay that hides the reader.
BARE = "Mozilla/5.0"
OFFICE = re.compile(r"ms-?office|Microsoft Office", re.IGNORECASE)

SCANNERS = re.compile(
    r"barracuda|cudasvc|proofpoint|urldefense|mimecast|safelinks|bingpreview|ironport"
    r"|ciscosecureemail|fortimail|fortiguard|trend ?micro|symantec|messagelabs|sophos|forcepoint"
    r"|trustwave|mailcontrol|vadesecure|hornetsecurity|f-secure|virustotal|urlscan|zscaler|mcafee"
    # What shows a preview of a link that somebody passed on, and what follows links anyway.
    r"|facebookexternalhit|skypeuripreview|whatsapp/|telegrambot|slack-imgproxy|iframely|embedly"
    r"|(?<!cu)bot(?![a-z])|crawl|spider|scanner|link ?check|uptime|pingdom",
    re.IGNORECASE,
)
PROGRAMS = re.compile(
    r"^(?:curl|wget|python|aiohttp|httpx|go-http-client|java/|apache-httpclient|libwww"
    r"|lwp|ruby|php|axios|node-fetch|node|got|undici|postmanruntime|insomnia|powershell|winhttp"
    r"|ahc/|reactornetty|dart|guzzle|httpie|faraday|restsharp|mechanize|scrapy)"
    r"|python-(?:requests|httpx|urllib)|headlesschrome|phantomjs|puppeteer|playwright|selenium"
    r"|slimerjs|electron-prerender|prerender",
    re.IGNORECASE,
)
# Programs too, with which the mail apps of telephones load pictures.
LOADERS = re.compile(r"^okhttp", re.IGNORECASE)


def _networks(*texts: str) -> tuple[IPv4Network, ...]:
    return tuple(network for network in map(ip_network, texts) if isinstance(network, IPv4Network))


NETWORKS = _networks(
    # Barracuda Email Gateway Defense.
    "64.235.144.0/20",
    "209.222.80.0/21",
    # Proofpoint Essentials and Enterprise.
    "67.231.144.0/20",
    "148.163.128.0/19",
    # Mimecast.
    "91.220.42.0/24",
    "205.139.110.0/23",
    "207.211.30.0/23",
)
