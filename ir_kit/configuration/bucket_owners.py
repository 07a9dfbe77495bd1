"""Whose is each bucket, and who stands behind the names that access logs give to callers?"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.account_buckets import own_accounts
from ir_kit.domain.frames import rows_of
from ir_kit.domain.principals import is_responder

Row = dict[str, Any]
ALIASES = ("arn:", "-s3alias")


def provide_owners(case: Case) -> pd.DataFrame:
    """Make the relations by which callers are told apart: ``own_accounts``, ``bucket_owners``, ``canonical_ids``,
    ``responder_arns``.

    Returns
    -------
    DataFrame
        ``bucket_owners``: one row per bucket that is one of the evidence's own accounts'; a null account where nothing
        tells which.
    """
    accounts = own_accounts(case)
    case.engine.provide("own_accounts", accounts)
    own = set(accounts["account_id"])
    settings = rows_of(case.ask("configuration/owner_settings"))
    canonical = _canonical_ids(case, settings)
    owners = _owners(case, settings, own, canonical)
    frame = pd.DataFrame(
        {
            "bucket": pd.Series(sorted(owners), dtype="str"),
            "account_id": pd.Series([owners[b] for b in sorted(owners)], dtype="str"),
        }
    )
    case.engine.provide("bucket_owners", frame)
    ids = sorted(canonical.items())
    case.engine.provide(
        "canonical_ids",
        pd.DataFrame(
            {
                "canonical_id": pd.Series([one for one, _ in ids], dtype="str"),
                "account_id": pd.Series([one for _, one in ids], dtype="str"),
            }
        ),
    )
    named = list(case.ask("configuration/callers")["arn"]) if case.incident.responders else list[str]()
    ours = [arn for arn in named if is_responder(arn, case.incident.responders)]
    case.engine.provide("responder_arns", pd.DataFrame({"arn": pd.Series(ours, dtype="str")}))
    return frame


def _canonical_ids(case: Case, settings: list[Row]) -> dict[str, str]:
    """Which account has which canonical id: by its own answers, else by the requests that both logs hold."""
    counted: dict[str, Counter[str]] = {}
    for row in rows_of(case.ask("configuration/canonical_accounts")):
        counted.setdefault(row["canonical_id"], Counter())[row["account_id"]] += int(row["requests"])
    found = {one: accounts.most_common(1)[0][0] for one, accounts in counted.items()}
    for row in settings:
        owner = (json.loads(row["response"] or "{}").get("Owner") or {}).get("ID")
        if isinstance(owner, str) and row["operation"] == "ListBuckets" and row["account_id"]:
            found[owner] = row["account_id"]
    return found


def _owners(case: Case, settings: list[Row], own: set[str], canonical: dict[str, str]) -> dict[str, str | None]:
    """The account of each bucket that is the evidence's own: by its list of buckets, else by what answered for it, else
    by the logs.
    """
    listed: dict[str, str] = {}
    answered: dict[str, str] = {}
    for row in settings:
        parameters, response = json.loads(row["parameters"] or "{}"), json.loads(row["response"] or "{}")
        if row["operation"] == "ListBuckets":
            listed |= {str(one["Name"]): row["account_id"] for one in response.get("Buckets") or [] if one.get("Name")}
        elif row["answer"] != "unknown" and parameters.get("Bucket"):
            answered.setdefault(str(parameters["Bucket"]), row["account_id"])
    lone = next(iter(own)) if len(own) == 1 else None
    counted: dict[str, Counter[str]] = {}
    delivered: dict[str, str | None] = {}
    for row in rows_of(case.ask("configuration/bucket_owners")):
        if row["account_id"] is None:  # an access log is delivered to its own account alone
            delivered[row["bucket"]] = canonical.get(row["canonical_id"]) or lone
        else:
            counted.setdefault(row["bucket"], Counter())[row["account_id"]] += int(row["requests"])
    logged = {bucket: max(sorted(accounts), key=accounts.__getitem__) for bucket, accounts in counted.items()}
    everything: dict[str, str | None] = {**delivered, **logged, **answered, **listed}
    everything |= {bucket: lone for bucket in case.incident.buckets if bucket not in everything}
    return {
        bucket: account
        for bucket, account in everything.items()
        if (account is None or account in own) and not (bucket.startswith(ALIASES[0]) or bucket.endswith(ALIASES[1]))
    }
