"""Who came from outside: each request once, each caller by the right name, and nobody who was not there."""

from __future__ import annotations

from typing import Any

import pytest

FOREIGN, STRANGER = "999988887777", "b" * 64
Rows = dict[tuple[str, str, str], dict[str, Any]]


@pytest.fixture
def nobody(outsiders: Rows) -> dict[str, Any]:
    return outsiders["papers", "anonymous", "anonymous"]


def test_a_request_in_both_logs_counts_once(nobody: dict[str, Any]) -> None:
    # both, CloudTrail alone (in its old spelling), the access log alone, a batch delete; a browser's preflight is none
    assert nobody["requests"] == 4
    assert nobody["bytes_sent"] == 10 + 7 + 5
    assert nobody["seen_in"] == "both"


def test_a_batch_delete_is_one_request(nobody: dict[str, Any]) -> None:
    assert (nobody["writes"], nobody["reads"]) == (1, 3)


def test_refusals_and_failures_are_told_apart(nobody: dict[str, Any]) -> None:
    assert (nobody["denied_requests"], nobody["failed_requests"]) == (1, 1)


def test_who_fails_to_authenticate_is_not_anonymous(outsiders: Rows) -> None:
    assert outsiders["", "", "unauthenticated"]["count"] == {"papers": 2}


def test_lifecycle_is_no_caller(outsiders: Rows) -> None:
    assert {name for bucket, _, name in outsiders if bucket == "papers"} == {"anonymous"}


def test_the_own_account_is_no_outsider_by_any_of_its_names(outsiders: Rows) -> None:
    accounts = {(bucket, name) for bucket, kind, name in outsiders if kind == "other_account"}
    assert accounts == {
        ("shared", FOREIGN), ("shared", STRANGER), ("shared", "555544443333"), ("shared", "777766665555"),
    }  # fmt: skip


def test_a_canonical_id_is_its_account_where_both_logs_hold_a_request(outsiders: Rows) -> None:
    row = outsiders["shared", "other_account", FOREIGN]
    assert (row["requests"], row["bytes_sent"]) == (3, 40)
    assert row["principals"] == [f"arn:aws:sts::{FOREIGN}:assumed-role/reader"]


def test_a_canonical_id_that_nothing_explains_stands_for_itself(outsiders: Rows) -> None:
    row = outsiders["shared", "other_account", STRANGER]
    assert (row["requests"], row["denied_requests"]) == (0, 1)


def test_the_reading_half_of_a_copy_is_a_read(outsiders: Rows) -> None:
    row = outsiders["shared", "other_account", "777766665555"]
    assert (row["requests"], row["reads"]) == (1, 1)


def test_copies_of_one_event_in_two_accounts_are_one_request(outsiders: Rows) -> None:
    assert outsiders["shared", "other_account", "555544443333"]["requests"] == 1


def test_responders_are_left_out_and_counted(outsiders: Rows) -> None:
    assert outsiders["", "", "responders"]["count"] == 1


def test_a_service_has_one_name_in_both_logs(outsiders: Rows) -> None:
    row = outsiders["shared", "service", "cloudtrail.amazonaws.com"]
    assert (row["requests"], row["writes"]) == (2, 1)
    assert outsiders["shared", "service", "logging.amazonaws.com"]["requests"] == 1


def test_buckets_of_others_have_no_outsiders(outsiders: Rows) -> None:
    assert not [bucket for bucket, _, _ in outsiders if bucket == "not-ours"]
