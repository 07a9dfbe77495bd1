"""The incident file: whose keys, which window, which sources.

`load_incident` reads ``RUNS/INCIDENT/incident.yaml``, `new_incident` writes one. Whatever is wrong with it is an
`IncidentError` that names the file and the line, before any evidence is touched. Its YAML is mappings, lists and text:
scalars stay the text that was written, so that ``2026-03-01`` is no date before somebody has looked at its time zone.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from ir_kit.errors import IncidentError, one_line

FILE_NAME = "incident.yaml"
KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}")
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SEE = "see the fields of an incident file"
Location = tuple[Hashable, ...]
T = TypeVar("T")


# YAML that knows its lines


@dataclass
class Document:
    """What a YAML file says, and on which lines it says it."""

    name: str
    value: object = None
    lines: dict[Location, int] = field(default_factory=dict)

    def line(self, location: Location) -> int:
        """On which line stands this value, or failing that the nearest thing around it?"""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def add(self, node: yaml.Node, location: Location = ()) -> object:
        """The value of a node, its lines and those below it noted."""
        self.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.add(item, (*location, number)) for number, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return None if node.tag == "tag:yaml.org,2002:null" else node.value
        values: dict[str, object] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _fault("a key that is no text", key.start_mark, "write 'name: value'")
            if key.value in values:
                raise _fault(f"duplicate key {quoted(key.value)}", key.start_mark, "keep one of them")
            self.lines[*location, key.value] = key.start_mark.line + 1
            values[key.value] = self.add(item, (*location, key.value))
        return values


def _fault(what: str, mark: Any, next_step: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=mark, note=next_step)


class _Loader(yaml.SafeLoader):
    """Refuses what an incident file does not need: aliases and tags."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _fault("a YAML alias (*name)", event.start_mark, "write the value out")
        if event.tag:
            raise _fault(f"a YAML tag {quoted(event.tag)}", event.start_mark, "write plain text")
        return super().compose_node(parent, index)


def read_yaml(data: bytes, name: str) -> Document:
    """What does this YAML, in UTF-8, say, and on which lines? Messages call it `name`.

    Raises
    ------
    IncidentError
        The text is no YAML, or uses what an incident file may not: tags, aliases, duplicate keys, further documents.
    """
    document, loader = Document(name), None
    try:
        text = data.decode("utf-8-sig")
        loader = _Loader(text)
        node = loader.get_single_node()
        document.value = node and document.add(node)
        return document
    except UnicodeDecodeError as error:
        line, what, next_step = data.count(b"\n", 0, error.start), "not UTF-8 text", "save the file as UTF-8"
    except yaml.reader.ReaderError as error:
        line, what = text.count("\n", 0, error.position), "a character that YAML does not allow"
        next_step = "remove it"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        what, next_step = one_line(error.problem or error.context, 120), error.note or "mend it"
        what = what if error.note else f"not YAML, {what}"
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):  # an escape such as "\UFFFFFFFF", or depth
        line, what, next_step = loader.line if loader else 0, "not YAML", "mend it"
    raise IncidentError(what, f"{name}:{line + 1}", next_step)


# What a value may be


class Refusal(IncidentError, ValueError):
    """A value that the incident file may not hold, with the next step."""


def quoted(value: object) -> str:
    """A value as messages show it."""
    return f"'{one_line(value, 60)}'"


def check_name(incident: str) -> str:
    """Can this be an incident's name? It is also a folder's, so paths are refused."""
    if not _NAME.fullmatch(incident):
        form = "1 to 64 letters, digits, '.', '_' or '-', the first a letter or a digit; no path"
        raise IncidentError("not an incident's name", quoted(incident), form)
    return incident


def parse_time(value: object) -> datetime:
    """Which moment is this ISO 8601 text, or aware datetime, in UTC? Anything else is an `IncidentError`."""
    text, form = quoted(value), "write it as 2026-03-01T00:00:00Z"
    if isinstance(value, str):
        if _DATE.fullmatch(value):
            raise Refusal(f"a date without a time {text}", None, f"write {value}T00:00:00Z")
        try:
            value = datetime.fromisoformat(value.upper()) if _TIME.fullmatch(value) else None
        except ValueError:
            raise Refusal(f"no such time {text}", None, form) from None
    if not isinstance(value, datetime):
        raise Refusal(f"not an ISO 8601 time {text}", None, form)
    if value.utcoffset() is None:
        raise Refusal(f"a time without a zone {text}", None, "add Z for UTC")
    if not 1971 <= value.year <= 2199:  # a year's margin to what nanoseconds since 1970 can tell
        raise Refusal(f"a year that no log has {text}", None, "write the year of the incident")
    return value.astimezone(UTC)


def _network(value: str) -> str:
    try:
        interface = ipaddress.ip_interface(value)
        is_network, meant = interface.ip == interface.network.network_address, str(interface.network)
    except ValueError:
        is_network, meant = False, "203.0.113.7 or 203.0.113.0/24"
    if not is_network or "%" in value:
        raise Refusal(f"not an address or a CIDR block {quoted(value)}", None, f"write it as {meant}")
    return value


def _form(pattern: str | re.Pattern[str], what: str, next_step: str) -> AfterValidator:
    """A text that the whole pattern matches; else `what` it is, with the text and its length."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise Refusal(what.format(quoted(value), len(value)), None, next_step)
        return value

    return AfterValidator(check)


def _distinct(values: object) -> object:
    texts = isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values)
    return tuple(dict.fromkeys(values)) if texts else values  # type: ignore[call-overload]


def _one_or_more(value: object) -> object:
    return _distinct([value] if isinstance(value, str) else value)


Time = Annotated[datetime, BeforeValidator(parse_time)]
Network = Annotated[str, AfterValidator(_network)]
AccessKeyId = Annotated[
    str,  # not shown: it may be the secret key that was pasted
    _form(
        KEY_ID,
        "malformed access key id ({1} characters)",
        "an access key id is AKIA or ASIA and 16 capital letters or digits",
    ),
]
Bucket = Annotated[str, _form(BUCKET_NAME, "not a bucket's name {0}", "give the bare name, without s3:// or an ARN")]
PrincipalArn = Annotated[
    str,
    _form(
        r"arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:(root|(user|role|assumed-role|federated-user)/[\x21-\x7e]+)",
        "not the ARN of an IAM or STS principal {0}",
        "write it as arn:aws:iam::111122223333:role/name",
    ),
]
_PATH, _PREFIX = "give a folder, a file or an s3:// prefix", "write it as s3://bucket/prefix"
Source = Annotated[
    str,
    _form(r"(?!\s*$)[^\0]*", "not a path", _PATH),
    _form(rf"(?s)s3://{BUCKET_NAME.pattern}(/.*)?|(?!s3://).*", "not an s3:// prefix {0}", _PREFIX),
    _form(r"(?s)s3://.*|(?!.*://).*", "not a path, but a URL", _PATH),
    _form(r"(?s)[^~].*", "'~' is not expanded in {0}", "write the path out"),
]
AccountId = Annotated[str, _form(r"[0-9]{12}", "not an account id {0}", 'write it as "111122223333"')]
Region = Annotated[str, _form(r"[a-z]{2}(-[a-z]+)+-[0-9]", "not a Region {0}", "write it as us-east-1")]
AthenaName = Annotated[str, _form(r"[A-Za-z0-9_.-]{1,128}", "not a name of Athena's {0}", "write it as ir_kit")]
Several = Annotated[tuple[T, ...], BeforeValidator(_distinct)]
"""A list in which who is named twice is meant once."""


# What the file says


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}
        return values


class Window(_Model):
    """A half-open stretch of time, ``start <= t < end``, in UTC."""

    start: Time
    end: Time

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("start")
        if start is not None and end <= start:
            raise Refusal("an end that is not after its start", None, "let start come before end")
        return end


class KnownGood(_Model):
    """What the owner is known to use: addresses or CIDR blocks, and user agents."""

    source_ips: Several[Network] = ()
    user_agents: Several[str] = ()


class Sources(_Model):
    """Where the evidence lies, as the file says it; `Incident.source_paths` gives absolute paths."""

    cloudtrail: Several[Source] = ()
    access_logs: Several[Source] = ()
    configuration: Annotated[tuple[Source, ...], BeforeValidator(_one_or_more)] = ()


class Athena(_Model):
    """Where `ir-kit athena` may work: the account, database and workgroup of the analysis, never the investigated ones."""

    account: AccountId
    region: Region
    database: AthenaName
    workgroup: AthenaName
    output: Annotated[Source, _form(r"(?s)s3://.*", "not an s3:// prefix {0}", _PREFIX)]


class Incident(_Model):
    """What is being investigated: the content of one incident file, and where it lies."""

    incident: str
    title: Annotated[str, AfterValidator(one_line)] = ""
    access_keys: Several[AccessKeyId]
    window: Window
    baseline: Window | None = None
    buckets: Several[Bucket] = ()
    sensitive_buckets: Several[Bucket] = ()
    known_good: KnownGood = Field(default_factory=KnownGood)
    responders: Several[PrincipalArn] = ()
    athena: Athena | None = None
    sources: Sources

    _document: Document = PrivateAttr(default_factory=lambda: Document(FILE_NAME))
    _path: Path = PrivateAttr(default=Path(FILE_NAME))

    @field_validator("incident")
    @classmethod
    def _is_its_folder(cls, incident: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder", incident)
        if incident != folder:
            raise Refusal(
                f"incident {quoted(incident)} in the folder {quoted(folder)}", None, "give both the same name"
            )
        return incident

    @field_validator("access_keys")
    @classmethod
    def _at_least_one(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys:
            raise Refusal("no access key", None, "name at least one access key id")
        return keys

    @field_validator("baseline")
    @classmethod
    def _before_window(cls, baseline: Window | None, info: ValidationInfo) -> Window | None:
        window = info.data.get("window")
        if baseline and window and baseline.end > window.start:
            raise Refusal("a baseline that ends after the window's start", None, "end it where the window starts")
        return baseline

    @property
    def path(self) -> Path:
        """The incident file, absolute."""
        return self._path

    @property
    def folder(self) -> Path:
        """The incident file's folder, absolute."""
        return self._path.parent

    def where(self, *location: str | int) -> str:
        """Where in the file does this stand? ``incident.where("sources", "cloudtrail", 0)`` names file and line."""
        return f"{self._document.name}:{self._document.line(location)}"

    def source_paths(self, kind: str) -> list[Path | str]:
        """Where does the evidence of a kind lie, whether or not anything lies there?

        Parameters
        ----------
        kind : {"cloudtrail", "access_logs", "configuration"}
            As under ``sources`` in the file.

        Returns
        -------
        list
            One absolute `Path` or ``s3://`` text per source, in the file's order; empty if none.
        """
        listed: tuple[str, ...] = getattr(self.sources, kind)
        return [source if source.startswith("s3://") else self.folder / source for source in listed]


# Reading and writing one


def load_incident(incident: str, runs: str | Path = "runs") -> Incident:
    """What does ``RUNS/INCIDENT/incident.yaml`` say?

    Raises
    ------
    IncidentError
        The name is malformed, the file is missing, or something in it is wrong: names the file and the first such line.
    """
    path = Path(runs) / check_name(incident) / FILE_NAME
    if not path.is_file():
        how = "ir-kit demo" if incident == "demo" else f"ir-kit open {incident} --access-key ... --start ... --end ..."
        raise IncidentError("no incident file", path, f"make it with: {how}, or name its folder with --runs")
    try:
        document = read_yaml(path.read_bytes(), str(path))
    except OSError as error:
        raise IncidentError(f"cannot be read ({error.strerror})", path, "check its permissions") from None
    if not isinstance(document.value, dict):
        raise IncidentError("not a mapping", f"{path}:{document.line(())}", "write 'name: value' lines")
    result = _validated(document.value, incident, document)
    result._document = document
    result._path = path.absolute()
    return result


def _validated(value: Mapping[str, object], incident: str, document: Document | None) -> Incident:
    try:
        result = Incident.model_validate(dict(value), context={"folder": incident})
    except ValidationError as error:
        details = error.errors()
    else:
        return result if result.title else result.model_copy(update={"title": incident})
    lines = [document.line(detail["loc"]) if document else 0 for detail in details]
    # what is missing comes last: it may be there, misspelt
    order = sorted(range(len(details)), key=lambda number: (details[number]["type"] == "missing", lines[number]))
    places = [f"line {lines[n]}" if document else ".".join(map(str, details[n]["loc"])) for n in order]
    where = f"{document.name}:{lines[order[0]]}" if document else places[0]
    more = f" (and {len(places) - 1} more: {', '.join(dict.fromkeys(places[1:]))})" if places[1:] else ""
    what, next_step = _problem(details[order[0]])
    raise IncidentError(what, where, next_step + more)


def _problem(detail: ErrorDetails) -> tuple[str, str]:
    location, kind = detail["loc"], detail["type"]
    name = one_line(location[-1], 60)
    what, next_step = f"{name!r}: {one_line(detail['msg'], 120)}", _SEE
    if kind == "value_error":
        refusal = detail["ctx"]["error"]
        what, next_step = refusal.what, refusal.next_step
    elif location == ("engine",):
        what, next_step = "the key 'engine' is gone", "delete the line: DuckDB answers every question"
    elif kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = difflib.get_close_matches(name, known, 1)
        what = f"unknown key {name!r}"
        next_step = f"did you mean {near[0]!r}?" if near else f"the keys here: {', '.join(known)}"
    elif kind == "missing":
        what, next_step = f"{name!r} is missing", f"add {'.'.join(map(str, location))}"
    elif kind == "tuple_type":
        what, next_step = f"{name!r} is not a list", f"write {name}: [a, b]"
    elif kind == "model_type":
        what, next_step = f"{name!r} is not a mapping", f"it holds: {', '.join(_known_keys(location))}"
    elif kind.startswith("string"):
        what, next_step = f"{name!r} is not text", "write one line of text"
    return what, next_step


def _known_keys(location: Location) -> list[str]:
    models: dict[Hashable, type[BaseModel]]
    models = {
        "window": Window, "baseline": Window, "known_good": KnownGood, "athena": Athena, "sources": Sources,
    }  # fmt: skip
    return list(models.get(location[0] if location else None, Incident).model_fields)


def publish(path: Path, write: Callable[[Path], T], *, anew: bool = False) -> T:
    """Write a file whole, in one step, for processes side by side; one that is there stays, unless written `anew`.

    Another process may be reading the file that is there, and one replaced as it is read is no longer readable.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_suffix(f".{os.getpid()}.partial")
    try:
        result = write(own)
        try:
            if not anew:
                os.link(own, path)
        except OSError:  # it is there meanwhile, or the file system has no links
            anew = not path.exists()
        if anew:
            os.replace(own, path)
    finally:
        own.unlink(missing_ok=True)
    return result


def new_incident(
    runs: str | Path, incident: str, fields: Mapping[str, object], *, base: str | Path | None = None
) -> Path:
    """Write ``RUNS/INCIDENT/incident.yaml``, whole or not at all; one that is there stays.

    Parameters
    ----------
    fields : Mapping
        The fields of the incident file, nested as there; times as ISO 8601 text or aware datetimes.
    base : str or Path, optional
        Where relative sources start; by default they start at the incident file, as they do when it is read.

    Raises
    ------
    IncidentError
        A field is wrong (``where`` is its dotted name), the file exists, or its folder cannot be written.
    """
    path = Path(runs) / check_name(incident) / FILE_NAME
    exists = IncidentError("the incident exists", path, "edit that file, or choose another name")
    if os.path.lexists(path):
        raise exists
    content = _validated({"incident": incident, **fields}, incident, None)
    try:
        data = _rendered(content, path, base).encode()
        publish(path, lambda own: own.write_bytes(data))
        if path.read_bytes() != data:  # of another process, meanwhile
            raise exists
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise IncidentError(f"cannot be written ({reason})", path, "choose another folder with --runs") from None
    return path


_COMMENTS = {
    "incident": "An incident of ir-kit. Times are UTC; an end is the first moment outside.",
    "buckets": "No buckets: every bucket that configuration lists or that a successful request was logged for.",
    "responders": "Principals of the investigation itself, left out of findings.",
    "sources": "Folders, files or s3:// prefixes; a relative path starts at this file.",
}


def _rendered(content: Incident, path: Path, base: str | Path | None) -> str:
    fields = content.model_dump(mode="json", exclude_none=True)
    folder = path.parent.absolute()
    for listed in fields["sources"].values() if base is not None else ():
        for number, source in enumerate(listed):
            target = Path(os.path.abspath(Path(base or "") / source))
            if not source.startswith("s3://"):  # relative within the file's folder, else absolute
                inside = target.is_relative_to(folder)
                listed[number] = (target.relative_to(folder) if inside else target).as_posix()
    configuration = fields["sources"].pop("configuration")
    if configuration:  # one file is written without brackets
        fields["sources"]["configuration"] = configuration if len(configuration) > 1 else configuration[0]
    # characters that YAML takes for line breaks are written as escapes
    plain = not re.search("[\x85\u2028\u2029]", content.model_dump_json())
    text = ""
    for name, value in fields.items():
        text += f"# {_COMMENTS[name]}\n" if name in _COMMENTS else ""
        if name in ("window", "baseline"):
            text += f"{name}: {{start: {value['start']}, end: {value['end']}}}\n"
        else:
            flow = None if isinstance(value, (list, dict)) else False
            text += yaml.safe_dump(
                {name: value}, width=1 << 30, default_flow_style=flow, allow_unicode=plain, sort_keys=False
            )
    return text
