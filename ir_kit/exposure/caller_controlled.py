"""What a caller chooses: the parts of a request that whoever makes it may set as they like, and what follows for a
policy.

A condition on such a part keeps nobody out: one that allows can be met, one that denies can be avoided. What is left
are conditions on who, from where and when, which evidence has to settle. Statements that deny each of all possible
values, one by one, are not seen through.

Source: S3 Service Authorization Reference, "Condition keys for Amazon S3"; IAM User Guide, "AWS global condition
context keys".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ir_kit.policies import Policy, Statement, parse_policy
from ir_kit.policies.public_access import public_statements, public_status

_CHOSEN = {"aws:securetransport", "aws:useragent", "aws:referer"}
# of the keys of S3, these are not the caller's to set
_SETTLED = (
    "s3:dataaccesspoint", "s3:existingobjecttag", "s3:resourceaccount", "s3:accesspointtag", "s3:buckettag",
    "s3:accessgrants", "s3:accesspointnetworkorigin", "s3:jobsuspendedcause", "s3:existingjob",
)  # fmt: skip
EVERYTHING = parse_policy(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}, ""
)
"""What another account may allow its own principals: all of it."""


def at_best(policy: Policy) -> Policy:
    """A policy as it bears on a caller who sets every part of the request as suits them.

    An explicit denial on such a part is left out; of a statement that allows, the conditions on them are.
    """

    def statements() -> Iterator[Statement]:
        for statement in policy.statements:
            chosen = [
                test
                for test in statement.conditions
                if test.lookup in _CHOSEN or (test.lookup.startswith("s3:") and not test.lookup.startswith(_SETTLED))
            ]
            if chosen and statement.effect == "Allow":
                rest = tuple(test for test in statement.conditions if test not in chosen)
                yield replace(statement, conditions=rest)
            elif not chosen or any(test.if_exists and "*" in test.values and not test.negated for test in chosen):
                yield statement  # no value, nor leaving it out, avoids such a test

    return replace(policy, statements=tuple(statements()), by_action={})


@dataclass(frozen=True)
class ReadPolicy:
    """A policy of a bucket or an access point, and what of it bears on everybody."""

    policy: Policy
    public: str
    public_names: frozenset[str]

    @cached_property
    def best(self) -> Policy:
        """See `at_best`."""
        return at_best(self.policy)

    @cached_property
    def denials(self) -> Policy | None:
        """What it denies, all else allowed; None where it denies nothing."""
        denied = tuple(statement for statement in self.best.statements if statement.effect != "Allow")
        return replace(self.best, statements=(*EVERYTHING.statements, *denied), by_action={}) if denied else None


def read_policy(document: Any, source: str, *, access_point: bool = False) -> ReadPolicy:
    """Read a policy once, for all that is asked of it."""
    policy = parse_policy(document if document is None or isinstance(document, (str, dict)) else str(document), source)
    public = frozenset(grant.statement.name for grant in public_statements(policy, access_point=access_point))
    return ReadPolicy(policy, public_status(policy, access_point=access_point), public)
