"""How does text that an attacker may have written stand on a page: as text?

Everything that reaches a rendered page passes here: markdown, the HTML of tables, tracebacks, figures. What is not on a
short list of harmless elements and attributes becomes visible text. The page's Content-Security-Policy is the second
line.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import mistune

__all__ = ["clean_html", "figure_json", "harmless", "markdown_to_html", "visible", "without_escapes"]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

_ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        """
        a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h1
        h2 h3 h4 h5 h6 hr i img kbd li mark meter ol p pre q s samp section small span strong sub summary sup table
        tbody td tfoot th thead time tr u ul
        """,
    )
)
_VOID = frozenset({"br", "col", "hr", "img"})
_PLAIN_VALUE = re.compile(r"[\w .,:;%+()/-]*")
_ATTRIBUTES = {
    **dict.fromkeys(("class", "colspan", "rowspan", "scope", "span", "start", "datetime", "open"), _PLAIN_VALUE),
    **dict.fromkeys(("value", "min", "max", "low", "high", "optimum"), _PLAIN_VALUE),
    "title": re.compile(r".*", re.DOTALL),
    "alt": re.compile(r".*", re.DOTALL),
    "aria-label": re.compile(r".*", re.DOTALL),
    "role": re.compile(r"img|note|status|group|region"),
    "href": re.compile(r"#[\w-]+|\d\d_\w+\.html"),
    "src": re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+"),
}
_STYLE = re.compile(
    r"\s*(?:color|background|background-color|width|min-width|max-width|height|left|right|display|opacity|white-space"
    r"|text-align|text-decoration|vertical-align|font-(?:weight|style|size|variant|variant-numeric)"
    r"|(?:margin|padding|border)(?:-(?:top|right|bottom|left))?(?:-(?:color|width|style|radius))?)"
    r"\s*:\s*(?:[\w#.,% +-]|(?:rgba?|hsla?)\([\d., %/]+\))*"
)


def without_escapes(text: str) -> str:
    """How does this text read without a terminal's colours and commands?"""
    return _ANSI.sub("", text)


def visible(text: str) -> str:
    """How does this text read with every character on view: control characters, direction marks, lone surrogates?"""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))


def clean_html(source: str) -> str:
    """Which of this HTML is harmless? That stays markup; the rest of it becomes text.

    Parameters
    ----------
    source : str
        HTML from a notebook's output.

    Returns
    -------
    str
        Balanced HTML without script, style sheet, outside address or event handler.
    """
    cleaner = _Cleaner()
    cleaner.feed(source)
    cleaner.close()
    return cleaner.result()


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


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._in_style = False

    def result(self) -> str:
        closing = [f"</{tag}>" for tag in reversed(self._open)]
        return "".join(self._parts + closing)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "style":
            self._in_style = True
        elif tag not in _ELEMENTS or (tag == "img" and not harmless("src", dict(attrs).get("src"))):
            self.handle_data(self.get_starttag_text() or "")
        else:
            kept = "".join(
                f' {name}="{html.escape(visible(value or ""))}"' for name, value in attrs if harmless(name, value)
            )
            self._parts.append(f"<{tag}{kept}>")
            if tag not in _VOID:
                self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _ELEMENTS and tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False
        elif tag not in _ELEMENTS:
            self.handle_data(f"</{tag}>")
        elif tag in self._open:
            while (last := self._open.pop()) != tag:
                self._parts.append(f"</{last}>")
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self._parts.append(html.escape(visible(data), quote=False))


def harmless(name: str, value: str | None) -> bool:
    """May an element carry this attribute with this value?"""
    if name == "style":
        return all(not part.strip() or _STYLE.fullmatch(part) for part in (value or "").split(";"))
    pattern = _ATTRIBUTES.get(name)
    return pattern is not None and pattern.fullmatch(value or "") is not None


class _Renderer(mistune.HTMLRenderer):
    """Markdown without a link that leads out of the record and without an image that is fetched."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        target = re.sub(r"(\d\d_\w+)\.ipynb", r"\1.html", url)
        if harmless("href", target):
            return f'<a href="{target}">{text}</a>'
        return text if text == mistune.escape(url) else f"{text} ({mistune.escape(url)})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return self.link(text, url, title)


_MARKDOWN = mistune.create_markdown(renderer=_Renderer(escape=True), plugins=["table", "strikethrough"])
