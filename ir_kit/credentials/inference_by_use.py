"""Links that rest on use: no issuing call is in the evidence at all, and only reached credentials were at work.

These are the weakest links, so the conditions are many, and each says whom it spares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from ir_kit.credentials.orphans import Evidence, Orphan, Pair, inferred
from ir_kit.credentials.reached import Reached, Row
from ir_kit.domain.principals import in_networks, role_name, user_name

IN_USE = pd.Timedelta(hours=1)
AROUND = pd.Timedelta(hours=12)
SIGN_IN = pd.Timedelta(seconds=5)
ROLE_LIFE, TOKEN_LIFE = pd.Timedelta(hours=12), pd.Timedelta(hours=36)  # at most
CHAINED_LIFE = pd.Timedelta(hours=1)  # a session assumed by a role's session lives no longer


def acting_for_user(
    evidence: Evidence, reached: dict[str, Reached], _: list[Row], orphans: list[Orphan]
) -> Iterator[Reached]:
    """An AWS service acted for a user while, of that user's credentials, only reached ones were in use.

    Notes
    -----
    Spares the owner: within an hour of the key's creation no other credential of the user may have been used
    directly, nor may the user have signed in to the console up to twelve hours before.
    """
    holders = _by_user(reached)
    chosen = [
        o for o in orphans if o.forwarded and not o.from_console and o.kind in ("IAMUser", "Root") and o.arn in holders
    ]
    if not chosen:
        return
    use: dict[str, list[Row]] = defaultdict(list)
    for row in evidence.principal_use(sorted({orphan.arn for orphan in chosen})):
        use[row["user_identity_arn"]].append(row)
    for orphan in chosen:
        near = [
            (_distance(row, orphan.created), row["access_key_id"])
            for row in use[orphan.arn]
            if row["session_creation_date"] is None or row["session_creation_date"] <= orphan.created
        ]
        others = [key for distance, key in near if distance <= IN_USE and key not in reached]
        if others or _signed_in(evidence, orphan, AROUND):
            continue
        ours = sorted(
            (distance, key) for distance, key in near if key in reached and reached[key].reached_at <= orphan.created
        )
        parent = ours[0][1] if ours else holders[orphan.arn][0]
        yield inferred(
            orphan,
            parent,
            "an AWS service acted for the same user; within an hour no credential of the user that is not reached was "
            "used directly",
        )


def same_hand(
    evidence: Evidence, reached: dict[str, Reached], _: list[Row], orphans: list[Orphan]
) -> Iterator[Reached]:
    """A session without any issuing call, from an address and with an agent that only reached credentials used.

    Notes
    -----
    Spares everybody whose own credentials ever used that address with that agent, in baseline or window; the owner's
    console sessions; and, where address and agent are the owner's, roles that the incident keys were never seen to
    assume.
    """
    direct = [orphan for orphan in orphans if orphan.pairs and not orphan.from_console]
    known = _Pairs(evidence, reached, direct)
    for orphan in direct:
        if orphan.kind in ("IAMUser", "Root", "FederatedUser") and _signed_in(evidence, orphan, SIGN_IN):
            continue
        shared = [pair for pair in sorted(orphan.pairs) if known.is_clean(pair)]
        if not shared or any(known.is_foreign(pair) for pair in orphan.pairs):
            continue
        if (
            orphan.kind == "AssumedRole"
            and all(known.is_owners(pair) for pair in shared)
            and role_name(orphan.arn) not in known.roles
        ):
            continue
        parents = sorted(
            (distance, reached[use["access_key_id"]].reached_at, use["access_key_id"])
            for pair in shared
            for use in known.reached_use[pair]
            if _may_issue(reached[use["access_key_id"]], orphan)
            and ((distance := _distance(use, orphan.created)) <= AROUND or orphan.kind == "AssumedRole")
        )
        if parents:
            yield inferred(
                orphan,
                parents[0][2],
                f"no issuing call is in the evidence; used from {shared[0][0]} with an agent that only reached "
                "credentials used there",
            )


class _Pairs:
    """Who used which address with which agent."""

    def __init__(self, evidence: Evidence, reached: dict[str, Reached], orphans: list[Orphan]) -> None:
        incident = evidence.case.incident
        rows = evidence.address_use(sorted({address for orphan in orphans for address, _ in orphan.pairs}))
        unknown = {orphan.access_key_id for orphan in evidence.orphans.values()}
        ours = {row["pair"] for row in rows if row["access_key_id"] in reached and row["window_count"]}
        in_question = {pair for orphan in orphans if ours & set(orphan.pairs) for pair in orphan.pairs}
        rows = [row for row in rows if row["pair"] in in_question]
        others = {row["access_key_id"] for row in rows} - set(reached) - unknown
        family = evidence.family(others, set(incident.access_keys)) if others else set()
        direct = {orphan.access_key_id for orphan in orphans}
        unknown |= evidence.family(others - family, direct) if others else set()  # what one in question issued is too
        self.networks = incident.known_good.source_ips
        self.reached_use: dict[Pair, list[Row]] = defaultdict(list)
        self.foreign: set[Pair] = set()
        self.owners: set[Pair] = set()
        for row in rows:
            pair, key = row["pair"], row["access_key_id"]
            if key in reached:
                if row["window_count"]:
                    self.reached_use[pair].append(row)
                if row["window_count"] < row["event_count"]:
                    self.owners.add(pair)
            elif key in family:
                self.owners.add(pair)
            elif key not in unknown:
                self.foreign.add(pair)
        self.roles = {role_name(one.principal_arn or one.principal) for one in reached.values()} - {None}

    def is_clean(self, pair: Pair) -> bool:
        return bool(self.reached_use.get(pair)) and pair not in self.foreign

    def is_foreign(self, pair: Pair) -> bool:
        return pair in self.foreign

    def is_owners(self, pair: Pair) -> bool:
        return pair in self.owners or in_networks(pair[0], self.networks)


def _may_issue(parent: Reached, orphan: Orphan) -> bool:
    """Could this credential have issued that one, by what AWS allows?"""
    arn = parent.principal_arn or ""
    if parent.reached_at > orphan.created:
        return False
    if not parent.access_key_id.startswith("AKIA") and parent.link != "seed":
        longest = ROLE_LIFE if ":assumed-role/" in arn else TOKEN_LIFE
        if orphan.created > (parent.expires or parent.reached_at + longest):
            return False
    if orphan.kind == "AssumedRole":
        if ":federated-user/" in arn:
            return False
        return ":assumed-role/" not in arn or orphan.last_time - orphan.created <= CHAINED_LIFE
    if not parent.access_key_id.startswith("AKIA"):  # GetSessionToken and GetFederationToken take a long-term key
        return False
    return arn == (orphan.issuer_arn if orphan.kind == "FederatedUser" else orphan.arn)


def _by_user(reached: dict[str, Reached]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, one in reached.items():
        if one.principal_arn and key.startswith("AKIA"):
            found[one.principal_arn].append(key)
    return found


def _signed_in(evidence: Evidence, orphan: Orphan, before: pd.Timedelta) -> bool:
    user = user_name(orphan.arn)
    return any(
        row["event_name"] == "ConsoleLogin"
        and -SIGN_IN <= orphan.created - row["event_time"] <= before
        and (row["user_identity_arn"] == orphan.arn or (user is not None and row["user_identity_user_name"] == user))
        for row in evidence.sign_ins
    )


def _distance(use: Row, time: pd.Timestamp) -> pd.Timedelta:
    """How far a time is from a stretch of use; nothing where it lies inside."""
    start = use.get("window_first_time") or use["first_time"]
    distance: pd.Timedelta = max(start - time, time - use["last_time"], pd.Timedelta(0))
    return distance
