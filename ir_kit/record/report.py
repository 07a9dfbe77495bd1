"""How does an executed notebook read as a page that opens offline, fetches nothing and runs nothing out of a log?

A page holds no code cell. The only scripts are plotly.js and a static script that draws, both allowed by their hash,
only on pages with charts; what they draw stands as JSON that is never executed. nbconvert is not used: its environment
does not escape by default, it takes templates from the user's Jupyter folders, and it parses each finished page again.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from ir_kit import __version__
from ir_kit.incident import Incident
from ir_kit.record.markup import clean_html, figure_json, markdown_to_html, visible, without_escapes

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("ir_kit.record"),
    autoescape=True,
    finalize=lambda value: visible(value) if type(value) is str else value,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Part(NamedTuple):
    """One thing on the page: its kind, its text, and its HTML (or JSON, or data address) where it has one."""

    kind: str
    text: str = ""
    html: Markup = Markup("")


def page_header(incident: Incident, run: str, playbook: str = "") -> dict[str, str]:
    """What stands at the top of this incident's pages?"""
    start, end = (f"{time:%Y-%m-%d %H:%M:%S}" for time in (incident.window.start, incident.window.end))
    facts = {"window": f"{start} to {end} UTC", "run": run, "version": __version__, "playbook": playbook}
    return {"incident": incident.incident, "title": incident.title, **facts}


def render_notebook(notebook: Mapping[str, Any], header: Mapping[str, str], *, error: str | None = None) -> str:
    """How does this executed notebook (its JSON, format 4) read as a page, in one file?

    Parameters
    ----------
    error : str, optional
        Why the playbook failed, in one line.
    """
    parts = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            parts += [part for output in cell["outputs"] if (part := part_of(output)) is not None]
        elif "papermill-error-cell-tag" not in cell["metadata"].get("tags", []):
            parts.append(Part("markdown", html=Markup(markdown_to_html("".join(cell["source"])))))
    plotly = importlib.resources.files("plotly") / "package_data" / "plotly.min.js"
    figures = any(part.kind == "figure" for part in parts)
    scripts = (
        [plotly.read_text(encoding="utf-8").replace("\r\n", "\n").strip(), TEMPLATES.get_template("draw.js").render()]
        if figures
        else []
    )
    return page("page.html.j2", scripts, header=header, parts=parts, error=error)


def render_report(
    header: Mapping[str, str], playbooks: Sequence[Mapping[str, Any]], findings: Iterable[Mapping[str, Any]]
) -> str:
    """How do the findings of a run read on one page?

    Parameters
    ----------
    playbooks : sequence of mapping
        One per playbook as in ``run.json``: playbook, notebook, outcome, error.
    findings : iterable of mapping
        One per finding, as in ``findings.jsonl``.
    """
    return page("report.html.j2", [], header=header, playbooks=playbooks, findings=list(findings))


def part_of(output: Mapping[str, Any]) -> Part | None:
    """How does one output of a cell stand on the page? Not at all where its static sibling stands beside it."""
    if output["output_type"] == "stream":
        return Part(str(output["name"]), without_escapes("".join(output["text"])))
    if output["output_type"] == "error":
        trace = "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}"
        return Part("error", without_escapes(trace))
    data = output["data"]
    text = without_escapes("".join(data.get("text/plain", "")))
    if "application/vnd.plotly.v1+json" in data:
        return Part("figure", text, Markup(figure_json(data["application/vnd.plotly.v1+json"])))
    if "application/vnd.jupyter.widget-view+json" in data:
        return None
    if "text/html" in data:
        return Part("html", text, Markup(clean_html("".join(data["text/html"]))))
    for kind in ("image/png", "image/jpeg"):
        image = "".join(data.get(kind, "")).strip()
        if re.fullmatch(r"[A-Za-z0-9+/=\s]+", image):
            return Part("image", text, Markup(f"data:{kind};base64,{image}"))
    if "text/markdown" in data:
        return Part("markdown", html=Markup(markdown_to_html("".join(data["text/markdown"]))))
    return Part("text", text)


def page(template: str, scripts: Sequence[str], **values: Any) -> str:
    """The template with these values, each of them text unless it is Markup, and with these scripts alone."""
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "script-src " + " ".join(hashes or ["'none'"])
    )
    return TEMPLATES.get_template(template).render(values, policy=Markup(policy), scripts=map(Markup, scripts))
