"""Server access logs: each shape of a line, each shape of a file, and what comes of it."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ir_kit.ingest.access_log import decoded_key, parse_line
from ir_kit.ingest.loading import Task, load
from ir_kit.ingest.loading_access_logs import COLUMNS
from ir_kit.ingest.raw import raw_record
from ir_kit.ingest.store import connect

COLUMN_NAMES = [*COLUMNS]
OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
DELIVERED = "2026-03-02-12-00-00-0123456789ABCDEF"
TAIL = [
    "-",
    "hostid=",
    "SigV4",
    "TLS_AES",
    "AuthHeader",
    "b.s3.amazonaws.com",
    "TLSv1.3",
    "-",
    "-",
    "us-east-1",
    "x",
    "y",
]


def line(
    key: str = "k",
    uri: str = '"GET /k HTTP/1.1"',
    referer: str = '"-"',
    agent: str = '"aws-cli/2"',
    fields: int = 27,
    **more: str,
) -> str:
    """One line of that many fields."""
    operation, requester = (
        more.get("operation", "REST.GET.OBJECT"),
        more.get("requester", "arn:aws:iam::111122223333:user/deploy"),
    )
    numbers = more.get("numbers", "200 - 12 34 5 6")
    head = (
        f"{OWNER} b [02/Mar/2026:10:00:00 +0000] {more.get('address', '203.0.113.7')} {requester} R1 {operation} {key} "
    )
    return f"{head}{uri} {numbers} {referer} {agent} {' '.join(TAIL[: fields - 17])}"


def rows_of(folder: Any, content: bytes, name: str = DELIVERED) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    """The rows that the engine and the careful path together make of a file, and the rejects, by line."""
    path = folder / name
    path.write_bytes(content)
    with connect(threads=1) as connection:
        result = load(connection, "access_log", [Task(1, "access_log", str(path), name, True)], str(folder), "x")
    rows = [row for part in result.parts for row in pq.ParquetFile(folder / part).read().to_pylist()]
    found = {row["line_number"]: {column: row[column] for column in COLUMN_NAMES} for row in rows}
    assert len(found) == len(rows)
    return found, {reject["number"]: reject["reason"] for reject in result.rejects}


def parsed(text: str) -> dict[str, Any]:
    row = parse_line(text)
    assert isinstance(row, dict), row
    return row


# --- shapes of lines ---------------------------------------------------------------------------------------------

READABLE = {
    "fields-18": (line(fields=18), {"field_count": 18, "version_id": None, "host_id": None, "source_region": None}),
    "fields-24": (line(fields=24), {"field_count": 24, "tls_version": "TLSv1.3", "access_point_arn": None}),
    "fields-25": (line(fields=25), {"field_count": 25, "access_point_arn": None}),
    "fields-26": (line(fields=26), {"field_count": 26, "source_region": None}),
    "fields-27": (line(fields=27), {"field_count": 27, "source_region": "us-east-1", "extra_fields": None}),
    "fields-29": (line(fields=29), {"field_count": 29, "source_region": "us-east-1", "extra_fields": "x y"}),
    "quote-in-agent": (line(agent='"Safari/604.1""'), {"user_agent": 'Safari/604.1"', "ambiguous": False}),
    "quotes-in-agent": (line(agent='"() { :; }; echo "x""'), {"user_agent": '() { :; }; echo "x"', "http_status": 200}),
    "quote-in-uri": (line(uri='"GET /k?a="b" HTTP/1.1"'), {"request_uri": 'GET /k?a="b" HTTP/1.1', "user_agent": "aws-cli/2"}),
    "quote-in-referer": (line(referer='"http://x/"y"'), {"referer": 'http://x/"y', "user_agent": "aws-cli/2"}),
    "two-readings-of-agent": (line(agent='"a" "b"'), {"ambiguous": True}),
    "two-readings-of-referer": (line(referer='"a" "'), {"ambiguous": True}),
    "two-readings-of-uri": (line(uri='"GET /" 200 - 1 1 1 1 "x"'), {"ambiguous": True}),
    "spaces-in-uri": (line(uri='"GET /a b c HTTP/1.1"'), {"request_uri": "GET /a b c HTTP/1.1"}),
    "empty-quoted": (line(uri='""', referer='""', agent='""'), {"request_uri": "", "referer": "", "user_agent": ""}),
    "uri-quoted-dash": (line(uri='"-"'), {"request_uri": None}),
    "agent-dash": (line(agent='"-"'), {"user_agent": None}),
    "agent-bare-dash": (line(agent="-"), {"user_agent": None, "referer": None}),
    "referer-bare-dash": (line(referer="-"), {"user_agent": "aws-cli/2", "referer": None}),
    "batch": (
        line(operation="BATCH.DELETE.OBJECT", uri="-", referer="-", agent="-", numbers="204 - - - - -"),
        {"operation": "BATCH.DELETE.OBJECT", "request_uri": None, "http_status": 204, "bytes_sent": None, "user_agent": None},
    ),
    "copy-source": (
        line(operation="REST.COPY.OBJECT_GET", uri="-", referer="-", agent="-", numbers="200 - - 10 - -"), {"object_size": 10}
    ),
    "lifecycle": (
        line(operation="S3.EXPIRE.OBJECT", uri='"-"', address="-", requester="AmazonS3", numbers="- - - 10 - -"),
        {"remote_ip": None, "requester": "AmazonS3", "http_status": None, "object_size": 10},
    ),
    "anonymous": (line(requester="-"), {"requester": None}),
    "trailing-spaces": (line() + "   ", {"field_count": 27, "source_region": "us-east-1"}),
    "carriage-return": (line() + "\r", {"source_region": "us-east-1"}),
    "no-key": (line(key="-", operation="REST.GET.BUCKET"), {"key": None, "key_raw": None}),
    "largest-number": (line(numbers=f"200 - {2**63 - 1} 0 0 0"), {"bytes_sent": 2**63 - 1}),
    "other-zone": (line().replace("10:00:00 +0000", "10:00:00 +0230"), {"event_time": datetime(2026, 3, 2, 7, 30)}),
    "not-ascii": (line(agent='"Opera/\xe9"'), {"user_agent": "Opera/\xe9"}),
    "apostrophes": (line(key="'/foo.txt'"), {"key": "'/foo.txt'"}),
    "nul": (line(agent='"a\x00b"'), {"user_agent": "a\x00b"}),
    "backslashes": (line(agent=r'"a\"b\\"'), {"user_agent": r"a\"b\\"}),
    "sigv4-presigned": (
        line(uri='"GET /k?X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20260302%2Fus-east-1&X-Amz-Security-Token=TOKEN&X-Amz-Signature=SIG HTTP/1.1"'),
        {
            "presigned_access_key_id": "ASIAIOSFODNN7EXAMPLE",
            "request_uri": "GET /k?X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20260302%2Fus-east-1"
            "&X-Amz-Security-Token=REDACTED&X-Amz-Signature=REDACTED HTTP/1.1",
        },
    ),
    "sigv2-presigned": (
        line(uri='"GET /k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1&Signature=SIG HTTP/1.1"'),
        {
            "presigned_access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "request_uri": "GET /k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1&Signature=REDACTED HTTP/1.1",
        },
    ),
    "presigned-referer": (line(referer='"https://h/?a=1&X-Amz-Signature=SIG"'), {"referer": "https://h/?a=1&X-Amz-Signature=REDACTED"}),
}  # fmt: skip
UNREADABLE = {
    "text": "this is no access-log line at all, but long enough",
    "short": "oops",
    "fields-17": line(fields=17).rstrip(),
    "no-status": line(numbers="OK - 1 1 1 1"),
    "number-missing": line(numbers="200 - 1 1 1"),
    "number-too-many": line(numbers="200 - 1 1 1 1 1"),
    "negative-size": line(numbers="200 - -1 1 1 1"),
    "size-too-large": line(numbers=f"200 - {2**63} 1 1 1"),
    "agent-never-ends": line(agent='"aws-cli/2'),
    "no-such-day": line().replace("02/Mar", "31/Feb"),
    "no-such-month": line().replace("02/Mar", "02/Mrz"),
    "cut-in-the-head": line()[:90],
    "cut-in-the-uri": line()[: line().index("/k HTTP")],
    "two-spaces-in-the-head": line().replace(" R1 ", " R1  "),
    "two-spaces-in-the-tail": line().replace(" SigV4 ", " SigV4  "),
    "quote-in-the-tail": line().replace("hostid=", 'host"id'),
    "html": "<html><body>Access Denied</body></html>",
}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    names = [*READABLE, *UNREADABLE]
    text = "\n".join([*(text for text, _ in READABLE.values()), *UNREADABLE.values()]) + "\n"
    rows, rejects = rows_of(tmp_path_factory.mktemp("shapes"), text.encode())
    return {names[n - 1]: row for n, row in rows.items()}, {names[n - 1]: reason for n, reason in rejects.items()}


@pytest.mark.parametrize("name", READABLE)
def test_a_line_of_this_shape_is_read(shapes: Any, name: str) -> None:
    text, expected = READABLE[name]
    row = shapes[0][name]
    assert {column: row[column] for column in expected} == expected
    assert row == parsed(text)
    assert (row["bucket"], row["request_id"], row["host_id"]) == ("b", "R1", None if name == "fields-18" else "hostid=")


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_line_of_this_shape_is_rejected(shapes: Any, name: str) -> None:
    assert name not in shapes[0]
    assert shapes[1][name]
    assert isinstance(parse_line(UNREADABLE[name]), str)


def test_nothing_else_is_read_or_rejected(shapes: Any) -> None:
    assert set(shapes[0]) == set(READABLE)
    assert set(shapes[1]) == set(UNREADABLE)


@pytest.mark.parametrize(
    ("raw", "operation", "key"),
    [
        ("a/b.txt", "REST.GET.OBJECT", "a/b.txt"),
        ("a%2522b", "REST.GET.OBJECT", 'a"b'),
        ("a%2520b", "REST.GET.OBJECT", "a b"),
        ("a%2Bb", "REST.GET.OBJECT", "a b"),
        ("a+b", "REST.GET.OBJECT", "a b"),
        ("a%252Bb", "REST.GET.OBJECT", "a+b"),
        ("100%2525", "REST.GET.OBJECT", "100%"),
        ("a%2520b", "BATCH.DELETE.OBJECT", "a%20b"),
        ("a%20b", "BATCH.DELETE.OBJECT", "a b"),
        ("a+b", "S3.EXPIRE.OBJECT", "a b"),
        ("a%2Bb", "S3.TRANSITION.OBJECT", "a+b"),
        ("%25C3%25A9", "REST.PUT.OBJECT", "é"),
        ("%25FF", "REST.PUT.OBJECT", "\ufffd"),
        ("%FF", "BATCH.DELETE.OBJECT", "\ufffd"),
        ("%ZZ", "REST.GET.OBJECT", "%ZZ"),
        ("100%", "REST.GET.OBJECT", "100%"),
        ("%", "REST.GET.OBJECT", "%"),
        ("%2", "BATCH.DELETE.OBJECT", "%2"),
        ("%2500", "REST.GET.OBJECT", "\x00"),
    ],
)
def test_a_key_is_decoded_as_its_operation_encodes_it(tmp_path: Any, raw: str, operation: str, key: str) -> None:
    assert decoded_key(raw, operation) == key
    rows, _ = rows_of(tmp_path, line(key=raw, operation=operation).encode())
    assert (rows[1]["key"], rows[1]["key_raw"]) == (key, raw)


# --- real lines, worked out by hand ------------------------------------------------------------------------------

HADOOP = {
    "bucket_owner": "183c9826b45486e485693808f38e2c4071004bf5dfd4c3ab210f0a21a4235ef8", "bucket": "stevel-london",
    "remote_ip": "109.157.193.10", "signature_version": "SigV4", "cipher_suite": "ECDHE-RSA-AES128-GCM-SHA256",
    "authentication_type": "AuthHeader", "host_header": "stevel-london.s3.eu-west-2.amazonaws.com", "tls_version": "TLSv1.2",
    "field_count": 24, "error_code": None, "version_id": None,
}  # fmt: skip
HADOOP_AGENT = "Hadoop 3.4.0-SNAPSHOT, aws-sdk-java/1.11.901 Mac_OS_X/10.15.7 OpenJDK_64-Bit_Server_VM/25.252-b09 java/1.8.0_252 vendor/AdoptOpenJDK"
AUDIT = "https://hadoop.apache.org/audit/87c879d6-0515-4ee9-b223-4647dd6aea9a-14.53.46/s/00000007/op/87c879d6-0515-4ee9-b223-4647dd6aea9a-14.53.46"
DOCS = {
    "bucket_owner": OWNER, "remote_ip": "192.0.2.3", "requester": OWNER, "user_agent": "S3Console/0.4", "referer": None,
    "authentication_type": "AuthHeader", "version_id": None, "cipher_suite": "ECDHE-RSA-AES128-GCM-SHA256",
}  # fmt: skip
EXAMPLE1 = {
    **DOCS,
    "bucket": "awsexamplebucket1",
    "tls_version": "TLSV1.1",
    "field_count": 24,
    "host_header": "awsexamplebucket1.s3.us-west-1.amazonaws.com",
}
EXAMPLE2 = {
    **DOCS, "bucket": "DOC-EXAMPLE-BUCKET1", "tls_version": "TLSV1.2", "field_count": 26, "signature_version": "SigV4",
    "host_header": "DOC-EXAMPLE-BUCKET1.s3.us-west-1.amazonaws.com",
}  # fmt: skip
BY_HAND: dict[int, dict[str, Any]] = {
    0: {
        **HADOOP, "event_time": datetime(2021, 2, 24, 14, 53, 50),
        "requester": "arn:aws:sts::152813717728:assumed-role/stevel-assumed-role/test", "request_id": "012F813E53259B94",
        "operation": "REST.DELETE.UPLOAD", "key": "fork-0001/test/restricted/testMarkerFileRename",
        "key_raw": "fork-0001/test/restricted/testMarkerFileRename",
        "request_uri": "DELETE /fork-0001/test/restricted/testMarkerFileRename?uploadId=WK2d8rzLa9v4.vHP_mwX1omWGIdwZdn5O_DflVJnkxZ.sPeD4YUuMa4GaRKVaWlyi44p9nY7bphauzXrdkWOYBco2x.qhtQdXI_6QYUuYxnf2FnHgkgTQ0UIrVjYIda.2UN3wOMAAYnl02MozGjgEw-- HTTP/1.1",
        "http_status": 204, "bytes_sent": None, "object_size": None, "total_time": 18, "turn_around_time": 17,
        "referer": AUDIT + "?principal=stevel&op=committer_commit_job&path=/", "user_agent": HADOOP_AGENT,
        "host_id": "/j8lCVIwOUE2cSiEynqkG+2glhbETAWzWTDZd4w/2cQKOjd8epM4aEk7BjY0oykVZOBkhu4rjGE=",
    },
    1: {
        **HADOOP, "event_time": datetime(2021, 2, 24, 14, 53, 50),
        "requester": "arn:aws:sts::152813717728:assumed-role/stevel-assumed-role/test", "request_id": "8445EBDA588DEFEB",
        "operation": "REST.GET.UPLOADS", "key": None, "key_raw": None,
        "request_uri": "GET /?uploads&prefix=fork-0001%2Ftest%2Frestricted%2F HTTP/1.1", "http_status": 200, "bytes_sent": 1169,
        "object_size": None, "total_time": 15, "turn_around_time": 13,
        "referer": AUDIT + "?principal=stevel&op=committer_commit_job&path=/", "user_agent": HADOOP_AGENT,
        "host_id": "k4eGhwn+KLmEkznRwWxO2klembT3P16HMrIc6RsnFxOthiuAgFDU8SHYL31zP7nVOGko6mF1zJI=",
    },
    2: {
        **HADOOP, "event_time": datetime(2021, 2, 24, 14, 53, 53), "requester": "arn:aws:iam::152813717728:user/stevel-dev",
        "request_id": "D630F8F6B949DA00", "operation": "BATCH.DELETE.OBJECT", "key": "fork-0004/", "key_raw": "fork-0004/",
        "request_uri": None, "http_status": 204, "bytes_sent": None, "object_size": None, "total_time": None,
        "turn_around_time": None, "referer": None, "user_agent": None,
        "host_id": "WVzx2GM3UeoXx11TVb+v1u1reJl+ahOiJApP9NDIHWBQPF87OXQyKKc/31NGXPNXLSEigGJZleg=",
    },
    4: {
        **HADOOP, "event_time": datetime(2021, 2, 24, 14, 53, 53), "requester": "arn:aws:iam::152813717728:user/stevel-dev",
        "request_id": "D630F8F6B949DA00", "operation": "REST.POST.MULTI_OBJECT_DELETE", "key": None, "key_raw": None,
        "request_uri": "POST /?delete HTTP/1.1", "http_status": 200, "bytes_sent": 116, "object_size": None, "total_time": 73,
        "turn_around_time": None,
        "referer": "https://hadoop.apache.org/audit/dbfdceb7-a11a-4c39-91a1-49f286bf5a36-14.53.47/s/0000000d/op/dbfdceb7-a11a-4c39-91a1-49f286bf5a36-14.53.47?principal=stevel&op=op_create&path=s3a://stevel-london/fork-0004/test/eventually-reopen.dat",
        "user_agent": HADOOP_AGENT, "host_id": "WVzx2GM3UeoXx11TVb+v1u1reJl+ahOiJApP9NDIHWBQPF87OXQyKKc/31NGXPNXLSEigGJZleg=",
    },
    5: {
        "bucket_owner": "078d85edf7268fb4814b1b4fc9f4c64adfde218b6b489a38ecf1b269f14f3c7a",
        "bucket": "centralizedlogging-webconsoleuis3bucket22191f5e-t9bxwwr3d7k", "event_time": datetime(2023, 1, 31, 9, 25, 21),
        "remote_ip": "35.89.52.162",
        "requester": "arn:aws:sts::347283850106:assumed-role/CentralizedLogging-CustomCDKBucketDeployment8693BB-1X4DVR38SF7ZY/CentralizedLogging-CustomCDKBucketDeployment8693BB-kU6BAxSswmfp",
        "request_id": "7ERH6MMR32AXYMKY", "operation": "REST.PUT.OBJECT", "key": "locales/en/cluster.json",
        "key_raw": "locales/en/cluster.json", "request_uri": "PUT /locales/en/cluster.json HTTP/1.1", "http_status": 200,
        "error_code": None, "bytes_sent": None, "object_size": 9427, "total_time": 138, "turn_around_time": 11, "referer": None,
        "user_agent": "aws-cli/1.25.70 Python/3.9.13 Linux/4.14.255-296-236.539.amzn2.x86_64 exec-env/AWS_Lambda_python3.9 botocore/1.27.69",
        "version_id": None, "host_id": "2X+mJdbKRF1u5wwyvOiS0+gMBel7tzKXNnihWszj/jiy347Vui/ky/7IeQxWz8eJ5/r3agqA3yo=",
        "signature_version": "SigV4", "cipher_suite": "ECDHE-RSA-AES128-GCM-SHA256", "authentication_type": "AuthHeader",
        "host_header": "centralizedlogging-webconsoleuis3bucket22191f5e-t9bxwwr3d7k.s3.us-west-2.amazonaws.com",
        "tls_version": "TLSv1.2", "field_count": 26,
    },
    23: {
        **EXAMPLE1, "event_time": datetime(2019, 2, 6, 0, 0, 38), "request_id": "3E57427F3EXAMPLE", "operation": "REST.GET.VERSIONING",
        "key": None, "key_raw": None, "request_uri": "GET /awsexamplebucket1?versioning HTTP/1.1", "http_status": 200,
        "error_code": None, "bytes_sent": 113, "object_size": None, "total_time": 7, "turn_around_time": None,
        "host_id": "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=", "signature_version": "SigV2",
    },
    25: {
        **EXAMPLE1, "event_time": datetime(2019, 2, 6, 0, 0, 38), "request_id": "A1206F460EXAMPLE", "operation": "REST.GET.BUCKETPOLICY",
        "key": None, "key_raw": None, "request_uri": "GET /awsexamplebucket1?policy HTTP/1.1", "http_status": 404,
        "error_code": "NoSuchBucketPolicy", "bytes_sent": 297, "object_size": None, "total_time": 38, "turn_around_time": None,
        "host_id": "BNaBsXZQQDbssi6xMBdBU2sLt+Yf5kZDmeBUP35sFoKa3sLLeMC78iwEIWxs99CRUrbS4n11234=", "signature_version": "SigV2",
    },
    27: {
        **EXAMPLE1, "event_time": datetime(2019, 2, 6, 0, 1, 57), "request_id": "DD6CC733AEXAMPLE", "operation": "REST.PUT.OBJECT",
        "key": "s3-dg.pdf", "key_raw": "s3-dg.pdf", "request_uri": "PUT /awsexamplebucket1/s3-dg.pdf HTTP/1.1", "http_status": 200,
        "error_code": None, "bytes_sent": None, "object_size": 4406583, "total_time": 41754, "turn_around_time": 28,
        "host_id": "10S62Zv81kBW7BB6SX4XJ48o6kpcl6LPwEoizZQQxJd5qDSCTLX0TgS37kYUBKQW3+bPdrg1234=", "signature_version": "SigV4",
        "cipher_suite": "ECDHE-RSA-AES128-SHA",
    },
    28: {
        **EXAMPLE2, "event_time": datetime(2019, 2, 6, 0, 0, 38), "requester": "alice", "request_id": "3E57427F3EXAMPLE",
        "operation": "REST.GET.VERSIONING", "key": "'/foo.txt'", "key_raw": "'/foo.txt'",
        "request_uri": "GET /DOC-EXAMPLE-BUCKET1?versioning HTTP/1.1", "http_status": 200, "error_code": None, "bytes_sent": 1,
        "object_size": None, "total_time": 7, "turn_around_time": None,
        "host_id": "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=",
        "access_point_arn": "arn:aws:s3:us-west-1:123456789012:accesspoint/example-AP", "acl_required": "Yes",
    },
    34: {
        **EXAMPLE2, "event_time": datetime(2019, 2, 6, 0, 0, 38), "request_id": "A1206F460EXAMPLE", "operation": "REST.GET.BUCKETPOLICY",
        "key": None, "key_raw": None, "request_uri": "GET /DOC-EXAMPLE-BUCKET1?policy HTTP/1.1", "http_status": 404,
        "error_code": "NoSuchBucketPolicy", "bytes_sent": 297, "object_size": None, "total_time": 38, "turn_around_time": None,
        "host_id": "BNaBsXZQQDbssi6xMBdBU2sLt+Yf5kZDmeBUP35sFoKa3sLLeMC78iwEIWxs99CRUrbS4n11234=", "acl_required": "Yes",
    },
    36: {
        **EXAMPLE2, "event_time": datetime(2019, 2, 6, 0, 1, 57), "request_id": "DD6CC733AEXAMPLE", "operation": "REST.PUT.OBJECT",
        "key": "s3-dg.pdf", "key_raw": "s3-dg.pdf", "request_uri": "PUT /DOC-EXAMPLE-BUCKET1/s3-dg.pdf HTTP/1.1", "http_status": 200,
        "error_code": None, "bytes_sent": None, "object_size": 4406583, "total_time": 41754, "turn_around_time": 28,
        "host_id": "10S62Zv81kBW7BB6SX4XJ48o6kpcl6LPwEoizZQQxJd5qDSCTLX0TgS37kYUBKQW3+bPdrg1234=",
        "cipher_suite": "ECDHE-RSA-AES128-SHA", "acl_required": "Yes",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def real_lines(shared_data: Any) -> list[str]:
    path = shared_data / "access-logs" / "lines.jsonl"
    return [json.loads(text)["line"] for text in path.read_text(encoding="utf-8").splitlines()]


def test_real_lines_are_all_read_as_they_stand(real_lines: list[str], tmp_path: Any) -> None:
    rows, rejects = rows_of(tmp_path, "\n".join(real_lines).encode())
    assert rejects == {}
    assert len(rows) == len(real_lines) == 37
    nothing = dict.fromkeys(COLUMN_NAMES) | {"ambiguous": False}
    for index, expected in BY_HAND.items():
        assert rows[index + 1] == nothing | expected, index
    for number, text in enumerate(real_lines, start=1):
        assert rows[number] == parsed(text)
        assert rows[number] == regex_reading(text)


# --- another reading, made for this test alone -------------------------------------------------------------------

STRICT = re.compile(
    r"([^ ]+) ([^ ]+) \[([^\]]+)\] ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) (-|\"[^\"]*\") (-|[0-9]{3}) ([^ ]+) (-|[0-9]+) (-|[0-9]+) "
    r"(-|[0-9]+) (-|[0-9]+) (-|\"[^\"]*\") (-|\"[^\"]*\") ([^ \"]+)((?: [^ \"]+)*) *"
)
NAMES = [
    name
    for name in COLUMN_NAMES
    if name not in ("key", "extra_fields", "field_count", "ambiguous", "presigned_access_key_id")
]


def regex_reading(text: str) -> dict[str, Any] | None:
    """The fields of a line without raw quotes; null where it is none."""
    match = STRICT.fullmatch(text)
    if not match:
        return None
    values = [value.strip('"') if value and value[0] == '"' else value for value in match.groups()[:18]]
    tail = match.group(19).split()
    row: dict[str, Any] = dict.fromkeys(COLUMN_NAMES) | {"ambiguous": False, "field_count": 18 + len(tail)}
    row |= {name: None if value == "-" else value for name, value in zip(NAMES, values + tail, strict=False)}
    row["extra_fields"] = " ".join(tail[9:]) or None
    row["event_time"] = datetime.strptime(values[2], "%d/%b/%Y:%H:%M:%S +0000")  # noqa: DTZ007
    for name in ("http_status", "bytes_sent", "object_size", "total_time", "turn_around_time"):
        row[name] = int(row[name]) if row[name] else None
    row["key"] = row["key_raw"] and decoded_key(row["key_raw"], row["operation"])
    return row


# --- whatever a line holds ---------------------------------------------------------------------------------------

QUIET = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    derandomize=False,
)
TOKEN = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_characters='"\x7f\x85\xa0'), min_size=1, max_size=8
)
KEYS = st.text(max_size=12).map(lambda text: quote(quote(text.encode("utf-8", "replace"))) or "-") | TOKEN
INSIDE = st.text(
    st.sampled_from('"')
    | st.sampled_from(" -=&?/")
    | st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_characters="\x7f\x85"),
    max_size=14,
)
NUMBER = st.just("-") | st.integers(0, 10**12).map(str)


@st.composite
def lines_and_fields(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    bare = draw(st.integers(0, 5)) == 0
    uri, referer, agent = ("-",) * 3 if bare else (draw(INSIDE) for _ in range(3))
    operation = draw(
        st.sampled_from(["REST.GET.OBJECT", "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT", "WEBSITE.GET.OBJECT"])
    )
    key, requester, error = draw(KEYS), draw(TOKEN), draw(TOKEN)
    numbers = [draw(NUMBER) for _ in range(4)]
    tail = draw(st.lists(TOKEN, min_size=1, max_size=13))
    shown = (uri, referer, agent) if bare else tuple(f'"{text}"' for text in (uri, referer, agent))
    text = (
        f"{OWNER} b [02/Mar/2026:10:00:00 +0000] 203.0.113.7 {requester} R1 {operation} {key} {shown[0]} 206 {error} "
        f"{' '.join(numbers)} {shown[1]} {shown[2]} {' '.join(tail)}"
    )
    fields = {
        "requester": requester, "operation": operation, "key_raw": key, "request_uri": uri, "referer": referer,
        "user_agent": agent, "error_code": error, "version_id": tail[0], "bytes_sent": None if numbers[0] == "-" else int(numbers[0]),
        "turn_around_time": None if numbers[3] == "-" else int(numbers[3]),
    }  # fmt: skip
    return text, {name: None if value == "-" else value for name, value in fields.items()} | {
        "field_count": 17 + len(tail)
    }


@settings(QUIET, max_examples=8)
@given(made=st.lists(lines_and_fields(), min_size=60, max_size=60))
def test_a_line_is_read_as_it_was_made_or_marked(made: list[tuple[str, dict[str, Any]]], tmp_path_factory: Any) -> None:
    rows, rejects = rows_of(tmp_path_factory.mktemp("made"), "\n".join(text for text, _ in made).encode())
    assert set(rows) | set(rejects) == set(range(1, len(made) + 1))
    for number, (text, fields) in enumerate(made, start=1):
        if number not in rows:
            continue
        row = rows[number]
        assert row == parsed(text), text
        if not row["ambiguous"]:
            hidden = {name: row[name] for name in fields if "REDACTED" not in str(row[name])}
            assert hidden == {name: fields[name] for name in hidden}, text
        strict = regex_reading(text)
        if strict and "REDACTED" not in str(row):
            assert {name: row[name] for name in NAMES} == {name: strict[name] for name in NAMES}, text


@settings(QUIET, max_examples=6)
@given(data=st.data())
def test_a_real_line_that_was_altered_is_read_alike_by_both_ways_or_rejected(
    data: st.DataObject, real_lines: list[str], tmp_path_factory: Any
) -> None:
    altered = []
    for _ in range(60):
        text = data.draw(st.sampled_from(real_lines))
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(text)))
            end = min(len(text), at + data.draw(st.sampled_from([0, 0, 1, 1, 2, 30])))
            text = (
                text[:at]
                + data.draw(st.sampled_from(["", " ", '"', '" "', "-", "%", "\\", "é", "\x00", " - ", "0"]))
                + text[end:]
            )
        altered.append(text)
    rows, rejects = rows_of(tmp_path_factory.mktemp("altered"), "\n".join(altered).encode())
    for number, text in enumerate(altered, start=1):
        if text.strip(" \r"):
            assert (number in rows) != (number in rejects), text
            if number in rows:
                assert rows[number] == parsed(text), text
            else:
                assert isinstance(parse_line(text), str), text


# --- files -------------------------------------------------------------------------------------------------------


def test_files_of_every_kind_have_their_outcome(evidence: Any) -> None:
    one, two = line(key="one"), line(key="two")
    copies = f"{one}\n{one}\n{two}\n"
    names = {
        "crlf": (f"{one}\r\n{two}\r\n".encode(), 2, 0, False),
        "no-final-newline": (f"{one}\n{two}".encode(), 2, 0, False),
        "blank-lines": (f"\n{one}\n\n\n{two}\n\n".encode(), 2, 0, False),
        "bom": (b"\xef\xbb\xbf" + one.encode(), 1, 0, False),
        "short-lines": (f"x\n{one}\nabc\n".encode(), 1, 2, False),
        "not-utf-8": (line(agent='"caf\xe9"').encode("latin-1") + b"\n", 1, 0, False),
        "zipped": (gzip.compress(f"{one}\n{two}\n".encode(), mtime=0), 2, 0, False),
        "zipped-cut": (gzip.compress(copies.encode() * 20, mtime=0)[:-40], -1, 1, True),
        "zipped-crc": (gzip.compress(f"{one}\n{two}\n".encode(), mtime=0)[:-8] + bytes(8), 2, 0, True),
        "zipped-nothing": (gzip.compress(b"", mtime=0), 0, 1, True),
        "empty": (b"", 0, 0, False),
        "garbage": (b"this is no access log\nnor is this line here\nnor that\n", 0, 3, False),
        "copies": (copies.encode(), 3, 0, False),
    }
    paths = {}
    for index, (name, (content, *_)) in enumerate(names.items()):
        paths[name] = f"2026-03-02-12-00-{index:02d}-0123456789ABCDEF"
        evidence.write_log(paths[name], content)
    evidence.write_log("by-content.log", f"{one}\n")
    evidence.write_log("notes.txt", "hello\n")
    evidence.write_log("picture.png", bytes(range(256)))
    report = evidence.load()
    sources = evidence.sources_by_path()
    for name, (_, records, rejected, damaged) in names.items():
        source = sources[paths[name]]
        assert (source["state"], source["rejected"], source["damaged"]) == ("read", rejected, damaged), (name, source)
        assert source["records"] == records or (records < 0 < source["records"] < 60), (name, source)
    assert sources["by-content.log"]["records"] == 1
    assert (sources["notes.txt"]["state"], sources["picture.png"]["state"], report.ignored) == ("ignored", "ignored", 2)
    rows = evidence.query(
        "select line_number, user_agent from access_log_lines_all where source_file = ?", paths["not-utf-8"]
    )
    assert rows == [(1, r"caf\xe9")]
    numbers = evidence.query(
        "select line_number from access_log_lines_all where source_file = ? order by 1", paths["blank-lines"]
    )
    assert numbers == [(2,), (5,)]
    assert evidence.query("select count(*), count(distinct key) from access_log_lines where key in ('one', 'two')") == [
        (2, 2)
    ]
    for name in ("crlf", "zipped", "copies"):
        assert raw_record(evidence.store, "access_log", paths[name], 2).rstrip("\r") in (one, two)


def test_a_log_that_lies_beside_cloudtrail_is_read_as_a_log(tmp_path: Any, evidence: Any, record: Any) -> None:
    folder = tmp_path / "mixed"
    evidence.write("trail.json", [record()], folder)
    evidence.write(DELIVERED, line() + "\n", folder)
    evidence.write("notes.txt", "x", folder)
    (evidence.runs / "demo" / "incident.yaml").unlink()
    evidence.open(cloudtrail=[str(folder)], access_logs=[str(folder)])
    report = evidence.load()
    assert evidence.query("select (select count(*) from events), (select count(*) from access_log_lines)") == [(1, 1)]
    assert report.ignored == 1
    assert len(report.read) == 3


def test_lines_that_differ_in_one_byte_are_both_kept(evidence: Any) -> None:
    evidence.write_log(DELIVERED, f"{line()}\n{line()} \n{line(numbers='200 - 12 34 5 7')}\n{line()}\n")
    evidence.load()
    assert evidence.query("select count(*) from access_log_lines") == [(3,)]
    assert evidence.query("select line_number from access_log_lines_all where is_copy") == [(4,)]


def test_a_file_larger_than_a_vector_keeps_its_line_numbers(evidence: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ir_kit.ingest.loading_access_logs.GROUP_BYTES", 2_000)
    texts = [line(key=f"k{n}", agent='"a"b"' if n % 7 == 0 else '"a"') for n in range(1, 60)]
    evidence.write_log(DELIVERED, "\n".join(texts))
    evidence.write_log(DELIVERED.replace("12-00-00", "12-00-01"), "\n".join(texts[:5]))
    evidence.load()
    rows = evidence.query(
        "select line_number, key from access_log_lines_all where source_file = ? order by 1", DELIVERED
    )
    assert rows == [(n, f"k{n}") for n in range(1, 60)]
