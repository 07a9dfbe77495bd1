"""Reads that AWS services made at a reached credential's bidding. They show the service's or a role's key, never the
one that asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.outcome import outcome_of

Row = Mapping[str, Any]


class Mover(NamedTuple):
    """A call that sets a service reading, the service's host in data events, and what it could move."""

    event_source: str
    event_name: str
    host: str
    could: str


_ATHENA = "whatever its query reads, into the bucket of its results"
_JOB = "whatever its role may read, to wherever it may write"
MOVERS = (
    Mover("athena.amazonaws.com", "StartQueryExecution", "athena.amazonaws.com", _ATHENA),
    Mover("athena.amazonaws.com", "StartSession", "athena.amazonaws.com", _JOB),
    Mover("glue.amazonaws.com", "StartJobRun", "glue.amazonaws.com", _JOB),
    Mover("glue.amazonaws.com", "StartCrawler", "glue.amazonaws.com", "samples of the objects below its targets"),
    Mover("glue.amazonaws.com", "CreateSession", "glue.amazonaws.com", _JOB),
    Mover(
        "datasync.amazonaws.com", "StartTaskExecution", "datasync.amazonaws.com", "every object of the source location"
    ),
    Mover(
        "datasync.amazonaws.com",
        "CreateTask",
        "datasync.amazonaws.com",
        "every object of the source location, once it is started",
    ),
    Mover("s3.amazonaws.com", "CreateJob", "batchoperations.s3.amazonaws.com", "every object that its manifest names"),
    Mover("s3.amazonaws.com", "JobCreated", "batchoperations.s3.amazonaws.com", "every object that its manifest names"),
    Mover(
        "s3.amazonaws.com",
        "PutBucketReplication",
        "s3.amazonaws.com",
        "every object written to the bucket from then on",
    ),
    Mover(
        "s3.amazonaws.com",
        "PutBucketInventoryConfiguration",
        "s3.amazonaws.com",
        "the names of all objects of the bucket, not their content",
    ),
    Mover(
        "s3.amazonaws.com",
        "PutInventoryConfiguration",
        "s3.amazonaws.com",
        "the names of all objects of the bucket, not their content",
    ),
    Mover("transfer.amazonaws.com", "CreateServer", "transfer.amazonaws.com", "whatever its users' roles may read"),
    Mover("transfer.amazonaws.com", "CreateUser", "transfer.amazonaws.com", "whatever its role may read"),
    Mover("transfer.amazonaws.com", "StartFileTransfer", "transfer.amazonaws.com", "the files that it names"),
    Mover("elasticmapreduce.amazonaws.com", "RunJobFlow", "elasticmapreduce.amazonaws.com", _JOB),
    Mover("elasticmapreduce.amazonaws.com", "AddJobFlowSteps", "elasticmapreduce.amazonaws.com", _JOB),
    Mover("emr-serverless.amazonaws.com", "StartJobRun", "emr-serverless.amazonaws.com", _JOB),
    Mover("sagemaker.amazonaws.com", "CreateTrainingJob", "sagemaker.amazonaws.com", _JOB),
    Mover("sagemaker.amazonaws.com", "CreateProcessingJob", "sagemaker.amazonaws.com", _JOB),
    Mover("redshift-data.amazonaws.com", "ExecuteStatement", "redshift.amazonaws.com", "whatever a COPY in it reads"),
    Mover("backup.amazonaws.com", "StartBackupJob", "backup.amazonaws.com", "every object of the bucket that it names"),
    Mover("backup.amazonaws.com", "StartCopyJob", "backup.amazonaws.com", "every object of the recovery point"),
    Mover("backup.amazonaws.com", "StartRestoreJob", "backup.amazonaws.com", "every object of the recovery point"),
    Mover(
        "macie2.amazonaws.com",
        "CreateClassificationJob",
        "macie.amazonaws.com",
        "nothing out of the account, but findings about contents",
    ),
    Mover("bedrock.amazonaws.com", "CreateModelInvocationJob", "bedrock.amazonaws.com", "the objects of its input"),
    Mover("codebuild.amazonaws.com", "StartBuild", "codebuild.amazonaws.com", _JOB),
)
_NAMED = re.compile(r"(?:s3[an]?://|arn:aws[\w-]*:s3:::)([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")
COLUMNS = {
    "event_time": "timestamp",
    "event_id": "varchar",
    "access_key_id": "varchar",
    "event_source": "varchar",
    "event_name": "varchar",
    "aws_region": "varchar",
    "outcome": "varchar",
    "buckets": "varchar[]",
    "could_have_moved": "varchar",
    "reads_seen": "bigint",
    "bytes_seen": "bigint",
    "detail": "varchar",
}


def service_movers() -> pd.DataFrame:
    """Which calls set a service reading objects? One row per service and call."""
    rows = [{"event_source": mover.event_source, "event_name": mover.event_name} for mover in MOVERS]
    return frame_of(rows, {"event_source": "varchar", "event_name": "varchar"})


def service_reads(case: Case) -> pd.DataFrame:
    """What may AWS services have read or moved at the bidding of reached credentials?

    Returns
    -------
    DataFrame
        One row per call, refused ones included, in the order of time; empty if none. ``reads_seen`` and
        ``bytes_seen`` are what data events show of that service after the call, on the buckets that it names (on all,
        where it names none); null where the call failed.

    Notes
    -----
    Cannot see a service's reads where data events were off, nor those under a role that does not name the service.
    Beside, not in, the bounds.
    """
    movers = {(mover.event_source, mover.event_name): mover for mover in MOVERS}
    case.engine.provide("service_movers", service_movers())
    calls = rows_of(case.ask("object_access/service_calls"))
    seen = rows_of(case.ask("object_access/service_requests")) if calls else []
    rows = []
    for call in calls:
        mover = movers[call["event_source"], call["event_name"]]
        detail = call["request_parameters"] or ""
        buckets = sorted({*_NAMED.findall(detail), *([call["bucket"]] if call["bucket"] else [])})
        code = call["error_code"]
        mine = [
            one
            for one in seen
            if one["service"] == mover.host
            and (not buckets or one["bucket"] in buckets)
            and one["last_time"] >= call["event_time"]
        ]
        rows.append(
            {
                **{
                    name: call[name]
                    for name in ("event_time", "event_id", "access_key_id", "event_source", "event_name", "aws_region")
                },
                "outcome": outcome_of(code),
                "buckets": buckets,
                "could_have_moved": mover.could if code is None else "nothing: the call failed",
                "reads_seen": sum(int(one["reads"]) for one in mine) if code is None else None,
                "bytes_seen": sum(int(one["bytes_sent"]) for one in mine) if code is None else None,
                "detail": detail[:2000],
            }
        )
    return frame_of(rows, COLUMNS)
