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
from ir_kit.domain.principals import is_service_address
from ir_kit.errors import EvidenceError

ASN_FILE, RANGES_FILE = NETWORK_FILES


@lru_cache(maxsize=100_000)
def block_of(address: str | None) -> str | None:
    """The /24 of an IPv4 address, the /64 of an IPv6 address; the address itself where it is none.

    Private addresses count with their /16: they are one network, whichever of its hosts it is.
    """
    if not address:
        return None
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return address
    prefix = 64 if given.version == 6 else 16 if is_private(address) else 24
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


@lru_cache(maxsize=100_000)
def is_private(address: str | None) -> bool:
    """Is it an address of private networks (RFC 1918, RFC 6598, RFC 4193), as it is seen behind a VPC endpoint?"""
    try:
        given = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(given.version == net.version and given in net for net in _PRIVATE)


_PRIVATE = tuple(
    ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


@dataclass
class Networks:
    """What the files beside the incident file tell of addresses."""

    systems: Any = None
    ranges: tuple[tuple[list[int], list[tuple[int, str]]], ...] = (([], []), ([], []))

    def system_of(self, address: str | None) -> str | None:
        """The autonomous system, as ``AS64500 Example``; None where it is not known."""
        if self.systems is None or not address or is_service_address(address):
            return None
        found = self.systems.get(address) or {}
        number = found.get("autonomous_system_number") or found.get("asn")
        name = found.get("autonomous_system_organization") or found.get("name") or ""
        return f"AS{str(number).removeprefix('AS')} {name}".strip() if number else None

    def amazons(self, address: str | None) -> str | None:
        """The Region of Amazon's own range that an address lies in; None for others, and where there is no list."""
        if not address or is_service_address(address):
            return None
        given = ipaddress.ip_address(address)
        starts, ends = self.ranges[given.version == 6]
        place = bisect_right(starts, int(given)) - 1
        return ends[place][1] if place >= 0 and int(given) <= ends[place][0] else None


def networks(folder: Path) -> Networks:
    """What is known of networks, from the files beside the incident file; nothing where there are none.

    Raises
    ------
    EvidenceError
        A file is there and cannot be read.
    """
    found = Networks()
    path = folder / ASN_FILE
    if path.exists():
        try:
            import maxminddb

            found.systems = maxminddb.open_database(str(path))
        except ImportError:
            raise EvidenceError("maxminddb is not installed", path, "install it, or take the file away") from None
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise EvidenceError(f"cannot be read as MMDB ({error})", path, "fetch it again, or take it away") from None
    path = folder / RANGES_FILE
    if path.exists():
        try:
            found.ranges = _ranges(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EvidenceError(f"is no list of ranges ({error})", path, "fetch it again, or take it away") from None
    return found


def _ranges(listed: dict[str, Any]) -> tuple[tuple[list[int], list[tuple[int, str]]], ...]:
    """By version of the protocol: where each range starts, and where it ends with its Region; the narrowest last."""
    found: list[tuple[list[int], list[tuple[int, str]]]] = []
    for prefixes, name in (("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")):
        nets = sorted({(ipaddress.ip_network(row[name]), str(row["region"])) for row in listed.get(prefixes, [])},
                      key=lambda pair: (int(pair[0].network_address), -pair[0].prefixlen))  # fmt: skip
        rows: list[tuple[int, int, str]] = []
        for net, region in nets:
            start, end = int(net.network_address), int(net.broadcast_address)
            if rows and end <= rows[-1][1]:
                continue  # inside the one before
            rows.append((start, end, region))
        found.append(([row[0] for row in rows], [(row[1], row[2]) for row in rows]))
    return tuple(found)
