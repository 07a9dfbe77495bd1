"""The incident file: whose keys, which window, which sources.

`load_incident` reads ``RUNS/INCIDENT/incident.yaml``, `new_incident` writes one. Whatever is wrong with it is an
`IncidentError` that names the file and the line, before any evidence is touched.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Hashable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

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
)
from pydantic_core import ErrorDetails

from ir_kit import yaml_lines
from ir_kit.errors import IncidentError, one_line
from ir_kit.incident_values import (
    AccessKeyId,
    AccountId,
    AthenaName,
    Bucket,
    Network,
    PrincipalArn,
    Region,
    Source,
    Time,
    check_name,
    distinct,
    empty,
    one_or_more,
    parse_time,
    quoted,
    refusal,
    s3_prefix,
)
from ir_kit.yaml_lines import Document, Location, Problem

__all__ = ["Incident", "KnownGood", "Sources", "Window", "check_name", "load_incident", "new_incident", "parse_time"]

FILE_NAME = "incident.yaml"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(_Model):
    """A half-open stretch of time, ``start <= t < end``, in UTC."""

    start: Time
    end: Time

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("start")
        if start is not None and end <= start:
            raise refusal("an end that is not after its start", "let start come before end")
        return end


class KnownGood(_Model):
    """What the owner is known to use: addresses or CIDR blocks, and user agents."""

    source_ips: Annotated[tuple[Network, ...], BeforeValidator(distinct)] = ()
    user_agents: Annotated[tuple[str, ...], BeforeValidator(distinct)] = ()


class Sources(_Model):
    """Where the evidence lies, as the file says it; `Incident.source_paths` gives absolute paths."""

    cloudtrail: Annotated[tuple[Source, ...], BeforeValidator(distinct)] = ()
    access_logs: Annotated[tuple[Source, ...], BeforeValidator(distinct)] = ()
    configuration: Annotated[tuple[Source, ...], BeforeValidator(one_or_more)] = ()


class Athena(_Model):
    """Where `ir-kit athena` may work: the account, database and workgroup of the analysis, never the investigated ones."""

    account: AccountId
    region: Region
    database: AthenaName
    workgroup: AthenaName
    output: Annotated[Source, AfterValidator(s3_prefix)]


class Incident(_Model):
    """What is being investigated: the content of one incident file, and where it lies."""

    incident: str
    title: Annotated[str, BeforeValidator(lambda value: "" if value is None else value), AfterValidator(one_line)] = ""
    access_keys: Annotated[tuple[AccessKeyId, ...], BeforeValidator(distinct)]
    window: Window
    baseline: Window | None = None
    buckets: Annotated[tuple[Bucket, ...], BeforeValidator(distinct)] = ()
    sensitive_buckets: Annotated[tuple[Bucket, ...], BeforeValidator(distinct)] = ()
    known_good: Annotated[KnownGood, BeforeValidator(empty)] = Field(default_factory=KnownGood)
    responders: Annotated[tuple[PrincipalArn, ...], BeforeValidator(distinct)] = ()
    athena: Athena | None = None
    sources: Sources

    _document: Document = PrivateAttr(default_factory=lambda: Document(FILE_NAME))
    _path: Path = PrivateAttr(default=Path(FILE_NAME))

    @field_validator("incident")
    @classmethod
    def _is_its_folder(cls, incident: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder", incident)
        if incident != folder:
            raise refusal(f"incident {quoted(incident)} in the folder {quoted(folder)}", "give both the same name")
        return check_name(incident)

    @field_validator("access_keys")
    @classmethod
    def _at_least_one(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys:
            raise refusal("no access key", "name at least one access key id")
        return keys

    @field_validator("baseline")
    @classmethod
    def _before_window(cls, baseline: Window | None, info: ValidationInfo) -> Window | None:
        window = info.data.get("window")
        if baseline and window and baseline.end > window.start:
            raise refusal("a baseline that ends after the window's start", "end it where the window starts", "end")
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
        """Where does the evidence of a kind lie?

        Parameters
        ----------
        kind : {"cloudtrail", "access_logs", "configuration"}
            As under ``sources`` in the file.

        Returns
        -------
        list
            One absolute `Path` or ``s3://`` text per source, in the file's order; empty if none.

        Notes
        -----
        Whether anything lies there is not looked at.
        """
        listed: tuple[str, ...] = getattr(self.sources, kind)
        return [source if source.startswith("s3://") else self.folder / source for source in listed]


def load_incident(incident: str, runs: str | Path = "runs") -> Incident:
    """What does ``RUNS/INCIDENT/incident.yaml`` say?

    Parameters
    ----------
    incident : str
        The incident's name, which is its folder's below `runs`.
    runs : str or Path
        The folder of all incidents.

    Returns
    -------
    Incident
        The validated file, immutable, with all times in UTC.

    Raises
    ------
    IncidentError
        The name is malformed, the file is missing, or something in it is wrong: names the file and the first such line.
    """
    path = Path(runs) / check_name(incident) / FILE_NAME
    document = yaml_lines.read(_content(path, incident), str(path))
    if not isinstance(document.value, dict):
        raise IncidentError("not a mapping", f"{path}:{document.line(())}", "write 'name: value' lines")
    result = _validated(document.value, incident, document)
    result._document = document
    result._path = path.absolute()
    return result


def _content(path: Path, incident: str) -> bytes:
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(yaml_lines.MAX_BYTES + 1)
    except OSError as error:
        raise IncidentError(f"cannot be read ({error.strerror})", path, "check its permissions") from None
    how = "ir-kit demo" if incident == "demo" else f"ir-kit open {incident} --access-key ... --start ... --end ..."
    raise IncidentError("no incident file", path, f"make it with: {how}, or name its folder with --runs")


def _validated(value: Mapping[str, object], incident: str, document: Document | None) -> Incident:
    problems = list(document.problems) if document else []
    result = None
    try:
        result = Incident.model_validate(dict(value), context={"folder": incident})
    except ValidationError as error:
        for detail in error.errors():
            problems.append(_problem(detail, document))
    if problems or result is None:
        raise yaml_lines.first_of(problems, document)
    return result if result.title else result.model_copy(update={"title": incident})


def _problem(detail: ErrorDetails, document: Document | None) -> Problem:
    context = detail.get("ctx", {})
    location: Location = (*detail["loc"], *context.get("at", ()))
    kind, name = detail["type"], one_line(location[-1] if location else "the file", 60)
    what, next_step = f"{name!r}: {one_line(detail['msg'], 120)}", None
    if kind == "incident":
        what, next_step = context["what"], context["next_step"]
    elif kind == "extra_forbidden" and location == ("engine",):
        what, next_step = "'engine' is no field any more", "remove the line: questions run on DuckDB"
    elif kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = difflib.get_close_matches(name, known, 1)
        what = f"unknown key {name!r}"
        next_step = f"did you mean {near[0]!r}?" if near else f"the keys here: {', '.join(known)}"
    elif kind == "missing":
        what, next_step = f"{name!r} is missing", f"add {'.'.join(map(str, location))}"
    elif kind == "tuple_type":
        what, next_step = f"{name!r} is not a list", f"write {name}: [a, b]"
    elif kind in {"model_type", "model_attributes_type"}:
        what, next_step = f"{name!r} is not a mapping", f"it holds: {', '.join(_known_keys(location))}"
    elif kind.startswith("string"):
        what, next_step = f"{name!r} is not text", "write one line of text"
    line = document.line(location) if document else None
    return Problem(what, next_step, line, location, exact=kind != "missing")


def _known_keys(location: Location) -> list[str]:
    models: dict[Hashable, type[BaseModel]]
    models = {
        "window": Window, "baseline": Window, "known_good": KnownGood, "athena": Athena, "sources": Sources,
    }  # fmt: skip
    return list(models.get(location[0] if location else None, Incident).model_fields)


def new_incident(
    runs: str | Path, incident: str, fields: Mapping[str, object], *, base: str | Path | None = None
) -> Path:
    """Write ``RUNS/INCIDENT/incident.yaml``, whole or not at all; one that is there stays.

    Parameters
    ----------
    runs : str or Path
        The folder of all incidents; made where it is missing.
    incident : str
        The incident's name, which becomes its folder's.
    fields : Mapping
        The fields of the incident file, nested as there; times as ISO 8601 text or aware datetimes.
    base : str or Path, optional
        Where relative sources start; by default they start at the incident file, as they do when it is read.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    IncidentError
        A field is wrong (``where`` is its dotted name), the file exists, or its folder cannot be written.
    """
    path = Path(runs) / check_name(incident) / FILE_NAME
    if os.path.lexists(path):
        raise IncidentError("the incident exists", path, "edit that file, or choose another name")
    content = _validated({**fields, "incident": fields.get("incident", incident)}, incident, None)
    text = _rendered(content, path, None if base is None else Path(base))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_new(path, text)
    except FileExistsError:
        raise IncidentError("the incident exists", path, "edit that file, or choose another name") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise IncidentError(f"cannot be written ({reason})", path, "choose another folder with --runs") from None
    return path


def _write_new(path: Path, text: str) -> None:
    """Give `path` this content in one step, without replacing what another process put there meanwhile."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: claim the name, then fill it
            path.touch(exist_ok=False)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _rendered(content: Incident, path: Path, base: Path | None) -> str:
    def lines(name: str, value: object) -> str:
        flow = None if isinstance(value, (list, dict)) else False
        # characters that YAML takes for line breaks are written as escapes
        text = json.dumps(value, ensure_ascii=False, default=str)
        plain = not {"\x85", "\u2028", "\u2029"} & set(text)
        options: dict[str, Any] = {"default_flow_style": flow, "allow_unicode": plain, "sort_keys": False}
        return str(yaml.safe_dump({name: value}, width=1 << 30, **options))

    def window(value: Window) -> str:
        start, end = (time.isoformat().replace("+00:00", "Z") for time in (value.start, value.end))
        return f"{{start: {start}, end: {end}}}\n"

    fields: dict[str, Any] = content.model_dump(mode="json")
    sources = fields["sources"]
    for kind in list(sources):
        sources[kind] = [_from_file(source, path, base) for source in sources[kind]]
    configuration = sources.pop("configuration")
    if configuration:  # one file is written without brackets
        sources["configuration"] = configuration if len(configuration) > 1 else configuration[0]
    text = "# An incident of ir-kit. Times are UTC; an end is the first moment outside.\n"
    text += "".join(lines(name, fields[name]) for name in ("incident", "title", "access_keys"))
    text += "window: " + window(content.window)
    if content.baseline:
        text += "baseline: " + window(content.baseline)
    text += "# No buckets: every bucket that configuration lists or that a logged request reached with success.\n"
    text += "".join(lines(name, fields[name]) for name in ("buckets", "sensitive_buckets", "known_good"))
    text += "# Principals of the investigation itself, left out of findings.\n"
    text += lines("responders", fields["responders"])
    if content.athena:
        text += lines("athena", fields["athena"])
    text += "# Folders, files or s3:// prefixes; a relative path starts at this file.\n"
    return text + lines("sources", sources)


def _from_file(source: str, path: Path, base: Path | None) -> str:
    """The same place, seen from the incident file: relative within its folder, else absolute."""
    if base is None or source.startswith("s3://"):
        return source
    target, folder = Path(os.path.abspath(base / source)), path.parent.absolute()
    return (target.relative_to(folder) if target.is_relative_to(folder) else target).as_posix()
