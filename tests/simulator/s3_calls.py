"""S3 calls: CloudTrail's event name, its category, and what a server access log writes for the same request."""

from __future__ import annotations

from typing import NamedTuple


class S3Call(NamedTuple):
    """One S3 call. `query` is the sub-resource in the URI, also the empty request parameter in CloudTrail."""

    data: bool
    read_only: bool
    operation: str
    method: str
    query: str = ""
    success: int = 200


S3_CALLS: dict[str, S3Call] = {
    "GetObject": S3Call(True, True, "REST.GET.OBJECT", "GET"),
    "HeadObject": S3Call(True, True, "REST.HEAD.OBJECT", "HEAD"),
    "PutObject": S3Call(True, False, "REST.PUT.OBJECT", "PUT"),
    "CopyObject": S3Call(True, False, "REST.COPY.OBJECT", "PUT"),
    "DeleteObject": S3Call(True, False, "REST.DELETE.OBJECT", "DELETE", "", 204),
    "DeleteObjects": S3Call(True, False, "REST.POST.MULTI_OBJECT_DELETE", "POST", "delete"),
    "ListObjects": S3Call(True, True, "REST.GET.BUCKET", "GET"),
    "ListObjectVersions": S3Call(True, True, "REST.GET.BUCKETVERSIONS", "GET", "versions"),
    "HeadBucket": S3Call(True, True, "REST.HEAD.BUCKET", "HEAD"),
    "GetObjectAcl": S3Call(True, True, "REST.GET.ACL", "GET", "acl"),
    "PutObjectAcl": S3Call(True, False, "REST.PUT.ACL", "PUT", "acl"),
    "GetObjectTagging": S3Call(True, True, "REST.GET.OBJECT_TAGGING", "GET", "tagging"),
    "CreateMultipartUpload": S3Call(True, False, "REST.POST.UPLOADS", "POST", "uploads"),
    "UploadPart": S3Call(True, False, "REST.PUT.PART", "PUT"),
    "CompleteMultipartUpload": S3Call(True, False, "REST.POST.UPLOAD", "POST"),
    "ListBuckets": S3Call(False, True, "", "GET"),
    "CreateBucket": S3Call(False, False, "REST.PUT.BUCKET", "PUT"),
    "DeleteBucket": S3Call(False, False, "REST.DELETE.BUCKET", "DELETE", "", 204),
    "GetBucketLocation": S3Call(False, True, "REST.GET.LOCATION", "GET", "location"),
    "GetBucketAcl": S3Call(False, True, "REST.GET.ACL", "GET", "acl"),
    "PutBucketAcl": S3Call(False, False, "REST.PUT.ACL", "PUT", "acl"),
    "GetBucketPolicy": S3Call(False, True, "REST.GET.BUCKETPOLICY", "GET", "policy"),
    "PutBucketPolicy": S3Call(False, False, "REST.PUT.BUCKETPOLICY", "PUT", "policy", 204),
    "DeleteBucketPolicy": S3Call(False, False, "REST.DELETE.BUCKETPOLICY", "DELETE", "policy", 204),
    "GetBucketPolicyStatus": S3Call(False, True, "REST.GET.POLICY_STATUS", "GET", "policyStatus"),
    "GetBucketLogging": S3Call(False, True, "REST.GET.LOGGING_STATUS", "GET", "logging"),
    "PutBucketLogging": S3Call(False, False, "REST.PUT.LOGGING_STATUS", "PUT", "logging"),
    "GetBucketVersioning": S3Call(False, True, "REST.GET.VERSIONING", "GET", "versioning"),
    "PutBucketVersioning": S3Call(False, False, "REST.PUT.VERSIONING", "PUT", "versioning"),
    "GetBucketLifecycle": S3Call(False, True, "REST.GET.LIFECYCLE", "GET", "lifecycle"),
    "PutBucketLifecycle": S3Call(False, False, "REST.PUT.LIFECYCLE", "PUT", "lifecycle"),
    "GetBucketEncryption": S3Call(False, True, "REST.GET.ENCRYPTION", "GET", "encryption"),
    "GetBucketTagging": S3Call(False, True, "REST.GET.TAGGING", "GET", "tagging"),
    "GetBucketWebsite": S3Call(False, True, "REST.GET.WEBSITE", "GET", "website"),
    "GetBucketReplication": S3Call(False, True, "REST.GET.REPLICATION", "GET", "replication"),
    "GetBucketPublicAccessBlock": S3Call(False, True, "REST.GET.PUBLIC_ACCESS_BLOCK", "GET", "publicAccessBlock"),
    "PutBucketPublicAccessBlock": S3Call(False, False, "REST.PUT.PUBLIC_ACCESS_BLOCK", "PUT", "publicAccessBlock"),
    "DeleteBucketPublicAccessBlock": S3Call(
        False, False, "REST.DELETE.PUBLIC_ACCESS_BLOCK", "DELETE", "publicAccessBlock", 204
    ),
    "PutBucketWebsite": S3Call(False, False, "REST.PUT.WEBSITE", "PUT", "website"),
    "DeleteBucketWebsite": S3Call(False, False, "REST.DELETE.WEBSITE", "DELETE", "website", 204),
    "PutBucketReplication": S3Call(False, False, "REST.PUT.REPLICATION", "PUT", "replication"),
    "DeleteBucketReplication": S3Call(False, False, "REST.DELETE.REPLICATION", "DELETE", "replication", 204),
    "PutBucketOwnershipControls": S3Call(False, False, "REST.PUT.OWNERSHIP_CONTROLS", "PUT", "ownershipControls"),
    "GetAccountPublicAccessBlock": S3Call(False, True, "", "GET"),
    "PutAccountPublicAccessBlock": S3Call(False, False, "", "PUT"),
    "DeleteAccountPublicAccessBlock": S3Call(False, False, "", "DELETE", "", 204),
    "GetBucketObjectLockConfiguration": S3Call(False, True, "REST.GET.OBJECT_LOCK_CONFIGURATION", "GET", "object-lock"),
    # lifecycle: in access logs only, never in CloudTrail
    "S3.EXPIRE.OBJECT": S3Call(True, False, "S3.EXPIRE.OBJECT", "", "", 204),
}

# HTTP status and message of the refusals and failures that the sample uses.
ERRORS: dict[str, tuple[int, str]] = {
    "AccessDenied": (403, "Access Denied"),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "NoSuchBucketPolicy": (404, "The bucket policy does not exist"),
    "NoSuchLifecycleConfiguration": (404, "The lifecycle configuration does not exist"),
    "NoSuchWebsiteConfiguration": (404, "The specified bucket does not have a website configuration"),
    "NoSuchPublicAccessBlockConfiguration": (404, "The public access block configuration was not found"),
    "ReplicationConfigurationNotFoundError": (404, "The replication configuration was not found"),
    "ObjectLockConfigurationNotFoundError": (404, "Object Lock configuration does not exist for this bucket"),
    "SignatureDoesNotMatch": (403, "The request signature we calculated does not match the signature you provided."),
    "InvalidAccessKeyId": (403, "The AWS Access Key Id you provided does not exist in our records."),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the server's time is too large."),
}

# Authentication failures reach server access logs and never CloudTrail.
AUTHENTICATION_FAILURES = frozenset({"SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed"})
