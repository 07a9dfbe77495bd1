"""Which places does one hand seem to use? What is like a place that is somebody else's, and which runs belong together.

Places that are not the owner's belong to one operator where they share an address that is not the owner's, a block and
a make of agent, or an agent that is not the owner's; the owner's where they share block and make. What could be the
owner's by itself, and shares such an address or agent with what is new, is new as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable

from ir_kit.sessions.judging import KNOWN, NEAR, STRANGE, Judgement
from ir_kit.sessions.taught import Taught

ASSOCIATED = 0.7  # novelty at least, by association


def agree(judged: list[Judgement]) -> None:
    """Let one address with one agent be one hand: what is the owner's with one credential, and does nothing foreign
    with another, is one step nearer to the owner there.
    """
    owners = {one.place.key for one in judged if one.verdict == "familiar"}
    for one in judged:
        if one.place.key not in owners or one.verdict == "familiar" or one.foreign or one.agent not in (KNOWN, NEAR):
            continue
        one.verdict = {"unclear": "familiar"}.get(one.verdict, "unclear")
        one.reasons.append("the same address and agent are the owner's with another credential")


def associate(judged: list[Judgement]) -> None:
    """Call new what shares an address or an agent that is not the owner's with something that is new."""
    while True:
        addresses: dict[str | None, Judgement] = {}
        agents: dict[str | None, Judgement] = {}
        for one in judged:
            if one.verdict == "new":
                if one.address == STRANGE:
                    addresses.setdefault(one.place.address, one)
                if one.agent == STRANGE:
                    agents.setdefault(one.place.agent.family, one)
        changed = False
        for one in judged:
            if one.verdict != "unclear":
                continue
            by_address = one.address == STRANGE and one.place.address in addresses
            by_agent = one.agent == STRANGE and one.place.agent.family in agents
            if by_address or by_agent:
                other = addresses[one.place.address] if by_address else agents[one.place.agent.family]
                shared = f"agent {other.place.agent.tool}" if by_address else f"address {other.place.address}"
                one.verdict, one.novelty = "new", max(one.novelty, ASSOCIATED)
                one.reasons.append(
                    f"{'address' if by_address else 'user agent'} shared with {other.place.events:,} calls that are new "
                    f"({shared})"
                )
                changed = True
        if not changed:
            return


def learn(judged: list[Judgement], taught: Taught) -> None:
    """Let the analyst's labels weigh: what is like a labelled run follows it by one step, or by two where address and
    agent are the same and the owner's.
    """
    for one in judged:
        key = one.place.key
        if taught.intruder.get(key) and not taught.owner.get(key):
            one.reasons.append(_said(taught.intruder[key], "intruder", "address and agent"))
            one.verdict = {"familiar": "unclear"}.get(one.verdict, "new")
            one.novelty = max(one.novelty, ASSOCIATED)
        elif taught.owner.get(key) and not taught.intruder.get(key):
            one.reasons.append(_said(taught.owner[key], "owner", "address and agent"))
            one.verdict, one.novelty = "familiar", min(one.novelty, 0.1)
        elif one.address != KNOWN and taught.intruder_addresses.get(key[0]):
            one.reasons.append(_said(taught.intruder_addresses[key[0]], "intruder", "address"))
            one.verdict = {"familiar": "unclear"}.get(one.verdict, "new")
            one.novelty = max(one.novelty, ASSOCIATED)
        elif one.agent == STRANGE and taught.intruder_agents.get(key[1]):
            one.reasons.append(_said(taught.intruder_agents[key[1]], "intruder", "agent"))
            one.verdict = {"familiar": "unclear"}.get(one.verdict, "new")
            one.novelty = max(one.novelty, ASSOCIATED)
        elif one.verdict == "new" and (taught.owner_addresses.get(key[0]) or taught.owner_agents.get(key[1])):
            by_address = bool(taught.owner_addresses.get(key[0]))
            count = taught.owner_addresses[key[0]] if by_address else taught.owner_agents[key[1]]
            one.reasons.append(_said(count, "owner", "address" if by_address else "agent"))
            one.verdict, one.novelty = "unclear", min(one.novelty, 0.5)


def _said(count: int, label: str, what: str) -> str:
    return f"alike in {what} to {count} {'run' if count == 1 else 'runs'} labelled {label}"


def operators(judged: list[Judgement]) -> dict[int, str]:
    """Which operator does each place belong to?

    Returns
    -------
    dict
        The operator's id by the ``id()`` of the judgement: of its earliest place, so that later evidence keeps it.
    """
    parent = list(range(len(judged)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(keys: Callable[[Judgement], Iterable[Hashable]]) -> None:
        first: dict[Hashable, int] = {}
        for index, one in enumerate(judged):
            for key in keys(one):
                parent[root(index)] = root(first.setdefault(key, index))

    join(lambda one: [one.place.key])
    join(_shared)
    groups: dict[int, list[Judgement]] = {}
    for index, one in enumerate(judged):
        groups.setdefault(root(index), []).append(one)
    found: dict[int, str] = {}
    for group in groups.values():
        earliest = min(group, key=lambda one: (one.place.first, one.place.key, one.place.lineage))
        name = operator_id(*earliest.place.key)
        found |= {id(one): name for one in group}
    return found


def _shared(one: Judgement) -> Iterable[Hashable]:
    """What ties a place to others of the same verdict."""
    side = "owner" if one.verdict == "familiar" else "other"
    make = one.place.agent.make
    if make:
        yield side, one.place.block, make[0], make[1]
    if side == "other" and one.address == STRANGE:
        yield "address", one.place.address
    if side == "other" and one.agent == STRANGE and one.place.agent.tool:
        yield "agent", one.place.agent.family


def operator_id(*parts: str | None) -> str:
    text = "\x1f".join("" if part is None else part for part in parts)
    return "o-" + hashlib.sha256(text.encode()).hexdigest()[:12]
