from __future__ import annotations

import base64
import hashlib
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ir_kit.record.report import render_notebook, render_report

HEADER = dict(
    incident="INC-1",
    title="Leaked <script>window.fired = 'title'</script> key",
    window="2026-03-01 00:00:00 to 2026-03-08 00:00:00 UTC",
    run="2026-03-09 12:30:05 UTC",
    version="0.1.0",
    playbook="key_activity",
)
PAYLOADS = [
    "<img src=x onerror=\"window.fired='img'\">",
    "</script><script>window.fired='script'</script>",
    "<svg onload=\"window.fired='svg'\">",
    "\"'><iframe src=\"javascript:parent.fired='frame'\"></iframe>",
    "<!--<script>window.fired='comment'</script>",
]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def display(data: dict) -> dict:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def code(*outputs: dict) -> dict:
    return {"cell_type": "code", "source": "secret_of_the_code_cell()", "metadata": {}, "outputs": list(outputs)}


def markdown(source: str, *tags: str) -> dict:
    return {"cell_type": "markdown", "source": source, "metadata": {"tags": list(tags)}}


def figure(text: str) -> dict:
    chart = {
        "data": [
            {
                "type": "bar",
                "x": [text, "b"],
                "y": [1, 2],
                "text": [text, text],
                "hovertext": [text, text],
                "name": text,
            }
        ],
        "layout": {"title": {"text": text}, "xaxis": {"title": {"text": text}}, "height": 320, "showlegend": True},
    }
    return display({"application/vnd.plotly.v1+json": chart, "text/plain": f"Requests by {text}"})


def notebook(*cells: dict) -> dict:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def hostile_notebook() -> dict:
    cells = [markdown("# Which addresses are new?\n\nRead **with care**: [AWS](https://docs.aws.amazon.com/).")]
    for payload in PAYLOADS:
        cells += [
            markdown(f"Markdown {payload} and `{payload}`"),
            code(
                {"output_type": "stream", "name": "stdout", "text": [payload, "\n"]},
                {"output_type": "stream", "name": "stderr", "text": payload},
                display({"text/html": f"<table><tr><td>{payload}</td><td title='{payload}'>x</td></tr></table>"}),
                display({"text/plain": payload}),
                display({"text/markdown": payload}),
                display({"image/svg+xml": payload, "text/plain": "a drawing"}),
                display({"application/javascript": "window.fired = 'javascript'", "text/plain": "a program"}),
                display({"image/png": payload, "text/plain": "a broken image"}),
                figure(payload),
                {
                    "output_type": "error",
                    "ename": payload,
                    "evalue": payload,
                    "traceback": [f"\x1b[31m{payload}\x1b[0m"],
                },
            ),
        ]
    return notebook(*cells)


class Page(HTMLParser):
    """What a page would fetch, follow and run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.tags: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self._script = tag == "script" and "type" not in values

    def handle_data(self, data):
        if self._script:
            self.scripts.append(data)
            self._script = False


@pytest.fixture(scope="module")
def hostile_page() -> str:
    return render_notebook(hostile_notebook(), HEADER, error=PAYLOADS[0])


def test_a_page_names_incident_playbook_window_run_and_version():
    page = render_notebook(notebook(markdown("# Title")), HEADER)
    for text in ("INC-1", "key_activity", "2026-03-01 00:00:00 to", "2026-03-09 12:30:05 UTC", "ir-kit 0.1.0"):
        assert text in page


def test_a_page_without_a_chart_carries_no_script():
    page = render_notebook(notebook(markdown("# Title"), code(display({"text/html": "<b>x</b>"}))), HEADER)
    assert Page(page).scripts == []
    assert "script-src 'none'" in page
    assert len(page) < 20_000


def test_a_page_holds_no_code(hostile_page):
    assert "secret_of_the_code_cell" not in hostile_page


def test_a_page_fetches_nothing_and_leads_nowhere(hostile_page):
    page = Page(hostile_page)
    assert page.addresses == []
    assert page.handlers == []
    assert not {"link", "base", "iframe", "object", "embed", "form", "svg", "img"} & set(page.tags)
    style = hostile_page[hostile_page.index("<style>") : hostile_page.index("</style>")]
    assert "url(" not in style and "@import" not in style and "@font-face" not in style


def test_scripts_are_two_and_run_by_their_hash_only(hostile_page):
    page = Page(hostile_page)
    assert len(page.scripts) == 2
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', hostile_page)[1]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in page.scripts]
    assert policy.endswith("script-src " + " ".join(f"'sha256-{value}'" for value in hashes))
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline';")
    assert "unsafe-eval" not in policy


def test_scripts_are_the_same_whatever_the_logs_say(hostile_page):
    quiet = render_notebook(notebook(code(figure("quiet"))), HEADER)
    assert Page(quiet).scripts == Page(hostile_page).scripts


def test_an_image_of_the_notebook_is_kept():
    page = render_notebook(notebook(code(display({"image/png": PNG + "\n", "text/plain": "a picture"}))), HEADER)
    assert Page(page).addresses == [f"data:image/png;base64,{PNG}"]


def test_a_widget_leaves_its_place_to_its_static_sibling():
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Dropdown()"}
    page = render_notebook(notebook(code(display(view), display({"text/plain": "sibling"}))), HEADER)
    assert "Dropdown()" not in page
    assert "sibling" in page


def test_papermills_own_error_cells_are_left_out():
    page = render_notebook(notebook(markdown("An Exception was encountered", "papermill-error-cell-tag")), HEADER)
    assert "An Exception" not in page


def test_a_report_names_status_and_limits_and_failures():
    rows = [
        {
            "playbook": "a",
            "statement": PAYLOADS[0],
            "status": "not_observed",
            "confidence": "high",
            "limits": ["L1.", "L2."],
        }
    ]
    playbooks = [
        {"playbook": "a", "notebook": "01_a.ipynb", "error": None},
        {"playbook": "b", "notebook": "02_b.ipynb", "error": PAYLOADS[1]},
    ]
    report = render_report(HEADER, playbooks, rows)
    assert "not observed" in report and "L1. L2." in report and "it makes no findings" in report
    page = Page(report)
    assert page.scripts == [] and page.handlers == []
    assert page.addresses == ["html/01_a.html", "html/02_b.html"]


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.slow
@pytest.mark.browser
def test_the_trap_itself_catches_a_payload(browser):
    page = browser.new_page()
    page.set_content(PAYLOADS[0])
    page.wait_for_function("window.fired === 'img'")
    page.close()


@pytest.mark.slow
@pytest.mark.browser
def test_nothing_hostile_runs_and_all_of_it_stands_as_text_in_a_browser(browser, hostile_page, tmp_path: Path):
    path = tmp_path / "page.html"
    path.write_text(hostile_page)
    page = browser.new_page()
    requests, complaints, dialogs = [], [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message) or dialog.dismiss())
    page.goto(path.as_uri())
    page.wait_for_function(f"document.querySelectorAll('.main-svg').length >= {len(PAYLOADS)}")
    assert page.evaluate("window.fired") is None
    assert requests == [path.as_uri()]
    assert complaints == []
    assert dialogs == []
    text = page.inner_text("body")
    for payload in PAYLOADS:
        assert text.count(payload) >= 6, payload  # markdown twice, two streams, plain text, error; the table in part
    charts = page.evaluate("[...document.querySelectorAll('.chart-place')].map(place => place.textContent)")
    assert all("onerror" in charts[0] or "window.fired" in chart for chart in charts)
    assert page.evaluate("document.querySelectorAll('.chart-place a, .chart-place image').length") == 0
    page.close()
