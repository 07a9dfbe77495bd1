"""Is a policy public, by AWS's own definition? What counts is whether each grant is held to fixed values.

Who can use a grant today does not count.
Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of public".
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import NamedTuple

from ir_kit.domain.logic import NO, UNKNOWN, YES, Status
from ir_kit.policies.conditions import Test, value_as
from ir_kit.policies.policy_documents import Names, Policy, Statement

# a fixed value of any of these holds a grant to somebody
_FIXING = {
    "aws:principalorgid", "aws:principalarn", "aws:principalaccount", "aws:principalservicename", "aws:sourcearn",
    "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:sourceip", "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}  # fmt: skip
_EQUALITIES = {"stringequals", "stringequalsignorecase", "stringlike", "arnlike"}
_ROLE_ID = re.compile(r"ARO[A-Z0-9]*:.*", re.DOTALL)
_POINT = re.compile(r"arn:[^:*?]+:s3:[^:*?]+:\d{12}:accesspoint/[^$]+")
_WIDEST = {4: 8, 6: 32}
_PRIVATE = [IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


class Public(NamedTuple):
    """A statement that makes its policy public, and why, in words."""

    statement: Statement
    reason: str


def public_statements(policy: Policy, *, access_point: bool = False) -> list[Public]:
    """Which statements make this policy public by AWS's definition?

    Parameters
    ----------
    access_point : bool
        Is it an access point's? There, unlike in a bucket's policy, a set of access points named with a wildcard is
        public. (Of an access point whose network origin is a VPC no policy is public: that the caller knows.)

    Returns
    -------
    list of Public
        One per statement, in order; empty where none is, or where the policy cannot be read.
    """
    public = []
    for statement in policy.statements:
        grantees = open_to(statement)
        if statement.effect != "Allow" or statement.fault is not None or grantees is None:
            continue
        loose = [loose_end(test, policy.version == "2012-10-17", access_point) for test in statement.conditions]
        reasons = [reason for reason in loose if reason is not None]
        if len(reasons) == len(loose):
            words = (
                f"and no condition holds it to fixed values: {'; '.join(reasons)}" if loose else "under no condition"
            )
            public.append(Public(statement, f"it allows {grantees}, {words}"))
    return public


def public_status(policy: Policy, *, access_point: bool = False) -> Status:
    """Is this policy public? ``unknown`` where part of it cannot be read and the rest is not."""
    if public_statements(policy, access_point=access_point):
        return YES
    doubtful = any(statement.fault and statement.effect != "Deny" for statement in policy.statements)
    return UNKNOWN if policy.unreadable or doubtful else NO


def open_to(statement: Statement) -> str | None:
    """The grantees of a statement who are no fixed principals, in words; None where all are."""
    if statement.not_principals is not None:
        return "everybody but the principals that it names"
    names = statement.principals or Names(everybody=True)
    if names.everybody:
        return "everybody"
    if names.federated:
        return f"users of {', '.join(sorted(names.federated))}, who are no AWS principals"
    wild = sorted(name for name in names.aws if "*" in name)
    return f"principals by wildcard ({', '.join(wild)})" if wild else None


def loose_end(test: Test, variables: bool, access_point: bool) -> str | None:
    """Why a condition does not hold a grant to fixed values; None where it does, or can never hold."""
    what, key, values = f"{test.key} ({test.operator})", test.lookup, test.values
    if key not in _FIXING:
        return f"{what} is none of the keys that count"
    if test.negated or test.if_exists or test.quantifier == "forallvalues":
        return f"{what} lets through whoever has not that value"
    if not values:
        return None
    if key == "aws:sourceip":
        return wide_range(test, what)
    if test.name not in _EQUALITIES:
        return f"{what} compares with no fixed value"
    if key == "s3:dataaccesspointarn" and not access_point and all(map(_POINT.fullmatch, values)):
        return None
    if any(re.search(r"[*?]", value) or (variables and "${" in value) for value in values):
        return f"{what} has a value with a wildcard or a variable"
    if key == "aws:userid" and any(map(_ROLE_ID.fullmatch, values)):
        return f"{what} names a role's sessions, whose names their callers choose"
    return None


def wide_range(test: Test, what: str) -> str | None:
    """Why address ranges do not hold a grant to somebody; None where they do."""
    if test.name != "ipaddress":
        return f"{what} names no address ranges"
    for value in test.values:
        block = value_as("network", value)
        if block is None:
            return f"{what} names what is no address range"
        private = isinstance(block, IPv4Network) and any(block.subnet_of(known) for known in _PRIVATE)
        if block.prefixlen < _WIDEST[block.version] and not private:
            return f"{what} names {block}, wider than /{_WIDEST[block.version]}"
    return None
