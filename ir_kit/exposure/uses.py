"""What a credential did, it could do: requests that succeeded, by the access that they show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

# a batch delete succeeds as a whole even where no key of it does
SHOWS = {
    "read": ("GetObject", "HeadObject", "SelectObjectContent", "GetObjectTorrent"),
    "write": (
        "PutObject",
        "CopyObject",
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "UploadPart",
        "UploadPartCopy",
    ),
    "delete": ("DeleteObject",),
    "list": ("ListObjects", "ListObjectsV2", "ListObjectVersions", "HeadBucket", "ListMultipartUploads"),
    "admin": ("PutBucketPolicy", "DeleteBucketPolicy"),
}
_ACCESS = {event: access for access, events in SHOWS.items() for event in events}


def observed_use(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """What logs show of each credential, bucket and access, in words.

    Parameters
    ----------
    rows : iterable of mappings
        Rows of the question ``bucket_exposure/reached_use``.
    """
    counted: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for row in rows:
        access = _ACCESS.get(row["event_name"])
        if access is not None:
            of = counted[row["access_key_id"], row["bucket"], access]
            of[row["event_name"]] = of.get(row["event_name"], 0) + int(row["requests"])
    return {
        at: "the log shows " + ", ".join(f"{count} {name} that succeeded" for name, count in sorted(of.items()))
        for at, of in counted.items()
    }
