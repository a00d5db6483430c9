"""Which mail lets its recipients leave."""

from collections.abc import Collection

from app.errors import FieldError
from app.mail.addresses import parse_mailbox
from app.settings import Settings


def offer_of(
    settings: Settings, *, asked: bool | None, is_bulk: bool, addresses: Collection[str] | None
) -> bool | FieldError:
    """Tell whether a mail offers a way out, or what is wrong with what was `asked`.

    Mail that `is_bulk`, to a list or about a topic, always does, where links can be signed; other
    mail does when asked to. It must go to one of `addresses`, or to a list (None): who leaves by
    it must be known.
    """
    path = "unsubscribable"
    if asked is False and is_bulk:
        return FieldError(path, "cannot be false: mail to a list or about a topic lets one leave")
    if not asked and not is_bulk:
        return False
    if addresses is not None and len({parse_mailbox(one).address.lower() for one in addresses}) > 1:
        reason = "is for mail to one address, or to a list: each recipient has a link of its own"
        return FieldError(path, reason) if asked else False
    if not settings.unsubscribe_keys:
        reason = "cannot be: LETTERBOX_SECRET_KEYS, by which links are signed, is not set"
        return FieldError(path, reason) if asked else False
    return True
