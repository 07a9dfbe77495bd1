"""Bytes of a source file: hashed as they are read, and unpacked as far as they can be.

gzip is told by its first bytes, never by the file's name. The fast way (libdeflate) is taken where the file is one whole gzip
member; every other shape goes through zlib member by member, and keeps what comes out before the damage.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import zlib
from pathlib import Path
from typing import NamedTuple

import deflate

_MEMBER = re.compile(rb"\x1f\x8b\x08")  # found twice as fast as by `bytes.find`
_CHUNK = 1 << 16


class Content(NamedTuple):
    """What one file held."""

    data: bytes
    size: int
    sha256: str
    damage: str | None


def read_file(path: str | Path) -> Content:
    """What does this file hold, and is it whole?

    Returns
    -------
    Content
        The unpacked bytes, the size and SHA-256 of the file as it lies, and what is wrong with its compression (null where
        nothing is). An empty ``.gz`` is damaged: no writer leaves one.
    """
    with open(path, "rb", buffering=0) as file:
        raw = file.read()
    digest = hashlib.sha256(raw).hexdigest()
    if not raw and str(path).lower().endswith(".gz"):
        return Content(b"", 0, digest, "empty file where gzip was expected")
    if not raw.startswith(b"\x1f\x8b"):
        return Content(raw, len(raw), digest, None)
    data, damage = _gunzipped(raw)
    if damage is None and not data:
        damage = "gzip of nothing"
    return Content(data, len(raw), digest, damage)


def _gunzipped(raw: bytes) -> tuple[bytes, str | None]:
    if len(raw) >= 18 and not _MEMBER.search(raw, 10):
        # one member only: its last four bytes say how long it unpacks to (modulo 4 GiB; a lie is an error below)
        length = int.from_bytes(raw[-4:], "little")
        if length <= max(1 << 20, 1100 * len(raw)):
            with contextlib.suppress(deflate.DeflateError, ValueError, MemoryError):
                data = deflate.gzip_decompress(raw, length)
                # it says nothing of bytes after the member, which the length then was not taken from
                if len(data) == length > 0:
                    return data, None
    return _gunzipped_by_member(raw)


def _gunzipped_by_member(raw: bytes) -> tuple[bytes, str | None]:
    out: list[bytes] = []
    position = 0
    while position < len(raw):
        if not raw.startswith(b"\x1f\x8b", position):
            if not raw[position:].strip(b"\x00"):
                break  # padding, as tape and some copy tools leave it
            return b"".join(out), f"{len(raw) - position} bytes after the end of the compressed data"
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof and position < len(raw):
            piece = raw[position : position + _CHUNK]
            before = unpacker.copy()
            try:
                out.append(unpacker.decompress(piece))
            except zlib.error as error:
                out.append(_salvaged(before, piece))
                return b"".join(out), f"broken compression: {error}"
            position += len(piece) - len(unpacker.unused_data)
        if not unpacker.eof:
            return b"".join(out), "compressed data breaks off"
    return b"".join(out), None


def _salvaged(unpacker: zlib._Decompress, piece: bytes) -> bytes:
    """Everything that comes out of a broken piece before the byte that breaks it."""
    out = []
    for index in range(len(piece)):
        try:
            out.append(unpacker.decompress(piece[index : index + 1]))
        except zlib.error:
            break
    return b"".join(out)


def is_utf8(data: bytes) -> bool:
    """Are these bytes a text?"""
    try:
        return data.isascii() or data.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False
