"""Addresses, taken apart: the block that they lie in, what kind they are, and whose network it is where a file tells.

Two files beside the incident file are read where they are there, and neither is needed: ``asn.mmdb`` (autonomous
systems, in MaxMind's format; needs the library ``maxminddb``) and ``ip-ranges.json`` (Amazon's list of its own
address ranges, as AWS publishes it).
"""

from __future__ import annotations

import ipaddress
import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ir_kit.case import NETWORK_FILES
from ir_kit.domain.principals import in_networks, is_service_address
from ir_kit.errors import EvidenceError

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
Ranges = tuple[list[int], list[tuple[int, str]]]  # where each range starts; where it ends, and its Region


@lru_cache(maxsize=100_000)
def block_of(address: str | None) -> str | None:
    """The /24 of an IPv4 address, the /64 of an IPv6 address; the address itself where it is none.

    Private addresses count with their /16: they are one network, whichever of its hosts it is.
    """
    if not address or is_service_address(address):
        return address
    prefix = 64 if ":" in address else 16 if is_private(address) else 24
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


@lru_cache(maxsize=100_000)
def is_private(address: str | None) -> bool:
    """Is it an address of private networks (RFC 1918, RFC 6598, RFC 4193), as it is seen behind a VPC endpoint?"""
    return in_networks(address, PRIVATE)


@dataclass
class Networks:
    """What the files beside the incident file say of addresses."""

    systems: Any = None
    ranges: tuple[Ranges, Ranges] = (([], []), ([], []))

    def system_of(self, address: str | None) -> str | None:
        """The autonomous system, as ``AS64500 Example``; None where it is not known."""
        if self.systems is None or not address or is_service_address(address):
            return None
        entry = self.systems.get(address) or {}
        number = entry.get("autonomous_system_number") or entry.get("asn")
        name = entry.get("autonomous_system_organization") or entry.get("name") or ""
        return f"AS{str(number).removeprefix('AS')} {name}".strip() if number else None

    def amazon_region(self, address: str | None) -> str | None:
        """The Region of Amazon's own range that an address lies in; None for others, and where there is no list."""
        if not address or is_service_address(address):
            return None
        given = ipaddress.ip_address(address)
        starts, ends = self.ranges[given.version == 6]
        index = bisect_right(starts, int(given)) - 1
        return ends[index][1] if index >= 0 and int(given) <= ends[index][0] else None


def networks(folder: Path) -> Networks:
    """What is known of networks, from the files beside the incident file; nothing where there are none.

    Raises
    ------
    EvidenceError
        A file is there and cannot be read.
    """
    known = Networks()
    systems, ranges = (folder / name for name in NETWORK_FILES)
    if systems.exists():
        try:
            import maxminddb

            known.systems = maxminddb.open_database(str(systems))
        except ImportError:
            raise EvidenceError("maxminddb is not installed", systems, "install it, or take the file away") from None
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise EvidenceError(f"cannot be read as MMDB ({error})", systems, "fetch it again, or take it away") from None
    if ranges.exists():
        try:
            listed = json.loads(ranges.read_bytes())
            known.ranges = (
                _ranges(listed.get("prefixes", []), "ip_prefix"),
                _ranges(listed.get("ipv6_prefixes", []), "ipv6_prefix"),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvidenceError(f"is no list of ranges ({error})", ranges, "fetch it again, or take it away") from None
    return known


def _ranges(listed: list[dict[str, Any]], name: str) -> Ranges:
    nets = sorted(
        {(ipaddress.ip_network(row[name]), str(row["region"])) for row in listed},
        key=lambda pair: (int(pair[0].network_address), -pair[0].prefixlen),
    )
    starts: list[int] = []
    ends: list[tuple[int, str]] = []
    for net, region in nets:
        if not ends or int(net.broadcast_address) > ends[-1][0]:  # else inside the one before
            starts.append(int(net.network_address))
            ends.append((int(net.broadcast_address), region))
    return starts, ends
