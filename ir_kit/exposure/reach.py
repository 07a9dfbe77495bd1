"""What could a principal do to a bucket: read, write, delete, list, change the policy? By policies, before any log is asked.

A request is taken at its best: whoever holds the credential sets its parts as they like (see `requesters`), and names
whatever object a policy lets them. From where they come, and through which endpoint, evidence does not settle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ir_kit.configuration.inventory import Bucket
from ir_kit.exposure.actors import Actor
from ir_kit.exposure.policy_ways import SAMPLE, WILD, filled_in, widened
from ir_kit.exposure.status import NO, UNKNOWN, YES
from ir_kit.policies import ABSENT, EFFECTS, Decision, Policy, Request, decide

ACTIONS = {
    "read": ("s3:GetObject", "s3:GetObjectVersion"),
    "write": ("s3:PutObject",),
    "delete": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "list": ("s3:ListBucket", "s3:ListBucketVersions"),
    "admin": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
}
ON_OBJECTS = ("read", "write", "delete")
_TIMES = {"aws:currenttime", "aws:epochtime"}
_TAG = "aws:principaltag/"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class Reached(NamedTuple):
    """Whether a principal could, the statement that decides, and why."""

    status: str
    statement: str | None
    reason: str


@dataclass
class Guarded:
    """A bucket with the policies on it: its own (None: not known), its account's, its default key's."""

    bucket: Bucket
    policy: tuple[Policy, ...] | None
    why: str = ""  # the policy is not known
    rcps: tuple[tuple[Policy, ...], ...] | None = None
    key: str | None = None
    key_policy: tuple[Policy, ...] | None = None

    @property
    def policies(self) -> list[Policy]:
        return [*(self.policy or ()), *(one for level in self.rcps or () for one in level)]


@dataclass
class Judge:
    """Decides for one actor after another; `times` are the moments at which a request is tried."""

    times: tuple[datetime, ...]
    _keys: dict[int, set[str]] = field(default_factory=dict)
    _names: dict[tuple[int, str], list[tuple[str, str]]] = field(default_factory=dict)
    _held: list[Policy] = field(default_factory=list)  # so that no id is given twice

    def reach(self, actor: Actor, guarded: Guarded) -> Iterator[tuple[str, Reached]]:
        """What could this actor do to this bucket? One answer per kind of access."""
        contexts = self._contexts(actor, guarded)
        for access, actions in ACTIONS.items():
            best = Reached(NO, None, "")
            for action in self._distinct(actions, actor, guarded):
                for context in contexts:
                    found = self._tried(actor, guarded, action, access in ON_OBJECTS, context)
                    best = found if not best.reason else _better(best, found)
                if best.status == YES:
                    break
            if access == "read" and best.status == YES and guarded.key:
                best = self._decrypted(best, actor, guarded, contexts)
            yield access, best

    def _tried(
        self, actor: Actor, guarded: Guarded, action: str, on_objects: bool, context: Mapping[str, Any]
    ) -> Reached:
        """For the bucket itself; or for all of its objects at once, and where that is not settled for one after another."""
        arn = guarded.bucket.arn
        if not on_objects:
            return self._decide(actor, guarded, action, arn, context)
        patterns = list(dict.fromkeys(self._keys_of(actor, guarded, action.lower())))
        whole: Reached | None = None
        if not patterns or "*" in patterns or guarded.policy is None:
            whole = self._decide(actor, guarded, action, f"{arn}/*", context)
            if whole.status != UNKNOWN or guarded.policy is None:
                return whole
        best = Reached(NO, None, "")
        for pattern in patterns:
            key, told = pattern, True
            if "${" in pattern:
                known = Request(actor.principal, action, arn, guarded.bucket.account, context).known
                key, told = _filled(pattern, known)
            found = self._decide(actor, guarded, action, f"{arn}/{widened(key)}", context)
            for one in filled_in(key) if found.status == UNKNOWN else ():
                found = _better(found, self._decide(actor, guarded, action, f"{arn}/{one}", context))
            if found.status == NO and not told:
                found = whole or self._decide(actor, guarded, action, f"{arn}/*", context)
            if found.status != NO and key != "*":
                found = found._replace(reason=f"{found.reason} (objects such as {key})")
            best = _better(best, found) if best.reason else found
            if best.status == YES:
                break
        return best if best.reason or whole is None else whole

    def _decide(
        self, actor: Actor, guarded: Guarded, action: str, resource: str, context: Mapping[str, Any]
    ) -> Reached:
        said: Decision = decide(
            Request(actor.principal, action, resource, guarded.bucket.account, context),
            identity=actor.identity, boundary=actor.boundary, session=actor.session, resource=guarded.policy,
            scps=actor.scps, rcps=guarded.rcps,
        )  # fmt: skip
        reason = said.reason
        if said.status == UNKNOWN and guarded.policy is None and "policy is not known" in reason:
            reason = f"{reason}: {guarded.why}" if guarded.why else reason
        if said.status == UNKNOWN and actor.notes and "could not be read" in reason:
            reason = actor.notes[0]
        return Reached(said.status, said.statement, reason)

    def _contexts(self, actor: Actor, guarded: Guarded) -> list[dict[str, Any]]:
        """The requests to try: one, or one at each end of the window where a policy speaks of time."""
        named = set().union(*(self._named(policy) for policy in [*actor.policies, *guarded.policies]))
        context = dict(actor.context)
        if guarded.bucket.region:
            context["aws:RequestedRegion"] = guarded.bucket.region
        if actor.tags_known:
            held = {key.lower() for key in context}
            context |= {key: ABSENT for key in named if key.startswith(_TAG) and key not in held}
        if not named & _TIMES:
            return [context]
        return [
            context | {"aws:CurrentTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:EpochTime": int(time.timestamp())}
            for time in self.times
        ]

    def _named(self, policy: Policy) -> set[str]:
        """The request keys that a policy's conditions name, in lower case."""
        found = self._keys.get(id(policy))
        if found is None:
            self._held.append(policy)
            found = {test.lookup for statement in policy.statements for test in statement.conditions}
            self._keys[id(policy)] = found
        return found

    @staticmethod
    def _distinct(actions: tuple[str, ...], actor: Actor, guarded: Guarded) -> Iterator[str]:
        """The actions that some policy tells apart; of others one stands for all."""
        policies = [*actor.policies, *guarded.policies]
        yield actions[0]
        first = actions[0].lower()
        for action in actions[1:]:
            other = action.lower()
            if any(one.on(first, effect) != one.on(other, effect) for one in policies for effect in EFFECTS):
                yield action

    def _keys_of(self, actor: Actor, guarded: Guarded, action: str) -> Iterator[str]:
        """Keys of objects as the statements that allow the action name them, wildcards filled in."""
        for policy in [*actor.policies, *guarded.policies]:
            for name, key in self._resources(policy, action):
                if fnmatchcase(guarded.bucket.name, name):
                    yield key

    def _resources(self, policy: Policy, action: str) -> list[tuple[str, str]]:
        found = self._names.get((id(policy), action))
        if found is None:
            self._held.append(policy)
            found = []
            for statement in policy.on(action, "Allow"):
                for one in statement.resources:
                    name, slash, key = one.rpartition(":::")[2].partition("/")
                    # without a slash it covers all objects, or none
                    found.append((WILD.sub("*", name), key) if slash and ":::" in one else ("*", "*"))
                found += [("*", "*")] if statement.not_resources or not statement.resources else []
            for statement in policy.on(action, "Deny"):
                found += [
                    (WILD.sub("*", name), key)
                    for name, _, key in (one.rpartition(":::")[2].partition("/") for one in statement.not_resources)
                    if key
                ]
            self._names[id(policy), action] = found
        return found

    def _decrypted(self, read: Reached, actor: Actor, guarded: Guarded, contexts: list[dict[str, Any]]) -> Reached:
        """Reading what is encrypted under a customer's key takes the right to use the key, too."""
        key = str(guarded.key)
        if guarded.key_policy is None:
            return read._replace(
                reason=f"{read.reason}; new objects are encrypted with {key}, whose policy is not known"
            )
        account = key.split(":")[4] if key.count(":") > 4 else guarded.bucket.account
        said = [
            decide(
                Request(actor.principal, "kms:Decrypt", key, account, context),
                identity=actor.identity, boundary=actor.boundary, session=actor.session, resource=guarded.key_policy,
                scps=actor.scps,
            )
            for context in contexts
        ]  # fmt: skip
        if any(one.status != NO for one in said):
            return read
        words = f"{read.reason}; but new objects are encrypted with {key}: {said[0].reason}"
        return Reached(UNKNOWN, said[0].statement or read.statement, words)


def _filled(pattern: str, known: Mapping[str, Any]) -> tuple[str, bool]:
    """A pattern with its variables filled in, and whether they are known."""
    told = True

    def fill(variable: re.Match[str]) -> str:
        nonlocal told
        values = known.get(variable[1].partition(",")[0].strip().lower())
        if isinstance(values, tuple) and len(values) == 1:
            return str(values[0])
        told = False
        return SAMPLE

    return _VARIABLE.sub(fill, pattern), told


def _better(one: Reached, other: Reached) -> Reached:
    """The one that lets more through; the first of two alike."""
    rank = {NO: 0, UNKNOWN: 1, YES: 2}
    return other if rank[other.status] > rank[one.status] else one
