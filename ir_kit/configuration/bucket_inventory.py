"""The bucket inventory: which buckets there are, in which Region, whose they are, and which accounts are the evidence's own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.collected_answers import Configuration, configuration
from ir_kit.domain.documents import mapping, rows_of
from ir_kit.domain.logic import NO, UNKNOWN, YES


@dataclass(frozen=True)
class Bucket:
    """A bucket; what nothing tells is None."""

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


def differ(one: str | None, other: str | None) -> str:
    """Are these two accounts, or owners, different ones? Unknown where either is."""
    return UNKNOWN if one is None or other is None else NO if one == other else YES


@dataclass(eq=False)
class BucketInventory:
    """Accounts of the evidence, their canonical ids, the buckets in scope (`buckets`) and all that are named (`known`)."""

    accounts: set[str] = field(default_factory=set)
    canonical: dict[str, str] = field(default_factory=dict)  # canonical id to account
    listed: dict[str, set[str]] = field(default_factory=dict)  # account to its buckets
    whole: set[str] = field(default_factory=set)  # accounts whose list is complete
    buckets: dict[str, Bucket] = field(default_factory=dict)
    known: dict[str, Bucket] = field(default_factory=dict)

    def bucket(self, name: str) -> Bucket:
        """A bucket, or as much as is known of it."""
        return self.known.get(name) or Bucket(name, account=self.account_of_bucket(name))

    def account_of_bucket(self, name: str) -> str | None:
        """The account that a bucket of this name is known to belong to."""
        lister = next((account for account, names in self.listed.items() if name in names), None)
        return lister or (self.known[name].account if name in self.known else None)

    def is_foreign_bucket(self, name: str, named: str | None, account: str | None) -> str:
        """Does a bucket belong to another account than this one? `named` is the account that a setting names."""
        owner = self.account_of_bucket(name) or named
        if owner is None and account in self.whole and name not in self.listed[account]:
            return YES  # not among the buckets that the account listed
        return differ(owner, account)

    def is_foreign_account(self, account: str | None, bucket: Bucket) -> str:
        """Is this another account than the bucket's? Accounts of one organization are others to each other."""
        return differ(account, bucket.account)

    def is_foreign_owner(self, canonical_id: str | None, bucket: Bucket) -> str:
        """Does a canonical id name another account than the bucket's?"""
        if bucket.owner is not None:
            return differ(canonical_id, bucket.owner)
        return differ(self.canonical.get(canonical_id or ""), bucket.account)


def inventory(case: Case) -> BucketInventory:
    """The buckets of a case: those of the incident file, else those that configuration or a request that succeeded names."""

    def compute() -> BucketInventory:
        logged = rows_of(case.ask("configuration/logged_buckets"))
        accounts = case.ask("configuration/own_accounts")["account_id"]
        return inventory_of(configuration(case), logged, accounts, case.incident.buckets)

    return case.once("bucket_inventory", compute)


def provide_inventory(case: Case) -> None:
    """Make the inventory readable in SQL: ``own_accounts``; ``bucket_owners``, the buckets that are one of these
    accounts', with a null account where an access log is held and no owner of an account is known; ``canonical_ids``.
    """
    collected, requesters = inventory(case), case.ask("configuration/canonical_accounts")
    ids = {**dict(zip(requesters["canonical_id"], requesters["account_id"], strict=True)), **collected.canonical}
    accounts = {name: bucket.account or ids.get(str(bucket.owner)) for name, bucket in collected.known.items()}
    unowned = {name for name, bucket in collected.known.items() if bucket.owner and not collected.canonical}
    owners = sorted(
        (name, account) for name, account in accounts.items()
        if account in collected.accounts or (account is None and name in unowned)
    )  # fmt: skip
    case.engine.provide("own_accounts", pd.DataFrame({"account_id": sorted(collected.accounts)}, dtype="str"))
    case.engine.provide("canonical_ids", pd.DataFrame(sorted(ids.items()), None, ["canonical_id", "account_id"], "str"))
    case.engine.provide("bucket_owners", pd.DataFrame(owners, None, ["bucket", "account_id"], "str"))


def inventory_of(
    configuration: Configuration,
    logged: Iterable[Mapping[str, Any]],
    own_accounts: Iterable[str],
    named: Iterable[str] = (),
) -> BucketInventory:
    """Put together which buckets there are and whose they are.

    A bucket is the account's that lists it, else the one whose canonical id its ACL names, else the one that got an
    answer about it, else the one that the logs name; where there is but one account, what its logs hold is its own.
    `logged` are rows of ``configuration/logged_buckets``; buckets that are `named`, by the incident file, are the only
    ones in scope where there are any.
    """
    collected = BucketInventory(accounts={account for account in own_accounts if account})
    partition = "aws"
    for call, answer in configuration.every("sts", "GetCallerIdentity"):
        collected.accounts |= {answer.part("Account", str) or call.account or ""} - {""}
        arn = str(answer.response.get("Arn"))
        partition = arn.split(":")[1] if arn.startswith("arn:") else partition
    only = next(iter(collected.accounts)) if len(collected.accounts) == 1 else None
    # of each bucket: its Region, the account that got an answer first, its owner's canonical id by its ACL, by its log
    regions, answering = dict[str, str | None](), dict[str, str | None]()
    owners, delivered, in_logs = dict[str, str](), dict[str, str](), defaultdict[str, Counter[str]](Counter)
    for setting, call in configuration.calls():
        name, answer = str(call.parameters.get("Bucket") or ""), call.answer
        owner, account = mapping(answer.response.get("Owner")).get("ID"), call.account or only
        if setting[:2] == ("s3", "ListBuckets") and answer.state == "answered" and account:
            collected.accounts.add(account)
            names = {entry["Name"] for entry in answer.listed("Buckets") if isinstance(entry.get("Name"), str)}
            collected.listed.setdefault(account, set()).update(names)
            part = call.parameters.get("Prefix") or call.parameters.get("BucketRegion")
            if answer.complete and not part and answer.part("Buckets", list) is not None:
                collected.whole.add(account)
            collected.canonical |= {str(owner): account} if owner else {}
        is_point = name.startswith("arn:") or name.endswith("-s3alias")  # the ARN or the alias of an access point
        if setting.service != "s3" or not name or is_point or answer.state == "gone":
            continue
        answering[name] = answering.get(name) or (call.account if answer.known else None)
        if setting.operation == "GetBucketLocation" and answer.state == "answered":
            place = str(answer.response.get("LocationConstraint") or "us-east-1")
            regions[name] = "eu-west-1" if place == "EU" else place
        elif setting.operation == "HeadBucket" and answer.part("BucketRegion", str):
            regions.setdefault(name, answer.part("BucketRegion", str))
        elif setting.operation == "GetBucketAcl" and owner:
            owners[name] = str(owner)
    scope = {*answering, *(name for names in collected.listed.values() for name in names)}
    for row in logged:
        name = row["bucket"]
        in_logs[name].update({row["account_id"]: row["requests"]} if row["account_id"] else {})
        delivered |= {name: row["canonical_id"]} if row["canonical_id"] else {}
        if row["successes"]:
            scope.add(name)
            regions[name] = regions.get(name) or row["aws_region"]
    named = set(named)
    for name in sorted(scope | named | set(in_logs)):
        owner = owners.get(name)
        account = collected.account_of_bucket(name) or collected.canonical.get(owner or "")
        if account is None and not (owner and collected.canonical and owner not in collected.canonical):
            # who reads a bucket's policy is of its account, but for an owner that no account of the evidence has
            account = answering.get(name) or max(sorted(in_logs[name]), key=in_logs[name].__getitem__, default=None)
            if name in delivered or name in named:  # an access log is delivered to the bucket's own account alone
                account = account or collected.canonical.get(delivered.get(name, "")) or only
        owner = owner or next((own for own, of in collected.canonical.items() if of == account), delivered.get(name))
        collected.known[name] = Bucket(name, regions.get(name), account, owner, partition)
    collected.buckets = {name: collected.known[name] for name in sorted(named or scope)}
    return collected
