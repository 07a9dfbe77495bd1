"""The answers on exposure by configuration, asked of an open case: ways in, verdicts, reach, settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from ir_kit.bucket_exposure import bucket_settings
from ir_kit.case import Case
from ir_kit.configuration.inventory import own_accounts
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.exposure.actors import Actor, Actors
from ir_kit.exposure.places import Estate, estate
from ir_kit.exposure.reach import ACTIONS, Judge, Reached
from ir_kit.exposure.status import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.uses import observed_use
from ir_kit.exposure.verdicts import verdict
from ir_kit.exposure.ways import LIST, READ, WRITE, Way
from ir_kit.tables import types_of

Row = dict[str, Any]
_ESTATES: WeakKeyDictionary[Case, Estate] = WeakKeyDictionary()
# what a public ACL lets everybody do, of what is asked of a credential
_BY_ACL = {READ: ("read",), LIST: ("list",), WRITE: ("write", "delete")}


def ways_in(case: Case) -> pd.DataFrame:
    """By which ways could somebody get at each bucket, which take effect, and what stops the others?

    Returns
    -------
    DataFrame
        One row per bucket, way, grantee and access, with the columns of ``bucket_exposure/grants``. Where a way is not
        configured (``no``) or is not known (``unknown``), one row says so, with neither grantee nor access.

    Notes
    -----
    As configuration was collected, not as it was before. Cannot see what was not asked, and the ACLs of objects but
    those that were collected.
    """

    def compute() -> pd.DataFrame:
        held = _estate(case)
        reached = _by_bucket(rows_of(reachable(case)))
        rows = [
            row
            for name, ways in held.ways.items()
            for row in [*(way.row() for way in ways), *_identity_rows(reached.get(name, []))]
        ]
        return frame_of(rows, _columns("bucket_exposure/grants"))

    return case.answer("bucket_exposure_grants", compute)


def bucket_verdicts(case: Case) -> pd.DataFrame:
    """Is each bucket public, open to another account, and within a reached credential's power?

    Returns
    -------
    DataFrame
        One row per bucket in scope, with the columns of ``bucket_exposure/buckets``; empty if there is none.

    Notes
    -----
    See `ways_in` for what it cannot see. That single objects may be public by ACLs of their own, which were not
    collected, stands among the reasons and does not make a bucket public.
    """

    def compute() -> pd.DataFrame:
        held = _estate(case)
        reached = _by_bucket(rows_of(reachable(case)))
        rows = [
            verdict(bucket, held.ways[name], reached.get(name, []), "no credential was reached")
            for name, bucket in held.holdings.buckets.items()
        ]
        return frame_of(rows, _columns("bucket_exposure/buckets"))

    return case.answer("bucket_exposure_buckets", compute)


def reachable(case: Case) -> pd.DataFrame:
    """What could each reached credential do to each bucket: read, write, delete, list, change the policy?

    Returns
    -------
    DataFrame
        One row per reached credential (responders' left out), bucket and access, with the columns of
        ``bucket_exposure/reachable``.

    Notes
    -----
    By the policies as they were collected, and by what the logs show that it did. Cannot see policies that were changed
    or removed before collection, but for what was done under them.
    """

    def compute() -> pd.DataFrame:
        return frame_of(_reach(case, _estate(case)), _columns("bucket_exposure/reachable"))

    return case.answer("bucket_exposure_reachable", compute)


def settings_held(case: Case) -> pd.DataFrame:
    """What is set on each bucket and account, what is not there, what was refused, and what was not asked?

    Returns
    -------
    DataFrame
        One row per bucket and setting, then one per account and setting, with the columns of
        ``bucket_exposure/settings``.
    """

    def compute() -> pd.DataFrame:
        held = _estate(case)
        rows = bucket_settings.settings_rows(held.configuration, held.holdings)
        return frame_of(rows, _columns("bucket_exposure/settings"))

    return case.answer("bucket_exposure_settings", compute)


def _columns(table: str) -> dict[str, str]:
    return types_of(table)


def _estate(case: Case) -> Estate:
    if case not in _ESTATES:
        settings = rows_of(case.ask("configuration/configuration"))
        reached = rows_of(case.ask("configuration/logged_buckets"))
        accounts = own_accounts(case)["account_id"].dropna()
        _ESTATES[case] = estate(settings, reached, accounts, case.incident.buckets)
    return _ESTATES[case]


def _by_bucket(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["bucket"]].append(row)
    return found


def _reach(case: Case, held: Estate) -> list[Row]:
    credentials = rows_of(reached_credentials(case))
    by_key = {row["access_key_id"]: row for row in credentials}
    issuing, sessions = case.ask("exposure/issuing"), case.ask("exposure/reached_sessions")
    actors = Actors(held.configuration, held.holdings, rows_of(issuing), rows_of(sessions))
    window = case.incident.window
    found = reach_rows(
        [
            (row, actors.actor(row, by_key.get(row["parent_access_key_id"])))
            for row in credentials
            if not row["is_responder"]
        ],
        held,
        Judge((window.start, window.end)),
    )
    used = observed_use(rows_of(case.ask("exposure/reached_use")))
    return [_with_use(row, used.get((row["access_key_id"], row["bucket"], row["access"]))) for row in found]


def reach_rows(credentials: Iterable[tuple[Mapping[str, Any], Actor | None]], held: Estate, judge: Judge) -> list[Row]:
    """One row per credential, bucket and access, by policies and ACLs alone."""
    rows: list[Row] = []
    known: dict[tuple[Any, ...], dict[tuple[str, str], Reached]] = {}
    for credential, actor in credentials:
        alike = _alike(actor)
        if alike not in known:
            known[alike] = dict(_judged(actor, held, judge))
        rows += [
            {
                "access_key_id": credential["access_key_id"], "principal_arn": credential["principal_arn"],
                "bucket": bucket, "access": access, "status": one.status, "decided_by": one.statement,
                "detail": one.reason,
            }
            for (bucket, access), one in known[alike].items()
        ]  # fmt: skip
    return rows


def _alike(actor: Actor | None) -> tuple[Any, ...]:
    """Actors that are alike in this are judged once."""
    if actor is None:
        return ()
    parts = (actor.identity, actor.session, actor.scps)
    ids = tuple(tuple(id(one) for one in part) if part is not None else None for part in parts)
    return (actor.principal, ids, id(actor.boundary), repr(sorted(actor.context.items(), key=lambda one: one[0])))


def _judged(actor: Actor | None, held: Estate, judge: Judge) -> Iterable[tuple[tuple[str, str], Reached]]:
    for name, guarded in held.guarded.items():
        if actor is None:
            for access in ACTIONS:
                yield (name, access), Reached(UNKNOWN, None, "as whom the credential acts is not known")
            continue
        acls = [way for way in held.ways[name] if way.path == "acl" and way.effective_status != NO]
        for access, one in judge.reach(actor, guarded):
            yield (name, access), _with_acl(access, one, acls, actor, held)


def _with_acl(access: str, one: Reached, acls: list[Way], actor: Actor, held: Estate) -> Reached:
    """What policies do not allow, and none denies, an ACL may."""
    if one.status == YES or (one.status == NO and one.statement is not None):
        return one
    for way in acls:
        if access not in _BY_ACL.get(str(way.access), ()):
            continue
        if way.open_to_all == YES:
            status = way.effective_status
        elif way.foreign != NO and held.holdings.canonical.get(str(way.grantee)) in (None, actor.principal.account):
            status = UNKNOWN
        else:
            continue
        if any_of((status, one.status)) != one.status:
            one = Reached(status, f"the bucket's ACL ({way.statement} for {way.grantee})", way.detail)
    return one


def _with_use(row: Row, used: str | None) -> Row:
    if used is None:
        return row
    words = used if row["status"] == YES else f"{used}; by configuration as collected: {row['detail']}"
    return row | {"status": YES, "detail": f"{row['detail']}; {words}" if row["status"] == YES else words}


def _identity_rows(reached: list[Row]) -> list[Row]:
    """What identities let reached principals do, as ways in: what they could, or may, and what a statement denies them."""
    best: dict[tuple[str, str], Row] = {}
    rank = {YES: 2, UNKNOWN: 1, NO: 0}
    for row in reached:
        access = WRITE if row["access"] == "delete" else row["access"]
        at = (str(row["principal_arn"] or row["access_key_id"]), access)
        if at not in best or rank[row["status"]] > rank[best[at]["status"]]:
            best[at] = row
    return [
        {
            "bucket": row["bucket"], "path": "identity_policy", "grantee": grantee, "access": access,
            "effective_status": row["status"], "statement": row["decided_by"], "detail": row["detail"],
            "blocked_by": "explicit_deny" if row["status"] == NO else None, "public_status": NO,
            "cross_account_status": NO,
        }
        for (grantee, access), row in best.items()
        if row["status"] != NO or row["decided_by"] is not None
    ]  # fmt: skip
