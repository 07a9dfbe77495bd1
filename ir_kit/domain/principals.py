"""Who is who: ARNs, key ids, addresses and user agents, taken apart."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

_ARN = re.compile(
    r"arn:[^:]*:(?:iam|sts):[^:]*:(?P<account>[^:]*):(?:user/(?:.*/)?(?P<user>[^/]*)$|role/(?:.*/)?(?P<role>[^/]*)$|"
    r"assumed-role/(?P<assumed>[^/]*)(?:/(?P<session>.*))?$|.)"
)
_COMMAND = re.compile(r"\s+(?:md/)?command[/#]\S+")
_SQL_ARN = "^arn:[^:]*:(?:iam|sts):[^:]*:"
SQL_MACROS = (
    f"account_of_arn(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}([^:]*):.', 1), '')",
    rf"role_name(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}[^:]*:(?:role/(?:.*/)?|assumed-role/)([^/]*)', 1), '')",
    f"session_name(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}[^:]*:assumed-role/[^/]*/(.*)$', 1), '')",
    f"user_name(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}[^:]*:user/(?:.*/)?([^/]*)$', 1), '')",
    "same_role(item, other) as role_name(item) = role_name(other) "
    "and account_of_arn(item) is not distinct from account_of_arn(other)",
    "is_responder(arn, responders) as coalesce(list_contains(responders, arn) or list_bool_or(list_transform("
    "responders, lambda responder: session_name(responder) is null and same_role(responder, arn))), false)",
    "arn_in(arn, service, account, name) as "
    "'arn:' || split_part(arn, ':', 2) || ':' || service || '::' || account || ':' || name",
    r"is_service_address(address) as "
    r"address <> '' and not regexp_full_match(address, '\d+(\.\d+){3}|[0-9a-fA-F.]*:[0-9a-fA-F:.]*(%.*)?')",
    r"client_of(agent) as coalesce(trim(regexp_replace(agent, '\s+(?:md/)?command[/#]\S+', '', 'g')), '')",
)
"""In SQL what the functions here are in Python; `arn_in` is an ARN in the partition of another, `client_of` `agent_family`."""


def account_of_key(access_key_id: str) -> str | None:
    """Which account does this key id encode?

    None where it cannot be decoded: keys whose fifth character is I or J decode to wrong accounts, 0, 1, 8 and 9 occur
    in no such key, and a key of another length is of another kind.

    Source: Tal Be'ery, "A short note on AWS key ID" (2023). The authority is ``sts:GetAccessKeyInfo``.
    """
    body = access_key_id[4:]
    if not re.fullmatch(r"[A-HK-Z2-7][A-Z2-7]{15}", body):
        return None
    account = (int.from_bytes(base64.b32decode(body)[:6], "big") & 0x7FFFFFFFFF80) >> 7
    return f"{account:012d}" if account < 10**12 else None


def _part(arn: str | None, *names: str) -> str | None:
    match = _ARN.match(arn or "")
    return next((match[name] for name in names if match[name] is not None), None) if match else None


def account_of_arn(arn: str | None) -> str | None:
    """The account that an ARN names; None where it names none."""
    return _part(arn, "account") or None


def role_name(arn: str | None) -> str | None:
    """The role behind a role's ARN (its path left out) or behind an assumed-role session's; None for others."""
    return _part(arn, "role", "assumed")


def session_name(arn: str | None) -> str | None:
    """The session's name in an assumed-role ARN; None for others."""
    return _part(arn, "session")


def user_name(arn: str | None) -> str | None:
    """The IAM user's name in an ARN, its path left out; None for others."""
    return _part(arn, "user")


def same_role(item: str | None, other: str | None) -> bool:
    """Do both name one role, be it by the role's ARN or by a session's?"""
    name = role_name(item)
    return name is not None and name == role_name(other) and account_of_arn(item) == account_of_arn(other)


def is_responder(principal_arn: str | None, responders: Iterable[str]) -> bool:
    """Is this principal one of the investigation's own, itself or as a session of its role?

    A session named exactly (``assumed-role/ROLE/SESSION``) stands for that session alone; a role for all its sessions.
    """
    return principal_arn is not None and any(
        responder == principal_arn or (session_name(responder) is None and same_role(responder, principal_arn))
        for responder in responders
    )


@lru_cache(maxsize=100_000)
def is_service_address(address: str | None) -> bool:
    """Does this source address name an AWS service, not a machine? (``ec2.amazonaws.com``, ``AWS Internal``)"""
    try:
        ipaddress.ip_address(address or "0.0.0.0")
        return False
    except ValueError:
        return True


def in_networks(address: str | None, networks: Iterable[str]) -> bool:
    """Does an address lie in one of these addresses or CIDR blocks?"""
    try:
        given = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(given in ipaddress.ip_network(network, strict=False) for network in networks)


def agent_family(user_agent: str | None) -> str | None:
    """A user agent without the command that the AWS CLI writes into it, so that one client is one whatever it calls."""
    return None if user_agent is None else _COMMAND.sub("", user_agent).strip()


def agent_matches(user_agent: str | None, patterns: Iterable[str]) -> bool:
    """Is a user agent one of these, each exact or a beginning that ends in ``*``?"""
    return user_agent is not None and any(
        user_agent.startswith(pattern[:-1]) if pattern.endswith("*") else user_agent == pattern for pattern in patterns
    )
