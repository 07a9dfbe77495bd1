"""What do settings of a bucket other than its policy let out: ACLs, replication, inventory, analytics, a website?

An ACL takes effect where object ownership leaves ACLs in force and Block Public Access does not ignore it. A rule of
replication or delivery that is on sends objects, or lists of their names, for whoever owns the destination to read; no
grant names them.

Source: S3 User Guide, "Access control list (ACL) overview", "Controlling ownership of objects and disabling ACLs",
"Replicating objects within and across Regions", "Cataloging and analyzing your data with S3 Inventory".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ir_kit.configuration.change_events import ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY
from ir_kit.configuration.collected_answers import Answer
from ir_kit.domain.documents import JSON, mapping, mappings, value_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.grants import ADMIN, IGNORE_ACLS, LIST, READ, WRITE, BucketContext, Grant

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
DELIVERIES = {  # how each is listed, and what it does
    "inventory": (
        "ListBucketInventoryConfigurations", "InventoryConfigurationList", "the inventory {!r} lists the objects in {}"
    ),
    "analytics": (
        "ListBucketAnalyticsConfigurations", "AnalyticsConfigurationList", "the analysis {!r} is exported to {}"
    ),
}  # fmt: skip
ENFORCED = "BucketOwnerEnforced"


def acl_grants(context: BucketContext) -> list[Grant]:
    """The grants of the bucket's ACL to others than its owner.

    Notes
    -----
    ``GetBucketAcl`` reports the grants that S3 enforces: under ``IgnorePublicAcls`` public ones are left out of its
    answer, so that none is listed does not say that none would come back to life.
    """
    answer, stop = context.answer("GetBucketAcl"), context.stop(IGNORE_ACLS)
    if not isinstance(answer.response.get("Grants"), list):
        grant = context.unread("acl", answer)
        ownership, words = object_ownership(context)
        if ownership == ENFORCED:  # nothing comes of an ACL that is disabled, and nothing public of one that is ignored
            return [grant.stopped("bucket_ownership_controls", words)]
        return [replace(grant.noted(stop.words), open_to_all=NO) if stop.status == YES else grant]
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
    (ownership, words), stop = object_ownership(context), context.stop(IGNORE_ACLS)
    rest = context.grant("object_acl", detail=f"{which}; {words}", effective_status=UNKNOWN)
    if ownership == ENFORCED:
        rest = context.grant(
            "object_acl", detail=f"ACLs are disabled ({words})", blocked_by="bucket_ownership_controls"
        )
    elif stop.status == YES:  # else an object could be public by an ACL of its own, which makes no bucket public
        rest = context.grant("object_acl", detail=f"{which}; public ones are ignored", blocked_by=stop.blocked_by)
    return [*grants, rest]


def object_ownership(context: BucketContext) -> tuple[str | None, str]:
    """How are a bucket's objects owned, None where that is not known, and how is it known?"""
    if context.bucket.is_directory:
        return ENFORCED, "a directory bucket has no ACLs"
    answer = context.answer("GetBucketOwnershipControls")
    if answer.state == "absent":
        return "ObjectWriter", "ACLs are in force, no ownership controls are set"
    rules = mappings(value_of(answer.response.get("OwnershipControls"), "Rules"))
    value = rules[0].get("ObjectOwnership") if len(rules) == 1 else None
    if value in (ENFORCED, "BucketOwnerPreferred", "ObjectWriter"):
        return str(value), f"object ownership is {value}"
    words = (answer.unreadable() if answer.state == "answered" else answer).words
    return None, f"whether ACLs are in force is not known: {words}"


def listed_grants(context: BucketContext, path: str, answer: Answer, whose: str) -> Iterator[Grant]:
    """Each grant of an ACL to others than the owner, as it takes effect."""
    meaning, named = MEANING[path], mapping(answer.response.get("Owner")).get("ID")
    owner = context.bucket.owner or (str(named) if path == "acl" and named else None)
    (ownership, words), stop = object_ownership(context), context.stop(IGNORE_ACLS)
    for entry in answer.response["Grants"]:
        given = mapping(entry).get("Grantee")
        permission = str(entry.get("Permission")) if isinstance(entry, dict) else "?"
        if isinstance(given, dict) and given.get("ID") and not given.get("URI") and given["ID"] == owner:
            continue
        grantee, everybody, foreign = grantee_of(given, context)
        for access in meaning.get(permission, (None,)):
            grant = context.grant(
                path, grantee=grantee, access=access, effective_status=YES, open_to_all=everybody, foreign=foreign,
                statement=permission, detail=f"{permission} for {grantee} in {whose}",
            )  # fmt: skip
            if permission not in meaning:
                grant = grant.doubted("a permission that S3 does not define")
            if ownership == ENFORCED:
                grant = grant.stopped("bucket_ownership_controls", words)
            elif everybody == stop.status == YES:
                grant = grant.stopped(stop.blocked_by, stop.words)
            else:
                if everybody != NO and stop.status != NO:
                    grant = grant.doubted(stop.words or "a group that may be public while public ACLs are ignored")
                    grant = grant.noted("that GetBucketAcl lists the grant speaks for its taking effect")
                grant = grant if ownership else grant.doubted(words)
            yield grant


def grantee_of(given: Any, context: BucketContext) -> tuple[str | None, str, str]:
    """Whom a grant names, whether that is everybody, and whether it is another account."""
    given = mapping(given)
    if given.get("URI"):
        group, everybody = GROUPS.get(str(given["URI"]), (str(given["URI"]), UNKNOWN))
        return group, everybody, UNKNOWN if everybody == UNKNOWN else NO
    if given.get("ID"):
        return str(given["ID"]), NO, context.inventory.is_foreign_owner(str(given["ID"]), context.bucket)
    if given.get("EmailAddress"):
        return str(given["EmailAddress"]), NO, UNKNOWN
    return None, UNKNOWN, UNKNOWN


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
    for path, (operation, part, words) in DELIVERIES.items():
        answer, given = context.answer(operation), list[Grant]()
        for entry in answer.listed(part):
            destination, name = mapping(value_of(entry, "S3BucketDestination")), str(entry.get("Id"))
            said = words.format(name, destination.get("Bucket"))
            if path == "inventory" or destination:
                is_on = entry.get("IsEnabled") if path == "inventory" else True
                given.append(outflow(context, path, LIST, destination, name, said, is_on))
        if answer.state == "answered" and not answer.complete:
            given.append(context.unread(path, answer).noted("the list is not whole"))
        grants += given or [context.no_grant(path, answer)]
    return grants


def website_grants(context: BucketContext, others: Iterable[Grant] = ()) -> list[Grant]:
    """Does a website serve what the other grants let everybody read? Without them, it would serve nothing."""
    answer = context.answer("GetBucketWebsite")
    readable = any_of(grant.public_status for grant in others if grant.access == READ or grant.grantee is None)
    if answer.state != "answered":
        grant = context.no_grant("website", answer)
        return [grant.stopped("no_public_read") if grant.effective_status == UNKNOWN and readable == NO else grant]
    if redirect := mapping(answer.response.get("RedirectAllRequestsTo")):
        words = f"every request is sent on to {redirect.get('HostName')}"
        return [context.grant("website", grantee="*", access=READ, blocked_by="redirect_all_requests", detail=words)]
    index = mapping(answer.response.get("IndexDocument")).get("Suffix")
    grant = context.grant(
        "website", grantee="*", access=READ, effective_status=readable, open_to_all=YES,
        detail=f"a website is configured (index document {index!r})",
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
