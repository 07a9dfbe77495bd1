"""From all ways into a bucket to one verdict: is it public, open to another account, within a reached credential's power?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ir_kit.configuration.inventory import Bucket
from ir_kit.exposure.status import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.ways import Way

MOST_REASONS = 8  # of one kind
Row = dict[str, Any]


def verdict(bucket: Bucket, ways: Iterable[Way], reached: Iterable[Mapping[str, Any]], knows_keys: str) -> Row:
    """One row of ``bucket_exposure/buckets``.

    Parameters
    ----------
    reached : iterable of mappings
        Rows of ``bucket_exposure/reachable`` for this bucket.
    knows_keys : str
        What to say where no reached credential was judged.
    """
    listed = list(ways)
    by_key = list(reached)
    reachable = any_of(row["status"] for row in by_key) if by_key else NO
    reasons = [
        *_reasons("public", any_of(way.public_status for way in listed), _public(listed)),
        *_reasons("open to another account", any_of(way.cross_account_status for way in listed), _foreign(listed)),
        *_reasons("within reach of a reached credential", reachable, _reachable(by_key) or {NO: [knows_keys]}),
        *(f"Not counted in this: {way.path} ({way.detail})." for way in listed if _left_out(way)),
    ]
    return {
        "bucket": bucket.name,
        "region": bucket.region,
        "account_id": bucket.account,
        "public_status": any_of(way.public_status for way in listed),
        "cross_account_status": any_of(way.cross_account_status for way in listed),
        "reachable_by_key_status": reachable,
        "reasons": list(dict.fromkeys(reasons)),
    }


def _reasons(what: str, status: str, said: dict[str, list[str]]) -> Iterable[str]:
    head = {YES: f"It is {what}", NO: f"It is not {what}", UNKNOWN: f"Whether it is {what} is not known"}[status]
    why = list(dict.fromkeys(said.get(status, [])))
    if not why:
        yield f"{head}."
    for one in why[:MOST_REASONS]:
        yield f"{head}: {one}."
    if len(why) > MOST_REASONS:
        yield f"{head}: and {len(why) - MOST_REASONS} more."


def _public(ways: list[Way]) -> dict[str, list[str]]:
    return {
        YES: [_words(way) for way in ways if way.public_status == YES],
        UNKNOWN: [_words(way) for way in ways if way.public_status == UNKNOWN],
        NO: [_words(way) for way in ways if way.open_to_all == YES and way.effective_status == NO],
    }


def _foreign(ways: list[Way]) -> dict[str, list[str]]:
    return {
        YES: [_words(way) for way in ways if way.cross_account_status == YES],
        UNKNOWN: [_words(way) for way in ways if way.cross_account_status == UNKNOWN],
        NO: [_words(way) for way in ways if way.foreign == YES and way.effective_status == NO],
    }


def _words(way: Way) -> str:
    who = (
        f"{way.path} lets {way.grantee} {way.access or 'in'}"
        if way.grantee and way.effective_status == YES
        else way.path
    )
    stopped = f", stopped by {way.blocked_by}" if way.blocked_by else ""
    return f"{who} ({way.detail}){stopped}"


def _reachable(rows: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        whom = found.setdefault(row["status"], {})
        whom.setdefault(str(row["principal_arn"] or row["access_key_id"]), []).append(row["access"])
    said: dict[str, list[str]] = {}
    for status, whom in found.items():
        verb = {YES: "could", NO: "could not", UNKNOWN: "may or may not"}[status]
        said[status] = [f"{name} {verb} {', '.join(dict.fromkeys(does))}" for name, does in whom.items()]
    return said


def _left_out(way: Way) -> bool:
    """Is it not known whether there is such a way, and does no verdict hang on it?"""
    return way.effective_status == UNKNOWN and way.grantee is None and NO == way.open_to_all == way.foreign
