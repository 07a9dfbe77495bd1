"""The chain of digest files of a trail, signed with a key made from the seed, of which only the public half is kept.

The sample keeps the chain for each trail's home Region only: the files of other Regions lie outside any digest,
which an integrity check has to call unverified, not valid.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import gcd
from pathlib import Path
from random import Random
from typing import Any

import deflate
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.ids import iso
from simulator.world import Trail, World

SMALL_PRIMES = [n for n in range(3, 6000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Delivered:
    """One CloudTrail log file as it lies in the trail's bucket; `body` is uncompressed."""

    trail: Trail
    region: str
    published: datetime
    key: str
    body: bytes
    oldest: str
    newest: str


@dataclass(slots=True)
class Signature:
    """What S3 keeps as metadata of one digest file."""

    bucket: str
    key: str
    region: str
    written: datetime
    size: int
    signature: str


def _is_prime(number: int, rng: Random) -> bool:
    if any(number % prime == 0 for prime in SMALL_PRIMES):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd //= 2
        twos += 1
    for _ in range(8):
        power = pow(rng.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def _prime(rng: Random, bits: int) -> int:
    while True:
        number = rng.getrandbits(bits) | (0b11 << (bits - 2)) | 1
        if gcd(number - 1, 65537) == 1 and _is_prime(number, rng):
            return number


@lru_cache(maxsize=8)
def signing_key(seed: int, region: str) -> rsa.RSAPrivateKey:
    """A 2048-bit key that hangs on the seed alone. Worthless as a secret, which it is not."""
    rng = Random(f"{seed}:digest key:{region}")
    p, q = _prime(rng, 1024), _prime(rng, 1024)
    public = rsa.RSAPublicNumbers(65537, p * q)
    d = rsa.rsa_recover_private_exponent(65537, p, q)
    private = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return private.private_key()


def public_key(seed: int, region: str) -> tuple[bytes, str]:
    """The DER (PKCS#1) public key and its fingerprint, as ListPublicKeys gives them."""
    der = signing_key(seed, region).public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return der, hashlib.md5(der, usedforsecurity=False).hexdigest()


def spans(trail: Trail, end: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches over which the trail's digests chain: StopLogging ends one."""
    if trail.validation_since is None:
        return []
    found, start = [], trail.validation_since
    for stopped, started in sorted(trail.stops):
        if stopped > start:
            found.append((start, stopped))
            start = started
    found.append((start, end))
    return found


def write_digests(world: World, files: list[Delivered], root: Path) -> list[Signature]:
    """Write the digest files of each trail that validates its logs; give back their signatures."""
    found: list[Signature] = []
    for trail in world.trails:
        mine = [file for file in files if file.trail is trail and file.region == trail.region]
        for start, end in spans(trail, world.end + HOUR):
            found += _write_chain(world, trail, mine, start, end, root)
    return found


def _write_chain(
    world: World, trail: Trail, files: list[Delivered], start: datetime, end: datetime, root: Path
) -> list[Signature]:
    key = signing_key(world.seed, trail.region)
    _, fingerprint = public_key(world.seed, trail.region)
    previous: tuple[str, str, str] | None = None  # object, hash, signature
    found = []
    while start < end:
        stop = end if end - start < HOUR and any(end == s for s, _ in trail.stops) else start + HOUR
        name = (
            f"{trail.prefix}AWSLogs/{world.account}/CloudTrail-Digest/{trail.region}/{stop:%Y/%m/%d}/{world.account}"
            f"_CloudTrail-Digest_{trail.region}_{trail.name}_{trail.region}_{stop:%Y%m%dT%H%M%SZ}.json.gz"
        )
        listed = [file for file in files if start < file.published <= stop]
        body = json.dumps(_digest(world, trail, name, start, stop, fingerprint, listed, previous)).encode()
        digest_hash = hashlib.sha256(body).hexdigest()
        signed = f"{iso(stop)}\n{trail.bucket}/{name}\n{digest_hash}\n{previous[2] if previous else 'null'}"
        signature = key.sign(signed.encode(), padding.PKCS1v15(), SHA256()).hex()
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        compressed = deflate.gzip_compress(body, 1)  # as large on every machine: its size is part of the evidence
        path.write_bytes(compressed)
        written = stop + timedelta(minutes=4)
        found.append(Signature(trail.bucket, name, trail.region, written, len(compressed), signature))
        previous = (name, digest_hash, signature)
        start = stop
    return found


def _digest(
    world: World, trail: Trail, name: str, start: datetime, end: datetime, fingerprint: str,
    files: list[Delivered], previous: tuple[str, str, str] | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "awsAccountId": world.account,
        "digestStartTime": iso(start),
        "digestEndTime": iso(end),
        "digestS3Bucket": trail.bucket,
        "digestS3Object": name,
        "digestPublicKeyFingerprint": fingerprint,
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": max((file.newest for file in files), default=None),
        "oldestEventTime": min((file.oldest for file in files), default=None),
        "previousDigestS3Bucket": trail.bucket if previous else None,
        "previousDigestS3Object": previous[0] if previous else None,
        "previousDigestHashValue": previous[1] if previous else None,
        "previousDigestHashAlgorithm": "SHA-256" if previous else None,
        "previousDigestSignature": previous[2] if previous else None,
        "logFiles": [
            {
                "s3Bucket": trail.bucket,
                "s3Object": file.key,
                "hashValue": hashlib.sha256(file.body).hexdigest(),
                "hashAlgorithm": "SHA-256",
                "newestEventTime": file.newest,
                "oldestEventTime": file.oldest,
            }
            for file in files
        ],
    }


def list_public_keys(world: World, trail: Trail) -> list[dict[str, Any]]:
    """`PublicKeyList` of ListPublicKeys in the trail's home Region."""
    der, fingerprint = public_key(world.seed, trail.region)
    since = trail.validation_since or world.baseline_start
    return [
        {
            "Value": base64.b64encode(der).decode(),
            "ValidityStartTime": iso(since - timedelta(days=1)),
            "ValidityEndTime": iso(since + timedelta(days=30)),
            "Fingerprint": fingerprint,
        }
    ]
