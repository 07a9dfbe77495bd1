"""Each bucket in scope with all that bears on it, and the ways into it that configuration tells of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ir_kit.bucket_exposure.bucket_settings import encryption_key, kms_answer
from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.inventory import Bucket, BucketInventory, inventory_of
from ir_kit.exposure.access_grants import access_grant_ways
from ir_kit.exposure.access_points import access_point_ways, multi_region_ways
from ir_kit.exposure.acls import acl_ways, object_acl_ways
from ir_kit.exposure.blocks import blocks_of
from ir_kit.exposure.organization import RCP, organization_policies
from ir_kit.exposure.outflows import analytics_ways, inventory_ways, replication_ways, website_ways
from ir_kit.exposure.policy_ways import Read, bucket_policy, policy_ways
from ir_kit.exposure.reach import Guarded
from ir_kit.exposure.requesters import at_best
from ir_kit.exposure.ways import Place, Way
from ir_kit.policies import Policy, parse_policy


@dataclass(frozen=True)
class Estate:
    """All buckets in scope: the ways into each, and what guards each."""

    configuration: Configuration
    holdings: BucketInventory
    ways: dict[str, list[Way]]
    guarded: dict[str, Guarded]


def estate(
    settings: Iterable[Mapping[str, Any]],
    reached: Iterable[Mapping[str, Any]] = (),
    own_accounts: Iterable[str] = (),
    named: Iterable[str] = (),
) -> Estate:
    """Read configuration, and find the ways into each bucket.

    Parameters
    ----------
    settings : iterable of mappings
        Rows of the question ``bucket_exposure/configuration``.
    reached, own_accounts, named
        See `inventory.inventory_of`.
    """
    configuration = Configuration(settings)
    held = inventory_of(configuration, reached, own_accounts, named)
    objects: dict[str, list[tuple[dict[str, Any], Answer]]] = defaultdict(list)
    for asked, answer in configuration.every("s3", "GetObjectAcl"):
        objects[str(asked.parameters.get("Bucket"))].append((asked.parameters, answer))
    ways, guarded = {}, {}
    rcps: dict[str | None, tuple[tuple[Policy, ...], ...] | None] = {}
    for name, bucket in held.buckets.items():
        place = Place(bucket, configuration, held, blocks_of(configuration, bucket))
        policy = bucket_policy(place)
        ways[name] = _ways(place, policy, objects[name])
        if bucket.account not in rcps:
            levels = organization_policies(configuration, bucket.account, RCP)
            made = None if levels is None else tuple(tuple(at_best(one) for one in level) for level in levels)
            rcps[bucket.account] = made
        guarded[name] = _guarded(place, policy, rcps[bucket.account])
    return Estate(configuration, held, ways, guarded)


def ways_by_configuration(configuration: Configuration, bucket: Bucket, held: BucketInventory) -> list[Way]:
    """Every way into one bucket, by this configuration."""
    place = Place(bucket, configuration, held, blocks_of(configuration, bucket))
    objects = [
        (call.parameters, answer)
        for call, answer in configuration.every("s3", "GetObjectAcl")
        if call.parameters.get("Bucket") == bucket.name
    ]
    return _ways(place, bucket_policy(place), objects)


def _ways(place: Place, policy: Read | None, objects: list[tuple[dict[str, Any], Answer]]) -> list[Way]:
    """Every way into one bucket, in the order in which they are told."""
    found = [
        *policy_ways(place, policy),
        *acl_ways(place),
        *object_acl_ways(place, objects),
        *access_point_ways(place, policy),
        *multi_region_ways(place, policy),
        *access_grant_ways(place),
    ]
    return [
        *found,
        *website_ways(place, found),
        *replication_ways(place),
        *inventory_ways(place),
        *analytics_ways(place),
    ]


def _guarded(place: Place, policy: Read | None, rcps: tuple[tuple[Policy, ...], ...] | None) -> Guarded:
    answer = place.ask("GetBucketPolicy")
    known: tuple[Policy, ...] | None = None
    if answer.state == "absent":
        known = ()
    elif policy is not None:
        known = (at_best(policy.policy),)
    key = encryption_key(place.ask("GetBucketEncryption"))
    held = None
    if key:
        said = kms_answer(place.configuration, "GetKeyPolicy", key)
        if said.state == "answered":
            held = (at_best(parse_policy(said.response.get("Policy"), f"key policy of {key}")),)
    return Guarded(place.bucket, known, answer.words, rcps, key, held)
