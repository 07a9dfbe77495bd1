"""One small account with every kind of outsider, in both logs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ir_kit.case import Case
from ir_kit.domain.documents import rows_of

ACCOUNT, FOREIGN = "111122223333", "999988887777"
OWNER, STRANGER, PARTNER = "a" * 64, "b" * 64, "c" * 64
Row = dict[str, Any]


def small_world(runs: Path) -> Any:
    """The account in which other questions are tested."""
    spec = importlib.util.spec_from_file_location(
        "small_world", Path(__file__).parents[1] / "questions" / "conftest.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SmallWorld(runs)


def line(
    requester: str, operation: str = "REST.GET.OBJECT", bucket: str = "papers", *, request: str = "REQUEST000000001",
    key: str = "a.txt", status: str = "200", error: str = "-", sent: str = "10", time: str = "10:00:00",
    auth: str | None = None, uri: str = '"GET /a.txt HTTP/1.1"', host: str = "HOST",
) -> str:  # fmt: skip
    """One line of an access log, as S3 writes it."""
    signed = auth or ("-" if requester == "-" else "AuthHeader")
    version = "-" if signed == "-" else "SigV4"
    return (
        f"{OWNER} {bucket} [02/Mar/2026:{time} +0000] 192.0.2.1 {requester} {request} {operation} {key} {uri} {status} "
        f'{error} {sent} 10 5 4 "-" "curl/8" - {host} {version} TLS {signed} {bucket}.s3.amazonaws.com TLSv1.3 - -\n'
    )


@pytest.fixture(scope="module")
def outsiders(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], Row]:
    """The rows on outsiders by bucket, kind and name."""
    from ir_kit.bucket_exposure import questions as bucket_exposure

    world = small_world(tmp_path_factory.mktemp("outsiders") / "runs")
    fill(world)
    case: Case = world.case(responders=[f"arn:aws:iam::{FOREIGN}:role/ir"])
    frame = bucket_exposure.observed_access(case)
    found = {(row["bucket"], row["requester_kind"], row["requester"]): row for row in rows_of(frame)}
    return found | {("", "", name): {"count": value} for name, value in frame.attrs.items()}


def fill(world: Any) -> None:
    """Requests of outsiders, each with a trap."""
    world.answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": "papers"}, {"Name": "shared"}], "Owner": {"ID": OWNER}})

    def event(
        who: Row, name: str, bucket: str, request: str, *, key: str | None = "a.txt", sent: int = 10, **more: Any
    ) -> None:
        extra = {"bytesTransferredOut": float(sent), "x-amz-id-2": more.pop("host", "HOST")}
        parameters = {"bucketName": bucket} | ({"key": key} if key else {}) | more.pop("parameters", {})
        data = {"managementEvent": False, "eventCategory": "Data"} if not name.endswith("Acl") else {}
        world.call(more.pop("time", "10:00"), who, name, source="s3", requestID=request, requestParameters=parameters,
                   additionalEventData=extra, readOnly=True, **data, **more)  # fmt: skip

    nobody = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    old_nobody = {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    other = {"type": "AWSAccount", "principalId": "AROAX:night", "accountId": FOREIGN}
    service = {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
    # nobody: in both logs, in one each, refused, and lines that look like nobody
    event(nobody, "GetObject", "papers", "BOTH000000000001")
    event(old_nobody, "GetObject", "papers", "CTONLY0000000001", sent=7)
    world.lines += [
        line("-", request="BOTH000000000001"),
        line("-", request="BOTH000000000001"),  # the same line once more
        line("-", request="LOGONLY000000001", sent="5", status="206"),
        line("-", request="REFUSED000000001", status="403", error="AccessDenied", sent="243"),
        line("-", request="MISSING000000001", status="404", error="NoSuchKey", sent="243"),
        line("-", request="WRONGKEY00000001", status="403", error="SignatureDoesNotMatch", sent="243"),
        line("-", request="EXPIRED000000001", status="403", error="AccessDenied", auth="QueryString", sent="243"),
        line("-", "REST.POST.MULTI_OBJECT_DELETE", request="BATCH00000000001", key="-", sent="-"),
        line("-", "BATCH.DELETE.OBJECT", request="BATCH00000000001", key="x", status="204", sent="-", uri="-"),
        line("-", "BATCH.DELETE.OBJECT", request="BATCH00000000001", key="y", status="204", sent="-", uri="-"),
        line("-", "REST.OPTIONS.PREFLIGHT", request="PREFLIGHT0000001", sent="-"),
        line("AmazonS3", "S3.EXPIRE.OBJECT", request="EXPIRE0000000001", status="-", sent="-", uri="-"),
    ]
    # the account itself, by every name that it has
    world.lines += [
        line(OWNER, request="OWNROOT000000001"),
        line(f"arn:aws:iam::{ACCOUNT}:user/legacy", request="OWNUSER000000001"),
        line(f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForConfig/x", request="OWNROLE000000001"),
    ]
    event(world.owner, "GetObject", "papers", "OWNUSER000000001")
    # another account: its number from CloudTrail stands for its canonical id, also where the log runs alone
    event(other, "GetObject", "shared", "OTHER00000000001")
    world.lines += [
        line(PARTNER, bucket="shared", request="OTHER00000000001"),
        line(PARTNER, bucket="shared", request="OTHER00000000002", sent="20"),
        line(f"arn:aws:sts::{FOREIGN}:assumed-role/reader/one", bucket="shared", request="OTHER00000000003"),
        line(f"arn:aws:sts::{FOREIGN}:assumed-role/ir/triage", bucket="shared", request="RESPONDER0000001"),
        line(STRANGER, bucket="shared", request="STRANGER00000001", status="403", error="AccessDenied"),
        line("arn:aws:sts::777766665555:assumed-role/r/s", "REST.COPY.OBJECT_GET", bucket="shared",
             request="COPY000000000001", sent="-", uri="-"),
    ]  # fmt: skip
    # both accounts get their copy of one call
    for recipient in (ACCOUNT, FOREIGN):
        event({**other, "accountId": "555544443333"}, "GetObject", "shared", "TWOCOPIES0000001", recipientAccountId=recipient,
              sharedEventID="shared-1", eventID=f"copy-{recipient}",
              resources=[{"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shared"}])  # fmt: skip
    # services
    event(
        service,
        "GetBucketAcl",
        "shared",
        "SERVICE000000001",
        key=None,
        time="10:30",
        address="cloudtrail.amazonaws.com",
    )
    world.lines += [
        line(
            "svc:cloudtrail.amazonaws.com",
            "REST.PUT.OBJECT",
            bucket="shared",
            request="SERVICE000000002",
            sent="-",
            time="11:00:00",
        ),
        line("svc:logging", "REST.PUT.OBJECT", bucket="shared", request="SERVICE000000003", sent="-"),
    ]
    # a bucket of somebody else's, that our own key reached
    event(world.owner, "GetObject", "not-ours", "ELSEWHERE0000001",
          resources=[{"accountId": "888877776666", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::not-ours"}])  # fmt: skip
