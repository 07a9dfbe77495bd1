"""What a value of the incident file may be: one check a kind, each refusal with its next step."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from ir_kit.errors import IncidentError, one_line

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}")
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:(root|(user|role|assumed-role|federated-user)/[\x21-\x7e]+)"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def refusal(what: str, next_step: str, *at: str | int) -> PydanticCustomError:
    """A reason to refuse a value, `at` a place below the field that was looked at."""
    return PydanticCustomError("incident", "{what}", {"what": what, "next_step": next_step, "at": at})


def quoted(value: object) -> str:
    return f"'{one_line(value, 60)}'"


def _time(value: object) -> datetime:
    if isinstance(value, str):
        match = _TIME.fullmatch(value)
        if _DATE.fullmatch(value):
            raise refusal(f"a date without a time {quoted(value)}", f"write {value}T00:00:00Z")
        if match is None:
            raise refusal(f"not an ISO 8601 time {quoted(value)}", "write it as 2026-03-01T00:00:00Z")
        if match["zone"] is None:
            raise refusal(f"a time without a zone {quoted(value)}", "add Z for UTC")
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            raise refusal(f"no such time {quoted(value)}", "write it as 2026-03-01T00:00:00Z") from None
    if not isinstance(value, datetime):
        raise refusal("not a time", "write it as 2026-03-01T00:00:00Z")
    if value.utcoffset() is None:
        raise refusal(f"a time without a zone {quoted(value)}", "give it one")
    if not 1971 <= value.year <= 2199:  # a year's margin to what nanoseconds since 1970 can tell
        raise refusal(f"a year that no log has {quoted(value)}", "write the year of the incident")
    return value.astimezone(UTC)


def _access_key_id(value: str) -> str:
    if not KEY_ID.fullmatch(value):  # not shown: it may be the secret key that was pasted
        form = "AKIA or ASIA and 16 capital letters or digits"
        raise refusal(f"malformed access key id ({len(value)} characters)", f"an access key id is {form}")
    return value


def _bucket(value: str) -> str:
    if not BUCKET_NAME.fullmatch(value):
        raise refusal(f"not a bucket's name {quoted(value)}", "give the bare name, without s3:// or an ARN")
    return value


def _principal_arn(value: str) -> str:
    if not _PRINCIPAL.fullmatch(value):
        form = "arn:aws:iam::111122223333:role/name"
        raise refusal(f"not the ARN of an IAM or STS principal {quoted(value)}", f"write it as {form}")
    return value


def _network(value: str) -> str:
    try:
        if "%" in value:
            raise ValueError
        ipaddress.ip_network(value)
    except ValueError:
        try:
            meant = str(ipaddress.ip_interface(value).network)
        except ValueError:
            meant = "203.0.113.7 or 203.0.113.0/24"
        raise refusal(f"not an address or a CIDR block {quoted(value)}", f"write it as {meant}") from None
    return value


def _source(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise refusal("not a path", "give a folder, a file or an s3:// prefix")
    if value.startswith("s3://"):
        if not BUCKET_NAME.fullmatch(value[5:].partition("/")[0]):
            raise refusal(f"not an s3:// prefix {quoted(value)}", "write it as s3://bucket/prefix")
    elif "://" in value:
        raise refusal(f"not a path {quoted(value.partition('://')[0])}", "give a folder, a file or an s3:// prefix")
    elif value.startswith("~"):
        raise refusal(f"'~' is not expanded in {quoted(value)}", "write the path out")
    return value


def s3_prefix(value: str) -> str:
    """A source that is an ``s3://`` prefix."""
    if not value.startswith("s3://"):
        raise refusal(f"not an s3:// prefix {quoted(value)}", "write it as s3://bucket/prefix")
    return value


def _form(pattern: str, kind: str, example: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise refusal(f"not {kind} {quoted(value)}", f"write it as {example}")
        return value

    return AfterValidator(check)


def distinct(values: object) -> object:
    """An empty value is an empty list, and who is named twice is meant once."""
    if values is None:
        return ()
    if isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values):
        return tuple(dict.fromkeys(values))
    return values


def one_or_more(value: object) -> object:
    """One text is a list of one."""
    return distinct([value] if isinstance(value, str) else value)


def empty(value: object) -> object:
    return {} if value is None else value


Time = Annotated[datetime, BeforeValidator(_time)]
Bucket = Annotated[str, AfterValidator(_bucket)]
Source = Annotated[str, AfterValidator(_source)]
Network = Annotated[str, AfterValidator(_network)]
AccessKeyId = Annotated[str, AfterValidator(_access_key_id)]
PrincipalArn = Annotated[str, AfterValidator(_principal_arn)]
AccountId = Annotated[str, _form(r"[0-9]{12}", "an account id", '"111122223333"')]
Region = Annotated[str, _form(r"[a-z]{2}(-[a-z]+)+-[0-9]", "a Region", "us-east-1")]
AthenaName = Annotated[str, _form(r"[A-Za-z0-9_.-]{1,128}", "a name of Athena's", "ir_kit")]


def check_name(incident: str) -> str:
    """Can this be an incident's name? It is also a folder's, so paths are refused."""
    if not _NAME.fullmatch(incident):
        form = "1 to 64 letters, digits, '.', '_' or '-', the first a letter or a digit; no path"
        raise IncidentError("not an incident's name", quoted(incident), form)
    return incident


def parse_time(value: str) -> datetime:
    """Which moment is this ISO 8601 text, in UTC? A naive time is an `IncidentError`."""
    try:
        return _time(value)
    except PydanticCustomError as error:
        context = error.context or {}
        raise IncidentError(context["what"], None, context["next_step"]) from None
