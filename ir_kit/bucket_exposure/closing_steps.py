"""Ready steps to close what is open: AWS CLI, each with what proves it and what it may break. Nothing is applied.

Names come out of logs and settings, so that every word is quoted for the shell; a bucket's name is given as
``--bucket=NAME``, so that one that begins with a dash is no option. What stands for itself in a setting (statements,
rules) is written back whole, without what lets outsiders in.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; AWS CLI Command Reference, s3api, s3control.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ir_kit.domain.documents import mapping
from ir_kit.domain.logic import YES

Row = Mapping[str, Any]
Step = tuple[str, str, str, str]  # action, snippet, check, warning
LastAnswer = Callable[[str, str], Any]
OPENED_BY_KEYS, PUBLIC, OTHERS = 1, 2, 3
ALL_ON = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
ENFORCED = "Rules=[{ObjectOwnership=BucketOwnerEnforced}]"
SHUT_OUT = (
    "whoever uses the bucket without credentials is shut out, a website too; with a public policy, other accounts that "
    "it names as well"
)


def steps_to_close(
    grants: Iterable[Row], changes: Iterable[Row], buckets: Iterable[Row], last_answer: LastAnswer
) -> list[dict[str, Any]]:
    """What is to be run to close what is open to outsiders?

    Parameters
    ----------
    grants, changes, buckets : rows of the tables of these names
    last_answer : callable
        The last answer to a call (by its name) about a bucket; None where there is none.

    Returns
    -------
    list of dict
        One per step, the first first; see ``bucket_exposure/closing_steps``.
    """
    verdicts = {row["bucket"]: row for row in buckets}
    opened = {
        (row["bucket"], grantee)
        for row in changes
        if row["is_reached"] and row["effect"] != "closes" and row["stands_status"] == YES
        for grantee in row["opened_to"]
    }
    by_path: dict[tuple[str, str], list[Row]] = {}
    for row in grants:
        if YES in (row["public_status"], row["cross_account_status"]):
            by_path.setdefault((row["bucket"], row["path"]), []).append(row)
    steps: dict[tuple[str, str, str], dict[str, Any]] = {}
    for (bucket, path), rows in sorted(by_path.items()):
        by_keys = any((bucket, f"{row['grantee']} ({row['access']})") in opened for row in rows)
        public = any(row["public_status"] == YES for row in rows)
        who = list(dict.fromkeys(f"{row['grantee']} may {row['access']}" for row in rows))
        reason = f"{path.replace('_', ' ')}: {', '.join(who[:3])}" + (
            f" and {len(who) - 3} more" if len(who) > 3 else ""
        )
        region, account = verdicts[bucket]["region"], verdicts[bucket].get("account_id")
        where = ("--region", region) if region else ()
        for action, snippet, check, warning in _steps(bucket, path, rows, where, account, last_answer):
            step = {
                "priority": OPENED_BY_KEYS if by_keys else PUBLIC if public else OTHERS, "bucket": bucket,
                "aws_region": region, "action": action, "snippet": snippet, "check": check, "warning": warning,
                "reason": reason + ("; set by a reached credential" if by_keys else ""),
            }  # fmt: skip
            steps.setdefault((bucket, action, snippet), step)
    return sorted(steps.values(), key=lambda row: (row["priority"], row["bucket"], row["action"], row["snippet"]))


def _aws(*words: str) -> str:
    return shlex.join(("aws", *words))


def _steps(
    bucket: str, path: str, rows: Sequence[Row], where: tuple[str, ...], account: str | None, last_answer: LastAnswer
) -> Iterator[Step]:
    """The steps that close one path into one bucket."""
    of, names = (f"--bucket={bucket}", *where), list(dict.fromkeys(str(row["statement"]) for row in rows))
    own = f"--account-id={account or 'ACCOUNT_ID'}"
    if path == "policy":
        yield _without_statements(of, set(names), last_answer("GetBucketPolicy", bucket))
    elif path in ("acl", "object_acl"):
        private = [] if path == "object_acl" else [_aws("s3api", "put-bucket-acl", *of, "--acl", "private")]
        controls = _aws("s3api", "put-bucket-ownership-controls", *of, "--ownership-controls", ENFORCED)
        check = _aws("s3api", "get-bucket-ownership-controls", *of) + "  # BucketOwnerEnforced"
        warning = "disables the ACLs of all objects too; writers that send an ACL will fail"
        yield "disable_acls", "\n".join([*private, controls]), check, warning
    elif path == "website":
        check = _aws("s3api", "get-bucket-website", *of) + "  # NoSuchWebsiteConfiguration"
        delete = _aws("s3api", "delete-bucket-website", *of)
        yield "remove_website", delete, check, "the website goes; objects that are public stay so"
    elif path == "replication":
        yield _without_rules(of, set(names), last_answer("GetBucketReplication", bucket))
    elif path in ("inventory", "analytics"):
        for name in names:
            check = _aws("s3api", f"get-bucket-{path}-configuration", *of, f"--id={name}") + "  # NoSuchConfiguration"
            delete = _aws("s3api", f"delete-bucket-{path}-configuration", *of, f"--id={name}")
            yield f"stop_{path}", delete, check, "lists that were delivered already stay where they are"
    elif path == "access_grant":
        for name in names:
            delete = _aws("s3control", "delete-access-grant", own, f"--access-grant-id={name}", *where)
            check = _aws("s3control", "list-access-grants", own, *where)
            yield "remove_access_grant", delete, check, "credentials that it gave out run on for up to twelve hours"
    elif path in ("access_point", "multi_region_access_point"):
        lines = [_aws("s3control", f"list-{path.replace('_', '-')}s", own, *where)]
        if path == "access_point":
            lines.append(_aws("s3control", "delete-access-point-policy", own, "--name=NAME", *where))
        check = _aws("s3control", "get-access-point-policy", own, "--name=NAME", *where)
        warning = "whoever comes through it by its policy is shut out; NAME as the list has it"
        yield "close_access_point", "\n".join(lines), check, warning
    if path in ("policy", "acl", "object_acl") and any(row["public_status"] == YES for row in rows):
        put = _aws("s3api", "put-public-access-block", *of, "--public-access-block-configuration", ALL_ON)
        yield "block_public_access", put, _aws("s3api", "get-public-access-block", *of) + "  # all four true", SHUT_OUT


def _without_statements(of: tuple[str, ...], names: set[str], answer: Any) -> Step:
    """The policy as it was answered last, without the statements that let outsiders in."""
    check = _aws("s3api", "get-bucket-policy", *of, "--query", "Policy", "--output", "text")
    document = mapping(answer.get("Policy")) if isinstance(answer, Mapping) else {}
    if not document.get("Statement"):
        look = check + "  # take out: " + ", ".join(sorted(names)).replace("\n", " ")
        return "remove_statements", look, check, "the policy was not collected in a form that can be written back"
    given = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    left = [
        statement
        for number, statement in enumerate(given, 1)
        if str((statement.get("Sid") if isinstance(statement, dict) else None) or f"statement {number}") not in names
    ]
    if left:
        put = _aws("s3api", "put-bucket-policy", *of, "--policy", _compact({**document, "Statement": left}))
        warning = "read the policy first: it is written back as it was collected, without these statements"
        return "remove_statements", put, f"{check}  # {len(left)} of {len(given)} statements left", warning
    warning = "no statement would be left, so that the policy goes as a whole"
    return "remove_statements", _aws("s3api", "delete-bucket-policy", *of), f"{check}  # NoSuchBucketPolicy", warning


def _without_rules(of: tuple[str, ...], names: set[str], answer: Any) -> Step:
    """The replication rules as they were answered last, without those that lead out of the account."""
    configuration = mapping(answer.get("ReplicationConfiguration")) if isinstance(answer, Mapping) else {}
    rules = configuration["Rules"] if isinstance(configuration.get("Rules"), list) else []
    left = [rule for number, rule in enumerate(rules, 1) if str(rule.get("ID") or number) not in names]
    check = _aws("s3api", "get-bucket-replication", *of, "--query", "ReplicationConfiguration.Rules")
    warning = "what was copied already stays where it is; replication that is wanted must be set again"
    if left:
        whole = _compact({**configuration, "Rules": left})
        put = _aws("s3api", "put-bucket-replication", *of, "--replication-configuration", whole)
        return "stop_replication", put, f"{check}  # {len(left)} of {len(rules)} rules left", warning
    delete = _aws("s3api", "delete-bucket-replication", *of)
    return "stop_replication", delete, f"{check}  # ReplicationConfigurationNotFoundError", warning


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
