"""Frames of rows whose text may be anything."""

from __future__ import annotations

from ir_kit.domain.documents import frame_of


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    rows = [{"detail": "Sid \udc80", "reasons": ["\ud800", "é"], "count": 1}, {"reasons": None}]
    frame = frame_of(rows, {"detail": "varchar", "reasons": "varchar[]", "count": "bigint"})
    assert frame["detail"][0] == "Sid \ufffd"
    assert list(frame["reasons"]) == [["\ufffd", "é"], None]
