"""What does a GuardDuty finding say about an incident?

A finding names a key and the time in which GuardDuty saw it misused; an incident file asks for more room than that:

- **keys**: the finding's access key; of an attack sequence, those of all its actors and of the keys it names.
- **window**: from 24 hours before the first event seen, rounded down to the hour, to 24 hours after the last one,
  rounded up. A misuse that GuardDuty notices has often begun before.
- **baseline**: the 28 days before the window.
- **buckets** stay empty, which means every bucket: the one that GuardDuty noticed is a hint, not a boundary. Which
  buckets are sensitive, a finding does not know.

Source: GuardDuty User Guide, "GuardDuty finding format"; EventBridge spells the same fields in camel case.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import jmespath

from ir_kit.errors import IncidentError, one_line
from ir_kit.incident import BUCKET_NAME, KEY_ID, parse_time

MARGIN = timedelta(hours=24)
BASELINE = timedelta(days=28)
_HOUR = timedelta(hours=1)
_HOW = "save one finding with: aws guardduty get-findings"
_ACTORS = "service.detection.sequence.actors[]"
_RESOURCES = "service.detection.sequence.resources[?resourceType=='{}']"
_KEYS, _BUCKETS = _RESOURCES.format("ACCESS_KEY"), _RESOURCES.format("S3_BUCKET")
ACCESS_KEYS = f"[resource.accessKeyDetails.accessKeyId, {_ACTORS}.user.credentialUid, {_KEYS}.[uid, name][]][]"
PRINCIPALS = (
    f"[resource.accessKeyDetails.{{kind: userType, name: userName}}, "
    f"{_KEYS}.data.accessKey.{{kind: userType, name: userName}}, {_ACTORS}.user.{{kind: type, name: name}}][]"
)
BUCKETS = f"[resource.s3BucketDetails[].name, {_BUCKETS}.[name || uid][]][]"
TIMES = "[service.eventFirstSeen || createdAt, service.eventLastSeen || updatedAt]"


class GuardDutyFinding(NamedTuple):
    """What a finding names, each once and in its order: keys, principals, buckets (those that GuardDuty noticed; none in
    a finding of an IAM type), and when their events were first and last seen.
    """

    type: str
    title: str
    access_keys: tuple[str, ...]
    principals: tuple[str, ...]
    buckets: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    file: object

    def line(self) -> str:
        """The facts on one line of a terminal."""
        wording = [f"GuardDuty {self.type}"]
        for name, values in (("key", self.access_keys), ("principal", self.principals), ("bucket", self.buckets)):
            if values:
                wording.append(f"{name} {', '.join(values[:5])}{' …' if len(values) > 5 else ''}")
        wording.append(f"seen {self.first_seen:%Y-%m-%dT%H:%M:%SZ} to {self.last_seen:%Y-%m-%dT%H:%M:%SZ}")
        return "; ".join(wording)

    def incident_fields(self, access_keys: Sequence[str] = ()) -> dict[str, Any]:
        """Which fields of an incident file does this finding give, `access_keys` known from elsewhere after its own?

        Returns
        -------
        dict
            ``title``, ``access_keys``, ``window`` and ``baseline`` as in the incident file; see the module for the rules.

        Raises
        ------
        IncidentError
            The finding names no access key (one about an instance or a container has none) and none was given.
        """
        keys = list(dict.fromkeys([*self.access_keys, *access_keys]))
        if not keys:
            what = f"a finding of type {self.type} without a usable access key id"
            raise IncidentError(what, self.file, "name the leaked key with --access-key")
        start = (self.first_seen - MARGIN).replace(minute=0, second=0, microsecond=0)
        end = self.last_seen + MARGIN + _HOUR - timedelta(microseconds=1)
        return {
            "title": self.title,
            "access_keys": keys,
            "window": {"start": start, "end": end.replace(minute=0, second=0, microsecond=0)},
            "baseline": {"start": start - BASELINE, "end": start},
        }


def read_finding(path: str | Path) -> GuardDutyFinding:
    """What does the finding in this file name?

    Parameters
    ----------
    path : str or Path
        JSON: a finding as the API gives it, the API's answer with one finding in it, or EventBridge's event; of an S3 or
        IAM type, or an attack sequence.

    Raises
    ------
    IncidentError
        It cannot be read, is not JSON (names the line), not one finding, or one that names no time.

    Notes
    -----
    GuardDuty's sample findings carry a made-up word in place of the key, which is left out, and made-up buckets, which
    look like real ones.
    """
    try:  # the API's names as EventBridge spells them, so that one reader does for both
        text = Path(path).read_text(encoding="utf-8-sig")
        finding = _one_finding(
            json.loads(
                text, object_pairs_hook=lambda pairs: {name[:1].lower() + name[1:]: value for name, value in pairs}
            ),
            path,
        )
    except OSError as error:
        raise IncidentError(f"the finding cannot be read ({error.strerror})", path, _HOW) from None
    except json.JSONDecodeError as error:
        raise IncidentError(f"not JSON, {error.msg}", f"{path}:{error.lineno}", _HOW) from None
    except (ValueError, RecursionError):
        raise IncidentError("not JSON", path, _HOW) from None
    kind = one_line(finding.get("type") or "unknown", 100)
    try:
        times = [parse_time(time) for time in _texts(TIMES, finding)]
    except IncidentError as error:
        raise IncidentError(f"{error.what} in a finding of type {kind}", path, _HOW) from None
    if not times:
        raise IncidentError(f"a finding of type {kind} without the time of its events", path, _HOW)
    buckets = (name.rpartition(":::")[2] for name in _texts(BUCKETS, finding))
    principals = [item for item in jmespath.search(PRINCIPALS, finding) if isinstance(item["name"], str)]
    return GuardDutyFinding(
        kind,
        one_line(finding.get("title") or f"GuardDuty {kind}", 200),
        tuple(dict.fromkeys(key for key in _texts(ACCESS_KEYS, finding) if KEY_ID.fullmatch(key))),
        tuple(dict.fromkeys(one_line(f"{item['kind'] or ''} {item['name']}", 100) for item in principals)),
        tuple(dict.fromkeys(name for name in buckets if BUCKET_NAME.fullmatch(name))),
        min(times),
        max(times),
        path,
    )


def _texts(expression: str, finding: dict[str, Any]) -> list[str]:
    return [value for value in jmespath.search(expression, finding) or () if isinstance(value, str) and value]


def _one_finding(value: Any, file: object) -> dict[str, Any]:
    """The finding inside what was given: the API's answer holds a list, EventBridge's event a ``detail``."""
    if isinstance(value, dict) and isinstance(value.get("findings"), list):
        value = value["findings"]
    if isinstance(value, list):
        if len(value) != 1:
            raise IncidentError(f"{len(value)} findings where one is wanted", file, "keep the one to investigate")
        value = value[0]
    if isinstance(value, dict) and isinstance(value.get("detail"), dict):
        value = value["detail"]
    if not isinstance(value, dict) or not {"service", "resource"} & set(value):
        raise IncidentError("not a GuardDuty finding", file, _HOW)
    return value
