"""A playbook in JupyterLab, in a real browser: it runs to its end, draws, reaches nobody, interprets no content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
SECONDS = 1000  # in milliseconds
HOSTILE = 'Sample <img src=x onerror="alert(1)"> $\\alpha$ <script>alert(2)</script>'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),  # one server for all of them
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser here: {CHROMIUM} is absent"),
]


def test_scoping_runs_draws_and_reaches_nobody(looking: Any) -> None:
    page = looking.page
    looking.run("01_scoping.ipynb")
    page.wait_for_selector(".js-plotly-plot .main-svg .heatmaplayer", state="attached", timeout=120 * SECONDS)
    static = page.locator(".jp-OutputArea-output[data-mime-type*='plotly'] .js-plotly-plot, .jp-RenderedPlotly")
    assert static.count() == 4
    assert page.locator(".jp-OutputArea-output caption").first.text_content() == HOSTILE
    assert page.locator(".jp-OutputArea-output mjx-container").count() == 0
    assert page.locator(".jp-OutputArea-output td img, .jp-OutputArea-output caption img").count() == 0
    assert page.get_by_text("Jupyter news").count() == 0
    assert page.get_by_title("Share chart").count() == 0
    assert looking.dialogs == []
    assert looking.hosts == {"127.0.0.1"}
