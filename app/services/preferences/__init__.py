"""What recipients want of a tenant's mail: said by themselves, or written down by users.

A word is about one topic, or about all mail that one can be unsubscribed from (`topic_id` None).
The latest word counts:

- Whoever unsubscribed from a topic gets none of its mail.
- Whoever unsubscribed from everything gets no mail of any topic and no mail to lists, until they
  subscribe to everything again, which brings back what they had, or later subscribe to one topic,
  which brings back that one.
- Of a topic of which they said nothing they get mail if its default is OPT_OUT.

Pages, headers and mailboxes by which recipients say it call `say` and `standings_of`.
"""

from app.services.preferences.saying import say, say_all
from app.services.preferences.standing import (
    Standing,
    Standings,
    preferences_of_address,
    receives,
    standings_of,
)

__all__ = [
    "Standing",
    "Standings",
    "preferences_of_address",
    "receives",
    "say",
    "say_all",
    "standings_of",
]
