"""Values as text: nothing is hidden, nothing is interpreted, no value is no text."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from ir_kit.display.text import as_label, as_text, counted, shortened, visible


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (pd.NA, "—"),
        (pd.NaT, "—"),
        (float("nan"), "—"),
        ("", '""'),
        ([], "[]"),
        ("—", "—"),
        ("-", "-"),
        (True, "yes"),
        (np.bool_(False), "no"),
        (1234567, "1,234,567"),
        (np.int64(0), "0"),
        (0.5, "0.50"),
        (["a", None, 3], "a; —; 3"),
        (np.array(["x", "y"]), "x; y"),
        (pd.Timestamp("2026-03-01 12:00", tz="UTC"), "2026-03-01 12:00:00Z"),
        (pd.Timestamp("2026-03-01 14:00", tz="Europe/Berlin"), "2026-03-01 13:00:00Z"),
        (pd.Timestamp("2026-03-01 12:00:00.250"), "2026-03-01 12:00:00.25Z"),
        (datetime.date(2026, 3, 1), "2026-03-01"),
    ],
)
def test_a_value_reads_as(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("char", "escape"),
    [
        ("\u202e", "\\u202e"),
        ("\u200b", "\\u200b"),
        ("\x00", "\\u0000"),
        ("\x1b", "\\u001b"),
        ("\x85", "\\u0085"),
        ("\u2028", "\\u2028"),
        ("\u00a0", "\\u00a0"),
        ("\u3164", "\\u3164"),
        ("\ufe0f", "\\ufe0f"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\ue000", "\\ue000"),
        ("\n", "\\n"),
        ("\t", "\\t"),
    ],
)
def test_what_cannot_be_seen_stands_as_an_escape(char: str, escape: str) -> None:
    assert visible(f"a{char}b") == f"a{escape}b"


def test_letters_of_all_scripts_stay() -> None:
    assert visible("Zürich 東京 Ελλάδα é 🙂") == "Zürich 東京 Ελλάδα é 🙂"


def test_a_label_holds_nothing_that_plotly_interprets() -> None:
    assert as_label("<b>x</b> &lt; $y$") == "&lt;b&gt;x&lt;/b&gt; &amp;lt; &#36;y&#36;"


def test_a_shortened_text_keeps_both_ends() -> None:
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("abcde", 5) == "abcde"


def test_counts_are_words() -> None:
    assert [counted(n, "row") for n in (0, 1, 2, 12345)] == ["no rows", "1 row", "2 rows", "12,345 rows"]
    assert counted(2, "address", "addresses") == "2 addresses"
