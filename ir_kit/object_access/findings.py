"""Findings of playbook 03: what left, what was written, destroyed and disclosed in each bucket, and how sure the
reasoning is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ir_kit.attribution import completeness
from ir_kit.case import Case
from ir_kit.coverage.bucket_scope import scope_of
from ir_kit.domain.frames import rows_of
from ir_kit.findings import (
    EVENT_IDS,
    Actor,
    EvidenceRows,
    Finding,
    FindingBuilder,
    Scope,
    Subject,
    Value,
    count_noun,
    join_names,
    write_findings,
)
from ir_kit.object_access import questions as asked
from ir_kit.object_access.beside_bounds import held, served
from ir_kit.object_access.bounds import Watched

PLAYBOOK = "object_access"
Row = Mapping[str, Any]
SERVICES = (
    "Reads that AWS services made at a reached credential's bidding are not in these numbers; "
    "object_access/service_reads lists the calls."
)
PRESIGNED = "Whoever held a pre-signed link could use it: the key says who issued it, not who came."
BASELINE = "Use that shows the owner's own address and agent counts as the owner's."


def findings(case: Case) -> list[Finding]:
    """What can be said of object access in each bucket, of acts that are not the owner's?

    Returns
    -------
    list of Finding
        For every bucket in scope ``objects_read``, ``objects_written``, ``objects_destroyed``, ``names_listed``, each
        asked whether or not there is anything to find; then ``attribution_calibration`` and ``service_reads``. Also
        written to the case's findings.
    """
    builder = FindingBuilder(case, PLAYBOOK)
    access = asked.prepare(case)
    bounds, acts = asked.bounds(case), asked.acts(case)
    destroyed, moved = asked.destruction(case), asked.service_reads(case)
    by_class = {name: asked.coverage(case, name) for name in ("data_read", "data_write")}
    of_objects = asked.coverage(case, "data_read", objects_only=True)
    limits = [BASELINE, _calibration_limit(access.calibration)]
    if case.incident.responders:
        limits.append(
            f"Requests of the investigation's own ({join_names(case.incident.responders)}) count as the owner's."
        )
    if len(moved):
        limits.append(SERVICES)
    told = {row["bucket"]: row["sentence"] for row in rows_of(asked.losses(case))}
    found = []
    for row in rows_of(bounds):
        bucket = row["bucket"]
        one = _Bucket(
            builder, bucket, limits, told.get(bucket) or told.get(None) or completeness.sentence(None, bucket)
        )
        reads, writes = by_class["data_read"][bucket], by_class["data_write"][bucket]
        found += [
            one.read(row, of_objects[bucket]),
            one.acted("objects_written", "written", rows_of(acts[acts["bucket"] == bucket]), writes),
            one.destroyed(destroyed[destroyed["bucket"] == bucket], writes),
            one.acted("names_listed", "names", rows_of(acts[acts["bucket"] == bucket]), reads),
        ]
    found += [_calibrated(builder, access.calibration), _services(builder, moved)]
    return write_findings(case, PLAYBOOK, found)


def _calibration_limit(calibration: pd.DataFrame) -> str:
    row = next(one for one in rows_of(calibration) if one["attribution"] == "C")
    if not row["used"]:
        return (
            f"Reasoned attribution (C) was right for {row['right']:,} of {row['requests']:,} requests that "
            "both logs hold: too seldom, so it "
            "was not used, and those requests count with their candidates (D)."
        )
    if not row["requests"]:
        return (
            "Reasoned attribution (C) could not be tried on this incident: no request that both logs hold "
            "could be placed by it."
        )
    return (
        f"Reasoned attribution (C), tried on {row['requests']:,} requests that both logs hold, was right for "
        f"{row['right']:,} of them."
    )


@dataclass(frozen=True)
class _Bucket:
    """The questions that are asked of one bucket."""

    builder: FindingBuilder
    bucket: str
    limits: list[str]
    loss: str = ""

    def _evidence(self, kind: str, table: str, rows: int) -> EvidenceRows:
        first = (
            asked.evidence_of(self.builder.case, self.bucket, kind)
            if rows
            else pd.DataFrame({"event_id": [], "request_id": []})
        )
        events = [str(one) for one in first["event_id"].dropna()][:EVENT_IDS]
        requests = [str(one) for one in first["request_id"].dropna()][:EVENT_IDS]
        return EvidenceRows(
            table=table, rows=rows, event_ids=events or None, request_ids=list(dict.fromkeys(requests)) or None
        )

    def read(self, bound: Row, seen: Watched) -> Finding:
        """``objects_read``, with the values of the bucket's bounds."""
        scope = scope_of(seen, self.loss)
        lower, likely, seen_most = bound["objects_lower"], bound["objects_likely"], bound["objects_upper_logged"]
        in_rows = seen_most - bound["allowed_requests"]
        upper = bound["objects_upper"]
        if in_rows:
            if upper is not None:
                most = f"at most {upper:,}"
            else:
                hours = bound["blind_hours"]
                unseen = f"the {hours:,.1f} that were not" if hours else "what was not recorded"
                most = f"at most {seen_most:,} in the hours that were logged, and an unknown number in {unseen}"
            statement = (
                f"Of {self.bucket}, at least {count_noun(lower, 'object').replace('no objects', '0 objects')} left "
                "by acts that are not the "
                f"owner's, likely {likely:,}, {most}; the bytes that left were at least "
                f"{bound['bytes_lower']:,}, likely "
                f"{bound['bytes_likely']:,}."
            )
        else:
            statement = f"No object of {self.bucket} is seen to have left by an act that is not the owner's."
        values: dict[str, Value] = {
            name: _plain(value) for name, value in bound.items() if name not in ("bucket", "width_reason")
        }
        beside = [held(bound), *served(bound)] if upper is None else []
        copied = []
        if bound["objects_copied_out"]:
            copied.append(
                f"{bound['objects_copied_out']:,} of these objects ({bound['bytes_copied_out']:,} bytes) were "
                "copied inside S3 to a bucket that "
                "is not known to be the account's: such a copy sends no bytes, so it is in the objects and not "
                "in the bytes."
            )
        return self.builder.build(
            "objects_read",
            "Which objects did the reached credentials read?",
            statement,
            count=in_rows,
            values=values,
            scope=scope,
            actor=_actor(in_rows, lower),
            subject=Subject(bucket=self.bucket),
            inferred=bool(in_rows) and not lower,
            partly_inferred=likely > lower,
            evidence=[self._evidence("read", "object_access/requests", in_rows)],
            limits=[
                f"Why the bounds are no narrower: {bound['width_reason']}.",
                *copied,
                *beside,
                PRESIGNED,
                *self.limits,
            ],
        )

    def acted(self, question_id: str, kind: str, acts: list[dict[str, Any]], seen: Watched) -> Finding:
        """``objects_written`` or ``names_listed``: counts by grade and verdict."""
        mine = [row for row in acts if row["kind"] == kind and row["counted_in"] != "owner"]
        requests = sum(int(row["requests"]) for row in mine)
        sure = sum(int(row["requests"]) for row in mine if row["counted_in"] == "lower")
        likely = sum(int(row["requests"]) for row in mine if row["counted_in"] in ("lower", "likely"))
        listings = sum(int(row["listings"]) for row in mine)
        if kind == "written":
            question = "Which objects did the reached credentials write?"
            what = count_noun(requests, "write")
            some = (
                f"{what[0].upper()}{what[1:]} to {self.bucket} {'is' if requests == 1 else 'are'} not the "
                f"owner's, {sure:,} of them surely."
            )
            none = f"No object of {self.bucket} is seen to have been written by an act that is not the owner's."
        else:
            question = "Which object names were disclosed to the reached credentials?"
            some = (
                f"{count_noun(requests, 'request').capitalize()} that {'is' if requests == 1 else 'are'} not the "
                f"owner's asked {self.bucket} for "
                f"names, {listings:,} of them listings, {sure:,} surely."
            )
            none = f"No name of {self.bucket} is seen to have been disclosed to anybody but the owner."
        return self.builder.build(
            question_id, question, some if requests else none, count=requests,
            values={"requests": requests, "requests_lower": sure, "requests_likely": likely, "listings": listings},
            scope=scope_of(seen, self.loss), actor=_actor(requests, sure), subject=Subject(bucket=self.bucket),
            inferred=bool(requests) and not sure, partly_inferred=likely > sure,
            evidence=[self._evidence(kind, "object_access/requests", requests)], limits=self.limits,
        )  # fmt: skip

    def destroyed(self, rows: pd.DataFrame, seen: Watched) -> Finding:
        """``objects_destroyed``: deleted, written over, encrypted, told to expire; and what can be brought back."""
        mine = rows[rows["counted_in"] != "owner"]
        done, tried = mine[mine["outcome"] == "success"], mine[mine["outcome"] != "success"]
        kinds = {str(kind): int(count) for kind, count in done["kind"].value_counts().items()}
        back = {status: int((done["recoverable_status"] == status).sum()) for status in ("yes", "no", "unknown")}
        words = {
            "deleted": "deleted",
            "overwritten": "written over",
            "encrypted_customer_key": "encrypted with a customer's key",
            "encrypted_foreign_kms": "encrypted with another account's KMS key",
            "expiry_shortened": "expiry shortened",
        }
        if len(done):
            told = ", ".join(f"{kinds[kind]:,} {word}" for kind, word in words.items() if kind in kinds)
            statement = (
                f"In {self.bucket}, acts that are not the owner's destroyed objects or put them at risk: "
                f"{told}; of these {back['yes']:,} can "
                f"be brought back from versions, {back['no']:,} cannot, of {back['unknown']:,} it is not known."
            )
        else:
            statement = f"No object of {self.bucket} is seen to have been destroyed by an act that is not the owner's"
            statement += f"; {count_noun(len(tried), 'try', 'tries')} failed." if len(tried) else "."
        values: dict[str, Value] = {kind: kinds.get(kind, 0) for kind in words}
        values |= {
            "acts": len(done),
            "failed_tries": len(tried),
            **{f"recoverable_{name}": count for name, count in back.items()},
        }
        sure = int((done["counted_in"] == "lower").sum())
        ids = [str(one) for one in done["event_id"].dropna()][:EVENT_IDS]
        requests = list(dict.fromkeys(str(one) for one in done["request_id"].dropna()))[:EVENT_IDS]
        return self.builder.build(
            "objects_destroyed",
            "Which objects did the reached credentials destroy?",
            statement,
            count=len(done),
            values=values,
            scope=scope_of(seen, self.loss),
            actor=_actor(len(done), sure),
            subject=Subject(bucket=self.bucket),
            inferred=bool(len(done)) and not sure,
            partly_inferred=sure < len(done),
            evidence=[
                EvidenceRows(
                    table="object_access/destruction",
                    rows=len(mine),
                    event_ids=ids or None,
                    request_ids=requests or None,
                )
            ],
            limits=[
                "That versions were kept says that a version can be brought back unless it was removed since.",
                "A key counts as written over where a log shows that it was there before; others count as new.",
                *self.limits,
            ],
        )


def _actor(count: int, sure: int) -> Actor | None:
    return ("intruder" if sure else "unknown") if count else None


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, str | bool):
        return value
    return float(value) if isinstance(value, float) else int(value)


def _calibrated(builder: FindingBuilder, calibration: pd.DataFrame) -> Finding:
    by = {row["attribution"]: row for row in rows_of(calibration)}
    c, d = by["C"], by["D"]
    tried = int(c["requests"] + d["requests"])
    if tried:
        statement = (
            f"Tried on {tried:,} requests that both logs hold, with their bucket's data events hidden, "
            "reasoning named one key for "
            f"{c['requests']:,} and was right for {c['right']:,} of them; for the other {d['requests']:,} it "
            "gave candidates, and the right key "
            f"was among them for {d['right']:,}. Reasoned attribution is {'used' if c['used'] else 'not used'}."
        )
    else:
        statement = (
            "How often reasoned attribution is right cannot be said: no request of these principals is in both logs."
        )
    values: dict[str, Value] = {
        "c_requests": int(c["requests"]),
        "c_right": int(c["right"]),
        "d_requests": int(d["requests"]),
        "d_right": int(d["right"]),
        "c_used": bool(c["used"]),
    }
    return builder.build(
        "attribution_calibration",
        "How often is the reasoning right by which access-log requests are given to keys?",
        statement,
        count=tried,
        values=values,
        scope=Scope(False, "It says nothing of callers that were never seen in both logs."),
        evidence=[EvidenceRows(table="object_access/calibration", rows=2)],
    )


def _services(builder: FindingBuilder, moved: pd.DataFrame) -> Finding:
    done = moved[moved["outcome"] == "success"]
    seen = asked.management_scope(builder.case)
    if len(done):
        named = ", ".join(sorted(set(done["event_name"])))
        statement = (
            f"{count_noun(len(done), 'call').capitalize()} of reached credentials set AWS services reading or "
            f"moving objects ({named})."
        )
    else:
        statement = "No call of a reached credential is seen that set an AWS service reading or moving objects."
    return builder.build(
        "service_reads",
        "Which AWS services read objects at a reached credential's bidding?",
        statement,
        count=len(done),
        values={"calls": len(done), "failed_calls": len(moved) - len(done)},
        scope=Scope(seen[0], seen[1]),
        evidence=[
            EvidenceRows(
                table="object_access/service_reads",
                rows=len(moved),
                event_ids=[str(one) for one in done["event_id"].dropna()][:EVENT_IDS] or None,
            )
        ],
        limits=["What a service read shows its own credentials, and is in data events only where they were on."],
    )
