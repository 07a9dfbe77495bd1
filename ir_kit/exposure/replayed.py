"""Who could reach a bucket at a given time? Configuration as it would have answered then, read as configuration is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from ir_kit.case import Case
from ir_kit.configuration.account_buckets import own_accounts
from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.change_events import Act, Content, act_of
from ir_kit.configuration.inventory import Bucket, Holdings, holdings
from ir_kit.configuration.setting_history import LATE, History, row_of
from ir_kit.coverage.visibility import BLIND, visible
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.domain.frames import rows_of
from ir_kit.domain.principals import is_responder
from ir_kit.exposure.access_points import access_point_ways, multi_region_ways
from ir_kit.exposure.acls import acl_ways, object_acl_ways
from ir_kit.exposure.blocks import blocks_of
from ir_kit.exposure.outflows import analytics_ways, inventory_ways, replication_ways, website_ways
from ir_kit.exposure.policy_ways import Target, bucket_policy, policy_ways, read_policy, statement_ways
from ir_kit.exposure.status import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.ways import Place, Way

Row = Mapping[str, Any]
MOST_SAID = 2
EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class Replayed:
    """Settings over time, the calls that changed them, and whose the buckets are."""

    history: History
    acts: list[tuple[Row, Act]]
    holdings: Holdings
    _verdicts: dict[tuple[str, datetime, int], tuple[str, str]] = field(default_factory=dict)

    def bucket(self, name: str) -> Bucket:
        """A bucket in scope, or as much as is known of another."""
        found = self.holdings.buckets.get(name)
        return found or Bucket(name, account=self.holdings.account_of_bucket(name))

    def place(self, name: str, rows: Iterable[Row]) -> Place:
        """The bucket with these answers."""
        bucket, configuration = self.bucket(name), Configuration(rows)
        return Place(bucket, configuration, self.holdings, blocks_of(configuration, bucket))

    def ways_of(self, act: Act, content: Content, row: Row | None) -> list[Way]:
        """Whom a setting lets in, were it this, with all others as they were just before a call (or unsaid)."""
        if act.setting is None or act.bucket is None and act.path != "access_point":
            return []
        return _on_path(act, self._place_with(act, content, row), content)

    def _place_with(self, act: Act, content: Content, row: Row | None) -> Place:
        """The act's bucket with this setting, and all others as they were just before a call."""
        name, setting = act.bucket or "", act.setting
        account = self.bucket(name).account
        time = row["event_time"] if row else EVER
        others = self.history.answers_at(name, account, time, row["order"]) if row else []
        if setting is not None and setting.operation != "GetObjectAcl":
            others = [
                one for one in others if one["operation"] != setting.operation or one["service"] != setting.service
            ]
            others.append(row_of(setting, content, time, account))
        return self.place(name, others)

    def public_at(self, name: str, time: datetime, order: int = LATE) -> tuple[str, str]:
        """Was a bucket public then, and why?"""
        found = self._verdicts.get((name, time, order))
        if found is None:
            if self.history.is_blind(name, time):
                found = UNKNOWN, "no management events were recorded: a change would not have been seen"
            else:
                rows = self.history.answers_at(name, self.bucket(name).account, time, order)
                found = _verdict(self.place(name, rows))
                dark = self.history.unknown_then(name, self.bucket(name).account, time, order)
                if found[0] == UNKNOWN and dark:
                    found = UNKNOWN, f"not known of that time: what {', '.join(dark)} would have answered"
            self._verdicts[name, time, order] = found
        return found

    def public_around(self, row: Row, act: Act) -> tuple[str, str]:
        """Was the act's bucket public just before it, and just after, had it succeeded?"""
        name, time, order = act.bucket or "", row["event_time"], row["order"]
        before = self.public_at(name, time, order)[0]
        if act.setting is None or not act.content.known or act.setting.operation == "GetObjectAcl":
            return before, self.public_at(name, time, order + 1)[0]
        return before, _verdict(self._place_with(act, act.content, row))[0]


_REPLAYED: WeakKeyDictionary[Case, Replayed] = WeakKeyDictionary()


def replayed(case: Case) -> Replayed:
    """The settings of all buckets over time; once for a case."""
    if case not in _REPLAYED:
        _REPLAYED[case] = _replay(case)
    return _REPLAYED[case]


def _replay(case: Case) -> Replayed:
    reached_credentials(case)  # the question joins them
    answers = rows_of(case.ask("configuration/configuration"))
    logged = rows_of(case.ask("configuration/reached_buckets"))
    held = holdings(
        Configuration(answers),
        logged,
        own_accounts(case)["account_id"].dropna(),
        case.incident.buckets,
    )
    found: list[tuple[Row, Act]] = []
    seen: set[str] = set()
    for order, row in enumerate(rows_of(case.ask("configuration/acts"))):
        if row["shared_event_id"] in seen:
            continue  # the copy of another account
        if row["shared_event_id"]:
            seen.add(row["shared_event_id"])
        bucket = held.buckets.get(row["bucket"]) if row["bucket"] else None
        act = act_of(row, bucket.owner if bucket else None)
        if act is not None:
            own = any(
                is_responder(row[arn], case.incident.responders) for arn in ("user_identity_arn", "session_issuer_arn")
            )
            found.append(({**row, "order": 2 * order, "is_responder": bool(row["is_responder"]) or own}, act))
    done = [
        (row["event_time"], row["order"], act, row["event_name"]) for row, act in found if row["error_code"] is None
    ]
    kept = [row for row in answers if row["service"] in ("s3", "s3control", "organizations", "sts")]
    history = History(kept, done, rows_of(case.ask("configuration/absences")), _blind(case, held))
    return Replayed(history, [(row, history.placed(act)) for row, act in found], held)


def _blind(case: Case, held: Holdings) -> dict[str | None, list[tuple[datetime, datetime]]]:
    """By bucket, stretches in which calls on its configuration were not recorded; None: in a Region that has buckets."""
    found: dict[str | None, list[tuple[datetime, datetime]]] = {}
    regions = {bucket.region for bucket in held.buckets.values() if bucket.region} or {"us-east-1"}
    for row in rows_of(visible(case)):
        if row["record_class"] != "management" or row["state"] not in BLIND:
            continue
        if row["bucket"] is not None or row["aws_region"] in regions:
            found.setdefault(row["bucket"], []).append((row["start_time"], row["end_time"]))
    return found


def _verdict(place: Place) -> tuple[str, str]:
    """Is a bucket public by these answers, and what decides?"""
    read = bucket_policy(place)
    ways = [
        *policy_ways(place, read),
        *acl_ways(place),
        *access_point_ways(place, read),
        *multi_region_ways(place, read),
    ]
    status = any_of(way.public_status for way in ways)
    if status != NO:
        return status, "; ".join([way.detail for way in ways if way.public_status == status][:MOST_SAID])
    stopped = [
        f"{way.detail}, stopped by {way.blocked_by}" for way in ways if way.open_to_all == YES and way.blocked_by
    ]
    return status, "; ".join(stopped[:MOST_SAID]) or "neither policy nor ACL lets everybody in"


def _on_path(act: Act, place: Place, content: Content) -> list[Way]:
    """The ways of the act's own path."""
    if act.path == "policy":
        return policy_ways(place, bucket_policy(place))
    if act.path == "acl":
        return acl_ways(place)
    if act.path == "object_acl":
        answer = Answer("GetObjectAcl", "answered" if content.response else "not_asked", content.response or {})
        return [way for way in object_acl_ways(place, [({"Key": act.target}, answer)]) if way.grantee]
    if act.path == "replication":
        return _out(replication_ways(place))
    if act.path == "inventory":
        return _out(inventory_ways(place))
    if act.path == "analytics":
        return _out(analytics_ways(place))
    if act.path == "website":
        return website_ways(place, [])
    if act.path == "access_point":
        return _access_point(act, place, content)
    return []


def _out(ways: list[Way]) -> list[Way]:
    """Those that lead out of the account, or may."""
    return [way for way in ways if way.foreign != NO]


def _access_point(act: Act, place: Place, content: Content) -> list[Way]:
    if content.response is None:
        return []
    name = str(act.target).rpartition("/")[2]
    account = dict(act.setting.subject).get("AccountId") if act.setting else None
    arn = f"arn:{place.bucket.partition}:s3:*:{account}:accesspoint/{name}"
    read = read_policy(content.response.get("Policy"), f"policy of access point {name}", access_point=True)
    document = [resource for one in read.statements for resource in one.resources if ":accesspoint/" in resource]
    if document:
        arn = document[0].split("/object")[0]
    return statement_ways(place, read, Target("access_point", arn, "/object/", f"the policy of {name}"), place.blocks)
