class StackError(Exception):
    """The stack cannot start or go on; the first line says why, in words for its user."""


class InterruptedStack(BaseException):
    """Somebody asked the stack to stop."""


class DemoError(Exception):
    """The demo could not all be loaded; the stack itself is well."""
