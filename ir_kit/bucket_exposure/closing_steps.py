"""Ready steps to close what is open: AWS CLI, each with what proves it and what it may break. Nothing is applied.

Names come out of logs and settings, so that every word is quoted for the shell; a bucket's name is given as
``--bucket=NAME``, so that one that begins with a dash is no option. What stands for itself in a setting (statements,
rules) is written back whole, without what lets outsiders in.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; AWS CLI Command Reference, s3api, s3control.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ir_kit.domain.documents import mapping, mappings
from ir_kit.domain.logic import YES
from ir_kit.domain.shell import command, compact

Row = Mapping[str, Any]
OPENED_BY_KEYS, PUBLIC, OTHERS = 1, 2, 3
# by path: what is done, by which commands, the command that proves it, what it answers then, and what it may break
STEPS: dict[str, tuple[str, ...]] = {
    "policy": ("remove_statements", "delete-bucket-policy", "get-bucket-policy --query Policy --output text",
               "NoSuchBucketPolicy", "no statement would remain, so the whole policy is deleted"),
    "acl": ("disable_acls", "put-bucket-acl --acl private;"
            "put-bucket-ownership-controls --ownership-controls Rules=[{ObjectOwnership=BucketOwnerEnforced}]",
            "get-bucket-ownership-controls", "BucketOwnerEnforced",
            "disables the ACLs of all objects too; writers that send an ACL will fail"),
    "website": ("remove_website", "delete-bucket-website", "get-bucket-website", "NoSuchWebsiteConfiguration",
                "the website stops; public objects stay public"),
    "replication": ("stop_replication", "delete-bucket-replication",
                    "get-bucket-replication --query ReplicationConfiguration.Rules",
                    "ReplicationConfigurationNotFoundError",
                    "existing copies stay; wanted replication must be configured again"),
    "inventory": ("stop_inventory", "delete-bucket-inventory-configuration @id",
                  "get-bucket-inventory-configuration @id", "NoSuchConfiguration",
                  "delivered lists stay where they are"),
    "access_grant": ("remove_access_grant", "delete-access-grant @grant", "list-access-grants", "",
                     "credentials that it issued stay valid for up to twelve hours"),
    "access_point": ("close_access_point", "list-access-points;delete-access-point-policy --name=NAME",
                     "get-access-point-policy --name=NAME", "",
                     "everyone who uses it by its policy loses access; NAME is in the list"),
    "public": ("block_public_access", "put-public-access-block --public-access-block-configuration BlockPublicAcls=true,"
               "IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
               "get-public-access-block", "all four true",
               "anonymous callers lose access, a website too; with a public policy, also other accounts "
               "that it names"),
}  # fmt: skip
STEPS |= {
    "object_acl": ("disable_acls", STEPS["acl"][1].partition(";")[2], *STEPS["acl"][2:]),
    "analytics": tuple(text.replace("inventory", "analytics") for text in STEPS["inventory"]),
    "multi_region_access_point": ("close_access_point", "list-multi-region-access-points", *STEPS["access_point"][2:]),
}  # fmt: skip
WRITTEN_BACK = {  # what reads it, the part of its answer, the list in it, the option that sets it, an entry's name
    "policy": ("GetBucketPolicy", "Policy", "Statement", "--policy", "Sid", "statement "),
    "replication": (
        "GetBucketReplication", "ReplicationConfiguration", "Rules", "--replication-configuration", "ID", ""
    ),
}  # fmt: skip


def steps_to_close(
    grants: Iterable[Row], changes: Iterable[Row], buckets: Iterable[Row], last_answer: Callable[[str, str], Any]
) -> list[dict[str, Any]]:
    """What is to be run to close what is open to outsiders, by rows of these tables?

    Parameters
    ----------
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
        who = list(dict.fromkeys(f"{row['grantee']} can {row['access']}" for row in rows))
        more = f" and {len(who) - 3} more" if len(who) > 3 else ""
        by_whom = "; set by a compromised credential" if by_keys else ""
        verdict, names = verdicts[bucket], list(dict.fromkeys(str(row["statement"]) for row in rows))
        for kind in (path, *(["public"] if public and path in ("policy", "acl", "object_acl") else [])):
            for name in names if kind in STEPS else ():
                action, snippet, check, warning = closing_step(kind, verdict, name, names, last_answer)
                steps.setdefault((bucket, action, snippet), {
                    "priority": OPENED_BY_KEYS if by_keys else PUBLIC if public else OTHERS, "bucket": bucket,
                    "aws_region": verdict["region"], "action": action, "snippet": snippet, "check": check,
                    "warning": warning, "reason": f"{path.replace('_', ' ')}: {', '.join(who[:3])}{more}{by_whom}",
                })  # fmt: skip
    return sorted(steps.values(), key=lambda row: (row["priority"], row["bucket"], row["action"], row["snippet"]))


def closing_step(
    kind: str, verdict: Row, name: str, names: list[str], last_answer: Callable[[str, str], Any]
) -> tuple[str, str, str, str]:
    """The step of `STEPS`; a policy or rules of replication are written back as answered last, without these names."""
    action, text, check, proof, warning = STEPS[kind]
    aws = partial(commands, "access_" in kind, verdict)
    words = {"@id": f"--id={name}", "@grant": f"--access-grant-id={name}"}
    snippet, check = aws(text, words), aws(check, words)
    if kind in WRITTEN_BACK:
        operation, part, inner, option, label, noun = WRITTEN_BACK[kind]
        whole = mapping(mapping(last_answer(operation, verdict["bucket"])).get(part))
        entries = list(enumerate(mappings(whole.get(inner)), 1))
        left = [entry for number, entry in entries if str(entry.get(label) or f"{noun}{number}") not in names]
        if left:
            snippet = aws(f"put-bucket-{kind} {option} @json", {"@json": compact({**whole, inner: left})})
            proof = f"{len(left)} of {len(entries)} {inner.lower().removesuffix('s')}s left"
        if kind == "policy" and left:
            warning = "read the policy first: it is written back as it was collected, without these statements"
        elif kind == "policy" and not entries:
            snippet, proof = f"{check}  # take out: {', '.join(sorted(names))}".replace("\n", " "), ""
            warning = "the policy was not collected in a form that can be written back"
    return action, snippet, f"{check}  # {proof}" if proof else check, warning


def commands(of_account: bool, verdict: Row, text: str, words: Mapping[str, str]) -> str:
    """Commands of the AWS CLI on a bucket or its account, one a line, every word quoted; `words` fill in those with @."""
    where, lines = ["--region", verdict["region"]] if verdict["region"] else [], list[str]()
    own = f"--account-id={verdict.get('account_id') or 'ACCOUNT_ID'}"
    for operation, *rest in map(str.split, text.split(";")):
        options = [words.get(word, word) for word in rest]
        on = [own, *options, *where] if of_account else [f"--bucket={verdict['bucket']}", *where, *options]
        lines.append(command("aws", "s3control" if of_account else "s3api", operation, *on))
    return "\n".join(lines)
