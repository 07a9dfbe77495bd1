"""How does an executed notebook read as a page that opens offline, fetches nothing and runs nothing out of a log?

A page holds no code cell. The only scripts are plotly.js and a static script that draws, both allowed by their hash,
only on pages with charts; what they draw stands as JSON that is never executed. nbconvert is not used: its environment
does not escape by default, it takes templates from the user's Jupyter folders, and it parses each finished page again.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from ir_kit.incident import Incident
from ir_kit.record.markup import clean_html, figure_json, markdown_to_html, visible, without_escapes

__all__ = ["Header", "header_of", "render_notebook", "render_report"]

_PLOTLY = "application/vnd.plotly.v1+json"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_ERROR_MARKER = "papermill-error-cell-tag"


@dataclass(frozen=True)
class Header:
    """What stands at the top of each page."""

    incident: str
    title: str
    window: str
    run: str
    version: str
    playbook: str = ""


@dataclass(frozen=True)
class _Part:
    """One thing on the page: its kind, its text, and its HTML (or JSON, or data address) where it has one."""

    kind: str
    text: str = ""
    html: Markup = Markup("")


def header_of(incident: Incident, run: str, version: str, playbook: str = "") -> Header:
    """What stands at the top of this incident's pages?"""
    start, end = (f"{time:%Y-%m-%d %H:%M:%S}" for time in (incident.window.start, incident.window.end))
    return Header(incident.incident, incident.title, f"{start} to {end} UTC", run, version, playbook)


def render_notebook(notebook: Mapping[str, Any], header: Header, *, error: str | None = None) -> str:
    """How does this executed notebook read as a page?

    Parameters
    ----------
    notebook : mapping
        The notebook's JSON, format 4.
    header : Header
        What stands at its top.
    error : str, optional
        Why the playbook failed, in one line.

    Returns
    -------
    str
        HTML in one file.
    """
    parts = [part for cell in notebook["cells"] for part in _cell(cell)]
    scripts = _scripts() if any(part.kind == "figure" for part in parts) else ()
    return _page("page.html.j2", scripts, header=header, parts=parts, error=error and visible(error))


def render_report(header: Header, playbooks: Sequence[Mapping[str, Any]], findings: Iterable[Mapping[str, Any]]) -> str:
    """How do the findings of a run read on one page?

    Parameters
    ----------
    header : Header
        What stands at its top.
    playbooks : sequence of mapping
        One per playbook as in ``run.json``: playbook, notebook, outcome, error.
    findings : iterable of mapping
        One per finding, as in ``findings.jsonl``.
    """
    found = list(findings)
    listed = [
        {
            "heading": playbook["playbook"].replace("_", " ").capitalize(),
            "page": playbook["notebook"].removesuffix(".ipynb") + ".html",
            "error": playbook["error"] and visible(playbook["error"]),
            "findings": [_finding(row) for row in found if row.get("playbook") == playbook["playbook"]],
        }
        for playbook in playbooks
    ]
    return _page("report.html.j2", (), header=header, playbooks=listed)


def _finding(row: Mapping[str, Any]) -> dict[str, str]:
    limits = row.get("limits") or ""
    return {
        "statement": visible(str(row.get("statement", ""))),
        "status": visible(str(row.get("status", ""))).replace("_", " "),
        "confidence": visible(str(row.get("confidence", ""))),
        "limits": visible(limits if isinstance(limits, str) else " ".join(str(limit) for limit in limits)),
    }


def _cell(cell: Mapping[str, Any]) -> list[_Part]:
    if _ERROR_MARKER in cell.get("metadata", {}).get("tags", []):
        return []
    if cell["cell_type"] == "markdown":
        return [_Part("markdown", html=Markup(markdown_to_html(_text(cell["source"]))))]
    if cell["cell_type"] == "code":
        return [part for output in cell["outputs"] if (part := _output(output)) is not None]
    return [_Part("text", visible(_text(cell["source"])))]


def _output(output: Mapping[str, Any]) -> _Part | None:
    if output["output_type"] == "stream":
        return _Part(str(output["name"]), visible(without_escapes(_text(output["text"]))))
    if output["output_type"] == "error":
        trace = "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}"
        return _Part("error", visible(without_escapes(trace)))
    data = output["data"]
    text = visible(without_escapes(_text(data.get("text/plain", ""))))
    if _PLOTLY in data:
        return _Part("figure", text, Markup(figure_json(data[_PLOTLY])))
    if _WIDGET in data:
        return None  # its static sibling stands beside it
    if "text/html" in data:
        return _Part("html", text, Markup(clean_html(_text(data["text/html"]))))
    for kind in ("image/png", "image/jpeg"):
        image = _text(data.get(kind, "")).strip()
        if re.fullmatch(r"[A-Za-z0-9+/=\s]+", image):
            return _Part("image", text, Markup(f"data:{kind};base64,{image}"))
    if "text/markdown" in data:
        return _Part("markdown", html=Markup(markdown_to_html(_text(data["text/markdown"]))))
    return _Part("text", text)


def _text(source: object) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _page(template: str, scripts: Sequence[str], **values: Any) -> str:
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src {' '.join(hashes) or chr(39) + 'none' + chr(39)}"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            policy=Markup(policy),
            style=Markup(_resource("style.css")),
            scripts=[Markup(script) for script in scripts],
            **values,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@functools.cache
def _resource(name: str) -> str:
    return (importlib.resources.files("ir_kit.record") / "templates" / name).read_text(encoding="utf-8")


@functools.cache
def _scripts() -> tuple[str, str]:
    plotly = importlib.resources.files("plotly") / "package_data" / "plotly.min.js"
    return plotly.read_text(encoding="utf-8").replace("\r\n", "\n").strip(), _resource("draw.js")
