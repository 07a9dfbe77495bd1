"""Sources of use: one address with one user agent, by one lineage of credentials, and all that was done from there.

A forger copies the whole text of a user agent: the owner's to the letter says little by itself, but one that names
another tool or another system says that it is another installation.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb
import pandas as pd

from ir_kit.attribution.grading import grade
from ir_kit.case import NETWORK_FILES, Case
from ir_kit.domain.documents import rows_of
from ir_kit.domain.principals import agent_family, in_networks, is_service_address
from ir_kit.errors import EvidenceError

KINDS = {"event_name": "calls", "aws_region": "Regions", "bucket": "buckets", "prefix": "prefixes"}
PROBED = 2  # different calls refused, that a service of the owner's would not try
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
TOOL = re.compile(r"^\W*([A-Za-z][\w .+-]*?)[/ ]v?(\d[\w.\-+]*)")
LANGUAGE = re.compile(
    r"(?i)(?:\blang/|\b)(python|java|go|nodejs|js|ruby|php|rust|kotlin|swift|dotnet|\.net)(?=[/# ;)_]|$)"
)
BROWSER = re.compile(r"\b(Edg|OPR|Firefox|Chrome|Safari)\w*/")
SYSTEMS = {
    "darwin": "macos", "macos": "macos", "mac os": "macos", "windows": "windows", "android": "android",
    "kali": "linux kali", "parrot": "linux parrot", "microsoft": "linux wsl", "amzn": "linux amazon", "-aws": "linux aws",
    "-azure": "linux azure", "-gcp": "linux gcp", "generic": "linux ubuntu", "-amd64": "linux debian",
    "arch1": "linux arch", ".el": "linux rhel", ".fc": "linux fedora", "": "linux",
}  # fmt: skip
SERVERS = set(SYSTEMS.values()) - {"macos", "windows", "android", "linux kali", "linux parrot", "linux wsl"}
Row = dict[str, Any]


class UserAgent(NamedTuple):
    """The parts of a user agent; what it does not say is None."""

    tool: str | None = None
    version: str | None = None
    language: str | None = None
    system: str | None = None

    @property
    def portable(self) -> bool:
        """Is this a browser or a desktop, which people carry about?"""
        return self.tool == "browser" or self.system in ("macos", "windows", "linux wsl", "android")


@lru_cache(maxsize=100_000)
def user_agent_of(text: str | None) -> UserAgent:
    """Which tool, language and system does a user agent name? Where it names no version, the tool is the whole text.

    Notes
    -----
    Cannot see whether it is true. Source: AWS SDKs and Tools Reference Guide, "Application ID" (the format of SDKs'
    agents), and the agents that CloudTrail records hold.
    """
    if not text:
        return UserAgent()
    client = agent_family(text) or text
    lower = client.lower()
    named, language = TOOL.match(client), LANGUAGE.search(client)
    tool, version = (named[1].strip().lower(), named[2]) if named else (lower, None)
    if tool == "mozilla" and (browser := BROWSER.search(client)):
        tool, version, language = "browser", None, browser
    named_systems = (name for mark, name in SYSTEMS.items() if mark in lower)
    system = next((name for name in named_systems if "linux" in lower or not name.startswith("linux")), None)
    return UserAgent(tool, version, language[1].lower() if language else None, system)


def same_family(first: UserAgent, second: UserAgent) -> bool:
    """Do both name one tool in one language on one system, whatever their versions? What one does not say may agree."""
    languages, systems = ({*pair} - {None} for pair in zip(first[2:], second[2:], strict=True))
    same_tool = first.tool is not None and first.tool == second.tool
    return same_tool and len(languages) < 2 and (len(systems) < 2 or ("linux" in systems and systems <= SERVERS))


@lru_cache(maxsize=100_000)
def block_of(address: str | None) -> str | None:
    """The /24 of an IPv4 address (/16 of a private one), the /64 of an IPv6 address; the address itself where it is none."""
    if not address or is_service_address(address):
        return address
    prefix = 64 if ":" in address else 16 if is_private(address) else 24
    return str(ip_network(f"{address}/{prefix}", strict=False))


@lru_cache(maxsize=100_000)
def is_private(address: str | None) -> bool:
    """Is it an address of private networks (RFC 1918, RFC 6598, RFC 4193), as it is seen behind a VPC endpoint?"""
    return in_networks(address, PRIVATE)


class Networks:
    """Whose network is an address? By two files beside the incident file, read where they are there.

    ``asn.mmdb`` has autonomous systems, in MaxMind's format; ``ip-ranges.json`` is as AWS publishes it. An EvidenceError
    where one cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        systems, ranges = (folder / name for name in NETWORK_FILES)
        path = systems
        try:
            self.systems = maxminddb.open_database(str(systems)) if systems.exists() else None
            path = ranges
            listed = json.loads(ranges.read_bytes()) if ranges.exists() else {}
            prefixes = listed.get("prefixes", []) + listed.get("ipv6_prefixes", [])
            self.ranges = [(ip_network(row.get("ip_prefix") or row["ipv6_prefix"]), row["region"]) for row in prefixes]
        except (OSError, ValueError, LookupError, TypeError, AttributeError, maxminddb.InvalidDatabaseError) as error:
            raise EvidenceError(f"cannot be read ({error})", path, "fetch it again, or take it away") from None

    def system_of(self, address: str | None) -> str | None:
        """The autonomous system, as ``AS64500 Example``; None where it is not known."""
        if self.systems is None or not address or is_service_address(address):
            return None
        entry: Any = self.systems.get(address) or {}
        number = entry.get("autonomous_system_number") or entry.get("asn")
        name = entry.get("autonomous_system_organization") or entry.get("name") or ""
        return f"AS{str(number).removeprefix('AS')} {name}".strip() if number else None

    def amazon_region(self, address: str | None) -> str | None:
        """The Region of Amazon's own range that an address lies in; None for others, and where there is no list."""
        given = None if not address or is_service_address(address) else ip_address(address)
        return next((region for block, region in self.ranges if given and given in block), None)


@dataclass(eq=False)
class Source:
    """One address with one user agent, in the baseline or in the window, and its events by hour since 1970."""

    source_id: int
    lineage: str  # its principals, one a line
    period: str
    address: str | None
    client: str  # the user agent without the AWS CLI's command
    user_agents: list[str]  # as the logs hold them
    vpc_endpoint_ids: set[str]
    events: int
    refused: int
    refused_calls: int
    forwarded: int
    first: pd.Timestamp
    last: pd.Timestamp
    hours: dict[int, int]
    starts: list[pd.Timestamp] = field(default_factory=list)  # of its sessions

    def __post_init__(self) -> None:
        self.key = self.address or "", self.client  # its name within a lineage
        self.user_agent, self.block = user_agent_of(self.client), block_of(self.address)
        self.days = {hour // 24 for hour in self.hours}
        self.vpc_endpoint_ids = set(self.vpc_endpoint_ids)


@dataclass(eq=False)
class SourceGroup:
    """Several sources taken as one. What was done from there is known once `describe` has asked for it."""

    sources: list[Source]

    def __post_init__(self) -> None:
        self.events = sum(source.events for source in self.sources)
        self.refused = sum(source.refused for source in self.sources)
        self.probes = any(source.refused_calls >= PROBED for source in self.sources)
        self.hours: Counter[int] = Counter()
        for source in self.sources:
            self.hours.update(source.hours)
        self.days = sorted({hour // 24 for hour in self.hours})
        self.values: dict[str, dict[str, Row]] = defaultdict(dict)  # by kind: how many events, on which day first
        self.calls: dict[str, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))  # by log and day


def is_weekend(day: int) -> bool:
    """Days are counted from 1970-01-01, a Thursday."""
    return day % 7 in (2, 3)


def longest_pause(hours: Iterable[int]) -> int:
    """The most hours from one in use to the next."""
    listed = sorted(hours)
    return max((then - now for now, then in zip(listed, listed[1:], strict=False)), default=0)


def sources(case: Case) -> list[Source]:
    """From where and with what was each lineage of credentials used, in the baseline and in the window?

    Makes the relations ``log_uses``, ``uses`` and ``source_values``, which all that follows counts from. Requests of
    access logs are graded as in object access (A to C; what is not settled, D, is in no source).
    """
    grade(case)
    for relation in ("log_uses", "uses", "source_values"):
        case.derive(relation, f"sessions/{relation}")
    return [Source(**row) for row in rows_of(case.ask("sessions/sources"))]


def describe(case: Case, groups: Iterable[SourceGroup]) -> None:
    """Ask what was done from each of these groups of sources; all of them at once, for each costs a look at all uses."""
    listed = [group for group in groups if group.sources]
    rows = [(index, source.source_id) for index, group in enumerate(listed) for source in group.sources]
    case.engine.provide("source_groups", pd.DataFrame(rows, columns=["group_id", "source_id"], dtype="int64"))
    for row in rows_of(case.ask("sessions/group_uses")):
        group = listed[row["group_id"]]
        if row["kind"]:
            group.values[row["kind"]][row["value"]] = row
        else:
            group.calls[row["seen_in"]][row["day"]][row["value"]] = row["event_count"]
