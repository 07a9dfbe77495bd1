"""Which buckets are in scope, whose are they, and which accounts and owners are the evidence's own?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ir_kit.configuration.answers import Configuration
from ir_kit.exposure.status import NO, UNKNOWN, YES

GLOBAL = "us-east-1"


@dataclass(frozen=True)
class Bucket:
    """A bucket in scope; what nothing tells is None."""

    name: str
    region: str | None = None
    account: str | None = None
    owner: str | None = None  # canonical id
    partition: str = "aws"

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.name}"

    def is_in(self, region: str | None) -> bool:
        """Does an answer of this Region speak of the bucket's? One that names no Region is taken to."""
        return None in (region, self.region) or region == self.region

    @property
    def is_directory(self) -> bool:
        """Is it a directory bucket, which has no ACLs and blocks all public access?"""
        return self.name.endswith("--x-s3")


@dataclass
class Holdings:
    """Accounts of the evidence, their canonical ids, and the buckets that they listed."""

    accounts: set[str] = field(default_factory=set)
    canonical: dict[str, str] = field(default_factory=dict)  # canonical id to account
    listed: dict[str, set[str]] = field(default_factory=dict)  # account to its buckets
    whole: set[str] = field(default_factory=set)  # accounts whose list is complete
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def account_of_bucket(self, name: str) -> str | None:
        """The account that a bucket of this name is known to belong to."""
        found = next((account for account, names in self.listed.items() if name in names), None)
        held = self.buckets.get(name)
        return found or (held.account if held else None)

    def is_foreign_bucket(self, name: str, named: str | None, account: str | None) -> str:
        """Does a bucket belong to another account than this one? `named` is the account that a setting names."""
        owner = self.account_of_bucket(name) or named
        if owner is not None and account is not None:
            return NO if owner == account else YES
        if account is not None and account in self.whole and name not in self.listed[account]:
            return YES  # not among the buckets that the account listed
        return UNKNOWN

    def is_foreign_account(self, account: str | None, bucket: Bucket) -> str:
        """Is this another account than the bucket's? Accounts of one organization are others to each other."""
        if account is None or bucket.account is None:
            return UNKNOWN
        return NO if account == bucket.account else YES

    def is_foreign_owner(self, canonical_id: str | None, bucket: Bucket) -> str:
        """Does a canonical id name another account than the bucket's?"""
        if canonical_id is None:
            return UNKNOWN
        if bucket.owner is not None:
            return NO if canonical_id == bucket.owner else YES
        return self.is_foreign_account(self.canonical.get(canonical_id), bucket)


def holdings(
    configuration: Configuration,
    reached: Iterable[Mapping[str, Any]],
    own_accounts: Iterable[str],
    named: Iterable[str] = (),
) -> Holdings:
    """Put together which buckets there are and whose they are.

    Parameters
    ----------
    reached : iterable of mappings
        Buckets that a logged request reached with success: ``bucket``, ``aws_region``.
    own_accounts : iterable of str
        Accounts that configuration or logs are of.
    named : iterable of str
        Buckets of the incident file; the only ones in scope where there are any.
    """
    held = Holdings(accounts={account for account in own_accounts if account})
    partition = _lists(configuration, held)
    regions, askers, owners = _asked(configuration)
    for row in reached:
        name, region = row["bucket"], row["aws_region"]
        if _is_bucket(name):
            regions.setdefault(name, region)
            regions[name] = regions[name] or region
            askers.setdefault(name, [])
    chosen = list(named) or [*askers, *(name for names in held.listed.values() for name in names)]
    for name in sorted(set(chosen)):
        owner = owners.get(name)
        account = next((one for one, names in held.listed.items() if name in names), None)
        account = account or (held.canonical.get(owner) if owner else None)
        if account is None and not (owner and held.canonical and owner not in held.canonical):
            # who reads a bucket's policy is of its account, but for an owner that no account of the evidence has
            account = next(iter(askers.get(name, [])), None)
        owner = owner or next((one for one, of in held.canonical.items() if of == account), None)
        held.buckets[name] = Bucket(name, regions.get(name), account, owner, partition)
    return held


def _lists(configuration: Configuration, held: Holdings) -> str:
    """Take in the lists of buckets and the callers; the partition of the account."""
    partition = "aws"
    for asked, answer in configuration.every("sts", "GetCallerIdentity"):
        account = answer.part("Account", str) or asked.account
        arn = answer.part("Arn", str) or ""
        partition = arn.split(":")[1] if arn.startswith("arn:") else partition
        held.accounts |= {account} if account else set()
    only = next(iter(held.accounts)) if len(held.accounts) == 1 else None
    for asked, answer in configuration.every("s3", "ListBuckets"):
        account = asked.account or only
        if answer.state != "answered" or account is None:
            continue
        held.accounts.add(account)
        names = {one["Name"] for one in answer.listed("Buckets") if isinstance(one.get("Name"), str)}
        held.listed.setdefault(account, set()).update(names)
        part = asked.parameters.get("Prefix") or asked.parameters.get("BucketRegion")
        if answer.complete and not part and isinstance(answer.response.get("Buckets"), list):
            held.whole.add(account)
        owner = (answer.part("Owner", dict) or {}).get("ID")
        if isinstance(owner, str):
            held.canonical[owner] = account
    return partition


def _asked(configuration: Configuration) -> tuple[dict[str, str | None], dict[str, list[str]], dict[str, str]]:
    """Of each bucket that was asked about: its Region, the accounts that got an answer, its owner's canonical id."""
    regions: dict[str, str | None] = {}
    askers: dict[str, list[str]] = defaultdict(list)
    owners: dict[str, str] = {}
    for operation, asked in configuration.calls("s3"):
        name = asked.parameters.get("Bucket")
        if not isinstance(name, str) or not _is_bucket(name):
            continue
        answer = configuration.answer("s3", operation, asked.account, **asked.parameters)
        if answer.state == "gone":
            continue
        askers.setdefault(name, [])
        if answer.known and asked.account and asked.account not in askers[name]:
            askers[name].append(asked.account)
        if operation == "GetBucketLocation" and answer.state == "answered":
            place = answer.response.get("LocationConstraint") or GLOBAL
            regions[name] = "eu-west-1" if place == "EU" else str(place)
        elif operation == "HeadBucket" and answer.part("BucketRegion", str):
            regions.setdefault(name, answer.part("BucketRegion", str))
        elif operation == "GetBucketAcl":
            owner = (answer.part("Owner", dict) or {}).get("ID")
            if isinstance(owner, str):
                owners[name] = owner
    return regions, askers, owners


def _is_bucket(name: Any) -> bool:
    """A bucket's name, and not the ARN or the alias of an access point."""
    return bool(name) and isinstance(name, str) and not name.startswith("arn:") and not name.endswith("-s3alias")
