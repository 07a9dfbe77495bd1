"""What changed who can reach a bucket, who did it, did it succeed, and does it still stand?

Each call is set against the setting that it changes: what it let in before, and what after. Both are worked out as
for configuration, from the setting that the call carried and from what is known of the others at that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.change_events import Act, Content
from ir_kit.configuration.request_parameters import FLAGS
from ir_kit.configuration.setting_history import History
from ir_kit.domain.frames import frame_of
from ir_kit.domain.outcome import outcome_of
from ir_kit.exposure.grants import Grant
from ir_kit.exposure.replayed import Replayed, replayed
from ir_kit.exposure.status import NO, UNKNOWN, YES
from ir_kit.tables import types_of

TABLE = "bucket_exposure/changes"
Row = Mapping[str, Any]
Whom = tuple[str, str, str]  # grantee, access, whether that is everybody
OPENS, CLOSES, CHANGES = "opens", "closes", "changes"
NO_WAY = ("rule_disabled", "redirect_all_requests", "resource")  # what is set and lets nobody in, whatever else is set
FLOWS_OUT = ("website", "replication", "inventory", "analytics", "cors", "access_grant")


def changes(case: Case) -> pd.DataFrame:
    """What changed who can reach the buckets, in all of the evidence?

    Returns
    -------
    DataFrame
        One row per call that changes exposure, or was to; failed ones included, whoever made it, in the order of time;
        empty if none. A change to a whole account has a null bucket.

    Notes
    -----
    ``opens`` and ``closes`` compare with what the setting was just before, by the call before it, an answer of
    configuration in between, or a read that found nothing. Where that is not known, a call that can only open (public
    access blocks taken away, a policy that is public, a website, what flows out) opens, one that can only close
    closes, and all others are ``changes``. A call that is known to change nothing is none. Cannot see: calls made while
    nothing recorded management events; KMS key policies.
    Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; CloudTrail records of S3.
    """
    return frame_of(changes_of(replayed(case)), types_of(TABLE))


def changes_of(known: Replayed) -> list[dict[str, Any]]:
    """The rows for settings over time; see `changes`."""
    found = [_change(known, row, act) for row, act in known.acts]
    return [change for change in found if change is not None]


def _change(known: Replayed, row: Row, act: Act) -> dict[str, Any] | None:
    outcome = outcome_of(row["error_code"])
    before = _before(known.history, row, act, outcome == "success")
    effect, opened, closed = _effect(known, row, act, before)
    if effect is None:
        return None
    public = ["", ""] if act.bucket is None else known.public_around(row, act)
    return {
        **{name: row[name] for name in ("event_time", "event_name", "access_key_id", "event_id", "source_ip_address")},
        "bucket": act.bucket, "effect": effect, "outcome": outcome, "scope": act.scope, "target": act.target,
        "is_reached": bool(row["is_reached"]), "is_responder": bool(row["is_responder"]), "user_agent": row["user_agent"],
        "principal_arn": row["user_identity_arn"], "error_code": row["error_code"],
        "public_before": public[0] or None, "public_after": public[1] or None, "opened_to": opened, "closed_to": closed,
        "stands_status": _stands(known, act, outcome, opened), "detail": _detail(act, effect, opened, closed, before),
    }  # fmt: skip


def _before(history: History, row: Row, act: Act, succeeded: bool) -> Content:
    if act.setting is None:
        return Content()
    return history.at(act.setting, row["event_time"], row["order"], before_success=succeeded).content


def _effect(known: Replayed, row: Row, act: Act, before: Content) -> tuple[str | None, list[str], list[str]]:
    """The effect, whom it lets in and whom it no longer does; None where nothing changes."""
    name = str(row["event_name"])
    if act.path == "block_public_access":
        return _of_flags(before, act.content)
    if act.path == "ownership_controls":
        return _of_ownership(before, act.content)
    if name == "CreateBucket" and act.path == "acl" and not _outsiders(known.ways_of(act, act.content, row), act.path):
        return None, [], []  # what is new and private exposes nothing
    if act.setting is None or name == "CreateAccessPoint":
        return _of_name(name, act)
    if act.path == "cors":
        return _of_origins(before, act.content)
    if not act.content.known:
        deletes_one = name.startswith("Delete") and act.path in FLOWS_OUT
        return (CLOSES if deletes_one else CHANGES), [], []
    after = _outsiders(known.ways_of(act, act.content, row), act.path)
    if not before.known or name == "CreateBucket":
        return _without_before(act, after, name)
    first = _outsiders(known.ways_of(act, before, row), act.path)
    opened, closed = _beyond(after, first), _beyond(first, after)
    effect = OPENS if opened else CLOSES if closed else None
    return effect, opened, closed


def _without_before(act: Act, after: set[Whom], name: str) -> tuple[str | None, list[str], list[str]]:
    everybody = any(to_all == YES for _, _, to_all in after)
    if after and (everybody or act.path in FLOWS_OUT or name == "CreateBucket"):
        return OPENS, _names(after), []
    if not after and name.startswith("Delete") and act.path in FLOWS_OUT:
        return CLOSES, [], []
    if not after and act.path == "object_acl":
        return None, [], []
    return CHANGES, _names(after), []


def _of_flags(before: Content, after: Content) -> tuple[str | None, list[str], list[str]]:
    old, new = _flags(before), _flags(after)
    if new is None:
        return CHANGES, [], []
    if old is None:
        effect = CHANGES if len(set(new.values())) > 1 else CLOSES if all(new.values()) else OPENS
        return effect, [], []
    off = [flag for flag in FLAGS if old[flag] and not new[flag]]
    on = [flag for flag in FLAGS if new[flag] and not old[flag]]
    return (OPENS if off else CLOSES if on else None), [], []


def _flags(content: Content) -> dict[str, bool] | None:
    """The four settings; None where they are not known."""
    if content.error_code is not None:
        return dict.fromkeys(FLAGS, False)
    given = (content.response or {}).get("PublicAccessBlockConfiguration")
    if not isinstance(given, Mapping):
        return None
    return {flag: given.get(flag) is True or str(given.get(flag)).lower() == "true" for flag in FLAGS}


def _of_ownership(before: Content, after: Content) -> tuple[str | None, list[str], list[str]]:
    """Disabling ACLs closes, putting them in force opens."""
    old, new = _acls_live(before), _acls_live(after)
    if new is None:
        return CHANGES, [], []
    return (None if old is new else OPENS if new else CLOSES), [], []


def _acls_live(content: Content) -> bool | None:
    if content.error_code is not None:
        return True
    rules = ((content.response or {}).get("OwnershipControls") or {}).get("Rules") or []
    return None if not rules else rules[0].get("ObjectOwnership") != "BucketOwnerEnforced"


def _of_origins(before: Content, after: Content) -> tuple[str | None, list[str], list[str]]:
    """CORS grants nothing; it lets pages of other origins read what their visitors may."""
    old, new = _origins(before), _origins(after)
    if new is None:
        return CHANGES, [], []
    if old is None:
        return (OPENS if new else CLOSES), sorted(new), []
    return (OPENS if new - old else CLOSES if old - new else None), sorted(new - old), sorted(old - new)


def _origins(content: Content) -> set[str] | None:
    if content.error_code is not None:
        return set()
    if content.response is None:
        return None
    rules = content.response.get("CORSRules") or []
    return {
        f"{origin} ({method})"
        for rule in rules
        for origin in rule.get("AllowedOrigins") or []
        for method in rule.get("AllowedMethods") or []
    }


def _of_name(name: str, act: Act) -> tuple[str | None, list[str], list[str]]:
    """Acts on what configuration keeps in lists: made or taken away."""
    if name.startswith("Create"):
        grantee = (act.content.response or {}).get("Grantee")
        return OPENS, [str(grantee)] if grantee else [], []
    return (CLOSES if name.startswith("Delete") else CHANGES), [], []


def _outsiders(ways: Iterable[Grant], path: str) -> set[Whom]:
    """Whom these ways are meant for; whether something else stops them is another matter."""
    return {
        (str(way.grantee), str(way.access), way.open_to_all)
        for way in ways
        if way.path == path and way.grantee is not None and way.access is not None and way.blocked_by not in NO_WAY
    }


def _beyond(these: set[Whom], those: set[Whom]) -> list[str]:
    """Whom these let in and those do not; whoever may do a thing that everybody may is let in already."""
    everybody = {access for _, access, to_all in those if to_all == YES}
    named = {(grantee, access) for grantee, access, _ in those}
    return _names(
        {
            (grantee, access, to_all)
            for grantee, access, to_all in these
            if access not in everybody and ((grantee, access) not in named or to_all == YES)
        }
    )


def _names(whom: Iterable[Whom]) -> list[str]:
    return sorted({f"{grantee} ({access})" for grantee, access, _ in whom})


def _stands(known: Replayed, act: Act, outcome: str, opened: list[str]) -> str:
    """Is what the call set there by the last that is known of the setting?"""
    if outcome != "success":
        return NO
    if act.setting is None or not act.content.known:
        return UNKNOWN
    last = known.history.last(act.setting).content
    if not last.known:
        return UNKNOWN
    if act.path == "block_public_access":
        return YES if _flags(last) == _flags(act.content) else NO
    if act.path == "ownership_controls":
        return YES if _acls_live(last) == _acls_live(act.content) else NO
    if act.path == "cors":
        return YES if _origins(last) == _origins(act.content) else NO
    if not opened:
        return YES if _same(known, act, last) else NO
    still = _names(_outsiders(known.ways_of(act, last, None), act.path))
    return YES if set(opened) & set(still) else NO


def _same(known: Replayed, act: Act, last: Content) -> bool:
    now = _outsiders(known.ways_of(act, last, None), act.path)
    return now == _outsiders(known.ways_of(act, act.content, None), act.path)


def _detail(act: Act, effect: str, opened: list[str], closed: list[str], before: Content) -> str:
    what = {
        "block_public_access": "Block Public Access", "ownership_controls": "object ownership", "acl": "the bucket's ACL",
        "object_acl": "the ACL of an object", "policy": "the bucket policy", "cors": "the rules for other origins",
    }.get(act.path, act.path.replace("_", " "))  # fmt: skip
    parts = [what]
    if act.path == "block_public_access":
        flags = _flags(act.content)
        on = [flag for flag in FLAGS if flags and flags[flag]]
        parts.append(
            "not told"
            if flags is None
            else "all on"
            if len(on) == len(FLAGS)
            else f"{', '.join(on)} on"
            if on
            else "all off"
        )
    if opened:
        parts.append(f"lets in {', '.join(opened[:4])}{' and more' if len(opened) > 4 else ''}")
    if closed:
        parts.append(f"no longer lets in {', '.join(closed[:4])}{' and more' if len(closed) > 4 else ''}")
    if act.setting is not None and not before.known:
        parts.append("what was there before is not known")
    return "; ".join(parts)
