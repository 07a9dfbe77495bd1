"""Derived credentials by their use: no issuing call is in the evidence at all, and only compromised ones were at work.

These are the weakest links, so the conditions are many, and each says whom it spares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from ir_kit.credentials.search import SIGN_IN, Candidate, CompromisedCredential, Row, Search, Source
from ir_kit.domain.principals import agent_family, in_networks, role_name, user_name

IN_USE = pd.Timedelta(hours=1)
AROUND = pd.Timedelta(hours=12)
ROLE_VALID, TOKEN_VALID = pd.Timedelta(hours=12), pd.Timedelta(hours=36)  # at most
CHAINED_VALID = pd.Timedelta(hours=1)  # a session assumed by a role's session is valid no longer


def service_for_user(search: Search) -> Iterator[CompromisedCredential]:
    """An AWS service acted for a user while, of that user's credentials, only compromised ones were in use.

    Spares the owner: within an hour of the key's creation no other credential of the user may have been used
    directly, nor may the user have signed in to the console up to twelve hours before.
    """
    holders: dict[str, list[str]] = defaultdict(list)
    for key, item in search.compromised.items():
        if item.principal_arn and key.startswith("AKIA"):
            holders[item.principal_arn].append(key)
    chosen = [
        candidate
        for candidate in search.candidates
        if candidate.forwarded
        and not candidate.from_console
        and candidate.kind in ("IAMUser", "Root")
        and candidate.arn in holders
    ]
    use = search.principal_use({candidate.arn for candidate in chosen})
    for candidate in chosen:
        near = [
            (_distance(row, candidate.created), row["access_key_id"])
            for row in use[candidate.arn]
            if row["session_creation_date"] is None or row["session_creation_date"] <= candidate.created
        ]
        others = any(distance <= IN_USE and key not in search.compromised for distance, key in near)
        if others or _signed_in(search, candidate, AROUND):
            continue
        parents = sorted(
            (distance, key)
            for distance, key in near
            if key in search.compromised and search.compromised[key].since <= candidate.created
        )
        yield candidate.derived(
            parents[0][1] if parents else holders[candidate.arn][0],
            "an AWS service acted for the same user; within an hour no credential of the user that is not compromised "
            "was used directly",
        )


def same_source(search: Search) -> Iterator[CompromisedCredential]:
    """A session without any issuing call, from an address and with a user agent that only compromised credentials used.

    Spares everybody whose own credentials ever used that address with that user agent, in baseline or window; the
    owner's console sessions; and, where address and user agent are the owner's, roles that the incident keys were never
    seen to assume.
    """
    direct = [candidate for candidate in search.candidates if candidate.sources and not candidate.from_console]
    use, strangers, owners = _source_use(search, direct)
    roles = {role_name(item.principal_arn or item.principal) for item in search.compromised.values()} - {None}
    networks = search.case.incident.known_good.source_ips
    for candidate in direct:
        if candidate.kind in ("IAMUser", "Root", "FederatedUser") and _signed_in(search, candidate, SIGN_IN):
            continue
        shared = [source for source in sorted(candidate.sources) if use.get(source) and source not in strangers]
        if not shared or strangers & set(candidate.sources):
            continue
        owners_alone = all(source in owners or in_networks(source[0], networks) for source in shared)
        if candidate.kind == "AssumedRole" and owners_alone and role_name(candidate.arn) not in roles:
            continue
        parents = sorted(
            (distance, search.compromised[row["access_key_id"]].since, row["access_key_id"])
            for source in shared
            for row in use[source]
            if _may_issue(search.compromised[row["access_key_id"]], candidate)
            and ((distance := _distance(row, candidate.created)) <= AROUND or candidate.kind == "AssumedRole")
        )
        if parents:
            yield candidate.derived(
                parents[0][2],
                f"no issuing call is in the evidence; used from {shared[0][0]} with a user agent that only compromised "
                "credentials used there",
            )


def _source_use(
    search: Search, candidates: list[Candidate]
) -> tuple[dict[Source, list[Row]], set[Source], set[Source]]:
    """The use of these candidates' sources by compromised credentials in the window; sources that strangers used; those
    that the owner used.
    """
    compromised = search.compromised
    addresses = sorted({address for candidate in candidates for address, _ in candidate.sources})
    rows = [
        (source, row["access_key_id"], row)
        for row in search.ask("address_use", addresses=addresses)
        for source in [(row["source_ip_address"], agent_family(row["user_agent"]) or "")]
    ]
    active = {source for source, key, row in rows if key in compromised and row["window_count"]}
    in_question = {
        source for candidate in candidates if active & set(candidate.sources) for source in candidate.sources
    }
    rows = [item for item in rows if item[0] in in_question]
    unattributed = set(search.unattributed)
    others = {key for _, key, _ in rows} - set(compromised) - unattributed
    family = search.descends(others, set(search.case.incident.access_keys))
    # what a candidate issued is as unattributed as the candidate
    unattributed |= search.descends(others - family, {candidate.access_key_id for candidate in candidates})
    use: dict[Source, list[Row]] = defaultdict(list)
    strangers: set[Source] = set()
    owners: set[Source] = set()
    for source, key, row in rows:
        if key in compromised:
            if row["window_count"]:
                use[source].append(row)
            if row["window_count"] < row["event_count"]:
                owners.add(source)
        elif key in family:
            owners.add(source)
        elif key not in unattributed:
            strangers.add(source)
    return use, strangers, owners


def _may_issue(parent: CompromisedCredential, candidate: Candidate) -> bool:
    """Could this credential have issued that one, by what AWS allows?"""
    arn, long_term = parent.principal_arn or "", parent.access_key_id.startswith("AKIA")
    if parent.since > candidate.created:
        return False
    if not long_term and parent.link != "seed":
        longest = ROLE_VALID if ":assumed-role/" in arn else TOKEN_VALID
        if candidate.created > (parent.expires or parent.since + longest):
            return False
    if candidate.kind == "AssumedRole":
        if ":federated-user/" in arn:
            return False
        return ":assumed-role/" not in arn or candidate.last_time - candidate.created <= CHAINED_VALID
    # GetSessionToken and GetFederationToken take a long-term key
    return long_term and arn == (candidate.issuer_arn if candidate.kind == "FederatedUser" else candidate.arn)


def _signed_in(search: Search, candidate: Candidate, before: pd.Timedelta) -> bool:
    user = user_name(candidate.arn)
    return any(
        row["event_name"] == "ConsoleLogin"
        and -SIGN_IN <= candidate.created - row["event_time"] <= before
        and (row["user_identity_arn"] == candidate.arn or (user is not None and row["user_identity_user_name"] == user))
        for row in search.console_sign_ins
    )


def _distance(use: Row, time: pd.Timestamp) -> pd.Timedelta:
    """How far a time is from a stretch of use; zero where it lies inside."""
    start = use.get("window_first_time") or use["first_time"]
    distance: pd.Timedelta = max(start - time, time - use["last_time"], pd.Timedelta(0))
    return distance
