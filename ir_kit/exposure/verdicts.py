"""From configuration to one verdict on a bucket: is it public, is it open to another account, and by which grants?

Nothing here knows of a case or of logs: the same answers give the same verdict, be they those of today or of an earlier
time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ir_kit.case import Case
from ir_kit.configuration.answers import Configuration, configuration
from ir_kit.configuration.inventory import Bucket, BucketInventory, inventory
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.access_points import access_grants_grants, access_point_grants, multi_region_grants
from ir_kit.exposure.acls import acl_grants, object_acl_grants
from ir_kit.exposure.grants import BucketContext, Grant
from ir_kit.exposure.outflows import analytics_grants, inventory_grants, replication_grants, website_grants
from ir_kit.exposure.policy_grants import policy_grants

BY_PATH: dict[str, Callable[[BucketContext], list[Grant]]] = {
    "policy": policy_grants, "acl": acl_grants, "object_acl": object_acl_grants, "access_point": access_point_grants,
    "multi_region_access_point": multi_region_grants, "access_grant": access_grants_grants,
    "website": website_grants, "replication": replication_grants, "inventory": inventory_grants,
    "analytics": analytics_grants,
}  # fmt: skip
"""Each source of grants, in the order in which they are listed; identity policies are `permissions`."""
MOST_REASONS = 8  # of one kind


class Verdict(NamedTuple):
    """What all grants on a bucket come to, with the reasons in sentences, and what was not counted."""

    public_status: str
    cross_account_status: str
    reasons: list[str]
    not_counted: list[str]


def grants_of(configuration: Configuration, bucket: Bucket, inventory: BucketInventory) -> list[Grant]:
    """Every grant on a bucket by these answers, of each source; one row without a grantee where a source has none.

    Parameters
    ----------
    inventory : BucketInventory
        The evidence's own accounts, their canonical ids and buckets.
    """
    context, grants = BucketContext(bucket, configuration, inventory), list[Grant]()
    for path, source in BY_PATH.items():
        grants += website_grants(context, grants) if path == "website" else source(context)
    return grants


def verdict_of(configuration: Configuration, bucket: Bucket, inventory: BucketInventory) -> Verdict:
    """Is a bucket public by these answers, and is it open to another account? See `grants_of`."""
    return verdict_on(grants_of(configuration, bucket, inventory))


def verdict_on(grants: list[Grant]) -> Verdict:
    """The verdict that these grants on one bucket come to."""
    public = [(grant.public_status, grant.open_to_all, grant) for grant in grants]
    foreign = [(grant.cross_account_status, grant.foreign, grant) for grant in grants]
    reasons, statuses = list[str](), list[str]()
    for what, judged in (("public", public), ("open to another account", foreign)):
        status = any_of(how for how, _, _ in judged)
        if status == NO:  # what would open it, were it not stopped
            why = [_words(grant) for _, meant, grant in judged if meant == YES and grant.effective_status == NO]
        else:
            why = [_words(grant) for how, _, grant in judged if how == status]
        statuses.append(status)
        reasons += reasons_for(what, status, why)
    left_out = [
        f"Not counted in this: {grant.path} ({grant.detail})."
        for grant in grants
        if grant.effective_status == UNKNOWN and grant.grantee is None and grant.open_to_all == grant.foreign == NO
    ]
    return Verdict(statuses[0], statuses[1], reasons, left_out)


def reasons_for(what: str, status: str, why: Iterable[str]) -> list[str]:
    """A status with each of its reasons, in sentences."""
    head = {YES: f"It is {what}", NO: f"It is not {what}", UNKNOWN: f"Whether it is {what} is not known"}[status]
    listed = list(dict.fromkeys(why))
    more = [f"{head}: and {len(listed) - MOST_REASONS} more."] if len(listed) > MOST_REASONS else []
    return [f"{head}: {words}." for words in listed[:MOST_REASONS]] + more or [f"{head}."]


def _words(grant: Grant) -> str:
    lets_in = grant.grantee and grant.effective_status == YES
    who = f"{grant.path} lets {grant.grantee} {grant.access or 'in'}" if lets_in else grant.path
    return f"{who} ({grant.detail})" + (f", stopped by {grant.blocked_by}" if grant.blocked_by else "")


@dataclass(frozen=True)
class Exposure:
    """All buckets in scope, by the settings as they were collected, with the grants on each."""

    configuration: Configuration
    inventory: BucketInventory
    grants: dict[str, list[Grant]]


def exposure_of(case: Case) -> Exposure:
    """The grants on every bucket in scope; worked out once for a case."""

    def compute() -> Exposure:
        collected, known = configuration(case), inventory(case)
        grants = {name: grants_of(collected, bucket, known) for name, bucket in known.buckets.items()}
        return Exposure(collected, known, grants)

    return case.once("exposure", compute)
