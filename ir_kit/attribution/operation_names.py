"""S3 operations: what an access log calls them, and CloudTrail's name for the same request.

``half`` says which part of a request a line tells of: the ``whole``, the ``source`` half of a copy (in the log of the
bucket that was read), or one key of a ``batch`` delete. Operations on a bucket's configuration are not here, but for
those that share a name with an object's.

Source: S3 User Guide, "Amazon S3 server access log format"; field guide 1.3.
"""

from __future__ import annotations

import pandas as pd

OBJECT = {
    "REST.GET.OBJECT": "GetObject", "REST.HEAD.OBJECT": "HeadObject", "REST.PUT.OBJECT": "PutObject",
    "REST.DELETE.OBJECT": "DeleteObject", "REST.POST.OBJECT": "PostObject", "REST.COPY.OBJECT": "CopyObject",
    "REST.COPY.PART": "UploadPartCopy", "REST.POST.UPLOADS": "CreateMultipartUpload", "REST.PUT.PART": "UploadPart",
    "REST.POST.UPLOAD": "CompleteMultipartUpload", "REST.DELETE.UPLOAD": "AbortMultipartUpload",
    "REST.GET.UPLOAD": "ListParts", "REST.GET.ACL": "GetObjectAcl", "REST.PUT.ACL": "PutObjectAcl",
    "REST.GET.OBJECT_TAGGING": "GetObjectTagging", "REST.PUT.OBJECT_TAGGING": "PutObjectTagging",
    "REST.DELETE.OBJECT_TAGGING": "DeleteObjectTagging", "REST.GET.OBJECT_ATTRIBUTES": "GetObjectAttributes",
    "REST.POST.RESTORE": "RestoreObject", "REST.GET.RETENTION": "GetObjectRetention",
    "REST.PUT.RETENTION": "PutObjectRetention", "REST.GET.LEGAL_HOLD": "GetObjectLegalHold",
    "REST.PUT.LEGAL_HOLD": "PutObjectLegalHold", "REST.SELECT.OBJECT": "SelectObjectContent",
    "REST.POST.OBJECT_SELECT": "SelectObjectContent", "REST.POST.SELECT": "SelectObjectContent",
    "REST.GET.TORRENT": "GetObjectTorrent", "REST.GET.OBJECT_TORRENT": "GetObjectTorrent",
    "WEBSITE.GET.OBJECT": "GetObject", "WEBSITE.HEAD.OBJECT": "HeadObject", "SOAP.GetObject": "GetObject",
    "SOAP.PutObject": "PutObject", "SOAP.DeleteObject": "DeleteObject",
}  # fmt: skip
LISTING = {
    "REST.GET.BUCKET": "ListObjects", "REST.GET.BUCKETVERSIONS": "ListObjectVersions", "REST.HEAD.BUCKET": "HeadBucket",
    "REST.GET.UPLOADS": "ListMultipartUploads", "SOAP.ListBucket": "ListObjects",
    "REST.POST.MULTI_OBJECT_DELETE": "DeleteObjects",
}  # fmt: skip
SOURCE = {"REST.COPY.OBJECT_GET": "CopyObjectSource", "REST.COPY.PART_GET": "CopyObjectSource"}
BATCH = {"BATCH.DELETE.OBJECT": "DeleteObject"}
AUTHENTICATION_FAILURES = (
    "SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed", "InvalidToken", "ExpiredToken",
    "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "TokenRefreshRequired", "RequestExpired",
)  # fmt: skip


def operation_names() -> pd.DataFrame:
    """What does CloudTrail call the requests that an access log names by operation?

    Returns
    -------
    DataFrame
        One row per operation: operation, event_name, half (``whole``, ``source``, ``batch``), needs_key (without a
        key it is a call on the bucket's configuration, which is not object access).
    """
    groups = ((OBJECT, "whole", True), (LISTING, "whole", False), (SOURCE, "source", True), (BATCH, "batch", True))
    rows = [(operation, name, half, key) for names, half, key in groups for operation, name in names.items()]
    return pd.DataFrame(rows, columns=["operation", "event_name", "half", "needs_key"])
