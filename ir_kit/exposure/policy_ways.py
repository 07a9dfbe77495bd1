"""Whom does a bucket's policy let in, as it takes effect?

A grant that conditions hold to fixed values is a way in for those who meet them; it is public only by AWS's definition.
An explicit denial in the same policy stops it where it holds for whoever the grant is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ir_kit.configuration.inventory import Bucket
from ir_kit.exposure.blocks import RESTRICT, Blocks
from ir_kit.exposure.requesters import at_best
from ir_kit.exposure.statements import conditions_in_words, granted, grantees, resources_in_words
from ir_kit.exposure.status import NO, UNKNOWN, YES
from ir_kit.exposure.ways import Place, Way, account_in
from ir_kit.policies import (
    Decision,
    Policy,
    Principal,
    Request,
    Statement,
    anonymous,
    decide,
    parse_policy,
    public_statements,
    public_status,
    role_session,
    root,
    service,
    user,
)

SAMPLE = "any-object"  # an object's key that no policy speaks of
# what another account may allow its own principals: all of it
EVERYTHING = parse_policy(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}, ""
)
_DELETED = re.compile(r"(AIDA|AROA|AGPA|ANPA)[A-Z0-9]{8,}")  # S3 shows the id of a principal that is no longer there
WILD = re.compile(r"\$\{[^}]*\}|[*?]")


@dataclass(frozen=True)
class Target:
    """What a policy is attached to: a bucket, or an access point; `arn` is what its objects' ARNs begin with."""

    path: str
    arn: str
    objects: str  # "/" for a bucket, "/object/" for an access point
    words: str


@dataclass(frozen=True)
class Read:
    """A policy, and what of it bears on everybody: whether it is public, what it denies."""

    policy: Policy
    public: str
    public_names: frozenset[str]
    denials: Policy

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.policy.statements


def read_policy(document: object, source: str, *, access_point: bool = False) -> Read:
    """Read a policy once, for all that is asked of it."""
    policy = parse_policy(document if document is None or isinstance(document, (str, dict)) else str(document), source)
    best = at_best(policy)
    denials = tuple(one for one in best.statements if one.effect != "Allow")
    return Read(
        policy,
        public_status(policy, access_point=access_point),
        frozenset(one.statement.name for one in public_statements(policy, access_point=access_point)),
        replace(best, statements=(*EVERYTHING.statements, *denials), by_action={}),
    )


def bucket_policy(place: Place) -> Read | None:
    """The bucket's policy; None where there is none, or none that was answered."""
    answer = place.ask("GetBucketPolicy")
    if answer.state != "answered":
        return None
    return read_policy(answer.response.get("Policy"), f"bucket policy of {place.bucket.name}")


def policy_ways(place: Place, read: Read | None) -> list[Way]:
    """The grants of the bucket's policy; S3's own word on whether it is public counts where the policy cannot tell."""
    answer, status = place.ask("GetBucketPolicy"), place.ask("GetBucketPolicyStatus")
    said = (status.part("PolicyStatus", dict) or {}).get("IsPublic")
    if answer.state == "absent":
        return [place.silent("policy", answer)]
    if read is None:
        return [_by_status(way, said, place.blocks) for way in [place.silent("policy", answer)]]
    target = Target("policy", place.bucket.arn, "/", "the bucket's policy")
    ways = statement_ways(place, read, target, place.blocks)
    if read.public == YES:
        note = "GetBucketPolicyStatus says that the policy is not public" if said is False else ""
        return [way.noted(note) if way.open_to_all == YES else way for way in ways]
    if read.public == UNKNOWN or said is True:
        ways = [_by_status(way, said, place.blocks) if way.open_to_all == UNKNOWN else way for way in ways]
    if said is True and not any(way.open_to_all == YES for way in ways):
        ways.append(_by_status(_dark(place, target, "no statement of it was found to be public"), said, place.blocks))
    return ways


def _by_status(way: Way, said: object, blocks: Blocks) -> Way:
    """A way of which the policy does not tell whether it is public, by ``GetBucketPolicyStatus``."""
    stop = blocks.stop(RESTRICT)
    if said is False:
        return replace(way.noted("GetBucketPolicyStatus: the policy is not public"), open_to_all=NO)
    if said is True:
        found = replace(way.noted("GetBucketPolicyStatus: the policy is public"), open_to_all=YES, grantee="*")
        if stop.status == YES:
            return found.stopped(stop.blocked_by, stop.words)
        return replace(found, effective_status=YES) if stop.status == NO else found.doubted(stop.words)
    if stop.status == YES:
        # whether it is public or not: RestrictPublicBuckets lets nobody in by a public one
        return replace(way.noted(f"{stop.words} ({stop.blocked_by})"), open_to_all=NO)
    return way


def statement_ways(place: Place, read: Read, target: Target, blocks: Blocks) -> list[Way]:
    """The grants of a policy, statement by statement, under these Block Public Access settings."""
    if read.policy.unreadable:
        words = f"{target.words} cannot be read: {read.policy.unreadable}"
        return [_dark(place, target, words)]
    found: list[Way] = []
    for statement in read.statements:
        if statement.fault is not None:
            if statement.effect != "Deny":
                words = f"statement {statement.sid or statement.ordinal} cannot be read: {statement.fault}"
                found.append(_dark(place, target, words))
        elif statement.effect == "Allow":
            found += [
                _restricted(_denied(way, given, statement, read, place, target), read, blocks, place.bucket)
                for way, given in _allowed(place, statement, read, target)
            ]
    return found or [place.way(target.path, detail=f"{target.words} allows nothing")]


def _dark(place: Place, target: Target, words: str) -> Way:
    return place.way(target.path, effective_status=UNKNOWN, open_to_all=UNKNOWN, foreign=UNKNOWN, detail=words)


def _allowed(
    place: Place, statement: Statement, read: Read, target: Target
) -> Iterator[tuple[Way, list[tuple[str, str]]]]:
    name = statement.sid or f"statement {statement.ordinal}"
    public = statement.name in read.public_names
    given = list(granted(statement, target.arn, f"{target.arn}{target.objects}*"))
    for grantee, foreign in grantees(statement, place.bucket, place.holdings):
        for one in given:
            everybody = grantee == "*" or (public and foreign == UNKNOWN)
            words = f"{name} of {target.words}: {one.words}"
            said = " ".join(
                filter(None, (words, f"on {resources_in_words(statement)}", conditions_in_words(statement)))
            )
            way = place.way(
                target.path, grantee=grantee, access=one.access, effective_status=YES, statement=name, detail=said,
                open_to_all=(YES if public else NO) if everybody else NO,
                foreign=NO if everybody and public else foreign,
            )  # fmt: skip
            if _DELETED.fullmatch(grantee):
                way = way.stopped("principal_deleted", "the user or role of that id is no longer there")
            yield way, one.given
        if not given:
            words = f"{name} of {target.words} grants no action of S3 on a resource of it"
            yield place.way(target.path, grantee=grantee, detail=words, blocked_by="resource"), []


def widened(pattern: str) -> str:
    """The folder of objects in which all that a pattern covers lies, or the one object that it names."""
    found = WILD.search(pattern)
    return f"{pattern[: found.start()].rpartition('/')[0]}/*".lstrip("/") if found else pattern


def filled_in(pattern: str) -> list[str]:
    """Keys that a pattern covers: with a name in place of each wildcard, and the shortest."""
    named, shortest = (
        WILD.sub(lambda wild, text=text: "0" if wild[0] == "?" else text, pattern)  # type: ignore[misc]
        for text in (SAMPLE, "")
    )
    return list(dict.fromkeys(key for key in (named, shortest) if key and not key.endswith("/")))


def _patterns(statement: Statement, target: Target) -> list[str]:
    """The keys of objects that a statement names, as patterns."""
    base = f"{target.arn}{target.objects}"
    keys = [one.split(target.objects, 1)[1] for one in statement.resources if target.objects in one]
    if len(keys) < len(statement.resources) or statement.not_resources or not keys:
        keys.append("*")
    covered = statement.on_resources
    return [key for key in dict.fromkeys(keys) if covered is None or covered.covers(f"{base}{widened(key)}", {}) != NO]


def _denied(
    way: Way, given: list[tuple[str, str]], statement: Statement, read: Read, place: Place, target: Target
) -> Way:
    """The way, stopped where an explicit denial holds for whoever meets the grant's own conditions.

    It is stopped only where every action on all that is granted is denied for sure; one that is not keeps it open.
    """
    if way.effective_status != YES or len(read.denials.statements) == 1 or not given:
        return way
    context, principal = _favourable(statement), principal_of(str(way.grantee))

    def asked(action: str, resource: str) -> Decision:
        request = Request(principal, action, resource, place.bucket.account, context)
        return decide(request, identity=[EVERYTHING], resource=[read.denials])

    base, doubt, stopped = f"{target.arn}{target.objects}", "", ""
    patterns = _patterns(statement, target)
    for action, resource in given:
        for pattern in [None] if resource == target.arn else patterns:
            whole = asked(action, target.arn if pattern is None else base + widened(pattern))
            concrete = filled_in(pattern) if pattern is not None and whole.status == "unknown" else []
            if whole.status == "yes" or any(asked(action, base + one).status == "yes" for one in concrete):
                return way
            stopped, doubt = (whole.reason, doubt) if whole.status == "no" else (stopped, doubt or whole.reason)
    return way.doubted(doubt) if doubt else way.stopped("policy_deny", stopped)


def _favourable(statement: Statement) -> dict[str, tuple[str, ...]]:
    """The request of somebody who meets a grant's conditions, as far as they name fixed values."""
    found: dict[str, tuple[str, ...]] = {}
    for test in statement.conditions:
        literal = [value for value in test.values if not WILD.search(value)]
        if test.negated or not literal or test.name == "null":
            continue
        if test.name in ("stringequals", "stringequalsignorecase", "stringlike", "arnlike", "bool"):
            found[test.lookup] = (literal[0],)
        elif test.name == "ipaddress":
            found[test.lookup] = (literal[0].partition("/")[0],)
    return found


def principal_of(grantee: str) -> Principal:
    """Somebody whom a statement names so."""
    account = account_in(grantee)
    if grantee == "*":
        return anonymous()
    if grantee == account:
        return root(account)
    if account and ":role/" in grantee:
        name = grantee.rpartition("/")[2]
        return role_session(f"arn:{grantee.split(':')[1]}:sts::{account}:assumed-role/{name}/{SAMPLE}", grantee)
    if account and ":user/" in grantee:
        return user(grantee)
    if account and grantee.startswith("arn:") and ":sts:" in grantee:
        return role_session(grantee)
    if grantee.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return service(grantee)
    return Principal("root", None, None, canonical_id=grantee)


def _restricted(way: Way, read: Read, blocks: Blocks, bucket: Bucket) -> Way:
    """The way under ``RestrictPublicBuckets``: where the policy is public, it leaves services and the own account alone."""
    own = way.grantee != "*" and way.foreign == NO
    if way.effective_status == NO or own or read.public == NO:
        return way
    held = way.grantee == "*" and way.open_to_all == NO and way.foreign == NO
    stop = blocks.stop(RESTRICT)
    if stop.status == NO or held:
        return way
    if stop.status == YES and read.public == YES and YES in (way.open_to_all, way.foreign):
        words = "the policy is public, and RestrictPublicBuckets leaves services and the own account alone"
        return way.stopped(stop.blocked_by, words)
    if stop.status == YES and read.public == YES:
        return way.stopped(stop.blocked_by, "the policy is public, and RestrictPublicBuckets is on")
    if stop.status == YES:
        return way.doubted("RestrictPublicBuckets is on, and whether the policy is public is not known")
    return way.doubted(stop.words)
