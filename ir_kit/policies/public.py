"""Is a policy public, by AWS's own definition? What counts is whether each grant is held to fixed values, not who can use it today.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of public".
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ir_kit.domain.logic import Status
from ir_kit.policies.conditions import Test
from ir_kit.policies.documents import Policy, Statement
from ir_kit.policies.principals import Names
from ir_kit.policies.values import network

_FIXING = {  # a fixed value of one of these holds a grant to somebody
    "aws:principalorgid": "the principal's organization",
    "aws:principalarn": "a principal",
    "aws:principalaccount": "the principal's account",
    "aws:principalservicename": "an AWS service",
    "aws:sourcearn": "the source's ARN",
    "aws:sourcevpc": "a VPC",
    "aws:sourcevpce": "a VPC endpoint",
    "aws:sourceowner": "the source's owner",
    "aws:sourceaccount": "the source's account",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "a KMS key",
    "s3:dataaccesspointaccount": "the account of an access point",
}
_EQUALITIES = {"stringequals", "stringequalsignorecase", "stringlike", "arnlike"}
_ROLE_ID = re.compile(r"ARO[A-Z0-9]*:.*", re.DOTALL)
_POINT = re.compile(r"arn:[^:*?]+:s3:[^:*?]+:\d{12}:accesspoint/[^$]+")
_WIDEST = {4: 8, 6: 32}
_PRIVATE = [ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


@dataclass(frozen=True, slots=True)
class Public:
    """One statement that makes its policy public, and why, in words."""

    statement: Statement
    reason: str


def public_statements(policy: Policy, *, access_point: bool = False) -> list[Public]:
    """Which statements make this policy public by AWS's definition?

    Parameters
    ----------
    policy : Policy
        Of a bucket, or of an access point.
    access_point : bool
        Is it an access point's? There, unlike in a bucket's policy, a set of access points named with a wildcard is public. (One whose
        network origin is a VPC is never public, whatever its policy says: that the caller knows.)

    Returns
    -------
    list of Public
        One per statement, in order; empty where none is, or where the policy cannot be read.
    """
    found = []
    for statement in policy.statements:
        if statement.effect == "Allow" and statement.fault is None:
            reason = _reason(statement, policy.version == "2012-10-17", access_point)
            if reason is not None:
                found.append(Public(statement, reason))
    return found


def public_status(policy: Policy, *, access_point: bool = False) -> Status:
    """Is this policy public? ``unknown`` where part of it cannot be read and the rest is not."""
    if public_statements(policy, access_point=access_point):
        return "yes"
    doubtful = policy.unreadable or any(one.fault and one.effect != "Deny" for one in policy.statements)
    return "unknown" if doubtful else "no"


def is_public(policy: Policy, *, access_point: bool = False) -> bool | None:
    """Is this policy public? None where that is not known. See `public_status`."""
    return {"yes": True, "no": False, "unknown": None}[public_status(policy, access_point=access_point)]


def _reason(statement: Statement, variables: bool, access_point: bool) -> str | None:
    who = _open_to(statement)
    if who is None:
        return None
    loose = []
    for test in statement.conditions:
        doubt = _loose(test, variables, access_point)
        if doubt is None:
            return None
        loose.append(doubt)
    if not loose:
        return f"it allows {who}, under no condition"
    return f"it allows {who}, and no condition holds it to fixed values: {'; '.join(loose)}"


def _open_to(statement: Statement) -> str | None:
    """Whom a statement names who is no fixed principal; None where all are."""
    if statement.not_principals is not None:
        return "everybody but the principals that it names"
    names = statement.principals or Names(everybody=True)
    if names.everybody:
        return "everybody"
    if names.federated:
        return f"users of {', '.join(sorted(names.federated))}, who are no AWS principals"
    wild = sorted(one for one in names.aws if "*" in one)
    return f"principals by wildcard ({', '.join(wild)})" if wild else None


def _loose(test: Test, variables: bool, access_point: bool) -> str | None:
    """Why a condition does not hold a grant to fixed values; None where it does."""
    what = f"{test.key} ({test.operator})"
    key = test.lookup
    if key not in _FIXING and key not in ("aws:sourceip", "aws:userid", "s3:dataaccesspointarn"):
        return f"{what} is none of the keys that count"
    if test.negated or test.if_exists or test.quantifier == "ForAllValues":
        return f"{what} lets through whoever has not that value"
    if not test.values:
        return None  # it can never hold
    if key == "aws:sourceip":
        return _wide(test, what)
    if test.name not in _EQUALITIES:
        return f"{what} compares with no fixed value"
    if key == "s3:dataaccesspointarn" and not access_point and all(_POINT.fullmatch(one) for one in test.values):
        return None
    if any(re.search(r"[*?]", one) or (variables and "${" in one) for one in test.values):
        return f"{what} has a value with a wildcard or a variable"
    if key == "aws:userid" and any(_ROLE_ID.fullmatch(one) for one in test.values):
        return f"{what} names a role's sessions, whose names their callers choose"
    return None


def _wide(test: Test, what: str) -> str | None:
    if test.name != "ipaddress":
        return f"{what} names no address ranges"
    for value in test.values:
        block = network(value)
        if block is None:
            return f"{what} names what is no address range"
        private = isinstance(block, ipaddress.IPv4Network) and any(block.subnet_of(one) for one in _PRIVATE)
        if block.prefixlen < _WIDEST[block.version] and not private:
            return f"{what} names {block}, wider than /{_WIDEST[block.version]}"
    return None
