"""What was each setting at a given time? From calls that set it, answers that were collected, and reads that found nothing.

Between a call and the next one a setting stays what it was; an answer in between tells it for the whole stretch, back
to the call before. Where management events were not recorded a change would not have been seen: nothing is carried
over such a stretch.
"""

from __future__ import annotations

import bisect
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from ir_kit.configuration.change_events import ASKED, UNKNOWN, Act, Content, Setting, of_account, of_bucket

Row = Mapping[str, Any]
Blind = Sequence[tuple[datetime, datetime]]
ERRORS_OF_ABSENCE = ("NoSuch", "NotFound", "DoesNotExist", "NotExist")
DECIDE_PUBLIC = {
    "GetBucketPolicy", "GetBucketAcl", "GetBucketOwnershipControls", "GetPublicAccessBlock", "GetAccessPointPolicy",
}  # fmt: skip
LATE = 1_000_000_000  # after every call of the same second


class Fact(NamedTuple):
    """A setting was set, or seen, to be this."""

    time: datetime
    order: int
    is_set: bool
    content: Content
    basis: str


class Known(NamedTuple):
    """What a setting was, and from where that is known."""

    content: Content
    basis: str


class History:
    """Settings over time.

    Parameters
    ----------
    answers : rows of ``bucket_exposure/configuration``
    acts : (time, order, act, event name) of calls that succeeded
    absences : rows of ``bucket_exposure/absences``
    blind : by bucket (None: the account's own calls), stretches without management events
    """

    def __init__(
        self,
        answers: Iterable[Row],
        acts: Iterable[tuple[datetime, int, Act, str]],
        absences: Iterable[Row],
        blind: Mapping[str | None, Blind],
    ) -> None:
        self._facts: dict[Setting, list[Fact]] = defaultdict(list)
        self._refused: dict[Setting, Row] = {}
        self._points: dict[str, str] = {}  # access point to its bucket
        self.others: dict[str | None, list[Row]] = defaultdict(list)  # what no call here changes, by bucket
        self._blind = blind
        self._take_acts(acts)
        self._take_answers(answers)
        for row in absences:
            setting = _asked_of(row)
            for time in sorted({row["first_time"], row["last_time"]}) if setting else ():
                basis = f"{row['event_name']} found none at {time:%Y-%m-%d %H:%M:%S}"
                self._facts[setting].append(Fact(time, LATE, False, Content(None, row["error_code"]), basis))  # type: ignore[index]
        self._by_subject: dict[tuple[str, str], list[Setting]] = defaultdict(list)
        for setting in dict.fromkeys([*self._facts, *self._refused]):
            leads_to = self._points.get(dict(setting.subject).get("Name", ""))
            self._by_subject[("Bucket", leads_to) if leads_to else setting.subject[0]].append(setting)
        for facts in self._facts.values():
            facts.sort(key=lambda fact: (fact.time, fact.order))

    def _take_acts(self, acts: Iterable[tuple[datetime, int, Act, str]]) -> None:
        for time, order, act, name in acts:
            basis = f"{name} at {time:%Y-%m-%d %H:%M:%S}"
            given = {act.setting: act.content} if act.setting else {}
            if act.path == "access_point" and act.bucket and act.target:
                self._points[act.target] = act.bucket
            for setting, content in {**given, **act.also}.items():
                self._facts[setting].append(Fact(time, order, True, content, basis))

    def _take_answers(self, answers: Iterable[Row]) -> None:
        for row in answers:
            setting = setting_of(row)
            content = _content_of(row)
            if setting is None:
                bucket = _bucket_of(row)
                self.others[bucket].append(row)
                if row["operation"] == "GetAccessPoint" and bucket:
                    self._points[str(_object(row["parameters"]).get("Name")).rpartition("/")[2]] = bucket
            elif not content.known:
                self._refused[setting] = row
            else:
                basis = f"{row['operation']}, asked at {row['collected_at']:%Y-%m-%d %H:%M:%S}"
                self._facts[setting].append(Fact(row["collected_at"], LATE, False, content, basis))

    def at(self, setting: Setting, time: datetime, order: int = LATE, *, before_success: bool = False) -> Known:
        """What was a setting at this time, just before the call of this order?

        Parameters
        ----------
        before_success : bool
            Whether the call set it, so that nothing later tells what was there before.
        """
        facts = self._facts.get(setting, [])
        place = bisect.bisect_left(facts, (time, order), key=lambda fact: (fact.time, fact.order))
        earlier = facts[place - 1] if place else None
        if earlier and earlier.content.known and not self._is_blind(setting, earlier.time, time):
            return Known(earlier.content, earlier.basis)
        if not before_success:
            for later in facts[place:]:
                if later.is_set:
                    break
                if not self._is_blind(setting, time, later.time):
                    return Known(later.content, later.basis)
                break
        return Known(UNKNOWN, "nothing tells it")

    def placed(self, act: Act) -> Act:
        """The act with its bucket, where it names an access point alone."""
        if act.path != "access_point" or act.bucket or not act.target:
            return act
        return replace(act, bucket=self._points.get(act.target.rpartition("/")[2]))

    def last(self, setting: Setting) -> Known:
        """What is a setting by the last that is known of it?"""
        facts = self._facts.get(setting, [])
        return Known(facts[-1].content, facts[-1].basis) if facts else Known(UNKNOWN, "nothing tells it")

    def answers_at(self, bucket: str, account: str | None, time: datetime, order: int = LATE) -> list[Row]:
        """The rows that configuration would have held of this bucket at that time."""
        found = [*self.others[None], *self.others[bucket]]
        for setting in self.settings_of(bucket, account):
            known = self.at(setting, time, order)
            if known.content.known:
                found.append(row_of(setting, known.content, time, account))
            elif setting in self._refused:
                found.append(self._refused[setting])
        return found

    def settings_of(self, bucket: str, account: str | None) -> list[Setting]:
        """The settings of this bucket, and those of its account, of which anything is told."""
        own, above = ("Bucket", bucket), ("AccountId", str(account))
        return [*self._by_subject.get(own, []), *self._by_subject.get(above, [])]

    def unknown_then(self, bucket: str, account: str | None, time: datetime, order: int = LATE) -> list[str]:
        """The calls whose answer is known at some time, and not for that one."""
        settings = self.settings_of(bucket, account)
        dark = {
            one.operation
            for one in settings
            if self.last(one).content.known and not self.at(one, time, order).content.known
        }
        return sorted(dark & DECIDE_PUBLIC)

    def edges(self, bucket: str, account: str | None) -> list[datetime]:
        """The times at which what is known of a bucket's settings may change."""
        found = [time for setting in self.settings_of(bucket, account) for time in self._times_of(setting)]
        return [*found, *(edge for span in self._blind.get(bucket, ()) for edge in span)]

    def _times_of(self, setting: Setting) -> list[datetime]:
        return [fact.time for fact in self._facts.get(setting, [])]

    def is_blind(self, bucket: str | None, time: datetime) -> bool:
        """Were calls on this bucket's configuration, or the account's, not recorded at that time?"""
        return any(start <= time < end for start, end in self._blind.get(bucket, ()))

    def _is_blind(self, setting: Setting, start: datetime, end: datetime) -> bool:
        bucket = dict(setting.subject).get("Bucket")
        spans = self._blind.get(bucket, ())
        return any(begin < end and start < stop for begin, stop in spans)


def row_of(setting: Setting, content: Content, time: datetime, account: str | None) -> Row:
    """A content as a row of configuration."""
    parameters = dict(setting.subject)
    return {
        "collected_at": time, "account_id": parameters.get("AccountId", account), "aws_region": None,
        "service": setting.service, "operation": setting.operation, "parameters": json.dumps(parameters),
        "response": None if content.response is None else json.dumps(content.response),
        "error_code": content.error_code,
    }  # fmt: skip


def setting_of(row: Row) -> Setting | None:
    """The setting that an answer tells of, where calls change it; None for all others."""
    parameters = _object(row["parameters"])
    operation = str(row["operation"])
    if row["service"] == "s3" and parameters.get("Bucket"):
        bucket = str(parameters["Bucket"])
        if operation in _OF_BUCKET:
            return of_bucket(operation, bucket)
        if operation == "GetObjectAcl" and parameters.get("Key") and not parameters.get("VersionId"):
            return Setting("s3", operation, (("Bucket", bucket), ("Key", str(parameters["Key"]))))
    if row["service"] == "s3control":
        account = parameters.get("AccountId") or row["account_id"]
        if operation == "GetPublicAccessBlock":
            return of_account(account)
        if operation in ("GetAccessPointPolicy", "GetAccessPointPolicyStatus") and parameters.get("Name"):
            name = str(parameters["Name"]).rpartition("/")[2]
            return Setting("s3control", operation, (("AccountId", str(account)), ("Name", name)))
    return None


_OF_BUCKET = {
    *ASKED.values(), "GetBucketPolicyStatus", "GetBucketAcl", "ListBucketInventoryConfigurations",
    "ListBucketAnalyticsConfigurations",
}  # fmt: skip


def _asked_of(row: Row) -> Setting | None:
    name = str(row["event_name"])
    if name == "GetAccountPublicAccessBlock" or (name == "GetPublicAccessBlock" and not row["bucket"]):
        return of_account(row["recipient_account_id"])
    return of_bucket(ASKED[name], row["bucket"]) if name in ASKED and row["bucket"] else None


def _content_of(row: Row) -> Content:
    code = row["error_code"]
    if code:
        absent = any(word in code for word in ERRORS_OF_ABSENCE) and code != "NoSuchBucket"
        return Content(None, code) if absent else UNKNOWN
    try:
        response = json.loads(row["response"] or "null", strict=False)
    except (ValueError, RecursionError):
        return UNKNOWN
    return Content(response) if isinstance(response, dict) else UNKNOWN


def _bucket_of(row: Row) -> str | None:
    """The bucket that an answer is about; None where it is about all."""
    bucket = _object(row["parameters"]).get("Bucket")
    if row["operation"] == "GetAccessPoint":
        bucket = _object(row["response"]).get("Bucket")
    return str(bucket) if bucket else None


def _object(said: Any) -> dict[str, Any]:
    try:
        found = json.loads(said or "{}", strict=False)
    except (ValueError, RecursionError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
