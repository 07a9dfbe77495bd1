"""CloudTrail: from documents to typed rows of the view ``events``.

A batch of documents goes to the engine in one pass: parsed by an explicit structure, unnested, typed. What the structure cannot hold
comes out null and is noticed: such a row is read again, slowly, and either gets its fault named or becomes a reject.

Source: CloudTrail User Guide, "CloudTrail record contents".
"""

from __future__ import annotations

import json

from ir_kit.evidence import redaction

_TEXT = "VARCHAR"
_JSON = "JSON"
_ISSUER = {"type": _TEXT, "principalId": _TEXT, "arn": _TEXT, "accountId": _TEXT, "userName": _TEXT}
RECORD = {
    "eventVersion": _TEXT, "eventTime": _TEXT, "@timestamp": _TEXT, "eventSource": _TEXT, "eventName": _TEXT,
    "awsRegion": _TEXT, "sourceIPAddress": _TEXT, "userAgent": _TEXT, "errorCode": _TEXT, "errorMessage": _TEXT,
    "requestID": _TEXT, "eventID": _TEXT, "readOnly": _TEXT, "eventType": _TEXT, "managementEvent": _TEXT,
    "eventCategory": _TEXT, "recipientAccountId": _TEXT, "sharedEventID": _TEXT, "vpcEndpointId": _TEXT,
    "vpcEndpointAccountId": _TEXT, "apiVersion": _TEXT, "sessionCredentialFromConsole": _TEXT,
    "userIdentity": {
        "type": _TEXT, "principalId": _TEXT, "arn": _TEXT, "accountId": _TEXT, "accessKeyId": _TEXT, "userName": _TEXT,
        "invokedBy": _TEXT, "identityProvider": _TEXT, "credentialId": _TEXT, "onBehalfOf": _JSON, "inScopeOf": _JSON,
        "sessionContext": {
            "sessionIssuer": _ISSUER, "attributes": {"creationDate": _TEXT, "mfaAuthenticated": _TEXT},
            "webIdFederationData": _JSON, "sourceIdentity": _TEXT, "ec2RoleDelivery": _TEXT, "assumedRoot": _TEXT,
        },
    },
    "additionalEventData": {
        "SignatureVersion": _TEXT, "CipherSuite": _TEXT, "AuthenticationMethod": _TEXT,
        "bytesTransferredIn": _TEXT, "bytesTransferredOut": _TEXT, "x-amz-id-2": _TEXT, "xAmzId2": _TEXT,
        "SSEApplied": _TEXT, "aclRequired": _TEXT, "LoginTo": _TEXT, "MFAUsed": _TEXT, "MobileVersion": _TEXT,
    },
    "tlsDetails": {"tlsVersion": _TEXT, "cipherSuite": _TEXT, "clientProvidedHostHeader": _TEXT},
    "requestParameters": _JSON, "responseElements": _JSON, "resources": _JSON, "serviceEventDetails": _JSON,
    "addendum": _JSON, "eventContext": _JSON, "insightDetails": _JSON, "edgeDeviceDetails": _JSON, "summary": _JSON,
}  # fmt: skip
STRUCTURE = json.dumps({"Records": [RECORD]})

_PARAMETERS = [
    "bucketName", "key", "prefix", "versionId", '"x-amz-copy-source"', "userName", "roleName", "groupName", "roleArn",
    "policyArn", "policyName", "instanceProfileName", "name", "trailName", "bucket", "sAMLProviderArn",
    "openIDConnectProviderArn", "versionid", "profileName", "accessKeyId",
]  # fmt: skip
_ANSWERS = [
    "credentials.accessKeyId", "accessKey.accessKeyId", "assumedRoleUser.arn", "federatedUser.arn",
    "credentials.expiration", "user.arn", "policy.arn", "accessKey.userName",
]  # fmt: skip

# S3's data events by name, for records older than `managementEvent` and `eventCategory`
_S3_READS = (
    "GetObject", "HeadObject", "ListObjects", "ListObjectVersions", "HeadBucket", "GetObjectAcl", "GetObjectTagging",
    "GetObjectAttributes", "GetObjectTorrent", "ListParts", "ListMultipartUploads", "SelectObjectContent",
    "GetObjectRetention", "GetObjectLegalHold",
)  # fmt: skip
_S3_WRITES = (
    "PutObject", "PostObject", "CopyObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload", "UploadPart",
    "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "PutObjectAcl", "PutObjectTagging",
    "DeleteObjectTagging", "RestoreObject", "PutObjectRetention", "PutObjectLegalHold",
)  # fmt: skip


def _paths(names: list[str]) -> str:
    return "[" + ", ".join(f"'$.{name}'" for name in names) + "]"


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _moment(text: str) -> str:
    # a cast to timestamp drops an offset without a word, so only times in Z take the short way
    return (
        f"case when {text} like '%Z' then try_cast({text} as timestamp) "
        f"else timezone('UTC', try_cast({text} as timestamptz)) end"
    )


def _count(text: str) -> str:
    return f"try_cast(try_cast({text} as double) as bigint)"


def _without_secrets(text: str) -> str:
    found = " or ".join(f"contains({text}, '{word}')" for word in ("oken", "ignature", "ecret", "assword", "ssertion", "lain"))
    json_rule = redaction.JSON_SECRET.replace("'", "''")
    uri_rule = redaction.URI_SECRET.replace("'", "''")
    return (
        f"case when {found} then regexp_replace(regexp_replace({text}, '{json_rule}', '{redaction.JSON_REPLACEMENT}', 'g'), "
        f"'{uri_rule}', '{redaction.URI_REPLACEMENT}', 'g') else {text} end"
    )


_CLASS = f"""case
    when r.eventCategory = 'Data' or (r.eventCategory is null and r.managementEvent = 'false') then
        case when coalesce(r.readOnly, case when r.eventName in ({_quoted(_S3_READS)}) then 'true' else 'false' end) = 'true'
             then 'data_read' else 'data_write' end
    when r.eventCategory = 'Management' or r.managementEvent = 'true' then 'management'
    when r.eventCategory is not null then 'other'
    when r.eventSource = 's3.amazonaws.com' and r.eventName in ({_quoted(_S3_READS)}) then 'data_read'
    when r.eventSource = 's3.amazonaws.com' and r.eventName in ({_quoted(_S3_WRITES)}) then 'data_write'
    else 'management' end"""


def _one_of(source: str, names: list[str], *wanted: str) -> str:
    items = [f"{source}[{names.index(name) + 1}]" for name in wanted]
    return items[0] if len(items) == 1 else f"coalesce({', '.join(items)})"


def _p(*wanted: str) -> str:
    return _one_of("p", _PARAMETERS, *wanted)


def _a(*wanted: str) -> str:
    return _one_of("a", _ANSWERS, *wanted)


_IDENTITY = "r.userIdentity"
_SESSION = f"{_IDENTITY}.sessionContext"
_MORE = "r.additionalEventData"

# one expression for each column of `columns.EVENTS` that the record itself gives
EXPRESSIONS: dict[str, str] = {
    "event_time": "event_time",
    "event_id": "r.eventID",
    "event_version": "r.eventVersion",
    "event_source": "r.eventSource",
    "event_name": "r.eventName",
    "event_type": "r.eventType",
    "event_category": "r.eventCategory",
    "record_class": _CLASS,
    "read_only": "try_cast(r.readOnly as boolean)",
    "aws_region": "r.awsRegion",
    "source_ip_address": "r.sourceIPAddress",
    "user_agent": "case when r.userAgent like '[%]' then substr(r.userAgent, 2, length(r.userAgent) - 2) else r.userAgent end",
    "error_code": "nullif(r.errorCode, '')",
    "error_message": "r.errorMessage",
    "request_id": "r.requestID",
    "recipient_account_id": "r.recipientAccountId",
    "shared_event_id": "r.sharedEventID",
    "vpc_endpoint_id": "r.vpcEndpointId",
    "user_identity_type": f"{_IDENTITY}.type",
    "user_identity_principal_id": f"{_IDENTITY}.principalId",
    "user_identity_arn": f"{_IDENTITY}.arn",
    "user_identity_account_id": f"{_IDENTITY}.accountId",
    "user_identity_user_name": f"{_IDENTITY}.userName",
    "access_key_id": f"nullif({_IDENTITY}.accessKeyId, '')",
    "invoked_by": f"{_IDENTITY}.invokedBy",
    "session_issuer_type": f"{_SESSION}.sessionIssuer.type",
    "session_issuer_arn": f"{_SESSION}.sessionIssuer.arn",
    "session_issuer_user_name": f"{_SESSION}.sessionIssuer.userName",
    "session_creation_date": _moment(f"{_SESSION}.attributes.creationDate"),
    "session_mfa_authenticated": f"try_cast({_SESSION}.attributes.mfaAuthenticated as boolean)",
    "source_identity": f"{_SESSION}.sourceIdentity",
    "credential_from_console": "try_cast(r.sessionCredentialFromConsole as boolean)",
    "bucket": _p("bucketName", "bucket"),
    "key": _p("key"),
    "prefix": _p("prefix"),
    "version_id": _p("versionId", "versionid"),
    "copy_source": _p('"x-amz-copy-source"'),
    "bytes_in": _count(f"{_MORE}.bytesTransferredIn"),
    "bytes_out": _count(f"{_MORE}.bytesTransferredOut"),
    "host_id": f"coalesce({_MORE}.\"x-amz-id-2\", {_MORE}.xAmzId2)",
    "signature_version": f"{_MORE}.SignatureVersion",
    "authentication_method": f"{_MORE}.AuthenticationMethod",
    "cipher_suite": f"coalesce({_MORE}.CipherSuite, r.tlsDetails.cipherSuite)",
    "tls_version": "r.tlsDetails.tlsVersion",
    "host_header": "r.tlsDetails.clientProvidedHostHeader",
    "target_name": f"case when r.eventSource <> 's3.amazonaws.com' then {_p('userName', 'roleName', 'groupName', 'instanceProfileName', 'trailName', 'name', 'profileName', 'sAMLProviderArn', 'openIDConnectProviderArn', 'roleArn')} end",
    "target_policy": f"case when r.eventSource <> 's3.amazonaws.com' then coalesce({_p('policyArn', 'policyName')}, {_a('policy.arn')}) end",
    "issued_access_key_id": f"case when r.errorCode is null then {_a('credentials.accessKeyId', 'accessKey.accessKeyId')} end",
    "issued_principal_arn": _a("assumedRoleUser.arn", "federatedUser.arn"),
    "issued_expiration": _a("credentials.expiration"),
    "request_parameters": _without_secrets("cast(r.requestParameters as varchar)"),
    "response_elements": _without_secrets("cast(r.responseElements as varchar)"),
    "resources": "cast(r.resources as varchar)",
}

# A row that may hide something: read again, slowly (`faults_of`, `documents.why_no_record`).
_SUSPECT = f"""(
    event_time is null or r.eventName is null or r.eventSource is null or r.eventSource like 'aws:%'
    or r.eventType = 'AwsCloudTrailInsight'
    or (r.eventID is null and {_IDENTITY} is null)
    or ({_IDENTITY} is not null and {_IDENTITY}.type is null and {_IDENTITY}.arn is null
        and {_IDENTITY}.accountId is null and {_IDENTITY}.invokedBy is null and {_IDENTITY}.principalId is null)
    or not starts_with(cast(r.requestParameters as varchar), '{{')
    or not starts_with(cast(r.responseElements as varchar), '{{')
    or ({_MORE}.bytesTransferredIn is not null and try_cast({_MORE}.bytesTransferredIn as double) is null)
    or ({_MORE}.bytesTransferredOut is not null and try_cast({_MORE}.bytesTransferredOut as double) is null)
    or ({_SESSION}.attributes.creationDate is not null and try_cast({_SESSION}.attributes.creationDate as timestamptz) is null)
)"""

INSERT = f"""
with documents as (
    select source_id, first_number, from_json(document, '{STRUCTURE}').Records as records from batch
),
records as (
    select source_id, first_number, unnest(records) as r, unnest(range(len(records))) as ordinal from documents
),
opened as (
    select source_id, cast(first_number + ordinal as integer) as record_number, r,
           {_moment('coalesce(r.eventTime, r."@timestamp")')} as event_time,
           json_extract_string(r.requestParameters, {_paths(_PARAMETERS)}) as p,
           case when r.responseElements is not null then json_extract_string(r.responseElements, {_paths(_ANSWERS)}) end as a
    from records
)
insert into rows
select {", ".join(f"{expression} as {name}" for name, expression in EXPRESSIONS.items())},
       cast(null as varchar) as field_faults, source_id, record_number, hash(r) as identity_hash,
       coalesce({_SUSPECT}, false) as suspect
from opened
"""


def rows_table() -> str:
    """The statement that makes the table which a batch is read into."""
    from ir_kit.evidence.columns import EVENTS

    types = {column.name: column.sql_type for column in EVENTS}
    given = ", ".join(f'"{name}" {types[name]}' for name in EXPRESSIONS)
    return (
        f"create table rows ({given}, field_faults varchar, source_id integer, record_number integer, "
        "identity_hash ubigint, suspect boolean)"
    )


def faults_of(record: dict[str, object]) -> list[str]:
    """Which fields does this record have in a type of its own, so that their columns are null?"""
    faults = []
    for name in ("userIdentity", "requestParameters", "responseElements", "additionalEventData", "tlsDetails"):
        value = record.get(name)
        if value is not None and not isinstance(value, dict):
            faults.append(name)
    more = record.get("additionalEventData")
    for name in ("bytesTransferredIn", "bytesTransferredOut"):
        value = more.get(name) if isinstance(more, dict) else None
        if value is not None and not isinstance(value, int | float):
            try:
                float(str(value))
            except ValueError:
                faults.append(name)
    identity = record.get("userIdentity")
    session = identity.get("sessionContext") if isinstance(identity, dict) else None
    if session is not None and not isinstance(session, dict):
        faults.append("sessionContext")
    return faults
