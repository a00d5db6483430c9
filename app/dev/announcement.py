from pathlib import Path

from app.dev.output import say

_TEXT = """
Letterbox runs; Ctrl-C stops it.

  GraphQL   {base}/graphql
  REST      {base}/api/v1/communications
  Inbox     {base}/dev/inbox
  Data      {root}
"""

_INBOUND = """Mail servers hand mail in at smtp://127.0.0.1:{port}{whose}
"""

_CREDENTIALS = """Bearer token (tenant demo, user alice, 30 days):
{token}
"""

_CURL = """Send a mail:
curl {base}/api/v1/communications/send \\
  -H 'Authorization: Bearer {token}' \\
  -H 'Content-Type: application/json' \\
  -d '{body}'
"""

_BODY = (
    '{"subject": "Hello from Letterbox", "recipients": ["bob@example.org"], '
    '"body": "<p>Hello Bob, <a href=\\"https://example.org/\\">have a look</a>.</p>"}'
)


def announce(
    base: str,
    root: Path,
    *,
    token: str | None,
    relay: str | None,
    inbound: int | None = None,
    domain: str | None = None,
) -> None:
    """Print where everything is; `token` is None where an identity provider issues them.

    `inbound` is the port for mail servers, where there is one; mail to `domain` is the demo's.
    """
    say(_TEXT.format(base=base, root=root))
    if inbound is not None:
        whose = "" if domain is None else f"; anybody at {domain} is the tenant demo."
        say(_INBOUND.format(port=inbound, whose=whose))
    if relay:
        say(f"Mail goes to {relay}, not to the inbox: LETTERBOX_SMTP_HOST is set.\n")
    if token:
        say(_CREDENTIALS.format(token=token))
    else:
        say("Your identity provider issues the tokens: LETTERBOX_JWT_JWKS_URL is set.\n")
    say(_CURL.format(base=base, token=token or "YOUR_TOKEN", body=_BODY))
