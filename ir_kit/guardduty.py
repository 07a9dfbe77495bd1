"""What does a GuardDuty finding say about an incident?

A finding names a key and the time in which GuardDuty saw it misused; an incident file asks for more room than that:

- **keys**: the finding's access key; of an attack sequence, those of all its actors and of the keys it names.
- **window**: from 24 hours before the first event seen, rounded down to the hour, to 24 hours after the last one,
  rounded up. A misuse that GuardDuty notices has often begun before.
- **baseline**: the 28 days before the window.
- **buckets** stay empty, which means every bucket: the one that GuardDuty noticed is a hint, not a boundary. Which
  buckets are sensitive, a finding does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ir_kit.errors import IncidentError, one_line
from ir_kit.incident import BUCKET_NAME, KEY_ID, parse_time

__all__ = ["BASELINE", "MARGIN", "FindingFacts", "finding_facts", "incident_from_finding", "read_finding"]

MARGIN = timedelta(hours=24)
BASELINE = timedelta(days=28)
MAX_BYTES = 16 << 20

_HOUR = timedelta(hours=1)
_HOW = "save one finding with: aws guardduty get-findings"


def read_finding(path: str | Path) -> dict[str, Any]:
    """Which finding does this file hold?

    Parameters
    ----------
    path : str or Path
        JSON: a finding as the API gives it, the API's answer with one finding in it, or EventBridge's event.

    Returns
    -------
    dict
        The finding, in the shape in which it came.

    Raises
    ------
    IncidentError
        No such file, not JSON (names the line), not one finding.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise IncidentError(f"larger than {MAX_BYTES} bytes, so no finding", path, _HOW)
        value = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise IncidentError(f"the finding cannot be read ({error.strerror})", path, _HOW) from None
    except json.JSONDecodeError as error:
        raise IncidentError(f"not JSON, {error.msg}", f"{path}:{error.lineno}", _HOW) from None
    except (ValueError, RecursionError):
        raise IncidentError("not JSON", path, _HOW) from None
    return _one_finding(value, path)


class FindingFacts(NamedTuple):
    """What a finding names: its type and account, keys, principals, buckets, and when their events were first and last
    seen.
    """

    type: str
    account_id: str | None
    access_keys: tuple[str, ...]
    principals: tuple[str, ...]
    buckets: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime

    def line(self) -> str:
        """The facts on one line of a terminal."""
        wording = [f"GuardDuty {self.type}"]
        for name, values in (("key", self.access_keys), ("principal", self.principals), ("bucket", self.buckets)):
            if values:
                wording.append(f"{name} {', '.join(values[:5])}{' …' if len(values) > 5 else ''}")
        wording.append(f"seen {self.first_seen:%Y-%m-%dT%H:%M:%SZ} to {self.last_seen:%Y-%m-%dT%H:%M:%SZ}")
        return "; ".join(wording)


def finding_facts(finding: dict[str, Any], *, name: object = None) -> FindingFacts:
    """Which key, principal, buckets and times does this finding name?

    Parameters
    ----------
    finding : dict
        As the API or EventBridge gives it; of an S3 or IAM type, or an attack sequence.
    name : object
        What messages call the finding, such as its file.

    Returns
    -------
    FindingFacts
        Each name once, in the finding's order; empty where it names none.

    Raises
    ------
    IncidentError
        It is no finding, or names no time.

    Notes
    -----
    The buckets are those that GuardDuty noticed. A finding of an IAM type names none.
    """
    facts = _in_camel_case(_one_finding(finding, name))
    kind = one_line(facts.get("type") or "unknown", 100)
    first, last = _event_times(facts, kind, name)
    account = facts.get("accountId")
    return FindingFacts(
        kind,
        account if isinstance(account, str) else None,
        tuple(dict.fromkeys(_access_keys(facts))),
        tuple(dict.fromkeys(_principals(facts))),
        tuple(dict.fromkeys(_buckets(facts))),
        first,
        last,
    )


def incident_from_finding(
    finding: dict[str, Any], access_keys: Sequence[str] = (), *, name: object = None
) -> dict[str, Any]:
    """Which fields of an incident file does this finding give?

    Parameters
    ----------
    finding : dict
        As the API or EventBridge gives it.
    access_keys : Sequence of str
        Keys known from elsewhere, which come after the finding's.
    name : object
        What messages call the finding, such as its file.

    Returns
    -------
    dict
        ``title``, ``access_keys``, ``window`` and ``baseline`` as in the incident file; see the module for the rules.

    Raises
    ------
    IncidentError
        The finding names no access key (a finding about an instance or a container has none) and none was given, or it
        names no time.
    """
    facts = _in_camel_case(_one_finding(finding, name))
    kind = one_line(facts.get("type") or "unknown", 100)
    keys = list(dict.fromkeys([*_access_keys(facts), *access_keys]))
    if not keys:
        what = f"a finding of type {kind} without a usable access key id"
        raise IncidentError(what, name, "name the leaked key with --access-key")
    first, last = _event_times(facts, kind, name)
    start = _whole_hour(first - MARGIN)
    end = _whole_hour(last + MARGIN + _HOUR - timedelta(microseconds=1))
    return {
        "title": one_line(facts.get("title") or f"GuardDuty {kind}", 200),
        "access_keys": keys,
        "window": {"start": start, "end": end},
        "baseline": {"start": start - BASELINE, "end": start},
    }


def _one_finding(value: object, name: object) -> dict[str, Any]:
    """The finding inside what was given: the API's answer holds a list, EventBridge's event a ``detail``."""
    if isinstance(value, dict) and isinstance(value.get("Findings"), list):
        value = value["Findings"]
    if isinstance(value, list):
        if len(value) != 1:
            raise IncidentError(f"{len(value)} findings where one is wanted", name, "keep the one to investigate")
        value = value[0]
    if isinstance(value, dict) and isinstance(value.get("detail"), dict):
        value = value["detail"]
    if not isinstance(value, dict) or not {"service", "resource"} & set(_in_camel_case(value)):
        raise IncidentError("not a GuardDuty finding", name, _HOW)
    return value


def _in_camel_case(value: Any, depth: int = 0) -> Any:
    """The API's names as EventBridge spells them, so that one reader does for both."""
    if depth > 32:
        return None
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _in_camel_case(item, depth + 1) for key, item in value.items()}
    return [_in_camel_case(item, depth + 1) for item in value] if isinstance(value, list) else value


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _access_keys(facts: dict[str, Any]) -> Iterator[str]:
    """Key ids that exist; GuardDuty's sample findings carry a made-up word in their place."""
    actors = _at(facts, "service", "detection", "sequence", "actors")
    candidates = [_at(facts, "resource", "accessKeyDetails", "accessKeyId")]
    candidates += [_at(actor, "user", "credentialUid") for actor in actors] if isinstance(actors, list) else []
    for entry in _resources(facts, "ACCESS_KEY"):
        candidates += [entry.get("uid"), entry.get("name")]
    return (key for key in candidates if isinstance(key, str) and KEY_ID.fullmatch(key))


def _resources(facts: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The resources of this kind that an attack sequence names."""
    listed = _at(facts, "service", "detection", "sequence", "resources")
    named = listed if isinstance(listed, list) else []
    return [entry for entry in named if isinstance(entry, dict) and entry.get("resourceType") == kind]


def _principals(facts: dict[str, Any]) -> Iterator[str]:
    """Who held the key, as ``IAMUser deploy``."""
    actors = _at(facts, "service", "detection", "sequence", "actors")
    stored = [(_at(facts, "resource", "accessKeyDetails"), "userType", "userName")]
    stored += [(_at(entry, "data", "accessKey"), "userType", "userName") for entry in _resources(facts, "ACCESS_KEY")]
    stored += [(_at(entry, "user"), "type", "name") for entry in actors] if isinstance(actors, list) else []
    for entry, kind, name in stored:
        if isinstance(_at(entry, name), str):
            yield one_line(f"{_at(entry, kind) or ''} {_at(entry, name)}", 100)


def _buckets(facts: dict[str, Any]) -> Iterator[str]:
    """Names of buckets alone; GuardDuty's sample findings carry made-up ones, which cannot be told from real ones."""
    details = _at(facts, "resource", "s3BucketDetails")
    named = [_at(entry, "name") for entry in details] if isinstance(details, list) else []
    named += [
        entry.get("name") or str(entry.get("uid")).rpartition(":::")[2] for entry in _resources(facts, "S3_BUCKET")
    ]
    return (entry for entry in named if isinstance(entry, str) and BUCKET_NAME.fullmatch(entry))


def _event_times(facts: dict[str, Any], kind: str, name: object) -> tuple[datetime, datetime]:
    times = [
        _at(facts, "service", "eventFirstSeen") or facts.get("createdAt"),
        _at(facts, "service", "eventLastSeen") or facts.get("updatedAt"),
    ]
    texts = [time for time in times if isinstance(time, str) and time]
    if not texts:
        raise IncidentError(f"a finding of type {kind} without the time of its events", name, _HOW)
    try:
        moments = [parse_time(text) for text in texts]
    except IncidentError as error:
        raise IncidentError(f"{error.what} in a finding of type {kind}", name, _HOW) from None
    return min(moments), max(moments)


def _whole_hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
