"""A grant: who may do what to a bucket by which setting, whether that takes effect, and what stops it.

With what bears on all grants of a bucket alike: its policy, as it is for a caller who sets the request at will, and
Block Public Access, the most restrictive of organization, account, bucket and access point. Two of its four settings
stop only what is set later; ``IgnorePublicAcls`` neutralises every public ACL, ``RestrictPublicBuckets`` every use of a
bucket whose policy is public, but by services and by its own account. And the grants by settings other than policies:
ACLs, a website, and rules of replication and delivery, which send objects or lists of their names for whoever owns the
destination to read; no grant names them.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage", "Access control list (ACL) overview",
"Controlling ownership of objects and disabling ACLs", "Replicating objects within and across Regions", "Cataloging and
analyzing your data with S3 Inventory"; Organizations User Guide, "Amazon S3 policy syntax and examples"; S3 Service
Authorization Reference, "Condition keys for Amazon S3"; IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote

from ir_kit.configuration.bucket_inventory import Bucket, BucketInventory
from ir_kit.configuration.change_events import ALL_USERS, AUTHENTICATED_USERS, FLAGS, LOG_DELIVERY
from ir_kit.configuration.collected_answers import Answer, Configuration
from ir_kit.domain.documents import JSON, mapping, mappings, parsed, value_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, all_of, any_of
from ir_kit.policies.policy_documents import Policy, Statement, parse_policy

READ, WRITE, LIST, ADMIN = "read", "write", "list", "admin"
IGNORE_ACLS, RESTRICT = "IgnorePublicAcls", "RestrictPublicBuckets"
NEVER_PUBLIC = ("access_grant", "replication", "inventory", "analytics")
SELDOM_SET = ("access_grant", "analytics")  # that nobody asked whether there are any leaves no verdict open
CHOSEN = {"aws:securetransport", "aws:useragent", "aws:referer"}
# of the keys of S3, these are not the caller's to set
SETTLED = (
    "s3:dataaccesspoint", "s3:existingobjecttag", "s3:resourceaccount", "s3:accesspointtag", "s3:buckettag",
    "s3:accessgrants", "s3:accesspointnetworkorigin", "s3:jobsuspendedcause", "s3:existingjob",
)  # fmt: skip
GROUPS = {
    ALL_USERS: ("AllUsers", YES), AUTHENTICATED_USERS: ("AuthenticatedUsers", YES), LOG_DELIVERY: ("LogDelivery", NO)
}  # fmt: skip
# what a permission lets its holder do; reading an ACL discloses who has access, and neither names nor objects
MEANING: dict[str, dict[str, tuple[str | None, ...]]] = {
    "acl": {
        "READ": (LIST,), "WRITE": (WRITE,), "READ_ACP": (None,), "WRITE_ACP": (ADMIN,),
        "FULL_CONTROL": (LIST, WRITE, ADMIN),
    },
    "object_acl": {"READ": (READ,), "READ_ACP": (None,), "WRITE_ACP": (ADMIN,), "FULL_CONTROL": (READ, ADMIN)},
}  # fmt: skip
DELIVERIES = {
    "Inventory": "the inventory {!r} lists the objects in {}", "Analytics": "the analysis {!r} is exported to {}"
}  # fmt: skip


@dataclass(frozen=True)
class Grant:
    """One row of ``bucket_exposure/grants``.

    `open_to_all` and `foreign` say whom it is meant for, everybody or another account, whether it takes effect or not;
    `public_status` and `cross_account_status` whether it lets them in.
    """

    bucket: str
    path: str
    grantee: str | None = None
    access: str | None = None
    effective_status: str = NO
    blocked_by: str | None = None
    detail: str = ""
    statement: str | None = None
    open_to_all: str = NO
    foreign: str = NO

    @property
    def public_status(self) -> str:
        return all_of((self.effective_status, self.open_to_all))

    @property
    def cross_account_status(self) -> str:
        return all_of((self.effective_status, self.foreign))

    def noted(self, words: str) -> Grant:
        """This grant, with one thing more to say of it."""
        return replace(self, detail="; ".join(dict.fromkeys(part for part in (self.detail, words) if part)))

    def stopped(self, blocked_by: str | None, words: str = "") -> Grant:
        """This grant, stopped by a setting."""
        return replace(self.noted(words), effective_status=NO, blocked_by=blocked_by)

    def doubted(self, words: str) -> Grant:
        """This grant, with something that keeps its effect from being known; what is stopped for sure stays so."""
        return replace(self.noted(words), effective_status=NO if self.effective_status == NO else UNKNOWN)

    def under(self, stop: Stop) -> Grant:
        """This grant under a setting of Block Public Access."""
        if stop.status == YES:
            return self.stopped(stop.blocked_by, stop.words)
        return self.doubted(stop.words) if stop.status == UNKNOWN else self

    def not_public(self, words: str) -> Grant:
        """This grant, known to be meant for less than everybody."""
        return replace(self.noted(words), open_to_all=NO)

    def row(self) -> dict[str, Any]:
        """As a row of the table."""
        statuses = {"public_status": self.public_status, "cross_account_status": self.cross_account_status}
        return asdict(self) | statuses


class Level(NamedTuple):
    """Block Public Access at one level: its settings, None where not known, and how they are known."""

    name: str
    flags: Mapping[str, bool | None]
    words: str


class Stop(NamedTuple):
    """Does a setting hold: `status`, by which levels, and what is not known of it?"""

    status: str
    blocked_by: str | None = None
    words: str = ""


@dataclass(frozen=True)
class BucketContext:
    """A bucket with all that bears on its grants: what configuration says, and whose accounts and buckets are whose."""

    bucket: Bucket
    configuration: Configuration
    inventory: BucketInventory

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The Block Public Access that bears on it."""
        own = Level("bucket", dict.fromkeys(FLAGS, True), "a directory bucket blocks all public access")
        if not self.bucket.is_directory:
            own = level_of("bucket", self.answer("GetPublicAccessBlock"))
        return (*account_levels(self.configuration, self.bucket.account), own)

    @cached_property
    def policy(self) -> Policy | None:
        """The bucket's policy; None where there is none, or none that was answered."""
        answer = self.answer("GetBucketPolicy")
        policy = read_document(answer.response.get("Policy"), f"bucket policy of {self.bucket.name}")
        return policy if answer.state == "answered" else None

    def answer(self, operation: str) -> Answer:
        """What this call answered of the bucket."""
        return self.configuration.answer("s3", operation, Bucket=self.bucket.name)

    def levels_at_point(self, answer: Answer, block: Any, account: str | None) -> list[Level]:
        """The Block Public Access that bears on an access point of an account to it: its own as the answer has it, too."""
        others = account_levels(self.configuration, account) if account not in (None, self.bucket.account) else []
        return [*self.levels, level_of("access_point", answer, block), *others]

    def stop(self, flag: str, levels: Sequence[Level] = ()) -> Stop:
        """Is this setting of Block Public Access on at any level, of the bucket's or of these?"""
        on = [f"{level.name}_block_public_access" for level in levels or self.levels if level.flags[flag]]
        if on:
            return Stop(YES, ", ".join(on), f"{flag} is on")
        unknown = [level.words for level in levels or self.levels if level.flags[flag] is None]
        return Stop(UNKNOWN, None, "; ".join(unknown)) if unknown else Stop(NO)

    def grant(self, path: str, **more: Any) -> Grant:
        """A grant on this bucket."""
        return Grant(self.bucket.name, path, **more)

    def no_grant(self, path: str, answer: Answer) -> Grant:
        """The row where there is no setting to speak of: nothing is configured (``no``), or that is not known."""
        if answer.known:
            answered = f"nothing is configured ({answer.operation})"
            return self.grant(path, detail=answered if answer.state == "answered" else answer.words)
        everybody = NO if path in NEVER_PUBLIC else UNKNOWN
        foreign = NO if path in SELDOM_SET and answer.state == "not_asked" else UNKNOWN
        return self.grant(path, effective_status=UNKNOWN, detail=answer.words, open_to_all=everybody, foreign=foreign)

    def unread(self, path: str, answer: Answer) -> Grant:
        """The row where nothing can be read from an answer, were it given or not."""
        return self.no_grant(path, answer if answer.state != "answered" else answer.unreadable())


def level_of(name: str, answer: Answer, flags: Any = None) -> Level:
    """A level by what was answered of it; a setting that is no yes or no is not known."""
    given = flags or answer.response.get("PublicAccessBlockConfiguration")
    values = dict.fromkeys(FLAGS, False if answer.state == "absent" else None)
    if isinstance(given, Mapping) and any(flag in given for flag in FLAGS):
        values = {flag: {"true": True, "false": False}.get(str(given.get(flag, False)).lower()) for flag in FLAGS}
    said = answer.unreadable() if answer.state == "answered" and None in values.values() else answer
    return Level(name, values, f"{name.replace('_', ' ')} Block Public Access: {said.words}")


def account_levels(configuration: Configuration, account: str | None) -> list[Level]:
    """What is set for an account, and for its organization where that was asked?

    Notes
    -----
    The account's own answer is the effective one, the organization's policy included. An organization's policy that
    says ``none`` takes nothing away from what the account answers.
    """
    if account is None:
        words = "the bucket's account is not known, nor its Block Public Access"
        return [Level("account", dict.fromkeys(FLAGS), words)]
    answer = configuration.answer("s3control", "GetPublicAccessBlock", AccountId=account)
    if answer.state == "not_asked":
        answer = configuration.answer("s3control", "GetPublicAccessBlock", account)
    levels = [level_of("account", answer)]
    for call, effective in configuration.every("organizations", "DescribeEffectivePolicy"):
        content = parsed(value_of(effective.response, "PolicyContent"))
        blocked = value_of(value_of(content, "s3_attributes"), "public_access_block_configuration")
        blocks_all = "all" in (blocked.values() if isinstance(blocked, dict) else [blocked])
        target = str(call.parameters.get("TargetId") or call.account)
        if target == account and call.parameters.get("PolicyType") == "S3_POLICY" and blocks_all:
            words = "the organization's S3 policy blocks all"
            return [Level("organization", dict.fromkeys(FLAGS, True), words), *levels]
    return levels


def read_document(document: Any, source: str) -> Policy:
    """A policy as an answer holds it, URL-encoded or not; what is of no known shape cannot be read."""
    if isinstance(document, str) and document.lstrip()[:1] == "%":
        document = unquote(document)
    return parse_policy(document if document is None or isinstance(document, str | dict) else str(document), source)


def at_best(policy: Policy) -> Policy:
    """A policy as it bears on a caller who sets every part of the request that is theirs to set as suits them.

    A condition on such a part keeps nobody out: one that allows can be met, one that denies can be avoided. What is
    left are conditions on who, from where and when, which evidence has to settle. Statements that deny each of all
    possible values, one by one, are not seen through.
    """

    def statements() -> Iterator[Statement]:
        for statement in policy.statements:
            chosen = [
                test
                for test in statement.conditions
                if test.lookup in CHOSEN or (test.lookup.startswith("s3:") and not test.lookup.startswith(SETTLED))
            ]
            if chosen and statement.effect == "Allow":
                yield replace(statement, conditions=tuple(test for test in statement.conditions if test not in chosen))
            elif not chosen or any(test.if_exists and "*" in test.values and not test.negated for test in chosen):
                yield statement  # no value, nor leaving it out, avoids such a test

    return replace(policy, statements=tuple(statements()), by_action={})


def account_in(arn: Any) -> str | None:
    """The account that an ARN names, or the account that this is."""
    named = re.fullmatch(r"(?:[^:]*:){4}(\d{12}):.*|(\d{12})", str(arn), re.DOTALL | re.ASCII)
    return named[1] or named[2] if named else None


def acl_grants(context: BucketContext) -> list[Grant]:
    """The grants of the bucket's ACL to others than its owner, and those of its objects' ACLs.

    Notes
    -----
    ``GetBucketAcl`` reports the grants that S3 enforces: under ``IgnorePublicAcls`` public ones are left out of its
    answer, so that none is listed does not say that none would come back to life.
    """
    return bucket_acl_grants(context) + object_acl_grants(context)


def bucket_acl_grants(context: BucketContext) -> list[Grant]:
    """The grants of the bucket's ACL, or that there are none, or that they are not known."""
    answer, stop = context.answer("GetBucketAcl"), context.stop(IGNORE_ACLS)
    if not isinstance(answer.response.get("Grants"), list):
        grant, disabled = context.unread("acl", answer), acls_disabled(context)
        if (
            disabled.status == YES
        ):  # nothing comes of an ACL that is disabled, and nothing public of one that is ignored
            return [grant.under(disabled)]
        return [grant.not_public(stop.words) if stop.status == YES else grant]
    note = "the ACL grants nothing to others than the owner (GetBucketAcl)"
    if stop.status == YES:
        note += "; IgnorePublicAcls is on, under which the answer leaves public grants out"
    return list(listed_grants(context, "acl", answer, "the bucket's ACL")) or [context.grant("acl", detail=note)]


def object_acl_grants(context: BucketContext) -> list[Grant]:
    """The grants of those objects' ACLs that were collected, and what is not known of all others."""
    grants, which = list[Grant](), "object ACLs were not asked (GetObjectAcl)"
    for call, answer in context.configuration.every("s3", "GetObjectAcl"):
        if call.parameters.get("Bucket") == context.bucket.name:
            which, key = "the ACLs of other objects were not asked", str(call.parameters.get("Key"))
            if isinstance(answer.response.get("Grants"), list):
                grants += listed_grants(context, "object_acl", answer, f"the ACL of the object {key!r}")
            elif answer.state != "gone":  # with its bucket
                grants.append(context.unread("object_acl", answer).noted(f"of the object {key!r}"))
    disabled, stop = acls_disabled(context), context.stop(IGNORE_ACLS)
    rest = {"detail": f"{which}; {disabled.words}", "effective_status": UNKNOWN}  # which makes no bucket public
    if disabled.status == YES:
        rest = {"detail": f"ACLs are disabled ({disabled.words})", "blocked_by": str(disabled.blocked_by)}
    elif stop.status == YES:
        rest = {"detail": f"{which}; public ones are ignored", "blocked_by": str(stop.blocked_by)}
    return [*grants, context.grant("object_acl", **rest)]


def acls_disabled(context: BucketContext) -> Stop:
    """Are ACLs disabled by how a bucket's objects are owned, and how is it known?"""
    if context.bucket.is_directory:
        return Stop(YES, "bucket_ownership_controls", "a directory bucket has no ACLs")
    answer = context.answer("GetBucketOwnershipControls")
    if answer.state == "absent":
        return Stop(NO, None, "ACLs are in force, no ownership controls are set")
    rules = mappings(value_of(answer.response.get("OwnershipControls"), "Rules"))
    value = rules[0].get("ObjectOwnership") if len(rules) == 1 else None
    if value == "BucketOwnerEnforced":
        return Stop(YES, "bucket_ownership_controls", f"object ownership is {value}")
    if value in ("BucketOwnerPreferred", "ObjectWriter"):
        return Stop(NO, None, f"object ownership is {value}")
    words = (answer.unreadable() if answer.state == "answered" else answer).words
    return Stop(UNKNOWN, None, f"whether ACLs are in force is not known: {words}")


def listed_grants(context: BucketContext, path: str, answer: Answer, whose: str) -> Iterator[Grant]:
    """Each grant of an ACL to others than the owner, as it takes effect."""
    meaning, named = MEANING[path], mapping(answer.response.get("Owner")).get("ID")
    owner = context.bucket.owner or (str(named) if path == "acl" and named else None)
    disabled, stop = acls_disabled(context), context.stop(IGNORE_ACLS)
    for entry in map(mapping, answer.response["Grants"]):
        given, permission = mapping(entry.get("Grantee")), str(entry.get("Permission", "?"))
        if given.get("ID") and not given.get("URI") and given["ID"] == owner:
            continue
        grantee, everybody, foreign = grantee_of(given, context)
        for access in meaning.get(permission, (None,)):
            grant = context.grant(
                path, grantee=grantee, access=access, effective_status=YES, open_to_all=everybody, foreign=foreign,
                statement=permission, detail=f"{permission} for {grantee} in {whose}",
            )  # fmt: skip
            if permission not in meaning:
                grant = grant.doubted("a permission that S3 does not define")
            if disabled.status != YES and everybody == stop.status == YES:
                yield grant.under(stop)
                continue
            if disabled.status != YES and everybody != NO and stop.status != NO:
                grant = grant.doubted(stop.words or "a group that may be public while public ACLs are ignored")
                grant = grant.noted("that GetBucketAcl lists the grant speaks for its taking effect")
            yield grant.under(disabled)


def grantee_of(given: JSON, context: BucketContext) -> tuple[str | None, str, str]:
    """Whom a grant names, whether that is everybody, and whether it is another account."""
    if given.get("URI"):
        group, everybody = GROUPS.get(str(given["URI"]), (str(given["URI"]), UNKNOWN))
        return group, everybody, UNKNOWN if everybody == UNKNOWN else NO
    if given.get("ID"):
        return str(given["ID"]), NO, context.inventory.is_foreign_owner(str(given["ID"]), context.bucket)
    if given.get("EmailAddress"):
        return str(given["EmailAddress"]), NO, UNKNOWN
    return None, UNKNOWN, UNKNOWN


def outflow_grants(context: BucketContext, others: list[Grant]) -> list[Grant]:
    """What a website serves of what the other grants let everybody read, and what flows out by rules."""
    return [*website_grants(context, others), *replication_grants(context), *delivery_grants(context)]


def replication_grants(context: BucketContext) -> list[Grant]:
    """Where objects are copied to, rule by rule."""
    answer, grants = context.answer("GetBucketReplication"), list[Grant]()
    if answer.state != "answered":
        return [context.no_grant("replication", answer)]
    rules = mapping(answer.response.get("ReplicationConfiguration")).get("Rules")
    if not isinstance(rules, list):
        return [context.unread("replication", answer)]
    for number, rule in enumerate(rules, 1):
        if not isinstance(rule, dict) or not isinstance(rule.get("Destination"), dict):
            grants.append(context.unread("replication", answer).noted(f"rule {number}"))
            continue
        destination, name, given = rule["Destination"], str(rule.get("ID") or number), mapping(rule.get("Filter"))
        both = mapping(given.get("And")) or given
        prefix = rule.get("Prefix") or both.get("Prefix")
        objects = f"objects below {prefix!r}" if prefix else "all objects"
        objects += " with certain tags" if any(both.get(tag) not in (None, []) for tag in ("Tag", "Tags")) else ""
        owner = ", which becomes their owner" if destination.get("AccessControlTranslation") else ""
        words = f"replication rule {name!r} copies {objects} to {destination.get('Bucket')}{owner}"
        status = {"Enabled": True, "Disabled": False}.get(str(rule.get("Status")))
        grants.append(outflow(context, "replication", READ, destination, name, words, status))
    return grants or [context.grant("replication", detail="the replication configuration has no rule")]


def delivery_grants(context: BucketContext) -> list[Grant]:
    """Where lists of the objects' names are delivered, and analyses of their storage classes (numbers by prefix)."""
    grants: list[Grant] = []
    for kind, words in DELIVERIES.items():
        path, answer, given = kind.lower(), context.answer(f"ListBucket{kind}Configurations"), list[Grant]()
        for entry in answer.listed(f"{kind}ConfigurationList"):
            destination, name = mapping(value_of(entry, "S3BucketDestination")), str(entry.get("Id"))
            said = words.format(name, destination.get("Bucket"))
            if path == "inventory" or destination:
                is_on = entry.get("IsEnabled") if path == "inventory" else True
                given.append(outflow(context, path, LIST, destination, name, said, is_on))
        if answer.state == "answered" and not answer.complete:
            given.append(context.unread(path, answer).noted("the list is not whole"))
        grants += given or [context.no_grant(path, answer)]
    return grants


def website_grants(context: BucketContext, others: list[Grant]) -> list[Grant]:
    """Does a website serve what the other grants let everybody read?"""
    answer = context.answer("GetBucketWebsite")
    readable = any_of(grant.public_status for grant in others if grant.access == READ or grant.grantee is None)
    if answer.state != "answered":
        grant = context.no_grant("website", answer)
        return [grant.stopped("no_public_read") if grant.effective_status == UNKNOWN and readable == NO else grant]
    if redirect := mapping(answer.response.get("RedirectAllRequestsTo")):
        words = f"every request is sent on to {redirect.get('HostName')}"
        return [context.grant("website", grantee="*", access=READ, blocked_by="redirect_all_requests", detail=words)]
    index = mapping(answer.response.get("IndexDocument")).get("Suffix")
    words = f"a website is configured (index document {index!r})"
    grant = context.grant(
        "website", grantee="*", access=READ, effective_status=readable, open_to_all=YES, detail=words
    )  # fmt: skip
    if readable == NO:
        return [grant.stopped("no_public_read", "it serves nothing that is not public by policy or ACL")]
    return [grant.noted("it serves what policy or ACL make public")]


def outflow(
    context: BucketContext, path: str, access: str, destination: JSON, statement: str, words: str, is_on: Any
) -> Grant:
    """What is sent to a destination, and whether that is another account's; nobody knows if `is_on` is no boolean."""
    arn, inventory, own = destination.get("Bucket"), context.inventory, context.bucket.account
    named = (destination.get(name) for name in ("Account", "AccountId", "BucketAccountId"))
    account = next((str(value) for value in named if value), None)
    target = arn if isinstance(arn, str) and arn and not arn.startswith("arn:") else None
    if isinstance(arn, str) and ":::" in arn:
        target = arn.split(":::", 1)[1].partition("/")[0]
    foreign = UNKNOWN if target is None else inventory.is_foreign_bucket(target, account, own)
    if account and own and account != own:
        foreign = YES
    owner = account or (inventory.account_of_bucket(target) if target else None)
    whose = {YES: "of another account", NO: "of the same account", UNKNOWN: "whose account is not known"}[foreign]
    grant = context.grant(
        path, grantee=":".join(part for part in (owner, target) if part) or None, access=access, effective_status=YES,
        statement=statement, foreign=foreign, detail=f"{words}, {whose}",
    )  # fmt: skip
    if is_on is False:
        return grant.stopped("rule_disabled")
    return grant if is_on is True else grant.doubted("whether it is on cannot be read")
