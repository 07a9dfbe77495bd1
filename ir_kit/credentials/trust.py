"""Trust policies, as far as a question needs them: whom does this document let in?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any


def trusts(document: str | None, caller: Mapping[str, Any]) -> bool:
    """Does a trust policy name this caller of an assumption, its account, its provider or everybody?

    Parameters
    ----------
    document : str or None
        The policy as the call sent it. One that cannot be read (truncated, redacted) names nobody.
    caller : mapping
        A row of the question ``outside_assumptions``.
    """
    kind = caller.get("user_identity_type")
    for family, value in _allowed(document):
        if family == "Federated" and kind in ("SAMLUser", "WebIdentityUser"):
            if kind == "SAMLUser" and caller.get("provider_arn") in (None, value):
                return True
            if kind == "WebIdentityUser" and _issued_by(value, caller.get("user_identity_principal_id")):
                return True
        elif family == "AWS" and kind not in ("SAMLUser", "WebIdentityUser"):
            if value == "*":
                return True
            account = re.search(r"\b\d{12}\b", value)
            if account and account[0] == caller.get("user_identity_account_id"):
                return True
    return False


def _issued_by(provider: str, principal_id: str | None) -> bool:
    """Is this the provider of a web identity, whose principal id is ``PROVIDER:AUDIENCE:SUBJECT``?"""
    names = {provider, provider.rpartition("oidc-provider/")[2]}
    return not principal_id or any(principal_id.startswith(f"{name}:") for name in names)


def _allowed(document: str | None) -> Iterator[tuple[str, str]]:
    try:
        content = json.loads(document or "")
    except ValueError:
        return
    statements = content.get("Statement") if isinstance(content, dict) else None
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal")
        given = principal if isinstance(principal, dict) else {"AWS": principal}
        for family, values in given.items():
            for value in values if isinstance(values, list) else [values]:
                if isinstance(value, str):
                    yield family, value
