"""What an SMTP server's replies (RFC 5321, section 4.2) mean for the mail."""

from collections.abc import Mapping

from aiosmtplib import SMTPRecipientsRefused, SMTPResponseException

from app.providers.base import PermanentError, Refusal, TransientError

_REFUSING_CLASSES = (4, 5)
_PERMANENT_CLASS = 5


def all_refused(error: SMTPRecipientsRefused) -> TransientError | PermanentError:
    refused = refusals({one.recipient: (one.code, one.message) for one in error.recipients})
    named = "; ".join(f"{address}: {one.reply}" for address, one in refused.items())
    if any(one.transient for one in refused.values()):
        return TransientError(named, refused=refused)
    return PermanentError(named, refused=refused)


def refusal(error: SMTPResponseException) -> TransientError | PermanentError:
    if not is_refusal(error):
        # A server talking nonsense; it may have recovered by later.
        return TransientError(f"the relay gave an answer that fits no question: {words(error)}")
    return PermanentError(words(error)) if _permanent(error.code) else TransientError(words(error))


def is_refusal(error: BaseException) -> bool:
    if isinstance(error, SMTPRecipientsRefused):
        return all(map(is_refusal, error.recipients))
    return isinstance(error, SMTPResponseException) and error.code // 100 in _REFUSING_CLASSES


def _permanent(code: int) -> bool:
    return code // 100 == _PERMANENT_CLASS


def refusals(replies: Mapping[str, tuple[int, str]]) -> dict[str, Refusal]:
    return {
        address: Refusal(f"{code} {_line(text)}", transient=not _permanent(code))
        for address, (code, text) in replies.items()
    }


def words(error: SMTPResponseException) -> str:
    return f"{error.code} {_line(error.message)}"


def _line(text: str) -> str:
    # Words in Latin-1 come as lone surrogates, which MongoDB would not store.
    readable = text.encode(errors="surrogateescape").decode(errors="replace")
    return " ".join(readable.split())[:500]
