"""The rules of status and confidence."""

from __future__ import annotations

import pytest

from ir_kit.findings import CONFIGURATION, Scope, confidence_of, limits_of, status_of

BLIND = Scope(False, "Data events were off from 10:00 to 11:00 UTC.")
NOT_KNOWN = Scope(None, "Nothing tells whether logging was on.")
ACCESS_LOGS = Scope(True, "Access logs lose about 0.5 % of their lines.", access_logs_only=True)


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        (CONFIGURATION, "not_observed"),
        (ACCESS_LOGS, "not_observed"),
        (BLIND, "not_knowable"),
        (NOT_KNOWN, "not_knowable"),
    ],
)
def test_a_zero_is_not_observed_only_where_the_whole_scope_was_logged(scope: Scope, status: str) -> None:
    assert status_of(0, scope) == status
    assert status_of(0, scope, inferred=True) == status


@pytest.mark.parametrize("scope", [CONFIGURATION, ACCESS_LOGS, BLIND, NOT_KNOWN])
def test_above_zero_rows_show_it_or_it_is_reasoned_from_them(scope: Scope) -> None:
    assert status_of(1, scope) == "observed"
    assert status_of(1, scope, inferred=True) == "inferred"


def test_confidence_follows_from_what_it_rests_on() -> None:
    assert confidence_of(3, NOT_KNOWN) == "high"
    assert confidence_of(3, NOT_KNOWN, inferred=True) == "medium"
    assert confidence_of(3, NOT_KNOWN, partly_inferred=True) == "medium"
    assert confidence_of(0, NOT_KNOWN) == confidence_of(0, BLIND) == "low"
    assert confidence_of(0, CONFIGURATION) == "high"


def test_access_logs_alone_give_medium_confidence_at_most() -> None:
    assert confidence_of(0, ACCESS_LOGS) == confidence_of(3, ACCESS_LOGS) == "medium"


def test_a_zero_is_not_sure_where_something_beside_its_scope_was_blind() -> None:
    beside = Scope(True, unsure=True)
    assert (status_of(0, beside), confidence_of(0, beside)) == ("not_observed", "medium")
    assert confidence_of(3, beside) == "high"


def test_limits_name_the_blind_part_first_and_nothing_twice() -> None:
    assert limits_of(BLIND, "", "Another.", "Another.") == [BLIND.blind, "Another."]
