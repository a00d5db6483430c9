"""The errors a caller may see. They know no transport: each door shapes them its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType


class ErrorCode(StrEnum):
    BAD_USER_INPUT = "BAD_USER_INPUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    RATE_LIMITED = "RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one input field; `path` is as documented, e.g. `recipients[1]`."""

    path: str
    message: str


class AppError(Exception):
    """Base of everything a caller is told.

    `detail` is one readable sentence, safe to show; `fields` names the input at fault.
    """

    code: ErrorCode
    status: int
    title: str

    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, detail: str, *, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = tuple(fields)


class InvalidInputError(AppError):
    code = ErrorCode.BAD_USER_INPUT
    status = 400
    title = "Bad Request"

    @classmethod
    def of(cls, *fields: FieldError) -> "InvalidInputError":
        """One error that names every field at fault."""
        return cls("; ".join(f"{field.path}: {field.message}" for field in fields), fields=fields)


class UnauthenticatedError(AppError):
    code = ErrorCode.UNAUTHENTICATED
    status = 401
    title = "Unauthorized"
    # RFC 6750, section 3.
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class InvalidTokenError(UnauthenticatedError):
    """A token or an API key came along, but is not good, or not any more."""

    # RFC 6750, section 3.1.
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer error="invalid_token"'})


class ForbiddenError(AppError):
    """The caller is known, and lacks a scope."""

    code = ErrorCode.FORBIDDEN
    status = 403
    title = "Forbidden"
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer error="insufficient_scope"'})


class NotFoundError(AppError):
    code = ErrorCode.NOT_FOUND
    status = 404
    title = "Not Found"


class ConflictError(AppError):
    code = ErrorCode.CONFLICT
    status = 409
    title = "Conflict"


class NotAttemptedError(AppError):
    """Nothing is wrong with this part of what was asked; it was left for the fault of another."""

    code = ErrorCode.NOT_ATTEMPTED
    status = 409
    title = "Conflict"


class PayloadTooLargeError(AppError):
    code = ErrorCode.PAYLOAD_TOO_LARGE
    status = 413
    title = "Content Too Large"


class RateLimitedError(AppError):
    """The caller asks too often; nothing of the request was done."""

    code = ErrorCode.RATE_LIMITED
    status = 429
    title = "Too Many Requests"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.headers = MappingProxyType({"Retry-After": str(retry_after)})


class InternalError(AppError):
    """A fault of ours; it is in the log, under `reference`, where it has one."""

    code = ErrorCode.INTERNAL
    status = 500
    title = "Internal Server Error"

    def __init__(self, detail: str, *, reference: str | None = None) -> None:
        super().__init__(detail)
        self.reference = reference


RETRY_AFTER_SECONDS = 5


class UnavailableError(AppError):
    """Something we depend on does not answer; the same request may succeed later."""

    code = ErrorCode.UNAVAILABLE
    status = 503
    title = "Service Unavailable"
    headers = MappingProxyType({"Retry-After": str(RETRY_AFTER_SECONDS)})


class TimedOutError(AppError):
    """It took longer than anything may; what it had begun is ended."""

    code = ErrorCode.TIMEOUT
    status = 504
    title = "Gateway Timeout"

    @classmethod
    def of_operation(cls, limit: timedelta) -> "TimedOutError":
        return cls(
            f"It was not done within {limit.total_seconds():g} seconds and was ended. What it "
            "changes may have been changed already: look, or repeat it with its idempotency key."
        )

    @classmethod
    def of_search(cls) -> "TimedOutError":
        return cls("The search took too long and was ended; ask for less, or narrow it down.")


class UnsupportedMediaTypeError(AppError):
    code = ErrorCode.BAD_USER_INPUT
    status = 415
    title = "Unsupported Media Type"


class NotAcceptableError(AppError):
    code = ErrorCode.BAD_USER_INPUT
    status = 406
    title = "Not Acceptable"


class MethodNotAllowedError(AppError):
    """`allowed` are the methods that may be used instead (RFC 9110, section 15.5.6)."""

    code = ErrorCode.BAD_USER_INPUT
    status = 405
    title = "Method Not Allowed"

    def __init__(self, detail: str, *, allowed: str) -> None:
        super().__init__(detail)
        self.headers = {"Allow": allowed}
