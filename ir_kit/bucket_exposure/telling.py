"""The ways into a bucket, told short: a matrix of buckets by way in, and one bucket's verdict in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ir_kit.exposure.status import NO, UNKNOWN, YES

Row = Mapping[str, Any]
PATHS = (
    "policy", "acl", "object_acl", "access_point", "multi_region_access_point", "access_grant", "website", "replication",
    "inventory", "analytics", "identity_policy",
)  # fmt: skip
STATES = ("public", "cross_account", "own_account", "unknown", "blocked", "closed")  # the widest first
MOST = 10
VERDICTS = {
    "public_status": ("It is public", "It is not public", "Whether it is public cannot be known"),
    "cross_account_status": (
        "Other accounts are let in, or something flows out to them",
        "No other account is let in, and nothing flows out to one",
        "Whether other accounts are let in cannot be known",
    ),
    "reachable_by_key_status": (
        "Reached credentials could reach it",
        "No reached credential could reach it",
        "Whether reached credentials could reach it cannot be known",
    ),
}


def state_of(row: Row) -> str:
    """How far open is one way in?"""
    if row["public_status"] == YES:
        return "public"
    if row["cross_account_status"] == YES:
        return "cross_account"
    if row["effective_status"] == UNKNOWN:
        return "unknown"
    if row["effective_status"] == YES:
        return "own_account"
    return "blocked" if row["grantee"] is not None and row["blocked_by"] is not None else "closed"


def matrix(grants: Iterable[Row], buckets: Sequence[str]) -> list[dict[str, Any]]:
    """How far open is each bucket by each way in? One row per bucket and path, ``closed`` where nothing is set."""
    by: dict[tuple[str, str], list[Row]] = {}
    for row in grants:
        by.setdefault((row["bucket"], row["path"]), []).append(row)
    paths = sorted({path for _, path in by} | set(PATHS[:2]), key=_place)
    found = []
    for bucket in buckets:
        for path in paths:
            rows = by.get((bucket, path), [])
            states = [state_of(row) for row in rows]
            widest = min(states, key=STATES.index, default="closed")
            said = [row for row, state in zip(rows, states, strict=True) if state == widest]
            whom = list(dict.fromkeys(str(row["grantee"]) for row in said if row["grantee"] is not None))
            found.append(
                {
                    "bucket": bucket, "path": path, "state": widest, "grantees": whom[:MOST],
                    "ways": sum(row["grantee"] is not None for row in rows), "detail": said[0]["detail"] if said else None,
                }
            )  # fmt: skip
    return found


def _place(path: str) -> tuple[int, str]:
    return (PATHS.index(path) if path in PATHS else len(PATHS), path)


def worst(buckets: Sequence[Row], observed: Iterable[Row]) -> str | None:
    """Which bucket is to be looked at first: the one that is most open, and among these the one with most outsiders."""
    came: dict[str, int] = {}
    for row in observed:
        if row["requester_kind"] != "service":
            came[row["bucket"]] = came.get(row["bucket"], 0) + int(row["requests"])
    rank = {YES: 0, UNKNOWN: 1, NO: 2}
    listed = sorted(
        buckets,
        key=lambda row: (
            rank[row["public_status"]], rank[row["cross_account_status"]], -came.get(row["bucket"], 0), row["bucket"]
        ),
    )  # fmt: skip
    return str(listed[0]["bucket"]) if listed else None


def explained(
    bucket: str,
    verdict: Row | None,
    grants: Iterable[Row] = (),
    changes: Iterable[Row] = (),
    observed: Iterable[Row] = (),
) -> list[dict[str, str]]:
    """Why is the verdict on one bucket what it is?

    Returns
    -------
    list of dict
        One per sentence, the verdict first: ``about`` and ``sentence``.
    """
    found: list[tuple[str, str]] = []
    if verdict is None:
        return [
            {
                "about": "scope",
                "sentence": f"No bucket {bucket} is in scope: neither configuration nor a log tells of it.",
            }
        ]
    for name, words in VERDICTS.items():
        said = words[(YES, NO, UNKNOWN).index(verdict[name])]
        found.append((name.removesuffix("_status").replace("_", " "), f"{said}."))
    found += [("why", str(reason).rstrip(".") + ".") for reason in verdict["reasons"] if reason is not None]
    for row in grants:
        if row["bucket"] == bucket and row["grantee"] is not None and row["path"] != "identity_policy":
            found.append((str(row["path"]).replace("_", " "), _way(row)))
    for row in changes:
        if row["bucket"] in (bucket, None) and row["outcome"] == "success":
            found.append(("changed", _changed(row)))
    for row in observed:
        if row["bucket"] == bucket:
            found.append(("observed", _came(row)))
    return [{"about": about, "sentence": sentence} for about, sentence in found]


def _way(row: Row) -> str:
    access = row["access"] or "do what cannot be read"
    if row["effective_status"] == YES:
        effect = "takes effect" if row["blocked_by"] is None else f"takes effect, with {row['blocked_by']} in between"
    elif row["effective_status"] == NO:
        effect = f"is stopped by {row['blocked_by']}" if row["blocked_by"] else "takes no effect"
    else:
        effect = "may take effect: that cannot be settled"
    return f"{row['grantee']} may {access}; this {effect} ({row['detail']})."


def _changed(row: Row) -> str:
    who = row["access_key_id"] or row["principal_arn"] or "nobody that is named"
    effect = {"opens": "opened it", "closes": "closed it", "changes": "changed it"}[row["effect"]]
    whole = "" if row["bucket"] else " (the whole account)"
    still = {YES: "it still stands", NO: "it no longer stands", UNKNOWN: "whether it still stands is not known"}
    return f"{row['event_time']:%Y-%m-%d %H:%M:%S} UTC: {row['event_name']} by {who} {effect}{whole}: {row['detail']}; {still[row['stands_status']]}."


def _came(row: Row) -> str:
    kind = {"anonymous": "Anonymous callers", "other_account": "The account", "service": "The service"}[
        row["requester_kind"]
    ]
    who = kind if row["requester_kind"] == "anonymous" else f"{kind} {row['requester']}"
    return (
        f"{who} asked between {row['first_time']:%Y-%m-%d %H:%M:%S} and {row['last_time']:%Y-%m-%d %H:%M:%S} UTC: "
        f"{row['requests']:,} requests succeeded ({row['bytes_sent']:,} bytes), {row['denied_requests']:,} were refused; "
        f"{row['requests_while_public']:,} of those that succeeded came while the bucket was public, "
        f"{row['requests_while_unknown']:,} while that is not known."
    )
