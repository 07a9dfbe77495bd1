"""Object access at scale: 5 M access-log lines against 2 M data events, set against the bare join of the two views in
the same run.

The store is written directly, in the shape that loading leaves it in, so that only the questions are measured. Both
run in processes of their own, whose peak memory is read from the kernel.

``python benchmarks/bench_object_access.py [LINES] [EVENTS]``
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import yaml

from ir_kit.ingest.columns import ACCESS_LOG_LINES, EVENTS
from ir_kit.ingest.store import FORMAT

KEY, OTHER, THIRD, ACCOUNT = "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", "AKIAEXAMPLEEXAMPLE33", "111122223333"
PART_ROWS, GROUP_ROWS = 1_000_000, 32_768
AGENTS = (
    "['aws-sdk-java/1.12.261 Linux/5.10.165 java/1.8.0_362', 'Boto3/1.34.51 md/Botocore#1.34.51', 'rclone/v1.64.2']"
)
# the i-th request: the same expressions give its event and its line; every 1,000th line is another's with the same
# request id
REQUEST = f"""
    timestamp '2026-03-01 00:00:00' + interval 1 second * cast(i * 604800.0 / {{total}} as bigint) as event_time,
    'bench-' || lpad(cast(i % 20 as varchar), 2, '0') || '-data' as bucket,
    upper(substr(md5(cast(i as varchar)), 1, 16)) as request_id,
    md5(cast(i as varchar)) || md5(cast(i + 1 as varchar)) || 'hostid=' as host_id,
    'exports/' || lpad(cast(hash(i) % 12 as varchar), 2, '0') || '/' || md5(cast(hash(i) % 400000 as varchar))
        || '.parquet' as key,
    hash(i) % 10 as dice, hash(i + 7) % 10000000 as bytes,
    case when i % 3 = 0 then '{KEY}' when i % 3 = 1 then '{OTHER}' else '{THIRD}' end as access_key_id,
    'arn:aws:iam::{ACCOUNT}:user/' || case when i % 3 = 0 then 'etl' when i % 3 = 1 then 'etl'
        else 'reports' end as arn,
    '203.0.113.' || cast(hash(i) % 40 + i % 3 * 30 as varchar) as address,
    {AGENTS}[cast(1 + hash(i) % 3 as integer)] as agent
"""


def write_store(folder: Path, lines: int, events: int) -> None:
    """Parts, sources and manifest as a load leaves them."""
    store = folder / "evidence" / "store"
    store.mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    total = max(lines, events)
    event = {
        "event_time": "event_time",
        "event_id": "cast(uuid() as varchar)",
        "event_version": "'1.11'",
        "event_source": "'s3.amazonaws.com'",
        "event_name": "case when dice < 8 then 'GetObject' else 'PutObject' end",
        "event_type": "'AwsApiCall'",
        "event_category": "'Data'",
        "record_class": "case when dice < 8 then 'data_read' else 'data_write' end",
        "read_only": "dice < 8",
        "aws_region": "'us-east-1'",
        "source_ip_address": "address",
        "user_agent": "agent",
        "request_id": "request_id",
        "recipient_account_id": f"'{ACCOUNT}'",
        "user_identity_type": "'IAMUser'",
        "user_identity_arn": "arn",
        "user_identity_account_id": f"'{ACCOUNT}'",
        "user_identity_principal_id": "'AIDAEXAMPLE'",
        "access_key_id": "access_key_id",
        "bucket": "bucket",
        "key": "key",
        "bytes_out": "case when dice < 8 then bytes else 0 end",
        "host_id": "host_id",
        "signature_version": "'SigV4'",
        "authentication_method": "'AuthHeader'",
        "cipher_suite": "'TLS_AES_128_GCM_SHA256'",
        "tls_version": "'TLSv1.3'",
        "host_header": "bucket || '.s3.amazonaws.com'",
        "request_parameters": """'{"bucketName":"' || bucket || '","Host":"'
            || bucket || '.s3.amazonaws.com","key":"' || key || '"}'""",
        "resources": """'[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::' || bucket || '/' || key || '"},
            {"accountId":"111122223333",
            "type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::' || bucket || '"}]'""",
        "record_number": "cast(i % 1000 as integer)",
        "source_id": "1",
    }
    line = {
        "bucket_owner": "repeat('7', 64)",
        "bucket": "bucket",
        "event_time": "event_time",
        "remote_ip": "address",
        "requester": "arn",
        "request_id": "request_id",
        "operation": "case when dice < 8 then 'REST.GET.OBJECT' else 'REST.PUT.OBJECT' end",
        "key": "key",
        "key_raw": "key",
        "request_uri": "'GET /' || key || ' HTTP/1.1'",
        "http_status": "200",
        "bytes_sent": "case when dice < 8 then bytes end",
        "object_size": "bytes",
        "total_time": "bytes % 900",
        "turn_around_time": "bytes % 90",
        "user_agent": "agent",
        "host_id": "case when i % 1000 = 999 then md5(host_id) else host_id end",
        "signature_version": "'SigV4'",
        "cipher_suite": "'TLS_AES_128_GCM_SHA256'",
        "authentication_type": "'AuthHeader'",
        "host_header": "bucket || '.s3.amazonaws.com'",
        "tls_version": "'TLSv1.3'",
        "field_count": "27",
        "ambiguous": "false",
        "line_number": "cast(i % 1000 as integer)",
        "source_id": "2",
    }
    parts: dict[str, list[str]] = {}
    for kind, columns, given, count in (
        ("cloudtrail", EVENTS, event, events),
        ("access_log", ACCESS_LOG_LINES, line, lines),
    ):
        parts[kind] = []
        select = ", ".join(
            f'cast({given.get(column.name, "null")} as {column.sql_type}) as "{column.name}"'
            for column in columns
            if column.name not in ("source_file", "source_present")
        )
        for start in range(0, count, PART_ROWS):
            name = f"{kind}-{start}.parquet"
            connection.execute(
                f"copy (with r as (select i, {REQUEST.format(total=total)} from range({start}, "
                f"{min(start + PART_ROWS, count)}) t(i)) "
                f"select {select}, cast(0 as ubigint) as identity_hash from r) to '{store / name}' "
                f"(format parquet, compression zstd, compression_level 1, row_group_size {GROUP_ROWS})"
            )
            parts[kind].append(name)
    for name, text in {
        "sources.parquet": "select *, 'read' as state, '.' as source, 'none' as sha256, source_id as rank "
        "from (values (1, 'cloudtrail', 'events.json', true), (2, 'access_log', 'lines', true)) t(source_id, "
        "kind, path, present)",
        "rejects.parquet": "select '' as path where false",
        "copies-c.parquet": "select cast(0 as integer) as source_id, cast(0 as integer) as number where false",
        "copies-a.parquet": "select cast(0 as integer) as source_id, cast(0 as integer) as number where false",
        "settings.parquet": """select timestamp '2026-03-09 00:00:00' as collected_at,
            '111122223333' as account_id, 'us-east-1' as aws_region,
            'iam' as service, 'ListAccessKeys' as operation, '{"UserName": "etl"}' as parameters,
            '{"AccessKeyMetadata": [], "IsTruncated": true}' as response, 'answered' as answer,
            cast(null as varchar) as error_code,
            cast(null as varchar) as error_message, 'configuration.jsonl' as source_file, 1 as line_number""",
    }.items():
        connection.execute(f"copy ({text}) to '{store / name}' (format parquet)")
    manifest = {
        "format": FORMAT,
        "duckdb": duckdb.__version__,
        "generation": 1,
        "sources": "sources.parquet",
        "rejects": "rejects.parquet",
        "settings": "settings.parquet",
        "copies": {"cloudtrail": "copies-c.parquet", "access_log": "copies-a.parquet"},
        "parts": parts,
    }
    (store / "manifest.json").write_text(json.dumps(manifest))
    fields = {
        "incident": "bench",
        "access_keys": [KEY],
        "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
        "sources": {"cloudtrail": [], "access_logs": []},
    }
    (folder / "incident.yaml").write_text(yaml.safe_dump(fields))


def _case(folder: Path) -> object:
    from ir_kit.case import Case
    from ir_kit.incident import load_incident

    case = Case(load_incident("bench", str(folder.parent)), folder / "draft")
    case.staging.mkdir(exist_ok=True)
    return case


def bare_join(folder: Path) -> None:
    """What the answer is set against: the two views joined by bucket and request id, every column, to Parquet."""
    case = _case(folder)
    target = folder / "bare.parquet"
    case.engine.connection.execute(  # type: ignore[attr-defined]
        "copy (select l.*, e.* from access_log_lines l join events e on e.bucket = l.bucket and "
        "e.request_id = l.request_id) "
        f"to '{target}' (format parquet, compression zstd)"
    )


def answer(folder: Path) -> None:
    """Joined, graded, bounded, and written."""
    import pandas as pd

    from ir_kit.object_access import questions as object_access

    case = _case(folder)
    start, end = (pd.Timestamp(edge) for edge in (case.incident.window.start, case.incident.window.end))  # type: ignore[attr-defined]
    rows = [("management", None)] + [
        (kind, f"bench-{n:02d}-data") for n in range(20) for kind in ("data_read", "server_access_log")
    ]
    seen = pd.DataFrame(
        [{"bucket": bucket, "aws_region": "us-east-1", "record_class": kind, "start_time": start, "end_time": end,
          "state": "not_logged" if kind == "data_read" else "logged", "basis": "", "left_out": []} for kind, bucket in rows]
    )  # fmt: skip
    clock = time.perf_counter()
    case.answer("visible", lambda: seen)  # type: ignore[attr-defined]
    requests = object_access.requests(case, most=0).attrs["rows"]  # type: ignore[arg-type]
    print(f"  matched, graded, written: {time.perf_counter() - clock:.1f} s, {requests:,} requests", file=sys.stderr)
    print(object_access.calibration(case).to_string(), file=sys.stderr)  # type: ignore[arg-type]
    clock = time.perf_counter()
    bounds = object_access.bounds(case)  # type: ignore[arg-type]
    object_access.hours(case)  # type: ignore[arg-type]
    print(f"  bounds of {len(bounds)} buckets: {time.perf_counter() - clock:.1f} s", file=sys.stderr)
    if os.environ.get("BENCH_MORE"):
        for name in ("destruction", "totals", "service_reads", "bytes_by_hour", "prefixes"):
            clock = time.perf_counter()
            getattr(object_access, name)(case)
            print(f"  {name}: {time.perf_counter() - clock:.1f} s", file=sys.stderr)


def measured(what: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory (GB) of one of these in a process of its own."""
    clock = time.perf_counter()
    subprocess.run([sys.executable, __file__, what, str(folder)], check=True)
    return time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


def main(lines: int = 5_000_000, events: int = 2_000_000) -> None:
    with tempfile.TemporaryDirectory() as runs:
        folder = Path(runs) / "bench"
        folder.mkdir()
        write_store(folder, lines, events)
        seconds, memory = measured("answer", folder)
        bare, bare_memory = measured("bare_join", folder)
        print(f"{lines:,} lines against {events:,} data events")
        print(f"bare join of the views, written: {bare:6.1f} s, peak below {max(bare_memory, memory):.2f} GB")
        print(
            f"joined, graded, bounded, written: {seconds:6.1f} s, peak {memory:.2f} GB: {seconds / bare:.2f} "
            "times the bare join"
        )


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] in ("answer", "bare_join"):
        {"answer": answer, "bare_join": bare_join}[sys.argv[1]](Path(sys.argv[2]))
    else:
        main(*(int(text) for text in sys.argv[1:]))
