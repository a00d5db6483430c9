"""Who fetches pictures and links, as they really introduce themselves."""

from app.services.tracking import Visit

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
APPLE = "Mozilla/5.0"
BARRACUDA = "Barracuda Sentinel (EE)"

PERSON = Visit("GET", CHROME, "192.0.2.17")
ON_PHONE = Visit("GET", IPHONE, "198.51.100.4")
BY_GMAIL = Visit("GET", GMAIL, "66.249.93.10")
BY_APPLE = Visit("GET", APPLE, "17.58.96.1")
BY_BARRACUDA = Visit("GET", BARRACUDA, "209.222.82.5")
BY_HEAD = Visit("HEAD", CHROME, "192.0.2.17")
