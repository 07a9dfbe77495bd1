"""Which sources does one operator seem to use? What is like a source that is somebody else's, and which belong together.

Sources that are not the owner's belong to one operator where they share an address that is not the owner's, a block and
a family of clients, or a user agent that is not the owner's; the owner's where they share block and family. What could
be the owner's by itself, and shares such an address or user agent with what is new, is new as well.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable

from ir_kit.sessions.verdicts import KNOWN, NEAR, STRANGE, Assessment

ASSOCIATED = 0.7  # novelty at least, by association
Labelled = Counter[tuple[str, str, Hashable]]  # sessions by label, by what they are alike in, and by its value


def agree(assessments: list[Assessment]) -> None:
    """Let one address with one user agent be one operator: what is the owner's with one credential, and does nothing
    that deviates with another, is one step nearer to the owner there.
    """
    owners = {case.source.key for case in assessments if case.verdict == "familiar"}
    for case in assessments:
        known = case.source.key in owners and case.user_agent in (KNOWN, NEAR)
        if known and case.verdict != "familiar" and not case.deviates:
            case.verdict = "familiar" if case.verdict == "unclear" else "unclear"
            case.reasons.append("the same address and agent are the owner's with another credential")


def associate(assessments: list[Assessment]) -> None:
    """Call new what shares an address or a user agent that is not the owner's with something that is new."""
    changed = True
    while changed:
        changed = False
        new: dict[Hashable, Assessment] = {}
        for case in assessments:
            if case.verdict == "new":
                for shared in strange_parts(case):
                    new.setdefault(shared, case)
        for case in assessments:
            if case.verdict == "unclear" and (parts := [part for part in strange_parts(case) if part in new]):
                what, other = parts[0][0], new[parts[0]].source
                also = f"agent {other.user_agent.tool}" if what == "address" else f"address {other.address}"
                case.verdict, case.novelty, changed = "new", max(case.novelty, ASSOCIATED), True
                case.reasons.append(f"{what} shared with {other.events:,} calls that are new ({also})")


def strange_parts(case: Assessment) -> list[tuple[str, str]]:
    """The address and the user agent of a source, where they are not the owner's."""
    address, client = case.source.key
    parts = [("address", address)] if case.address == STRANGE else []
    return parts + ([("user agent", client)] if case.user_agent == STRANGE else [])


def count_labels(sessions: Iterable[tuple[str | None, tuple[str, str]]]) -> Labelled:
    """How many sessions of each label share a source, an address, a user agent? From each session's label and source."""
    counts: Labelled = Counter()
    for label, key in sessions:
        if label:
            counts.update([(label, "address and agent", key), (label, "address", key[0]), (label, "agent", key[1])])
    return counts


def learn(assessments: list[Assessment], labelled: Labelled) -> None:
    """Let the analyst's labels weigh: what is like a labelled session follows it by one step, or by two where address
    and user agent are the same and the owner's.
    """
    for case in assessments:
        key = case.source.key
        both = [labelled[label, "address and agent", key] for label in ("intruder", "owner")]
        rules: list[tuple[bool, str, str, Hashable]] = [
            (not both[1], "intruder", "address and agent", key),
            (not both[0], "owner", "address and agent", key),
            (case.address != KNOWN, "intruder", "address", key[0]),
            (case.user_agent == STRANGE, "intruder", "agent", key[1]),
            (case.verdict == "new", "owner", "address", key[0]),
            (case.verdict == "new", "owner", "agent", key[1]),
        ]
        for applies, label, what, value in rules:
            count = labelled[label, what, value]
            if not applies or not count:
                continue
            case.reasons.append(
                f"alike in {what} to {count} {'session' if count == 1 else 'sessions'} labelled {label}"
            )
            if label == "intruder":
                case.verdict = "unclear" if case.verdict == "familiar" else "new"
                case.novelty = max(case.novelty, ASSOCIATED)
            elif what == "address and agent":
                case.verdict, case.novelty = "familiar", min(case.novelty, 0.1)
            else:
                case.verdict, case.novelty = "unclear", min(case.novelty, 0.5)
            break


def operators_of(assessments: list[Assessment]) -> dict[int, str]:
    """Which operator does each source belong to? By the ``id()`` of its assessment, the id of the operator: that of its
    earliest source, so that later evidence keeps it.
    """
    parent = list(range(len(assessments)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    first: dict[Hashable, int] = {}
    for index, case in enumerate(assessments):
        for shared in ties(case):
            parent[root(index)] = root(first.setdefault(shared, index))
    groups: dict[int, list[Assessment]] = defaultdict(list)
    for index, case in enumerate(assessments):
        groups[root(index)].append(case)
    names: dict[int, str] = {}
    for listed in groups.values():
        earliest = min((case.source for case in listed), key=lambda source: (source.first, source.key, source.lineage))
        names |= dict.fromkeys(map(id, listed), id_of("o-", *earliest.key))
    return names


def ties(case: Assessment) -> Iterable[Hashable]:
    """What ties a source to others: itself with another credential, and what it shares with those of the same verdict."""
    source, is_owner = case.source, case.verdict == "familiar"
    yield "source", *source.key
    if source.user_agent.family:
        yield is_owner, source.block, *source.user_agent.family[:2]
    if not is_owner:
        yield from (part for part in strange_parts(case) if part[0] == "address" or source.user_agent.tool)


def id_of(prefix: str, *parts: str | None) -> str:
    """An id that is the same for the same parts."""
    return prefix + hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:12]
