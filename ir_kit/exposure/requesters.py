"""What a requester picks: the parts of a request that whoever makes it may set as they like, and what follows for a policy.

A condition on such a part keeps nobody out: one that allows can be met, one that denies can be avoided. What is left
are conditions on who, from where and when, which evidence has to settle.

Notes
-----
Statements that deny each of all possible values, one by one, are not seen through: what they close counts as open.

Source: S3 Service Authorization Reference, "Condition keys for Amazon S3"; IAM User Guide, "AWS global condition context
keys" (which of them the requester provides).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ir_kit.policies import Policy, Statement

_CHOSEN = {"aws:securetransport", "aws:useragent", "aws:referer"}
# of the keys of S3, these are not the requester's to set
_SETTLED = (
    "s3:dataaccesspoint", "s3:existingobjecttag", "s3:resourceaccount", "s3:accesspointtag", "s3:buckettag",
    "s3:accessgrants", "s3:accesspointnetworkorigin", "s3:jobsuspendedcause", "s3:existingjob",
)  # fmt: skip


def is_chosen(key: str) -> bool:
    """May a requester set this key, in lower case, as they like?"""
    return key in _CHOSEN or (key.startswith("s3:") and not key.startswith(_SETTLED))


def at_best(policy: Policy) -> Policy:
    """A policy as it bears on a requester who sets every part of the request as suits them.

    An explicit denial on such a part is left out; of a statement that allows, the conditions on them are.
    """
    return replace(policy, statements=tuple(_kept(policy.statements)), by_action={})


def _kept(statements: Iterable[Statement]) -> Iterable[Statement]:
    for statement in statements:
        chosen = [test for test in statement.conditions if is_chosen(test.lookup)]
        if not chosen:
            yield statement
        elif statement.effect == "Allow":
            rest = tuple(test for test in statement.conditions if test not in chosen)
            yield replace(statement, conditions=rest)
        elif any(_holds_whatever(test) for test in chosen):
            yield statement


def _holds_whatever(test: object) -> bool:
    """No value that a requester could give, nor leaving it out, avoids this test."""
    values: tuple[str, ...] = getattr(test, "values", ())
    return bool(getattr(test, "if_exists", False)) and "*" in values and not getattr(test, "negated", False)


def tags_of(prefix: str, tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Tags as request keys."""
    return {f"{prefix}/{name}".lower(): (value,) for name, value in tags.items()}
