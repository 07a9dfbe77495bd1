"""What went wrong with a call: its kind, its code, a line to say, and never a secret in it.

Codes differ between services for the same thing; the table here names what was met in their models and guides. An error
that is not known is an `error` with its own code: it is recorded, and the work goes on.
"""

from __future__ import annotations

import re
from enum import StrEnum

from botocore import exceptions as boto

from ir_kit.errors import EvidenceError, IrKitError, one_line

__all__ = ["Kind", "StoppedError", "error_of", "kind_of", "kind_of_code", "scrubbed", "stopped", "stopped_by"]


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
AGAIN = frozenset({Kind.THROTTLED, Kind.UNAVAILABLE, Kind.NETWORK})
"""Kinds that another try may mend."""


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
        status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return kind_of_code(str(fault.response.get("Error", {}).get("Code", "")), status)
    if isinstance(fault, _WITHOUT_CREDENTIALS):
        return Kind.REJECTED
    if isinstance(fault, (boto.UnauthorizedSSOTokenError, boto.SSOTokenLoadError, boto.TokenRetrievalError)):
        return Kind.EXPIRED
    if isinstance(fault, boto.LoginError):
        return Kind.EXPIRED
    if isinstance(fault, (boto.HTTPClientError, OSError)):
        return Kind.NETWORK
    return Kind.ERROR


_WITHOUT_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.ProfileNotFound,
    boto.ConfigNotFound,
    boto.ConfigParseError,
)


def error_of(fault: BaseException) -> dict[str, str]:
    """How does an answer in `configuration.jsonl` record this fault? ``Code`` and ``Message``, without secrets."""
    if isinstance(fault, boto.ClientError):
        error = fault.response.get("Error", {})
        return {
            "Code": one_line(error.get("Code") or "Unknown", 100),
            "Message": scrubbed(error.get("Message") or ""),
        }
    return {"Code": type(fault).__name__, "Message": scrubbed(fault)}


def stopped(fault: BaseException, profile: str | None = None) -> StoppedError | None:
    """Does this fault stop everything? The error to raise then: what, where, what to do; else None."""
    if isinstance(fault, StoppedError):
        return fault
    return stopped_by(kind_of(fault), error_of(fault)["Code"], profile)


def stopped_by(kind: Kind, code: str, profile: str | None = None) -> StoppedError | None:
    """Does a fault of this kind stop everything? As `stopped`, for a fault that is no exception of botocore."""
    named = f"profile {profile}" if profile else "the ambient credentials"
    if kind is Kind.EXPIRED:
        return StoppedError(
            "the credentials have expired; what was fetched is kept",
            named,
            "renew them and give the same command again",
        )
    if kind is Kind.REJECTED:
        return StoppedError(
            f"AWS does not accept the credentials ({code})",
            named,
            "check them with `aws sts get-caller-identity` and give the same command again",
        )
    if kind is Kind.SKEWED:
        return StoppedError("this machine's clock is wrong and could not be corrected for", named, "set the clock")
    return None


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
