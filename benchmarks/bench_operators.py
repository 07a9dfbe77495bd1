"""Owner or intruder: at scale, and against the truth.

``python benchmarks/bench_operators.py [EVENTS]``: 3 M events of one key, four weeks of baseline and a week of window,
split into runs, judged and ranked, in a process of its own whose peak memory is read from the kernel. The store is
written directly, in the shape that loading leaves it in.

``python benchmarks/bench_operators.py --stories [SEEDS]``: every story of ``tests/stories/operators_stories.py`` over so
many seeds (20), with a baseline and without, as a table with n; what fails is listed below it.
"""

from __future__ import annotations

import json
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

KEY, ACCOUNT = "AKIAIOSFODNN7EXAMPLE", "111122223333"
PART_ROWS, GROUP_ROWS = 1_000_000, 32_768
SECONDS, BEFORE = 35 * 86400, 28 * 86400
AGENTS = (
    "['aws-sdk-java/1.12.261 Linux/5.10.165 java/1.8.0_362', 'Boto3/1.34.51 md/Botocore#1.34.51 os/linux lang/python#3.11', "
    "'aws-sdk-go-v2/1.25.2 os/linux lang/go#1.22.0', 'deploy-tool/9.1']"
)
# one call in fifty of the window is the intruder's; the owner has 400 addresses in ten blocks, four agents, twenty
# buckets with a thousand prefixes, and one prefix in ten thousand objects of its own
CALL = f"""
    timestamp '2026-02-01 00:00:00' + interval 1 second * cast(i * {SECONDS}.0 / {{total}} as bigint) as event_time,
    i * {SECONDS}.0 / {{total}} > {BEFORE} + 90000 and hash(i + 3) % 50 = 0 as theirs,
    'bench-' || lpad(cast(hash(i) % 20 as varchar), 2, '0') || '-data' as bucket,
    'part-' || cast(hash(i + 1) % 50 as varchar) || '/' || md5(cast(hash(i) % 400000 as varchar)) as key,
    hash(i + 2) % 10 as dice, hash(i + 7) % 10000000 as bytes,
    case when theirs then '45.83.12.' || cast(hash(i) % 9 as varchar)
         else '203.0.' || cast(hash(i + 4) % 10 as varchar) || '.' || cast(hash(i + 5) % 40 as varchar) end as address,
    case when theirs then 'rclone/v1.64.2' else {AGENTS}[cast(1 + hash(i + 4) % 4 as integer)] end as agent
"""
EVENT = {
    "event_time": "event_time", "event_id": "cast(uuid() as varchar)", "event_version": "'1.11'",
    "event_source": "'s3.amazonaws.com'", "event_name": "case when dice < 7 then 'GetObject' else 'PutObject' end",
    "event_type": "'AwsApiCall'", "event_category": "'Data'",
    "record_class": "case when dice < 7 then 'data_read' else 'data_write' end", "read_only": "dice < 7",
    "aws_region": "'us-east-1'", "source_ip_address": "address", "user_agent": "agent",
    "request_id": "upper(substr(md5(cast(i as varchar)), 1, 16))", "recipient_account_id": f"'{ACCOUNT}'",
    "user_identity_type": "'IAMUser'", "user_identity_arn": f"'arn:aws:iam::{ACCOUNT}:user/etl'",
    "user_identity_account_id": f"'{ACCOUNT}'", "access_key_id": f"'{KEY}'", "bucket": "bucket", "key": "key",
    "bytes_out": "case when dice < 7 then bytes else 0 end", "signature_version": "'SigV4'",
    "authentication_method": "'AuthHeader'", "cipher_suite": "'TLS_AES_128_GCM_SHA256'", "tls_version": "'TLSv1.3'",
    "record_number": "cast(i % 1000 as integer)", "source_id": "1",
}  # fmt: skip
OTHERS = {
    "sources.parquet": "select *, 'read' as state, '.' as source, 'none' as sha256, source_id as rank "
    "from (values (1, 'cloudtrail', 'events.json', true)) t(source_id, kind, path, present)",
    "rejects.parquet": "select '' as path where false",
    "copies-c.parquet": "select cast(0 as integer) as source_id, cast(0 as integer) as number where false",
    "copies-a.parquet": "select cast(0 as integer) as source_id, cast(0 as integer) as number where false",
    "settings.parquet": """select timestamp '2026-03-09 00:00:00' as collected_at, '111122223333' as account_id,
        'us-east-1' as aws_region, 'iam' as service, 'ListAccessKeys' as operation, '{"UserName": "etl"}' as parameters,
        '{"AccessKeyMetadata": [], "IsTruncated": true}' as response, 'answered' as answer,
        cast(null as varchar) as error_code, cast(null as varchar) as error_message,
        'configuration.jsonl' as source_file, 1 as line_number""",
}


def write_store(folder: Path, events: int) -> None:
    """Parts, sources and manifest as a load leaves them."""
    store = folder / "evidence" / "store"
    store.mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    parts: dict[str, list[str]] = {"cloudtrail": [], "access_log": ["access_log-0.parquet"]}
    for kind, columns, given in (("cloudtrail", EVENTS, EVENT), ("access_log", ACCESS_LOG_LINES, {})):
        select = ", ".join(
            f'cast({given.get(column.name, "null")} as {column.sql_type}) as "{column.name}"'
            for column in columns
            if column.name not in ("source_file", "source_present")
        )
        for start in range(0, events if kind == "cloudtrail" else 1, PART_ROWS):
            name = f"{kind}-{start}.parquet"
            rows = f"range({start}, {min(start + PART_ROWS, events)})" if kind == "cloudtrail" else "range(0)"
            connection.execute(
                f"copy (with r as (select i, {CALL.format(total=events)} from {rows} t(i)) "
                f"select {select}, cast(0 as ubigint) as identity_hash from r) to '{store / name}' "
                f"(format parquet, compression zstd, compression_level 1, row_group_size {GROUP_ROWS})"
            )
            if kind == "cloudtrail":
                parts[kind].append(name)
    for name, text in OTHERS.items():
        connection.execute(f"copy ({text}) to '{store / name}' (format parquet)")
    manifest = {
        "format": FORMAT, "duckdb": duckdb.__version__, "generation": 1, "sources": "sources.parquet",
        "rejects": "rejects.parquet", "settings": "settings.parquet",
        "copies": {"cloudtrail": "copies-c.parquet", "access_log": "copies-a.parquet"}, "parts": parts,
    }  # fmt: skip
    (store / "manifest.json").write_text(json.dumps(manifest))
    fields = {
        "incident": "bench", "access_keys": [KEY],
        "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
        "baseline": {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
        "sources": {"cloudtrail": [], "access_logs": []},
    }  # fmt: skip
    (folder / "incident.yaml").write_text(yaml.safe_dump(fields))


def answer(folder: Path) -> None:
    """Split, judged, ranked, written."""
    from ir_kit.case import Case
    from ir_kit.incident import load_incident
    from ir_kit.key_activity import questions as key_activity

    case = Case(load_incident("bench", str(folder.parent)), folder / "draft")
    case.staging.mkdir(exist_ok=True)
    clock = time.perf_counter()
    sessions = key_activity.sessions(case)
    print(f"  {len(sessions):,} runs split and judged: {time.perf_counter() - clock:.1f} s", file=sys.stderr)
    clock = time.perf_counter()
    operators = key_activity.operators(case)
    print(f"  {len(operators):,} operators ranked: {time.perf_counter() - clock:.1f} s", file=sys.stderr)
    print(sessions.groupby("verdict")["event_count"].sum().to_string(), file=sys.stderr)


def scale(events: int = 3_000_000) -> None:
    with tempfile.TemporaryDirectory() as runs:
        folder = Path(runs) / "bench"
        folder.mkdir()
        write_store(folder, events)
        clock = time.perf_counter()
        subprocess.run([sys.executable, __file__, "answer", str(folder)], check=True)
        seconds, used = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"{events:,} events of one key, split, judged and ranked: {seconds:.1f} s ({used.ru_utime + used.ru_stime:.1f} s "
            f"of CPU), peak {used.ru_maxrss / 1e6:.2f} GB"
        )


def stories(seeds: int = 20) -> None:
    tests = Path(__file__).parents[1] / "tests"
    sys.path[:0] = [str(tests), str(tests / "stories")]
    import operators_truth as truth

    scores: dict[tuple[str, bool], truth.Score] = {}
    for baseline in (True, False):
        everything = truth.Score()
        for name in truth.STORIES:
            one = scores[name, baseline] = truth.Score()
            for seed in range(seeds):
                one.add(truth.score(name, seed, baseline))
            everything.add(one)
        scores["all", baseline] = everything
    print(truth.table(scores))
    for fault in [fault for (name, _), one in scores.items() if name != "all" for fault in one.faults]:
        print(f"  {fault}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["answer"]:
        answer(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["--stories"]:
        stories(*(int(text) for text in sys.argv[2:]))
    else:
        scale(*(int(text) for text in sys.argv[1:]))
