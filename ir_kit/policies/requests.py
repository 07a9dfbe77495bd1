"""A request as far as it is known: who, what, on which resource of whose account, and the keys that conditions ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ir_kit.domain.logic import Known, Present
from ir_kit.policies.principals import Principal

Given: TypeAlias = "str | bool | int | float | Sequence[str] | Present | None"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be decided.

    Parameters
    ----------
    principal : Principal
        Who asks.
    action : str
        ``s3:GetObject``; its case does not count.
    resource : str
        The ARN. One that ends in ``/*`` is any below it: ``arn:aws:s3:::b/*`` is an object of ``b``, nobody knows which.
    resource_account : str or None
        Whose the resource is; None where that is not known.
    context : mapping
        Request keys (their case does not count) and their values: a text, several, a number or a boolean; ``ABSENT`` where the key is
        known not to be in the request; ``PRESENT`` where it is and its value is not known. A key that is not given, or None, is not
        known; ``aws:PrincipalTag/*`` stands for all tags that are not given. What follows from the principal and the resource's account
        need not be given, and gives way to what is.
    """

    principal: Principal
    action: str
    resource: str
    resource_account: str | None
    context: Mapping[str, Given] = field(default_factory=dict)
    known: dict[str, Known] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = dict(self.principal.keys())
        if self.resource_account is not None:
            known["aws:resourceaccount"] = known["s3:resourceaccount"] = (self.resource_account,)
        for key, value in self.context.items():
            if value is None:
                known.pop(key.lower(), None)
            else:
                known[key.lower()] = _known(value)
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "action", self.action.lower())


def _known(value: str | bool | int | float | Sequence[str] | Present) -> Known:
    if isinstance(value, Present):
        return value
    if isinstance(value, str):
        return (value,)
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, (int, float)):
        return (str(value),)
    return tuple(str(one) for one in value)
