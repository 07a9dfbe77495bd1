"""A sealed run, copied to S3: file by file as it was sealed, its tag manifest last.

The client that copies puts objects below one prefix and does nothing else; the investigated account's has no part in it.
Nothing is written over: S3 refuses each put where an object stands already. With Object Lock on the bucket, each object
is under its default retention from the moment it is put.

Source: Amazon S3 API Reference, `PutObject` (conditional writes, checksums); S3 User Guide, "Using S3 Object Lock".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from ir_kit.aws import faults
from ir_kit.aws.clients import writer_client
from ir_kit.errors import IrKitError
from ir_kit.record.bag import MANIFEST, TAG_MANIFEST, read_manifest


class ArchiveError(IrKitError):
    """A run could not be copied; it stays sealed at home."""


class Archive:
    """A place for sealed runs on S3: ``s3://BUCKET/PREFIX``; a run lies below it in ``INCIDENT/RUN/``.

    Raises
    ------
    ParameterError
        It names no bucket and prefix.
    StoppedError
        There are no credentials to write with; they are the ambient ones, never the profile of the investigated account.
    """

    def __init__(self, place: str) -> None:
        self._client, self.bucket, self.prefix = writer_client(place)

    def copy(self, run: Path, incident: str, progress: Callable[[str], None] = lambda line: None) -> str:
        """Copy the sealed run in this folder, its tag manifest last; where it then lies on S3.

        Raises
        ------
        ArchiveError
            A file is not what was sealed, an object stands in its place, or S3 refused. What was put before stays there,
            and without a tag manifest it is no run.
        """
        folder = f"{self.prefix}{incident}/{run.name}"
        hashes = read_manifest(run / MANIFEST)[0] | read_manifest(run / TAG_MANIFEST)[0]
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda name: self._put(run / name, f"{folder}/{name}", hashes[name]), sorted(hashes)))
        self._put(run / TAG_MANIFEST, f"{folder}/{TAG_MANIFEST}", None)
        progress(f"copied {len(hashes) + 1} files to s3://{self.bucket}/{folder}")
        return f"s3://{self.bucket}/{folder}"

    def _put(self, path: Path, key: str, sealed: str | None) -> None:
        place = f"s3://{self.bucket}/{key}"
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
                if sealed is not None and digest.hex() != sealed:
                    raise ArchiveError("a file is not what was sealed", path, "see: ir-kit verify")
                file.seek(0)
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=file,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",  # S3 compares it as it takes the object, and Object Lock asks for one
                    ChecksumSHA256=base64.b64encode(digest).decode("ascii"),
                )
        except (BotoCoreError, ClientError, OSError) as fault:
            error = faults.error_of(fault)
            if error["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise ArchiveError("an object stands there already", place, "nothing is written over") from None
            what = f"the run is sealed at home and was not copied whole ({error['Code']}: {error['Message']})"
            raise ArchiveError(what, place, "copy its folder there by other means, the tag manifest last") from None
