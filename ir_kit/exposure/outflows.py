"""What leaves a bucket by its own settings: replication, inventory and analytics to other buckets.

A rule that is on sends objects, or lists of their names, for whoever owns the destination to read; no grant names them.

Source: S3 User Guide, "Replicating objects within and across Regions", "Cataloging and analyzing your data with S3
Inventory".
"""

from __future__ import annotations

from typing import Any

from ir_kit.configuration.answers import Answer
from ir_kit.exposure.status import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.ways import LIST, READ, Place, Way, as_list, bucket_in


def replication_ways(place: Place) -> list[Way]:
    """Where objects are copied to, rule by rule."""
    answer = place.ask("GetBucketReplication")
    if answer.state != "answered":
        return [place.silent("replication", answer)]
    configuration = answer.part("ReplicationConfiguration", dict) or {}
    rules = configuration.get("Rules")
    if not isinstance(rules, list):
        return [place.silent("replication", answer.unreadable())]
    found: list[Way] = []
    for number, rule in enumerate(rules, 1):
        given = rule.get("Destination") if isinstance(rule, dict) else None
        if not isinstance(given, dict):
            found.append(place.silent("replication", answer.unreadable()).noted(f"rule {number}"))
            continue
        name = str(rule.get("ID") or number)
        of = _filter(rule)
        words = f"replication rule {name!r} copies {of} to {given.get('Bucket')}"
        if given.get("AccessControlTranslation"):
            words += ", which becomes their owner"
        way = _out(place, "replication", READ, given.get("Bucket"), given.get("Account"), name, words)
        found.append(_switched(way, rule.get("Status"), "Enabled", "Disabled"))
    return found or [place.way("replication", detail="the replication configuration has no rule")]


def inventory_ways(place: Place) -> list[Way]:
    """Where lists of the objects' names are delivered."""
    answer = place.ask("ListBucketInventoryConfigurations")
    found = []
    for one in answer.listed("InventoryConfigurationList"):
        given = _nested(one, "Destination", "S3BucketDestination")
        name = str(one.get("Id"))
        words = f"the inventory {name!r} lists the objects in {given.get('Bucket')}"
        way = _out(place, "inventory", LIST, given.get("Bucket"), given.get("AccountId"), name, words)
        found.append(_switched(way, one.get("IsEnabled"), True, False))
    return found + _rest(place, "inventory", answer, bool(found))


def analytics_ways(place: Place) -> list[Way]:
    """Where analyses of the objects' storage classes are exported (numbers by prefix, no names)."""
    answer = place.ask("ListBucketAnalyticsConfigurations")
    found = []
    for one in answer.listed("AnalyticsConfigurationList"):
        export = _nested(one, "StorageClassAnalysis", "DataExport")
        given = _nested(export, "Destination", "S3BucketDestination")
        if not given:
            continue
        name = str(one.get("Id"))
        words = f"the analysis {name!r} is exported to {given.get('Bucket')}"
        found.append(_out(place, "analytics", LIST, given.get("Bucket"), given.get("BucketAccountId"), name, words))
    return found + _rest(place, "analytics", answer, bool(found))


def website_ways(place: Place, ways: list[Way]) -> list[Way]:
    """Does a website serve what the other ways let everybody read?"""
    answer = place.ask("GetBucketWebsite")
    if answer.state != "answered":
        # without a public way to read, a website would serve nothing
        readable = _public_reading(ways)
        way = place.silent("website", answer)
        return [way.stopped("no_public_read") if way.effective_status == UNKNOWN and readable == NO else way]
    redirect = answer.part("RedirectAllRequestsTo", dict)
    if redirect:
        words = f"every request is sent on to {redirect.get('HostName')}"
        return [place.way("website", grantee="*", access=READ, blocked_by="redirect_all_requests", detail=words)]
    index = (answer.part("IndexDocument", dict) or {}).get("Suffix")
    words = f"a website is configured (index document {index!r})"
    readable = _public_reading(ways)
    way = place.way(
        "website", grantee="*", access=READ, effective_status=readable, open_to_all=YES, detail=words
    )  # fmt: skip
    if readable == NO:
        return [way.stopped("no_public_read", "it serves nothing that is not public by policy or ACL")]
    return [way.noted("it serves what policy or ACL make public")]


def _public_reading(ways: list[Way]) -> str:
    return any_of(way.public_status for way in ways if way.access == READ or way.grantee is None)


def _out(place: Place, path: str, access: str, destination: Any, named: Any, statement: str, words: str) -> Way:
    target = bucket_in(destination)
    account = str(named) if named else None
    foreign = UNKNOWN if target is None else place.holdings.is_foreign_bucket(target, account, place.bucket.account)
    if account and place.bucket.account and account != place.bucket.account:
        foreign = YES
    whose = account or (place.holdings.account_of_bucket(target) if target else None)
    said = {YES: "of another account", NO: "of the same account", UNKNOWN: "whose account is not known"}[foreign]
    grantee = ":".join(part for part in (whose, target) if part) or None
    return place.way(
        path, grantee=grantee, access=access, effective_status=YES, statement=statement, foreign=foreign,
        detail=f"{words}, {said}",
    )  # fmt: skip


def _switched(way: Way, value: Any, on: Any, off: Any) -> Way:
    if value == on:
        return way
    return way.stopped("rule_disabled") if value == off else way.doubted("whether it is on cannot be read")


def _rest(place: Place, path: str, answer: Answer, some: bool) -> list[Way]:
    if answer.state != "answered":
        return [place.silent(path, answer)]
    if not answer.complete:
        return [place.silent(path, answer.unreadable()).noted("the list is not whole")]
    return [] if some else [place.silent(path, answer)]


def _filter(rule: dict[str, Any]) -> str:
    given = _nested(rule, "Filter")
    both = _nested(given, "And") or given
    prefix = rule.get("Prefix") or both.get("Prefix")
    tagged = any(as_list(both.get(name)) for name in ("Tag", "Tags"))
    return (f"objects below {prefix!r}" if prefix else "all objects") + (" with certain tags" if tagged else "")


def _nested(given: Any, *names: str) -> dict[str, Any]:
    for name in names:
        given = given.get(name) if isinstance(given, dict) else None
    return given if isinstance(given, dict) else {}
