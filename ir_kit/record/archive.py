"""A sealed run, copied to S3: file by file as it was sealed, its tag manifest last.

The run is complete at home before the first byte leaves. The client that copies puts objects below one prefix and does
nothing else; the client of the investigated account has no part in it. Nothing is written over: each put is refused by
S3 where an object stands already. With Object Lock on the bucket, each object is under its default retention from the
moment it is put.

Source: Amazon S3 API Reference, `PutObject` (conditional writes, checksums); S3 User Guide, "Using S3 Object Lock".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ir_kit.aws import faults
from ir_kit.aws.clients import writer_client
from ir_kit.errors import IrKitError

__all__ = ["Archive", "ArchiveError"]

LAST = "tagmanifest-sha256.txt"
THREADS = 8


class ArchiveError(IrKitError):
    """A run could not be copied; it stays sealed at home."""

    exit_status = 2


class Archive:
    """A place for sealed runs on S3.

    Parameters
    ----------
    place : str
        ``s3://BUCKET/PREFIX``; a run lies below it in ``INCIDENT/RUN/``.

    Raises
    ------
    ParameterError
        It names no bucket and prefix.
    StoppedError
        There are no credentials to write with; they are the ambient ones, never the profile of the investigated account.
    """

    def __init__(self, place: str) -> None:
        self._client, self.bucket, self.prefix = writer_client(place)

    def copy(self, run: Path, incident: str, progress: Callable[[str], None] | None = None) -> str:
        """Copy a sealed run, its tag manifest last.

        Parameters
        ----------
        run : Path
            The run's folder.
        incident : str
        progress : callable, optional
            Told in one line of each step.

        Returns
        -------
        str
            Where it lies: ``s3://BUCKET/PREFIX/INCIDENT/RUN``.

        Raises
        ------
        ArchiveError
            A file is not what was sealed, an object stands in its place, or S3 refused. What was put before stays there,
            and without a tag manifest it is no run.
        """
        folder = f"{self.prefix}{incident}/{run.name}"
        sealed = _sealed(run)
        names = sorted(set(sealed) - {LAST})
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            puts = [pool.submit(self._put, run / name, f"{folder}/{name}", sealed[name]) for name in names]
            try:
                for put in puts:
                    put.result()
            finally:
                for put in puts:
                    put.cancel()
        self._put(run / LAST, f"{folder}/{LAST}", None)
        if progress:
            progress(f"copied {len(names) + 1} files to s3://{self.bucket}/{folder}")
        return f"s3://{self.bucket}/{folder}"

    def _put(self, path: Path, key: str, sealed: str | None) -> None:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
                if sealed is not None and digest.hex() != sealed:
                    raise ArchiveError("a file is not what was sealed", path, "see: ir-kit verify")
                file.seek(0)
                # S3 compares the hash as it takes the object, and Object Lock asks for one
                checksum = base64.b64encode(digest).decode("ascii")
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=file,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=checksum,
                )
        except ClientError as fault:
            if fault.response.get("Error", {}).get("Code") in ("PreconditionFailed", "ConditionalRequestConflict"):
                place = f"s3://{self.bucket}/{key}"
                raise ArchiveError("an object stands there already", place, "nothing is written over") from None
            raise _refused(fault, f"s3://{self.bucket}/{key}") from None
        except (BotoCoreError, OSError) as fault:
            raise _refused(fault, f"s3://{self.bucket}/{key}") from None


def _refused(fault: Any, place: str) -> ArchiveError:
    error = faults.error_of(fault)
    what = f"the run is sealed at home and was not copied whole ({error['Code']}: {error['Message']})"
    return ArchiveError(what, place, "copy its folder there by other means, the tag manifest last")


def _sealed(run: Path) -> dict[str, str | None]:
    """Every file of a bag with the hash under which it was sealed; None for the tag manifest, which is the seal."""
    found: dict[str, str | None] = {LAST: None}
    for manifest in ("manifest-sha256.txt", LAST):
        for line in (run / manifest).read_text(encoding="utf-8").splitlines():
            digest, _, name = line.partition(" ")
            found[name.strip().lstrip("*")] = digest
    return found
