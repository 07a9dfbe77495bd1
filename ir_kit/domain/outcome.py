"""The outcome of an API call, by its error code: ``success``, ``denied`` for an authorization error, else ``error``.

Defined once for Python (`outcome_of`) and SQL (the macro ``outcome(error_code)``). AWS services name a refusal
differently: ``AccessDenied`` (S3, IAM), ``Client.UnauthorizedOperation`` (EC2), ``AuthorizationError`` (SNS),
``NotAuthorized`` (Cognito), ``AllAccessDisabled`` (S3). Failed authentication (an expired or unknown key) is an error.

Source: the services' API references, "Common Errors"; CloudTrail User Guide, `errorCode`.
"""

from __future__ import annotations

AUTHORIZATION_ERRORS = (
    "accessdenied", "unauthorized", "notauthorized", "forbidden", "authorizationerror", "allaccessdisabled",
)  # fmt: skip
"""Parts of the error codes, in lower case, by which a service refuses a call."""

_DENIED = "|".join(AUTHORIZATION_ERRORS)
OUTCOME_MACRO = (
    "create or replace macro outcome(code) as case when code is null then 'success' "
    f"when regexp_matches(lower(code), '{_DENIED}') then 'denied' else 'error' end"
)


def outcome_of(error_code: str | None) -> str:
    """``success``, ``denied`` or ``error``."""
    if error_code is None:
        return "success"
    return "denied" if any(part in error_code.lower() for part in AUTHORIZATION_ERRORS) else "error"
