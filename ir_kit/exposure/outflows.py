"""What leaves a bucket by its own settings: replication, inventory and analytics to other buckets; and what a website
serves.

A rule that is on sends objects, or lists of their names, for whoever owns the destination to read; no grant names them.

Source: S3 User Guide, "Replicating objects within and across Regions", "Cataloging and analyzing your data with S3
Inventory".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ir_kit.configuration.answers import Answer
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.grants import LIST, READ, BucketContext, Grant

ACCOUNT_NAMES = ("Account", "AccountId", "BucketAccountId")


def replication_grants(context: BucketContext) -> list[Grant]:
    """Where objects are copied to, rule by rule."""
    answer = context.answer("GetBucketReplication")
    if answer.state != "answered":
        return [context.no_grant("replication", answer)]
    rules = _nested(answer.response, "ReplicationConfiguration").get("Rules")
    if not isinstance(rules, list):
        return [context.no_grant("replication", answer.unreadable())]
    grants: list[Grant] = []
    for number, rule in enumerate(rules, 1):
        destination = _nested(rule, "Destination")
        if not isinstance(rule, dict) or not isinstance(rule.get("Destination"), dict):
            grants.append(context.no_grant("replication", answer.unreadable()).noted(f"rule {number}"))
            continue
        name, given = str(rule.get("ID") or number), _nested(rule, "Filter")
        both = _nested(given, "And") or given
        prefix = rule.get("Prefix") or both.get("Prefix")
        objects = f"objects below {prefix!r}" if prefix else "all objects"
        objects += " with certain tags" if any(both.get(tag) not in (None, []) for tag in ("Tag", "Tags")) else ""
        owner = ", which becomes their owner" if destination.get("AccessControlTranslation") else ""
        words = f"replication rule {name!r} copies {objects} to {destination.get('Bucket')}{owner}"
        grant = outflow(context, "replication", READ, destination, name, words)
        grants.append(_switched(grant, rule.get("Status"), "Enabled", "Disabled"))
    return grants or [context.grant("replication", detail="the replication configuration has no rule")]


def inventory_grants(context: BucketContext) -> list[Grant]:
    """Where lists of the objects' names are delivered."""
    answer, grants = context.answer("ListBucketInventoryConfigurations"), list[Grant]()
    for entry in answer.listed("InventoryConfigurationList"):
        destination, name = _nested(entry, "Destination", "S3BucketDestination"), str(entry.get("Id"))
        words = f"the inventory {name!r} lists the objects in {destination.get('Bucket')}"
        grant = outflow(context, "inventory", LIST, destination, name, words)
        grants.append(_switched(grant, entry.get("IsEnabled"), True, False))
    return grants + _not_listed(context, "inventory", answer, bool(grants))


def analytics_grants(context: BucketContext) -> list[Grant]:
    """Where analyses of the objects' storage classes are exported (numbers by prefix, no names)."""
    answer, grants = context.answer("ListBucketAnalyticsConfigurations"), list[Grant]()
    for entry in answer.listed("AnalyticsConfigurationList"):
        path = ("StorageClassAnalysis", "DataExport", "Destination", "S3BucketDestination")
        if destination := _nested(entry, *path):
            words = f"the analysis {str(entry.get('Id'))!r} is exported to {destination.get('Bucket')}"
            grants.append(outflow(context, "analytics", LIST, destination, str(entry.get("Id")), words))
    return grants + _not_listed(context, "analytics", answer, bool(grants))


def website_grants(context: BucketContext, others: Iterable[Grant] = ()) -> list[Grant]:
    """Does a website serve what the other grants let everybody read? Without them, it would serve nothing."""
    answer = context.answer("GetBucketWebsite")
    readable = any_of(grant.public_status for grant in others if grant.access == READ or grant.grantee is None)
    if answer.state != "answered":
        grant = context.no_grant("website", answer)
        return [grant.stopped("no_public_read") if grant.effective_status == UNKNOWN and readable == NO else grant]
    if redirect := _nested(answer.response, "RedirectAllRequestsTo"):
        words = f"every request is sent on to {redirect.get('HostName')}"
        return [context.grant("website", grantee="*", access=READ, blocked_by="redirect_all_requests", detail=words)]
    words = f"a website is configured (index document {_nested(answer.response, 'IndexDocument').get('Suffix')!r})"
    grant = context.grant(
        "website", grantee="*", access=READ, effective_status=readable, open_to_all=YES, detail=words
    )  # fmt: skip
    if readable == NO:
        return [grant.stopped("no_public_read", "it serves nothing that is not public by policy or ACL")]
    return [grant.noted("it serves what policy or ACL make public")]


def outflow(
    context: BucketContext, path: str, access: str, destination: dict[str, Any], statement: str, words: str
) -> Grant:
    """What is sent to a destination, and whether that is another account's."""
    arn, inventory, own = destination.get("Bucket"), context.inventory, context.bucket.account
    account = next((str(destination[name]) for name in ACCOUNT_NAMES if destination.get(name)), None)
    target = arn if isinstance(arn, str) and arn and not arn.startswith("arn:") else None
    if isinstance(arn, str) and ":::" in arn:
        target = arn.split(":::", 1)[1].partition("/")[0]
    foreign = UNKNOWN if target is None else inventory.is_foreign_bucket(target, account, own)
    if account and own and account != own:
        foreign = YES
    owner = account or (inventory.account_of_bucket(target) if target else None)
    whose = {YES: "of another account", NO: "of the same account", UNKNOWN: "whose account is not known"}[foreign]
    return context.grant(
        path, grantee=":".join(part for part in (owner, target) if part) or None, access=access, effective_status=YES,
        statement=statement, foreign=foreign, detail=f"{words}, {whose}",
    )  # fmt: skip


def _switched(grant: Grant, value: Any, on: Any, off: Any) -> Grant:
    if value == on:
        return grant
    return grant.stopped("rule_disabled") if value == off else grant.doubted("whether it is on cannot be read")


def _not_listed(context: BucketContext, path: str, answer: Answer, some: bool) -> list[Grant]:
    if answer.state == "answered" and not answer.complete:
        return [context.no_grant(path, answer.unreadable()).noted("the list is not whole")]
    return [] if some and answer.state == "answered" else [context.no_grant(path, answer)]


def _nested(given: Any, *names: str) -> dict[str, Any]:
    for name in names:
        given = given.get(name) if isinstance(given, dict) else None
    return given if isinstance(given, dict) else {}
