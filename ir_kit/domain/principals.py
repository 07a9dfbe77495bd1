"""Who is who: ARNs, key ids, addresses and user agents, taken apart."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

_ARN = re.compile(r"^arn:(?P<partition>[^:]*):(?P<service>iam|sts):[^:]*:(?P<account>[^:]*):(?P<rest>.+)$")
_COMMAND = re.compile(r"\s+(?:md/)?command[/#]\S+")
_SQL_ARN = "^arn:[^:]*:(?:iam|sts):[^:]*:"
SQL_MACROS = (
    f"account_of_arn(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}([^:]*):.', 1), '')",
    rf"role_name(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}[^:]*:(?:role/(?:.*/)?|assumed-role/)([^/]*)', 1), '')",
    f"session_name(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}[^:]*:assumed-role/[^/]*/(.*)$', 1), '')",
    f"user_name(arn) as nullif(regexp_extract(arn, '{_SQL_ARN}[^:]*:user/(?:.*/)?([^/]*)$', 1), '')",
    "same_role(item, other) as role_name(item) = role_name(other) "
    "and account_of_arn(item) is not distinct from account_of_arn(other)",
    "arn_in(arn, service, account, name) as "
    "'arn:' || split_part(arn, ':', 2) || ':' || service || '::' || account || ':' || name",
    r"is_service_address(address) as "
    r"address <> '' and not regexp_full_match(address, '\d+(\.\d+){3}|[0-9a-fA-F.]*:[0-9a-fA-F:.]*(%.*)?')",
    r"client_of(agent) as coalesce(trim(regexp_replace(agent, '\s+(?:md/)?command[/#]\S+', '', 'g')), '')",
)
"""In SQL what the functions here are in Python; `arn_in` is an ARN in the partition of another, `client_of` `agent_family`."""


def account_of_key(access_key_id: str) -> str | None:
    """Which account does this key id encode?

    Returns
    -------
    str or None
        Twelve digits; None where it cannot be decoded: keys whose fifth character is I or J decode to wrong accounts,
        0, 1, 8 and 9 occur in no such key, and a key of another length is of another kind.

    Notes
    -----
    Source: Tal Be'ery, "A short note on AWS key ID" (2023). The authority is ``sts:GetAccessKeyInfo``.
    """
    body = access_key_id[4:]
    if len(body) != 16 or body[0] in "IJ" or not re.fullmatch(r"[A-Z2-7]{16}", body):
        return None
    try:
        number = int.from_bytes(base64.b32decode(body)[:6], "big")
    except binascii.Error:
        return None
    account = (number & 0x7FFFFFFFFF80) >> 7
    return f"{account:012d}" if account < 10**12 else None


def account_of_arn(arn: str | None) -> str | None:
    """The account that an ARN names; None where it names none."""
    results = _ARN.match(arn or "")
    return results["account"] or None if results else None


def role_name(arn: str | None) -> str | None:
    """The role behind a role's ARN (its path left out) or behind an assumed-role session's; None for others."""
    results = _ARN.match(arn or "")
    if not results:
        return None
    kind, _, rest = results["rest"].partition("/")
    if kind == "role":
        return rest.rpartition("/")[2]
    return rest.partition("/")[0] if kind == "assumed-role" else None


def session_name(arn: str | None) -> str | None:
    """The session's name in an assumed-role ARN; None for others."""
    results = _ARN.match(arn or "")
    if not results or not results["rest"].startswith("assumed-role/"):
        return None
    return results["rest"].split("/", 2)[2] if results["rest"].count("/") > 1 else None


def user_name(arn: str | None) -> str | None:
    """The IAM user's name in an ARN, its path left out; None for others."""
    results = _ARN.match(arn or "")
    return results["rest"].rpartition("/")[2] if results and results["rest"].startswith("user/") else None


def same_role(item: str | None, other: str | None) -> bool:
    """Do both name one role, be it by the role's ARN or by a session's?"""
    names = role_name(item), role_name(other)
    return names[0] is not None and names[0] == names[1] and account_of_arn(item) == account_of_arn(other)


def is_responder(principal_arn: str | None, responders: Iterable[str]) -> bool:
    """Is this principal one of the investigation's own, itself or as a session of its role?

    Notes
    -----
    A session named exactly (``assumed-role/ROLE/SESSION``) stands for that session alone; a role stands for all its
    sessions.
    """
    if principal_arn is None:
        return False
    for responder in responders:
        if responder == principal_arn:
            return True
        if session_name(responder) is None and same_role(responder, principal_arn):
            return True
    return False


@lru_cache(maxsize=100_000)
def is_service_address(address: str | None) -> bool:
    """Does this source address name an AWS service, not a machine? (``ec2.amazonaws.com``, ``AWS Internal``)"""
    if not address:
        return False
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return True
    return False


def in_networks(address: str | None, networks: Iterable[str]) -> bool:
    """Does an address lie in one of these addresses or CIDR blocks?"""
    try:
        given = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    blocks = [ipaddress.ip_network(network, strict=False) for network in networks]
    return any(given.version == block.version and given in block for block in blocks)


def agent_family(user_agent: str | None) -> str | None:
    """A user agent without the command that the AWS CLI writes into it, so that one client is one whatever it calls."""
    return None if user_agent is None else _COMMAND.sub("", user_agent).strip()


def agent_matches(user_agent: str | None, patterns: Iterable[str]) -> bool:
    """Is a user agent one of these, each exact or a beginning that ends in ``*``?"""
    if user_agent is None:
        return False
    return any(
        user_agent.startswith(pattern[:-1]) if pattern.endswith("*") else user_agent == pattern for pattern in patterns
    )
