"""What went wrong with a call: its kind, its code, a line to say, and never a secret in it.

Codes differ between services for the same thing; the table here names what was met in their models and guides. An error
that is not known is an `error` with its own code: it is recorded, and the work goes on.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from ir_kit.errors import EvidenceError, IrKitError, one_line

__all__ = ["DamagedError", "Kind", "StoppedError", "error_of", "kind_of", "kind_of_code", "scrubbed", "stopped"]


class Kind(StrEnum):
    """What a fault means for the work at hand."""

    DENIED = "denied"  # refused here; elsewhere goes on
    ABSENT = "absent"  # answers the question: there is none
    EXPIRED = "expired"  # the credentials have run out: everything stops, and goes on after
    REJECTED = "rejected"  # the credentials are not accepted: everything stops
    SKEWED = "skewed"  # this machine's clock is wrong
    THROTTLED = "throttled"  # again, and slower
    UNAVAILABLE = "unavailable"  # again
    NETWORK = "network"  # again
    DAMAGED = "damaged"  # an answer came, but not whole: again
    REDIRECT = "redirect"  # the bucket lives in another Region
    ARCHIVED = "archived"  # it lies in an archive and would have to be restored, which writes
    ERROR = "error"  # anything else, recorded under its code


_CODES: dict[Kind, str] = {
    Kind.EXPIRED: "ExpiredToken ExpiredTokenException TokenRefreshRequired RequestExpired ExpiredCredentials"
    " UnauthorizedException",
    Kind.REJECTED: "InvalidAccessKeyId InvalidClientTokenId InvalidToken SignatureDoesNotMatch AuthFailure"
    " UnrecognizedClientException InvalidSecurity NotSignedUp MissingAuthenticationToken"
    " IncompleteSignature InvalidSignatureException",
    Kind.SKEWED: "RequestTimeTooSkewed RequestInTheFuture",
    Kind.DENIED: "AccessDenied AccessDeniedException AllAccessDisabled AccountProblem UnauthorizedOperation 403 Forbidden"
    " UnauthorizedAccess NotAuthorized OptInRequired SubscriptionRequiredException AccountNotActivated"
    " KMS.DisabledException KMS.InvalidStateException KMS.NotFoundException KMS.AccessDeniedException",
    Kind.THROTTLED: "SlowDown Throttling ThrottlingException ThrottledException RequestLimitExceeded RequestThrottled"
    " RequestThrottledException TooManyRequestsException BandwidthLimitExceeded LimitExceededException 429"
    " EC2ThrottledException PriorRequestNotComplete ProvisionedThroughputExceededException",
    Kind.UNAVAILABLE: "InternalError InternalFailure InternalServerError InternalServiceError InternalServerException"
    " ServiceUnavailable ServiceUnavailableException RequestTimeout RequestTimeoutException OperationAborted"
    " 500 502 503 504",
    Kind.REDIRECT: "PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException"
    " 301 307 308",
    Kind.ARCHIVED: "InvalidObjectState",
}  # fmt: skip
_KIND_OF = {code: kind for kind, codes in _CODES.items() for code in codes.split()}
_ABSENT = ("NoSuch", "NotFound", "DoesNotExist", "NotExists")
_SKEWED_MESSAGES = ("signature expired", "signature not yet current", "request time too skewed", "difference between")


class DamagedError(boto.BotoCoreError):  # type: ignore[misc]
    """What came is not what was asked for; another try may bring it."""

    fmt = "{why}"


class StoppedError(EvidenceError):
    """Nothing more can be fetched now; what was fetched is kept, and the same command goes on from there."""


def kind_of_code(code: str, status: int = 0) -> Kind:
    """Which kind of fault does this error code of AWS stand for? ``status`` decides where the code is unknown."""
    if code in _KIND_OF:
        return _KIND_OF[code]
    if any(word in code for word in _ABSENT) or code == "404":
        return Kind.ABSENT
    if status == 429:
        return Kind.THROTTLED
    if status >= 500:
        return Kind.UNAVAILABLE
    return Kind.DENIED if status == 403 else Kind.ERROR


def kind_of(fault: BaseException) -> Kind:
    """Which kind of fault is this exception of botocore?"""
    if isinstance(fault, boto.ClientError):
        error = fault.response.get("Error", {})
        code, message = str(error.get("Code", "")), str(error.get("Message", "")).lower()
        # AWS says in two ways that a signature's time is wrong, and not its key
        signed = code in ("SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "AuthFailure")
        if signed and any(words in message for words in _SKEWED_MESSAGES):
            return Kind.SKEWED
        return kind_of_code(code, fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return next((kind for kind, kinds in _EXCEPTIONS if isinstance(fault, kinds)), Kind.ERROR)


_EXCEPTIONS: tuple[tuple[Kind, tuple[type[BaseException], ...]], ...] = (
    (Kind.REJECTED, (
        boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError, boto.ProfileNotFound,
        boto.ConfigNotFound, boto.ConfigParseError,
    )),
    (Kind.EXPIRED, (boto.UnauthorizedSSOTokenError, boto.SSOTokenLoadError, boto.TokenRetrievalError, boto.LoginError)),
    (Kind.DAMAGED, (DamagedError, boto.IncompleteReadError, boto.FlexibleChecksumError, ResponseParserError)),
    (Kind.NETWORK, (boto.HTTPClientError, boto.ConnectionError, OSError)),
)  # fmt: skip


def error_of(fault: BaseException) -> dict[str, str]:
    """How does an answer in `configuration.jsonl` record this fault? ``Code`` and ``Message``, without secrets."""
    if not isinstance(fault, boto.ClientError):
        return {"Code": type(fault).__name__, "Message": scrubbed(fault)}
    error = fault.response.get("Error", {})
    return {"Code": one_line(error.get("Code") or "Unknown", 100), "Message": scrubbed(error.get("Message") or "")}


def stopped(fault: BaseException, profile: str | None = None) -> StoppedError | None:
    """Does this fault stop everything? The error to raise then: what, where, what to do; else None."""
    if isinstance(fault, StoppedError):
        return fault
    response = fault.response if isinstance(fault, boto.ClientError) else {}
    date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    again = "give the same command again"
    said = {
        Kind.EXPIRED: ("the credentials have expired; what was fetched is kept", f"renew them and {again}"),
        Kind.REJECTED: (
            f"AWS does not accept the credentials ({error_of(fault)['Code']})",
            f"check them with `aws sts get-caller-identity` and {again}",
        ),
        Kind.SKEWED: (
            f"AWS refuses requests signed by this machine's clock, which {_skew(date)}",
            f"set the clock and {again}",
        ),
    }.get(kind_of(fault))
    named = f"profile {profile}" if profile else "the ambient credentials"
    return StoppedError(said[0], named, said[1]) if said else None


def _skew(date: str) -> str:
    """How far this machine's clock is off, by the ``Date`` of an answer."""
    try:
        ahead = round((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):
        return "is more than some minutes wrong"
    minutes, seconds = divmod(abs(ahead), 60)
    return f"is {minutes // 60} h {minutes % 60} min {seconds} s {'ahead of' if ahead > 0 else 'behind'} AWS's"


# tokens are long runs of base64; signatures 64 hexadecimal digits; secrets 40 characters
_SECRETS = (
    re.compile(
        r"(?i)((?:x-amz-security-token|x-amz-signature|signature|sessiontoken|securitytoken|secretaccesskey|secret_?key"
        r"|authorization|password)[\"'\s]*[=:][\"'\s]*)(?:AWS4-HMAC-SHA256 [^\"']*|[^\s&\"',;)]+)"
    ),
    re.compile(r"()(?<![A-Za-z0-9/+=_-])[A-Za-z0-9/+=_%-]{80,}"),
    re.compile(r"()\b[0-9a-f]{64}\b"),
    re.compile(r"()(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]*[a-z])(?=[A-Za-z0-9/+]*[A-Z])(?=[A-Za-z0-9/+]*[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"),
)  # fmt: skip
_USER_IN_URL = re.compile(r"(?i)(https?://)[^/@\s]+@")


def scrubbed(text: object, limit: int = 500) -> str:
    """What may be shown of this text? One line, with whatever looks like a token, a signature or a secret replaced."""
    if isinstance(text, IrKitError):
        return str(text)
    line = _USER_IN_URL.sub(r"\1REDACTED@", one_line(text, 4000))
    for rule in _SECRETS:
        line = rule.sub(r"\1REDACTED", line)
    return one_line(line, limit)
