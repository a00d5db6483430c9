"""An SMTP relay (RFC 5321), over connections that are kept open between mails."""

from app.providers.smtp.opening import SmtpAccount
from app.providers.smtp.provider import SmtpProvider

__all__ = ["SmtpAccount", "SmtpProvider"]
