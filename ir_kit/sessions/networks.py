"""Addresses, taken apart: the block that they lie in, what kind they are, and whose network it is where a file tells.

Two files beside the incident file are read where they are there, and neither is needed: ``asn.mmdb`` (autonomous
systems, in MaxMind's format) and ``ip-ranges.json`` (Amazon's list of its own
address ranges, as AWS publishes it).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import maxminddb

from ir_kit.case import NETWORK_FILES
from ir_kit.domain.principals import in_networks, is_service_address
from ir_kit.errors import EvidenceError

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


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


@dataclass
class Networks:
    """What the files beside the incident file say of addresses."""

    systems: Any = None
    ranges: tuple[tuple[IPv4Network | IPv6Network, str], ...] = ()

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
        given = ip_address(address)
        return next((region for net, region in self.ranges if given.version == net.version and given in net), None)


def networks(folder: Path) -> Networks:
    """What is known of networks, from the files beside the incident file; an EvidenceError where one cannot be read."""
    known = Networks()
    systems, ranges = (folder / name for name in NETWORK_FILES)
    try:
        path, what = systems, "cannot be read as MMDB"
        if path.exists():
            known.systems = maxminddb.open_database(str(path))
        path, what = ranges, "is no list of ranges"
        if path.exists():
            listed = json.loads(path.read_bytes())
            prefixes = [(row.get("ip_prefix") or row["ipv6_prefix"], str(row["region"]))
                        for row in listed.get("prefixes", []) + listed.get("ipv6_prefixes", [])]  # fmt: skip
            known.ranges = tuple((ip_network(prefix), region) for prefix, region in prefixes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, maxminddb.InvalidDatabaseError) as error:
        raise EvidenceError(f"{what} ({error})", path, "fetch it again, or take it away") from None
    return known
