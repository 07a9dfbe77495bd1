"""What leaves a bucket by its own settings: replication, inventory and analytics to other buckets; and what a website
serves.

A rule that is on sends objects, or lists of their names, for whoever owns the destination to read; no grant names them.

Source: S3 User Guide, "Replicating objects within and across Regions", "Cataloging and analyzing your data with S3
Inventory".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ir_kit.domain.documents import JSON, mapping, value_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.grants import LIST, READ, BucketContext, Grant

DELIVERIES = {  # how each is listed, and what it does
    "inventory": (
        "ListBucketInventoryConfigurations", "InventoryConfigurationList", "the inventory {!r} lists the objects in {}"
    ),
    "analytics": (
        "ListBucketAnalyticsConfigurations", "AnalyticsConfigurationList", "the analysis {!r} is exported to {}"
    ),
}  # fmt: skip


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
