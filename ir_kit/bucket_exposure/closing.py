"""Ready steps to close what is open: AWS CLI, each with what proves it and what it may break. Nothing is applied.

Names come out of logs and settings, so that every word is quoted for the shell; a bucket's name is given as
``--bucket=NAME``, so that one that begins with a dash is no option. What stands for itself in a setting (statements,
rules) is written back whole, without what lets outsiders in.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; AWS CLI Command Reference, s3api, s3control.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ir_kit.domain.shell import command, compact
from ir_kit.exposure.status import YES

Row = Mapping[str, Any]
MADE_BY_KEYS, PUBLIC, OTHERS = 1, 2, 3
ALL_ON = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
TEXT = ("--output", "text")


def closing_steps(
    grants: Iterable[Row],
    changes: Iterable[Row],
    buckets: Iterable[Row],
    accounts: Mapping[str, str | None],
    last: Callable[[str, str], Any],
) -> list[dict[str, Any]]:
    """What is to be run to close what is open to outsiders?

    Parameters
    ----------
    grants, changes, buckets : rows of the tables of these names
    accounts : mapping
        The account of each bucket, None where nothing tells it.
    last : callable
        The last answer to a call (by its name) about a bucket; None where there is none.

    Returns
    -------
    list of dict
        One per step, the first first; see ``bucket_exposure/closing_steps``.
    """
    regions = {row["bucket"]: row["region"] for row in buckets}
    opened = {
        (row["bucket"], whom)
        for row in changes
        if row["is_reached"] and row["effect"] != "closes" and row["stands_status"] == YES
        for whom in row["opened_to"]
    }
    by: dict[tuple[str, str], list[Row]] = {}
    for row in grants:
        if YES in (row["public_status"], row["cross_account_status"]):
            by.setdefault((row["bucket"], row["path"]), []).append(row)
    found = []
    for (bucket, path), rows in sorted(by.items()):
        mine = any((bucket, f"{row['grantee']} ({row['access']})") in opened for row in rows)
        public = any(row["public_status"] == YES for row in rows)
        priority = MADE_BY_KEYS if mine else PUBLIC if public else OTHERS
        region = regions.get(bucket)
        for action, lines, check, warning in _steps(bucket, path, rows, (region, accounts.get(bucket)), last):
            found.append(
                {
                    "priority": priority, "bucket": bucket, "aws_region": region, "action": action,
                    "reason": _reason(rows, mine), "snippet": "\n".join(lines), "check": check, "warning": warning,
                }
            )  # fmt: skip
        if public and path in ("policy", "acl", "object_acl"):
            found.append(_blocked(priority, bucket, region, rows, mine))
    unique = {(row["bucket"], row["action"], row["snippet"]): row for row in reversed(found)}
    return sorted(unique.values(), key=lambda row: (row["priority"], row["bucket"], row["action"], row["snippet"]))


def _reason(rows: Sequence[Row], mine: bool) -> str:
    whom = list(dict.fromkeys(f"{row['grantee']} may {row['access']}" for row in rows))
    more = f" and {len(whom) - 3} more" if len(whom) > 3 else ""
    return f"{rows[0]['path'].replace('_', ' ')}: {', '.join(whom[:3])}{more}" + (
        "; set by a reached credential" if mine else ""
    )


def _of(bucket: str, region: str | None) -> tuple[str, ...]:
    return (f"--bucket={bucket}", *(("--region", region) if region else ()))


def _blocked(priority: int, bucket: str, region: str | None, rows: Sequence[Row], mine: bool) -> dict[str, Any]:
    of = _of(bucket, region)
    put = command("aws", "s3api", "put-public-access-block", *of, "--public-access-block-configuration", ALL_ON)
    check = command("aws", "s3api", "get-public-access-block", *of) + "  # all four true"
    return {
        "priority": priority, "bucket": bucket, "aws_region": region, "action": "block_public_access",
        "reason": _reason(rows, mine), "snippet": put, "check": check,
        "warning": "whoever uses the bucket without credentials is shut out, a website too; with a public policy, other "
        "accounts that it names as well",
    }  # fmt: skip


_Step = tuple[str, list[str], str, str]


def _steps(
    bucket: str, path: str, rows: Sequence[Row], place: tuple[str | None, str | None], last: Callable[[str, str], Any]
) -> list[_Step]:
    of = _of(bucket, place[0])
    if path == "policy":
        return [_without_statements(of, bucket, rows, last("GetBucketPolicy", bucket))]
    if path in ("acl", "object_acl"):
        enforced = ("--ownership-controls", "Rules=[{ObjectOwnership=BucketOwnerEnforced}]")
        lines = [] if path == "object_acl" else [command("aws", "s3api", "put-bucket-acl", *of, "--acl", "private")]
        lines.append(command("aws", "s3api", "put-bucket-ownership-controls", *of, *enforced))
        check = command("aws", "s3api", "get-bucket-ownership-controls", *of) + "  # BucketOwnerEnforced"
        return [
            ("disable_acls", lines, check, "disables the ACLs of all objects too; writers that send an ACL will fail")
        ]
    if path == "website":
        lines = [command("aws", "s3api", "delete-bucket-website", *of)]
        check = command("aws", "s3api", "get-bucket-website", *of) + "  # NoSuchWebsiteConfiguration"
        return [("remove_website", lines, check, "the website goes; objects that are public stay so")]
    if path == "replication":
        return [_without_rules(of, rows, last("GetBucketReplication", bucket))]
    if path in ("inventory", "analytics"):
        return [_without_delivery(of, path, row) for row in rows if row["statement"]]
    if path in ("access_point", "multi_region_access_point", "access_grant"):
        return [_by_hand(path, row, *place) for row in rows]
    return []


def _without_statements(of: tuple[str, ...], bucket: str, rows: Sequence[Row], answer: Any) -> _Step:
    """The policy as it was answered last, without the statements that let outsiders in."""
    names = {str(row["statement"]) for row in rows}
    check = command("aws", "s3api", "get-bucket-policy", *of, "--query", "Policy", *TEXT)
    warning = "read the policy first: it is written back as it was collected, without these statements"
    document = _policy(answer)
    if document is None:
        lines = [check + "  # take out: " + ", ".join(sorted(names)).replace("\n", " ")]
        return "remove_statements", lines, check, "the policy was not collected in a form that can be written back"
    given = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    kept = [one for number, one in enumerate(given, 1) if _name(one, number) not in names]
    if kept:
        put = command("aws", "s3api", "put-bucket-policy", *of, "--policy", compact({**document, "Statement": kept}))
        return "remove_statements", [put], f"{check}  # {len(kept)} of {len(given)} statements left", warning
    gone = command("aws", "s3api", "delete-bucket-policy", *of)
    return (
        "remove_statements",
        [gone],
        f"{check}  # NoSuchBucketPolicy",
        "no statement would be left, so that the policy goes as a whole",
    )


def _name(statement: Any, number: int) -> str:
    sid = statement.get("Sid") if isinstance(statement, Mapping) else None
    return str(sid) if sid else f"statement {number}"


def _policy(answer: Any) -> dict[str, Any] | None:
    try:
        text = answer["Policy"]
        found = json.loads(text) if isinstance(text, str) else text
    except (TypeError, KeyError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("Statement") else None


def _without_rules(of: tuple[str, ...], rows: Sequence[Row], answer: Any) -> _Step:
    names = {str(row["statement"]) for row in rows}
    configuration = answer.get("ReplicationConfiguration") if isinstance(answer, Mapping) else None
    rules = configuration.get("Rules") if isinstance(configuration, Mapping) else None
    check = command("aws", "s3api", "get-bucket-replication", *of, "--query", "ReplicationConfiguration.Rules")
    warning = "what was copied already stays where it is; replication that is wanted must be set again"
    kept = [one for number, one in enumerate(rules or [], 1) if str(one.get("ID") or number) not in names]
    if kept and isinstance(configuration, Mapping):
        whole = compact({**configuration, "Rules": kept})
        put = command("aws", "s3api", "put-bucket-replication", *of, "--replication-configuration", whole)
        return "stop_replication", [put], f"{check}  # {len(kept)} of {len(rules or [])} rules left", warning
    gone = command("aws", "s3api", "delete-bucket-replication", *of)
    return "stop_replication", [gone], f"{check}  # ReplicationConfigurationNotFoundError", warning


def _without_delivery(of: tuple[str, ...], path: str, row: Row) -> _Step:
    words, wanted = ("aws", "s3api"), f"--id={row['statement']}"
    gone = command(*words, f"delete-bucket-{path}-configuration", *of, wanted)
    check = command(*words, f"get-bucket-{path}-configuration", *of, wanted) + "  # NoSuchConfiguration"
    return f"stop_{path}", [gone], check, "lists that were delivered already stay where they are"


def _by_hand(path: str, row: Row, region: str | None, owner: str | None) -> _Step:
    where = ("--region", region) if region else ()
    account = f"--account-id={owner or 'ACCOUNT_ID'}"
    if path == "access_grant":
        lines = [
            command("aws", "s3control", "delete-access-grant", account, f"--access-grant-id={row['statement']}", *where)
        ]
        check = command("aws", "s3control", "list-access-grants", account, *where)
        return "remove_access_grant", lines, check, "credentials that it gave out run on for up to twelve hours"
    listed = "list-access-points" if path == "access_point" else "list-multi-region-access-points"
    lines = [command("aws", "s3control", listed, account, *where)]
    if path == "access_point":
        lines.append(command("aws", "s3control", "delete-access-point-policy", account, "--name=NAME", *where))
    check = command("aws", "s3control", "get-access-point-policy", account, "--name=NAME", *where)
    return (
        "close_access_point",
        lines,
        check,
        "whoever comes through it by its policy is shut out; NAME as the list has it",
    )
