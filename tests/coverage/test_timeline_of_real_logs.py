"""What the replay says of logs by others, and of the sample, whose truth is known."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.coverage.logging_timeline import logging_timeline
from ir_kit.coverage.visibility import visibility_of
from ir_kit.logging_gaps.logging_history import contradictions, tampering
from ir_kit.logging_gaps.logging_history import trails as trail_history
from simulator import incident_fields, make_sample


@pytest.fixture(scope="module")
def invictus(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    runs = tmp_path_factory.mktemp("invictus")
    fields = {
        "incident": "inv", "title": "t", "access_keys": ["AKIATFQR7NSC8Q4X20BJ"],
        "window": {"start": "2023-07-10T11:30:00Z", "end": "2023-07-10T13:00:00Z"},
        "sources": {"cloudtrail": [str(shared_data / "cloudtrail" / "invictus")], "access_logs": []},
    }  # fmt: skip
    (runs / "inv").mkdir()
    (runs / "inv" / "incident.yaml").write_text(yaml.safe_dump(fields))
    return open_case("inv", str(runs))


def test_nothing_can_be_said_about_objects_of_invictus(invictus: Case) -> None:
    table = visibility_of(logging_timeline(invictus))
    objects = table[table["record_class"] != "management"]
    assert len(objects) > 0
    assert not objects["state"].isin(["logged", "uncertain"]).any()


def test_the_files_of_invictus_prove_management_events_in_spite_of_every_change(invictus: Case) -> None:
    table = visibility_of(logging_timeline(invictus))
    region = table[table["bucket"].isna()]
    assert list(region["state"].loc[region["start_time"] < pd.Timestamp("2023-07-10T12:37Z")].unique()) == [
        "unknown",
        "logged",
    ]
    logged = region[region["state"] == "logged"]
    assert str(logged["start_time"].min()) == "2023-07-10 11:42:18+00:00"
    assert str(logged["end_time"].max()) == "2023-07-10 12:37:51+00:00"


def test_what_the_blinded_trail_of_invictus_saw_before_and_after(invictus: Case) -> None:
    history = trail_history(invictus)
    blinded = history[history["trail_name"].str.contains("-ctes-")]
    told = list(
        zip(
            blinded["start_time"].dt.strftime("%H:%M:%S"), blinded["logging_status"], blinded["management"], strict=True
        )
    )
    assert told == [
        ("11:30:00", "no", "none"), ("12:00:05", "yes", "all"), ("12:00:08", "yes", "none"), ("12:07:49", "yes", "all"),
        ("12:08:04", "no", "none"),
    ]  # fmt: skip
    assert set(blinded["data_read"]) == {"none"}


def test_four_attempts_of_invictus_failed_and_are_no_gap(invictus: Case) -> None:
    acts = tampering(invictus)
    failed = acts[(acts["outcome"] != "success") & acts["event_name"].isin(["StopLogging", "DeleteTrail"])]
    assert Counter(failed["event_name"]) == {"StopLogging": 3, "DeleteTrail": 1}
    assert failed["blind_hours"].eq(0).all()
    narrowed = acts[acts["event_name"] == "PutEventSelectors"]
    assert len(narrowed) == 1, "putting it back is none"
    assert "expire after 1 days" in acts[acts["event_name"] == "PutBucketLifecycle"]["effect"].iloc[0]


@pytest.mark.slow
def test_the_sample_is_never_called_logged_where_it_was_blind(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    make_sample(folder, 1, scale=0.3)
    (folder / "incident.yaml").write_text(yaml.safe_dump({"incident": "demo", **incident_fields()}))
    case = open_case("demo", str(tmp_path))
    table = visibility_of(logging_timeline(case))
    truth = json.loads((folder / "truth" / "visibility.json").read_text())
    hours: Counter[tuple[str, str]] = Counter()
    for row in table.to_dict("records"):
        bucket = row["bucket"] if isinstance(row["bucket"], str) else None
        for one in truth:
            if (one["bucket"], one["aws_region"], one["record_class"]) != (
                bucket,
                row["aws_region"],
                row["record_class"],
            ):
                continue
            start, end = pd.Timestamp(one["start_time"]), pd.Timestamp(one["end_time"])
            shared = (min(end, row["end_time"]) - max(start, row["start_time"])) / timedelta(hours=1)
            if shared > 0:
                blind = row["state"] in ("not_logged", "unknown", "lost")
                hours[one["state"], "blind" if blind else row["state"]] += shared  # type: ignore[assignment]
    assert hours["not_logged", "logged"] == 0
    assert hours["logged", "blind"] == 0
    assert hours["not_logged", "uncertain"] < 2, "what settles alone"
    stopped = tampering(case)
    stopped = stopped[stopped["event_name"] == "StopLogging"]
    assert set(stopped["target"]) == {"main-trail", "security-trail"}
    assert stopped["effect"].str.contains("2 h 55 min").all()
    silent = contradictions(case)
    assert list(silent[silent["kind"] == "silent_access_log"]["subject"]) == ["customer-records"]
