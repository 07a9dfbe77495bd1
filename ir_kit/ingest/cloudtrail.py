"""CloudTrail: from documents to typed rows of the view ``events``.

A batch of documents goes to the engine in one pass: parsed by an explicit structure, unnested, typed. What the structure cannot hold
comes out null and is noticed: such a row is read again, slowly, and either gets its fault named or becomes a reject.

Source: CloudTrail User Guide, "CloudTrail record contents".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ir_kit.ingest import redaction
from ir_kit.ingest.columns import EVENTS

_TEXT = "VARCHAR"
_JSON = "JSON"
_ISSUER = {"type": _TEXT, "principalId": _TEXT, "arn": _TEXT, "accountId": _TEXT, "userName": _TEXT}
RECORD: dict[str, Any] = {
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
    "tlsDetails": {"tlsVersion": _TEXT, "cipherSuite": _TEXT, "clientProvidedHostHeader": _TEXT, "keyExchange": _TEXT},
    "requestParameters": _JSON, "responseElements": _JSON, "additionalEventData": _JSON, "resources": _JSON,
    "serviceEventDetails": _JSON,
    "addendum": _JSON, "eventContext": _JSON, "insightDetails": _JSON, "edgeDeviceDetails": _JSON, "summary": _JSON,
}  # fmt: skip
STRUCTURE = json.dumps({"Records": [RECORD]})
"""Every field of a record is here, whether a column needs it or not: what is not, two copies of a record may differ in."""

# what is read of the objects that are kept as text
_PARAMETERS = dict.fromkeys(("bucketName", "key", "prefix", "versionId", "x-amz-copy-source", "bucket"), _TEXT)
_DETAILS = dict.fromkeys(
    ("SignatureVersion", "CipherSuite", "AuthenticationMethod", "bytesTransferredIn", "bytesTransferredOut", "x-amz-id-2", "xAmzId2"),
    _TEXT,
)  # fmt: skip
# what calls of other services than S3 name, and what they answer
_TARGETS = dict.fromkeys(
    ("userName", "roleName", "groupName", "instanceProfileName", "trailName", "name", "profileName", "sAMLProviderArn",
     "openIDConnectProviderArn", "roleArn", "policyArn", "policyName"),
    _TEXT,
)  # fmt: skip
_ANSWERS = {
    "credentials": {"accessKeyId": _TEXT, "expiration": _TEXT}, "accessKey": {"accessKeyId": _TEXT},
    "assumedRoleUser": {"arn": _TEXT}, "federatedUser": {"arn": _TEXT}, "policy": {"arn": _TEXT},
}  # fmt: skip

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


_TOKEN = '"sessionToken":'
_NO_TOKEN = f'{_TOKEN}"{redaction.REDACTED}"'


def _read(text: str, structure: Mapping[str, Any]) -> str:
    return f"from_json({text}, '{json.dumps(structure)}')"


def _lower(text: str, name: str) -> str:
    """A field that some records spell in lower case; the engine's structures do not tell the two apart."""
    return f"case when contains({text}, '\"{name}\"') then json_extract_string({text}, '$.{name}') end"


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _moment(text: str) -> str:
    # a cast to timestamp drops an offset without a word, so only times in Z take the short way
    return (
        f"case when strlen({text}) = 20 and ends_with({text}, 'Z') and contains({text}, 'T') then try_cast({text} as timestamp) "
        f"when {text} like '____-__-__T%Z' then try_cast({text} as timestamp) "
        f"when {text} like '____-__-__T%' then timezone('UTC', try_cast({text} as timestamptz)) end"
    )


def _without_session_tokens(text: str) -> str:
    # what nearly all secrets are; a rule that gives back nothing of what it found is searched ten times faster than one that does
    return f"case when contains({text}, '{_TOKEN}') then regexp_replace({text}, '{_TOKEN}\"[^\"\\\\]*\"', '{_NO_TOKEN}', 'g') else {text} end"


def _without_secrets(text: str) -> str:
    json_rule = redaction.JSON_SECRET.replace("'", "''")
    uri_rule = redaction.URI_SECRET.replace("'", "''")
    return (
        f"case when regexp_matches(replace({text}, '{_NO_TOKEN}', ''), 'oken|ignature|ecret|assword|ssertion|lain') "
        f"then regexp_replace(regexp_replace({text}, '{json_rule}', '{redaction.JSON_REPLACEMENT}', 'g'), "
        f"'{uri_rule}', '{redaction.URI_REPLACEMENT}', 'g') else {text} end"
    )


# `list_contains`, for the engine makes a join of a long `in`
_CLASS = f"""case
    when r.eventCategory = 'Data' or (r.eventCategory is null and r.managementEvent = 'false') then
        case when coalesce(r.readOnly, case when list_contains([{_quoted(_S3_READS)}], r.eventName) then 'true' else 'false' end) = 'true'
             then 'data_read' else 'data_write' end
    when r.eventCategory = 'Management' or r.managementEvent = 'true' then 'management'
    when r.eventCategory is not null then 'other'
    when r.eventSource = 's3.amazonaws.com' and list_contains([{_quoted(_S3_READS)}], r.eventName) then 'data_read'
    when r.eventSource = 's3.amazonaws.com' and list_contains([{_quoted(_S3_WRITES)}], r.eventName) then 'data_write'
    else 'management' end"""


_IDENTITY = "r.userIdentity"
_SESSION = f"{_IDENTITY}.sessionContext"

# texts that hold nothing but what has columns of its own are left where they lie: they are half of all that would be written
_PLAIN_READ = "r.eventSource = 's3.amazonaws.com' and r.eventName in ('GetObject', 'HeadObject')"
_NAMES_ITS_BUCKET = """r.eventSource = 's3.amazonaws.com' and r.eventCategory = 'Data' and r.eventName not in ('CopyObject', 'UploadPartCopy')
    and (contains(cast(r.resources as varchar), r.recipientAccountId) or not contains(cast(r.resources as varchar), 'accountId'))
    and not starts_with(p."bucketName", 'arn:') and not ends_with(p."bucketName", '-s3alias')"""

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
    "user_agent": "r.userAgent",
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
    "session_creation_date": "session_time",
    "session_mfa_authenticated": f"try_cast({_SESSION}.attributes.mfaAuthenticated as boolean)",
    "source_identity": f"{_SESSION}.sourceIdentity",
    "credential_from_console": "try_cast(r.sessionCredentialFromConsole as boolean)",
    "bucket": 'coalesce(p."bucketName", p."bucket")',
    "key": 'p."key"',
    "prefix": 'p."prefix"',
    "version_id": f'coalesce(p."versionId", {_lower("r.requestParameters", "versionid")})',
    "copy_source": 'p."x-amz-copy-source"',
    "bytes_in": "try_cast(sent as bigint)",
    "bytes_out": "try_cast(returned as bigint)",
    "host_id": 'coalesce(d."x-amz-id-2", d."xAmzId2")',
    "signature_version": 'd."SignatureVersion"',
    "authentication_method": 'd."AuthenticationMethod"',
    "cipher_suite": f'coalesce(d."CipherSuite", {_lower("r.additionalEventData", "cipherSuite")}, r.tlsDetails.cipherSuite)',
    "tls_version": "r.tlsDetails.tlsVersion",
    "host_header": "r.tlsDetails.clientProvidedHostHeader",
    "target_name": f"coalesce({', '.join(f't.{name}' for name in list(_TARGETS)[:-2])})",
    "target_policy": (
        "case when r.eventSource <> 's3.amazonaws.com' then coalesce(t.policyArn, t.policyName, a.policy.arn) end"
    ),
    "issued_access_key_id": "case when r.errorCode is null then coalesce(a.credentials.accessKeyId, a.accessKey.accessKeyId) end",
    "issued_principal_arn": "coalesce(a.assumedRoleUser.arn, a.federatedUser.arn)",
    "issued_expiration": "a.credentials.expiration",
    "request_parameters": f"case when {_PLAIN_READ} then null else {_without_secrets('cast(r.requestParameters as varchar)')} end",
    "response_elements": _without_secrets("answer"),
    "resources": f"case when {_NAMES_ITS_BUCKET} then null else cast(r.resources as varchar) end",
}


def _no_name(text: str) -> str:
    return f"{text} is null or {text} = '' or starts_with({text}, '{{') or starts_with({text}, '[')"


# A row that may hide something: read again, slowly (`faults_of`, `documents.why_no_record`).
# (where the structure says object and the record has something else, the engine makes an object of nothing)
_SUSPECT = f"""(
    event_time is null or {_no_name("r.eventName")} or {_no_name("r.eventSource")}
    or starts_with(r.eventSource, 'aws:')
    or r.eventType = 'AwsCloudTrailInsight'
    or (r.eventID is null and {_IDENTITY} is null)
    or ({_IDENTITY} is not null and {_IDENTITY}.type is null and {_IDENTITY}.arn is null
        and {_IDENTITY}.accountId is null and {_IDENTITY}.invokedBy is null and {_IDENTITY}.principalId is null)
    or ({_SESSION} is not null and {_SESSION}.attributes is null)
    or ({_SESSION}.attributes is not null and session_time is null)
    or (r.tlsDetails is not null and r.tlsDetails.tlsVersion is null)
    or not starts_with(cast(r.requestParameters as varchar), '{{')
    or not starts_with(cast(r.responseElements as varchar), '{{')
    or not starts_with(cast(r.additionalEventData as varchar), '{{')
    or (sent is null and d."bytesTransferredIn" is not null)
    or (returned is null and d."bytesTransferredOut" is not null)
)"""


def _leaves(structure: Mapping[str, Any], path: str = "r") -> list[str]:
    """Every field that is compared, one by one: the engine hashes a nested value several times slower than its parts."""
    found: list[str] = []
    for name, kind in structure.items():
        inner = f'{path}."{name}"'
        found += _leaves(kind, inner) if isinstance(kind, dict) else [inner]
    return found


_TYPES = {column.name: column.sql_type for column in EVENTS}

SELECT = f"""
with documents as (
    select source_id, first_number, from_json(document, '{STRUCTURE}').Records as records from batch
),
records as (
    select source_id, first_number, unnest(records) as r, unnest(range(len(records))) as ordinal from documents
),
detailed as (
    select *, {_read("r.additionalEventData", _DETAILS)} as d from records
),
opened as (
    select source_id, cast(first_number + ordinal as integer) as record_number, r,
           {_moment('coalesce(r.eventTime, r."@timestamp")')} as event_time,
           {_moment(f"{_SESSION}.attributes.creationDate")} as session_time,
           d, try_cast(d."bytesTransferredIn" as double) as sent, try_cast(d."bytesTransferredOut" as double) as returned,
           {_without_session_tokens("cast(r.responseElements as varchar)")} as answer,
           {_read("r.requestParameters", _PARAMETERS)} as p,
           case when r.eventSource <> 's3.amazonaws.com' then {_read("r.requestParameters", _TARGETS)} end as t,
           case when r.responseElements is not null then {_read("r.responseElements", _ANSWERS)} end as a
    from detailed
)
select {", ".join(f"cast({expression} as {_TYPES[name]}) as {name}" for name, expression in EXPRESSIONS.items())},
       cast(null as varchar) as field_faults, source_id, record_number, hash({", ".join(_leaves(RECORD))}) as identity_hash,
       coalesce({_SUSPECT}, false) as suspect
from opened
"""
"""The rows of the relation ``batch``: ``source_id``, ``first_number``, ``document``."""


def faults_of(record: dict[str, object]) -> list[str]:
    """Which fields does this record have in a type of its own, so that their columns are null?"""
    faults = []
    for name in ("userIdentity", "requestParameters", "responseElements", "additionalEventData", "tlsDetails"):
        if not isinstance(record.get(name), dict | None):
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
    attributes = session.get("attributes") if isinstance(session, dict) else None
    created = attributes.get("creationDate") if isinstance(attributes, dict) else None
    if not isinstance(session, dict | None):
        faults.append("sessionContext")
    elif not isinstance(attributes, dict | None):
        faults.append("attributes")
    elif created is not None and not _is_time(created):
        faults.append("creationDate")
    return faults


def _is_time(value: object) -> bool:
    try:
        return datetime.fromisoformat(str(value)) is not None
    except ValueError:
        return False
