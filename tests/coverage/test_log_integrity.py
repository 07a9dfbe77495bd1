"""The sample's digest chain, as the case holds it: whole, and with one file deleted, altered or added."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.coverage import integrity
from simulator import incident_fields, make_sample

TRAIL = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/0"
DIGESTS = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/0"

Change = Callable[[Path], None]
OpenSample = Callable[..., Case]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    make_sample(folder, scale=0.02)
    shutil.rmtree(folder / "evidence" / "access-logs")
    (folder / "evidence" / "access-logs").mkdir()
    return folder / "evidence"


@pytest.fixture
def opened(sample: Path, tmp_path: Path) -> OpenSample:
    def open_changed(*changes: Change) -> Case:
        folder = tmp_path / "runs" / "s"
        shutil.copytree(sample, folder / "evidence")
        for change in changes:
            change(folder / "evidence")
        (folder / "incident.yaml").write_text(yaml.safe_dump({"incident": "s", **incident_fields()}))
        return open_case("s", str(tmp_path / "runs"))

    return open_changed


def logs(evidence: Path) -> list[Path]:
    """The home Region's log files of the trail that validates, inside its digests."""
    found = sorted((evidence / "cloudtrail").glob(f"{TRAIL}[567]/*.json.gz"))
    assert len(found) > 40
    return found


def without(operation: str) -> Change:
    def change(evidence: Path) -> None:
        path = evidence / "configuration.jsonl"
        lines = [line for line in path.read_text().splitlines() if json.loads(line)["operation"] != operation]
        path.write_text("\n".join(lines) + "\n")

    return change


def of_trail(frame: pd.DataFrame) -> pd.DataFrame:
    """Files that a digest speaks of."""
    return frame[frame["trail_name"].notna()]


def states(frame: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frame["log_file"], frame["state"], strict=True))


def test_every_file_that_the_samples_digests_name_is_valid(opened: OpenSample) -> None:
    frame = integrity.log_integrity(opened())
    assert set(of_trail(frame)["state"]) == {"valid"}
    assert set(frame["state"]) == {"valid", "unverified"}
    assert (frame[frame["log_file"].str.startswith("security/")]["state"] == "unverified").all()
    assert (frame[frame["log_file"].str.contains("/eu-west-1/")]["state"] == "unverified").all()


def test_every_log_file_of_the_store_has_one_row(opened: OpenSample) -> None:
    case = opened()
    frame = integrity.log_integrity(case)
    held = case.ask("coverage/cloudtrail_files")
    assert sorted(frame["source_file"]) == sorted(held[held["state"] == "read"]["path"])


def test_the_samples_stop_is_a_restart_and_nothing_is_missing(opened: OpenSample) -> None:
    chain = integrity.digest_chain(opened())
    assert set(chain["state"]) == {"valid", "restart"}
    (restart,) = chain[chain["state"] == "restart"].to_dict("records")
    assert (restart["start_time"], restart["end_time"]) == (
        pd.Timestamp("2026-03-04T01:20Z"),
        pd.Timestamp("2026-03-04T04:20Z"),
    )
    assert "StopLogging" in restart["detail"]


@pytest.mark.parametrize("act", ["missing", "modified", "unlisted"])
def test_one_file_changed_is_one_row_changed(opened: OpenSample, act: str) -> None:
    touched: list[str] = []

    def change(evidence: Path) -> None:
        path = logs(evidence)[20]
        if act == "missing":
            path.unlink()
        elif act == "modified":
            path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"us-east-1", b"eu-east-1", 1)))
        else:
            body = path.read_bytes()
            path = path.with_name(path.name.replace(".json.gz", "x.json.gz"))
            path.write_bytes(body)
        touched.append(path.relative_to(evidence / "cloudtrail").as_posix())

    frame = integrity.log_integrity(opened(change))
    found = states(of_trail(frame))
    assert found.pop(touched[0]) == act
    assert set(found.values()) == {"valid"}


def test_a_lost_file_names_the_stretch_of_events_that_it_held(opened: OpenSample) -> None:
    held: list[tuple[str, pd.Timestamp, pd.Timestamp]] = []

    def change(evidence: Path) -> None:
        path = logs(evidence)[20]
        times = [record["eventTime"] for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]]
        held.append(
            (path.relative_to(evidence / "cloudtrail").as_posix(), pd.Timestamp(min(times)), pd.Timestamp(max(times)))
        )
        content = gzip.decompress(path.read_bytes())
        for copy in (evidence / "cloudtrail").glob(
            f"security/{TRAIL}*/*.json.gz"
        ):  # the other trail's, equal to the byte
            if gzip.decompress(copy.read_bytes()) == content:
                copy.unlink()
        path.unlink()

    (span,) = integrity.lost_spans(opened(change))
    name, oldest, newest = held[0]
    assert (span["log_file"], span["start_time"], span["end_time"]) == (name, oldest, newest + pd.Timedelta(seconds=1))
    assert (span["aws_region"], span["trail_name"]) == ("us-east-1", "main-trail")
    assert span["basis"].startswith("log file missing: ")


def test_a_lost_file_whose_content_another_trail_delivered_lost_nothing(opened: OpenSample) -> None:
    assert not integrity.lost_spans(opened(lambda evidence: logs(evidence)[20].unlink()))


def test_evidence_without_losses_has_no_lost_span(opened: OpenSample) -> None:
    assert not integrity.lost_spans(opened())


def test_a_missing_digest_is_an_hour_by_name(opened: OpenSample) -> None:
    names: list[str] = []

    def change(evidence: Path) -> None:
        path = sorted((evidence / "cloudtrail").glob(f"{DIGESTS}6/*.json.gz"))[5]
        names.append(path.relative_to(evidence / "cloudtrail").as_posix())
        path.unlink()

    chain = integrity.digest_chain(opened(change))
    (gone,) = chain[chain["state"] == "missing"].to_dict("records")
    assert gone["digest_file"] == names[0]
    assert gone["end_time"] - gone["start_time"] == pd.Timedelta(hours=1)


def test_without_public_keys_nothing_is_valid(opened: OpenSample) -> None:
    frame = integrity.log_integrity(opened(without("ListPublicKeys")))
    assert set(frame["state"]) == {"unverified"}


def test_without_metadata_all_but_the_newest_digests_files_are_valid(opened: OpenSample) -> None:
    frame = of_trail(integrity.log_integrity(opened(without("HeadObject"))))
    doubtful = frame[frame["state"] != "valid"]
    # the newest of each of the two chains: the one that StopLogging ended, and the one that runs on
    assert doubtful["digest_file"].nunique() <= 2
    assert set(doubtful["state"]) == {"unverified"}
    assert "nor the digest after it" in doubtful.iloc[0]["detail"]


def test_the_table_of_a_run_is_what_the_frame_is(opened: OpenSample) -> None:
    case = opened()
    frame = integrity.log_integrity(case)
    table = pq.read_table(case.staging / "tables" / "logging_gaps" / "integrity.parquet")
    assert table.num_rows == len(frame)
    assert table.column_names[:3] == ["log_file", "state", "digest_file"]


def test_two_cases_of_the_same_evidence_answer_alike(opened: OpenSample) -> None:
    case = opened()
    again = Case(case.incident, case.staging)
    pd.testing.assert_frame_equal(integrity.log_integrity(case), integrity.log_integrity(again))
