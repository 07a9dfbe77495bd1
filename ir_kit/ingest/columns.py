"""The three typed views, column by column: the whole interface between evidence and questions.

Each column is declared once: its name, its SQL type, and what it holds (unit, what null means, and AWS's own name for it where that
differs). The data dictionary in ``docs/`` is generated from here. All times are UTC; the views hold them without a zone.

Source: CloudTrail User Guide, "CloudTrail record contents"; S3 User Guide, "Amazon S3 server access log format".
"""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """One column of a view."""

    name: str
    sql_type: str
    meaning: str


EVENTS: tuple[Column, ...] = (
    Column(
        "event_time", "timestamp", "when the request completed (`eventTime`, or Logstash's `@timestamp`); never null"
    ),
    Column("event_id", "varchar", "CloudTrail's `eventID`; copies in other accounts have another one"),
    Column("event_version", "varchar", "`eventVersion` of the record's format"),
    Column("event_source", "varchar", "the service's host name, as `s3.amazonaws.com`; never null"),
    Column("event_name", "varchar", "the action, by CloudTrail's name for it; never null"),
    Column("event_type", "varchar", "`AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn`, ..."),
    Column("event_category", "varchar", "`Management`, `Data`, ...; null in old records"),
    Column(
        "record_class",
        "varchar",
        "`management`, `data_read`, `data_write`, or `other`; derived, by name in old records",
    ),
    Column("read_only", "boolean", "`readOnly`; null where the record does not say"),
    Column("aws_region", "varchar", "`awsRegion` that served the request"),
    Column("source_ip_address", "varchar", "the caller's address, or the host name of the AWS service that called"),
    Column("user_agent", "varchar", "as the client said, without the brackets that S3 puts around it; can be forged"),
    Column("error_code", "varchar", "null when the call succeeded"),
    Column("error_message", "varchar", "null when the call succeeded"),
    Column("request_id", "varchar", "`requestID`; joins to the access log's request id"),
    Column("recipient_account_id", "varchar", "the account that this copy of the event was delivered to"),
    Column("shared_event_id", "varchar", "equal in the copies of one event in several accounts"),
    Column("vpc_endpoint_id", "varchar", "null where the call did not come through a VPC endpoint"),
    Column("user_identity_type", "varchar", "`IAMUser`, `AssumedRole`, `AWSService`, `AWSAccount`, ..."),
    Column("user_identity_principal_id", "varchar", "`principalId`; empty or null for anonymous callers"),
    Column("user_identity_arn", "varchar", "the principal's ARN; null for services and anonymous callers"),
    Column(
        "user_identity_account_id",
        "varchar",
        "the caller's account; `anonymous` or `ANONYMOUS_PRINCIPAL` where there was none",
    ),
    Column("user_identity_user_name", "varchar", "the IAM user's name"),
    Column("access_key_id", "varchar", "the key that signed; null for services, anonymous and console sign-in"),
    Column("invoked_by", "varchar", "the AWS service that called for the principal; null for direct calls"),
    Column("session_issuer_type", "varchar", "`Role` or `FederatedUser`; null for long-term keys"),
    Column("session_issuer_arn", "varchar", "the role behind a session"),
    Column("session_issuer_user_name", "varchar", "that role's name"),
    Column("session_creation_date", "timestamp", "when the temporary credentials were issued; null for long-term keys"),
    Column("session_mfa_authenticated", "boolean", "whether the session was opened with MFA; null where not said"),
    Column("source_identity", "varchar", "`sourceIdentity`, kept down a chain of roles"),
    Column("credential_from_console", "boolean", "`sessionCredentialFromConsole`; null where not said"),
    Column("bucket", "varchar", "`requestParameters.bucketName`; for a copy the destination"),
    Column("key", "varchar", "the object's key as requested; null for calls on a bucket, and for DeleteObjects"),
    Column("prefix", "varchar", "the prefix that a listing asked for"),
    Column("version_id", "varchar", "the requested version"),
    Column("copy_source", "varchar", "`x-amz-copy-source`, as sent (may be URL-encoded)"),
    Column("bytes_in", "bigint", "bytes of the request's body (`bytesTransferredIn`)"),
    Column("bytes_out", "bigint", "bytes of the answer's body (`bytesTransferredOut`)"),
    Column("host_id", "varchar", "`x-amz-id-2`; joins to the access log's host id"),
    Column("signature_version", "varchar", "`SigV4`, `SigV2`"),
    Column("authentication_method", "varchar", "`AuthHeader`, or `QueryString` for pre-signed URLs"),
    Column("cipher_suite", "varchar", "TLS cipher suite"),
    Column("tls_version", "varchar", "TLS version"),
    Column("host_header", "varchar", "the host that the client asked for"),
    Column(
        "target_name",
        "varchar",
        "the user, role, group, policy, profile or trail that an IAM, STS or CloudTrail call names",
    ),
    Column("target_policy", "varchar", "the policy that a call attaches, puts or changes (ARN or name)"),
    Column(
        "issued_access_key_id",
        "varchar",
        "the credential that this call issued (AssumeRole..., GetSessionToken, CreateAccessKey, ...)",
    ),
    Column("issued_principal_arn", "varchar", "whom the issued credential acts as, where the answer says so"),
    Column("issued_expiration", "varchar", "when the issued credential expires, as the answer says it"),
    Column(
        "request_parameters",
        "varchar",
        "JSON text as recorded; secrets redacted; null for S3's GetObject and HeadObject, whose parameters have columns of their own",
    ),
    Column("response_elements", "varchar", "JSON text as recorded; secrets redacted; null for most reads"),
    Column(
        "resources",
        "varchar",
        "JSON text as recorded; null for S3's data events, but copies, on a bucket of the recipient by its name: they repeat `bucket` and `key`",
    ),
    Column(
        "field_faults",
        "varchar",
        "fields that the record has in a type of its own, so that the column is null; comma-separated",
    ),
    Column("source_file", "varchar", "the file that the row was read from, relative to its source"),
    Column("record_number", "integer", "the record's place in that file, from 1 (the line number in JSON lines)"),
    Column("source_present", "boolean", "false where the file has gone since it was read"),
    Column("source_id", "integer", "the file's number in this store; internal"),
)

ACCESS_LOG_LINES: tuple[Column, ...] = (
    Column("bucket_owner", "varchar", "canonical id of the bucket's owner"),
    Column("bucket", "varchar", "the bucket that was asked"),
    Column("event_time", "timestamp", "when S3 received the request (Time), to the second"),
    Column("remote_ip", "varchar", "the caller's address; null on lifecycle rows"),
    Column("requester", "varchar", "ARN, canonical id, account, service; null for unauthenticated requests"),
    Column("request_id", "varchar", "repeats within a batch delete and a copy"),
    Column("operation", "varchar", "as `REST.GET.OBJECT`"),
    Column(
        "key", "varchar", "decoded (twice for ordinary rows, once for BATCH and S3 rows); null for calls on a bucket"
    ),
    Column("key_raw", "varchar", "the key as it stands in the line; a key with `%` or `+` is ambiguous once decoded"),
    Column("request_uri", "varchar", "as sent; tokens and signatures redacted; null on BATCH and lifecycle rows"),
    Column("http_status", "integer", "null where the line has none"),
    Column("error_code", "varchar", "null when the request succeeded"),
    Column("bytes_sent", "bigint", "bytes of the answer's body; null for none (`-`)"),
    Column("object_size", "bigint", "bytes of the whole object; null where not said"),
    Column("total_time", "bigint", "milliseconds in flight"),
    Column("turn_around_time", "bigint", "milliseconds that S3 worked on it"),
    Column("referer", "varchar", "as sent; tokens and signatures redacted"),
    Column("user_agent", "varchar", "as the client said; can be forged; null on BATCH, copy-source and lifecycle rows"),
    Column("version_id", "varchar", "the requested version"),
    Column("host_id", "varchar", "`x-amz-id-2`"),
    Column("signature_version", "varchar", "`SigV2`, `SigV4`; null where unsigned"),
    Column("cipher_suite", "varchar", "TLS cipher suite; null over plain HTTP"),
    Column("authentication_type", "varchar", "`AuthHeader`, `QueryString`; null where unsigned"),
    Column("host_header", "varchar", "the host that the client asked for"),
    Column("tls_version", "varchar", "spelt both `TLSv1.2` and `TLSV1.2`; null over plain HTTP"),
    Column("access_point_arn", "varchar", "null where no access point was used, and in lines before 2023"),
    Column("acl_required", "varchar", "`Yes` where an ACL decided; else null"),
    Column("source_region", "varchar", "Region that the request came from; null where not told"),
    Column("extra_fields", "varchar", "fields after the 27th, as they stand"),
    Column("field_count", "integer", "how many fields the line has (18 to 27, or more)"),
    Column("ambiguous", "boolean", "raw quotes allow another reading of URI, referer or user agent"),
    Column("presigned_access_key_id", "varchar", "the key id that a pre-signed URI names; null elsewhere"),
    Column("source_file", "varchar", "the file that the row was read from, relative to its source"),
    Column("line_number", "integer", "from 1"),
    Column("source_present", "boolean", "false where the file has gone since it was read"),
    Column("source_id", "integer", "the file's number in this store; internal"),
)

SETTINGS: tuple[Column, ...] = (
    Column("collected_at", "timestamp", "when the call was made"),
    Column("account_id", "varchar", "the account that was asked"),
    Column("aws_region", "varchar", "the Region that was asked"),
    Column("service", "varchar", "botocore's service name"),
    Column("operation", "varchar", "botocore's operation name"),
    Column("parameters", "varchar", "JSON text"),
    Column("response", "varchar", "JSON text; null where the call was refused"),
    Column(
        "answer",
        "varchar",
        "`answered`, `absent` (the error says that nothing is configured) or `unknown` (refused or failed)",
    ),
    Column("error_code", "varchar", "why there is no answer"),
    Column("error_message", "varchar", "the error's text"),
    Column("source_file", "varchar", "the file that the row was read from"),
    Column("line_number", "integer", "from 1"),
)

VIEWS: dict[str, tuple[Column, ...]] = {"events": EVENTS, "access_log_lines": ACCESS_LOG_LINES, "settings": SETTINGS}
