"""One object as it arrives: hashed piece by piece, held in memory while it is small, and checked before it is believed."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zlib
from pathlib import Path
from typing import IO

from ir_kit.aws.wire import Response

__all__ = ["Incoming"]

IN_MEMORY = 1 << 20
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class Incoming:
    """The bytes of one try at one object.

    Parameters
    ----------
    partial : Path
        Where they are written while they arrive, once they are too many to hold; on the disk where they will lie.
    """

    def __init__(self, partial: Path) -> None:
        self.size = 0
        self._partial = partial
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32 = 0

    @property
    def sha256(self) -> str:
        """The hash of what has arrived."""
        return self._sha256.hexdigest()

    def write(self, piece: bytes, /) -> None:
        """Take the next piece."""
        self.size += len(piece)
        self._sha256.update(piece)
        self._md5.update(piece)
        self._crc32 = zlib.crc32(piece, self._crc32)
        if self._file is not None:
            self._file.write(piece)
            return
        self._pieces.append(piece)
        if self.size > IN_MEMORY:
            self._file = self._partial.open("wb")
            self._file.writelines(self._pieces)
            self._pieces.clear()

    def wrong(self, response: Response, listed_etag: str, listed_size: int) -> str | None:
        """What shows that these are not the object's bytes? None where nothing does.

        The hashes that S3 sends along are held against the bytes; where it sends none that can be checked here (an object uploaded in
        parts, or encrypted with a key of KMS), the size that was listed is.
        """
        headers = response.headers
        if self.size != int(headers.get("content-length", self.size)):
            return f"{self.size} bytes came of {headers['content-length']}"
        if headers.get("x-amz-checksum-type", "FULL_OBJECT") == "FULL_OBJECT":
            for name, value in (
                ("x-amz-checksum-sha256", self._sha256.digest()),
                ("x-amz-checksum-crc32", self._crc32.to_bytes(4, "big")),
            ):
                told = headers.get(name, "")
                if told and "-" not in told and told != base64.b64encode(value).decode():
                    return f"the bytes do not have the {name} that came with them"
        etag = headers.get("etag", "")
        encrypted = headers.get("x-amz-server-side-encryption", "")
        plain = _MD5.fullmatch(etag)
        if (
            plain
            and not encrypted.startswith("aws:")
            and "x-amz-server-side-encryption-customer-algorithm" not in headers
        ):
            if plain[1] != self._md5.hexdigest():
                return "the bytes do not have the hash that their ETag is"
        elif etag == listed_etag and self.size != listed_size:
            return f"{self.size} bytes came of the {listed_size} that were listed"
        return None

    def move_to(self, target: str) -> None:
        """Put the bytes there, all of them at once; there must be nothing there."""
        if self._file is None:
            with self._partial.open("wb") as file:
                file.writelines(self._pieces)
        else:
            self._file.close()
        os.rename(self._partial, target)

    replace = move_to

    def is_same_as(self, target: str) -> bool:
        """Are these the bytes that lie there?"""
        if os.path.getsize(target) != self.size or os.path.islink(target):
            return False
        with open(target, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256

    def drop(self) -> None:
        """Throw away what arrived."""
        if self._file is not None:
            self._file.close()
        self._partial.unlink(missing_ok=True)
        self._pieces.clear()
