"""How does text that an attacker may have written stand on a page: as text?

Everything that reaches a rendered page passes here: markdown, the HTML of tables, tracebacks, figures. Elements that are
not on a short list become visible text, attributes go. The page's Content-Security-Policy is the second line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import mistune
import nh3

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_ELEMENTS = nh3.ALLOWED_TAGS - {"area", "img", "map"} | {"meter", "section", "tfoot"}
# an element that is not allowed stands as text, which no sanitizer does; style sheets and comments go
_NOT_ALLOWED = re.compile(rf"(?si)<(?!/?(?:{'|'.join(_ELEMENTS)}|style)[\s/>]|!--.*?-->)")
_PLAIN_VALUE = re.compile(r"[\w .,:;%+()/-]*")
_STYLE = re.compile(
    r"\s*(?:(?:color|background|background-color|width|min-width|max-width|height|left|right|display|opacity|white-space"
    r"|text-align|text-decoration|vertical-align|font-(?:weight|style|size|variant|variant-numeric)"
    r"|(?:margin|padding|border)(?:-(?:top|right|bottom|left))?(?:-(?:color|width|style|radius))?)"
    r"\s*:\s*(?:[\w#.,% +-]|(?:rgba?|hsla?)\([\d., %/]+\))*(?:;[\s;]*|$))*"
)
_ATTRIBUTES = {
    **dict.fromkeys(("class", "colspan", "rowspan", "scope", "span", "start", "datetime", "open"), _PLAIN_VALUE),
    **dict.fromkeys(("value", "min", "max", "low", "high", "optimum"), _PLAIN_VALUE),
    **dict.fromkeys(("title", "aria-label"), re.compile(r"(?s).*")),
    "role": re.compile(r"img|note|status|group|region"),
    "href": re.compile(r"#[\w-]+|\d\d_\w+\.html"),
    "style": _STYLE,
}


def without_escapes(text: str) -> str:
    """How does this text read without a terminal's colours and commands?"""
    return _ANSI.sub("", text)


def visible(text: str) -> str:
    """How does this text read with every character on view: control characters, direction marks, lone surrogates?"""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))


def harmless(name: str, value: str) -> bool:
    """May an element carry this attribute with this value?"""
    return _ATTRIBUTES[name].fullmatch(value) is not None


def clean_html(source: str) -> str:
    """Which of this HTML is harmless? That stays markup, balanced; the rest of it becomes text.

    No script, style sheet, image, outside address or event handler remains.
    """
    cleaned = nh3.clean(
        _NOT_ALLOWED.sub("&lt;", visible(source)),
        tags=_ELEMENTS,
        attributes={"*": set(_ATTRIBUTES)},
        attribute_filter=lambda element, name, value: value if harmless(name, value) else None,
        link_rel=None,
    )
    return visible(cleaned)


def markdown_to_html(source: str) -> str:
    """How does this markdown read as HTML? Raw HTML in it stands as text, an outside address beside its link's text."""
    return clean_html(str(_MARKDOWN(visible(source))))


def figure_json(figure: Mapping[str, Any]) -> str:
    """Which JSON draws this figure? Fit to stand inside a script element; labels cannot carry links, and traces are
    drawn without WebGL, which would need to evaluate script."""
    traces = [
        {**trace, "type": str(trace.get("type", "scatter")).removesuffix("gl")} for trace in figure.get("data", [])
    ]
    text = json.dumps({"data": traces, "layout": figure.get("layout", {})}, sort_keys=True)
    text = re.sub(r"<(?=\s*/?\s*a\b)", "&lt;", text, flags=re.IGNORECASE)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


class LinksInside(mistune.HTMLRenderer):
    """Markdown without a link that leads out of the record and without an image that is fetched."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        target = re.sub(r"(\d\d_\w+)\.ipynb", r"\1.html", url)
        if harmless("href", target):
            return f'<a href="{target}">{text}</a>'
        return text if text == mistune.escape(url) else f"{text} ({mistune.escape(url)})"

    image = link


_MARKDOWN = mistune.create_markdown(renderer=LinksInside(escape=True), plugins=["table", "strikethrough"])
