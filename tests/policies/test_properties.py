"""What holds for every policy and request: nothing raises, a deny denies, and what is unknown is never assumed."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ir_kit.domain.logic import ABSENT
from ir_kit.policies.conditions import overlaps, pattern_of
from ir_kit.policies.decisions import Policies, Request, decide
from ir_kit.policies.policy_documents import Policy, Principal, parse_policy
from ir_kit.policies.public_access import public_statements

ROLE, SESSION = "arn:aws:iam::111122223333:role/app", "arn:aws:sts::111122223333:assumed-role/app/s"
ALICE, BOB = "arn:aws:iam::111122223333:user/alice", "arn:aws:sts::111122223333:federated-user/bob"
PRINCIPALS = [
    Principal("anonymous"),
    Principal("root", "arn:aws:iam::111122223333:root"),
    Principal("user", ALICE),
    Principal("role_session", SESSION, ROLE),
    Principal("federated_user", BOB, issuer_arn=ALICE),
    Principal("service", "cloudtrail.amazonaws.com"),
]
KEYS = {
    "aws:SourceIp": ["203.0.113.5", "198.51.100.1"],
    "aws:SourceVpce": ["vpce-1"],
    "aws:PrincipalOrgID": ["o-1", "o-2"],
}

texts = st.text(alphabet="ab*?:/${}", max_size=8)
names = st.one_of(
    st.just("*"),
    st.sampled_from([{"AWS": ALICE}, {"AWS": ["111122223333"]}, {"AWS": [ROLE, "*"]}, {"AWS": SESSION}, {"AWS": ROLE}]),
    st.sampled_from(
        [{"Service": "cloudtrail.amazonaws.com"}, {"CanonicalUser": "79a5"}, {"AWS": [ALICE, "111122223333"]}]
    ),
)
actions = st.sampled_from(["s3:*", "s3:GetObject", "s3:Put*", "*", ["s3:GetObject", "s3:ListBucket"]])
resources = st.sampled_from(
    ["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/a/*", "arn:aws:s3:::b", "arn:aws:s3:::b/${aws:SourceVpce}"]
)
conditions = st.dictionaries(
    st.sampled_from(["StringEquals", "StringNotEquals", "StringLikeIfExists", "ForAllValues:StringEquals", "ForAnyValue:StringLike", "Null"]),
    st.dictionaries(st.sampled_from([*KEYS]), st.sampled_from(["o-1", "vpce-1", "true", "203.0.113.5", "*", "${aws:SourceVpce}"]), max_size=2),
    max_size=2,
)  # fmt: skip


@st.composite
def statements(draw: st.DrawFn, *, of_resource: bool) -> dict[str, Any]:
    made = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])), "Condition": draw(conditions)}
    made[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(actions)
    made[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(resources)
    if of_resource:
        made[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(names)
    return made


def policies(*, of_resource: bool) -> st.SearchStrategy[Policy]:
    listed = st.lists(statements(of_resource=of_resource), min_size=1, max_size=3)
    return listed.map(lambda given: parse_policy({"Version": "2012-10-17", "Statement": given}, "p"))


worlds = st.fixed_dictionaries(
    {
        "identity": st.lists(policies(of_resource=False), max_size=2),
        "boundary": st.none() | policies(of_resource=False),
        "session": st.none() | st.lists(policies(of_resource=False), max_size=1),
        "resource": st.lists(policies(of_resource=True), max_size=2),
    }
)
contexts = st.fixed_dictionaries({}, optional={key: st.sampled_from([*values, ABSENT]) for key, values in KEYS.items()})


@st.composite
def requests(draw: st.DrawFn) -> Request:
    who: Principal = draw(st.sampled_from(PRINCIPALS))
    arn = draw(st.sampled_from(["arn:aws:s3:::b/a/k", "arn:aws:s3:::b/k", "arn:aws:s3:::b/*", "arn:aws:s3:::b"]))
    action = draw(st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket"]))
    return Request(who, action, arn, draw(st.sampled_from(["111122223333", "444455556666", None])), draw(contexts))


few = settings(max_examples=40, deadline=None)
DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}
NEVER = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpce": []}}}


def policy(*given: dict[str, Any]) -> Policy:
    return parse_policy({"Version": "2012-10-17", "Statement": list(given)}, "added")


@given(requests(), worlds)
@few
def test_a_deny_without_a_condition_leaves_nothing_allowed(request: Request, world: dict[str, Any]) -> None:
    world["resource"] = [*world["resource"], policy(DENY | {"Principal": "*"})]
    assert decide(request, Policies(**world)).status == "no"


@given(requests(), worlds, st.sampled_from(["identity", "resource"]))
@few
def test_one_more_deny_turns_nothing_to_yes(request: Request, world: dict[str, Any], where: str) -> None:
    before = decide(request, Policies(**world)).status
    world[where] = [*world[where], policy(DENY | {"Principal": {"AWS": ALICE}})]
    assert (before, decide(request, Policies(**world)).status) in {(one, one) for one in ("yes", "no", "unknown")} | {
        ("yes", "no"),
        ("unknown", "no"),
    }


@given(requests(), worlds, st.sampled_from(["Allow", "Deny"]), st.sampled_from(["identity", "resource"]))
@few
def test_a_statement_that_can_never_hold_changes_nothing(
    request: Request, world: dict[str, Any], effect: str, where: str
) -> None:
    request = replace(request, context={**request.context, "aws:SourceVpce": "vpce-1"})
    before = decide(request, Policies(**world))
    world[where] = [*world[where], policy(NEVER | {"Principal": "*", "Effect": effect})]
    assert decide(request, Policies(**world)) == before


@given(requests(), worlds)
@settings(max_examples=80, deadline=None)
def test_what_is_decided_stays_decided_however_the_unknown_turns_out(request: Request, world: dict[str, Any]) -> None:
    before = decide(request, Policies(**world)).status
    if before == "unknown":
        return
    open_keys = [key for key in KEYS if key not in request.context]
    owners = ["111122223333", "444455556666"] if request.resource_account is None else [request.resource_account]
    arns = [request.resource] if not request.resource.endswith("/*") else ["arn:aws:s3:::b/a/x", "arn:aws:s3:::b/zz"]
    for owner, arn in product(owners, arns):
        for values in product(*[[*KEYS[key], ABSENT] for key in open_keys]):
            known = {**request.context, **dict(zip(open_keys, values, strict=True))}
            settled = replace(request, resource_account=owner, resource=arn, context=known)
            assert decide(settled, Policies(**world)).status == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.just("Allow"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(statements(of_resource=True), st.data())
@few
def test_reading_never_raises_on_a_mutated_policy(statement: dict[str, Any], data: st.DataObject) -> None:
    mutated = {**statement, data.draw(st.sampled_from([*statement, "Sid", "Principal"])): data.draw(json_values)}
    document: Any = {"Version": data.draw(st.just("2012-10-17") | json_values), "Statement": [statement, mutated]}
    if data.draw(st.booleans()):
        document["Statement"] = data.draw(json_values)
    text = json.dumps(document)
    cut = data.draw(st.integers(0, len(text)))
    for given_document in (document, text, text[:cut], text[:cut] + text[cut + 1 :]):
        read = parse_policy(given_document, "p")
        assert read.unreadable is None or read.unreadable
        public_statements(read)
        for request in (Request(one, "s3:GetObject", "arn:aws:s3:::b/*", "111122223333") for one in PRINCIPALS):
            assert decide(request, Policies([read], read, [read], [read])).status


def slow_match(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow_match(pattern[1:], text[skip:]) for skip in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and slow_match(pattern[1:], text[1:])


@given(st.text(alphabet="ab*?", max_size=7), st.text(alphabet="ab", max_size=7))
@settings(deadline=None)
def test_a_glob_covers_what_its_definition_says(pattern: str, text: str) -> None:
    assert (pattern_of("stringlike", pattern).covers(text, {}) == "yes") == slow_match(pattern, text)


@given(st.text(alphabet="ab*?", max_size=6), st.text(alphabet="ab", max_size=4))
@settings(deadline=None)
def test_a_pattern_overlaps_a_folder_where_it_covers_a_text_that_begins_so(pattern: str, prefix: str) -> None:
    words = ("".join(letters) for size in range(7) for letters in product("ab", repeat=size))
    covered = any(slow_match(pattern, prefix + word) for word in words)
    assert overlaps(pattern, prefix) == covered
