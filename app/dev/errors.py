class StackError(Exception):
    """The stack cannot start or go on; the first line says why, in words for its user."""


class InterruptedStack(BaseException):
    """Somebody asked the stack to stop."""


class DemoError(Exception):
    """The demo mails could not all be sent; the stack itself is well."""
