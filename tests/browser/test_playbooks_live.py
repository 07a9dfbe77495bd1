"""A playbook in JupyterLab, in a real browser: it runs to its end, draws, reaches nobody, interprets no content."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from ir_kit.incident import new_incident
from ir_kit.sample import incident_fields, make_sample

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
SECONDS = 1000  # in milliseconds
HOSTILE = 'Sample <img src=x onerror="alert(1)"> $\\alpha$ <script>alert(2)</script>'
ERRORS = (
    '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"], '
    ".jp-OutputArea-output pre .ansi-red-fg"
)
DONE = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent);
  return prompts.length > 3 && prompts.every(prompt => /^\\[\\d+\\]:$/.test(prompt.trim()));
}"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser here: {CHROMIUM} is absent"),
]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab on a copy of the playbooks, beside a small incident with a hostile title."""
    folder = tmp_path_factory.mktemp("lab")
    playbooks = folder / "playbooks"
    shutil.copytree(ROOT / "playbooks", playbooks, ignore=shutil.ignore_patterns(".*"))
    make_sample(playbooks / "runs" / "demo", scale=0.01)
    new_incident(playbooks / "runs", "demo", {**incident_fields(), "title": HOSTILE})
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        name: str(folder / name.lower()) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    own |= {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    command += ["--IdentityProvider.token=", "--ServerApp.port_retries=0", "--LabApp.news_url="]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with (
        open(folder / "server.log", "wb") as log,
        subprocess.Popen(command, cwd=playbooks, env={**os.environ, **own}, stdout=log, stderr=log) as server,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, server, folder / "server.log")
            yield address
        finally:
            server.terminate()


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            with urlopen(f"{address}/api/status", timeout=5):
                return
        except OSError:
            assert server.poll() is None, log.read_text()
            try:
                server.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError(log.read_text())


def test_scoping_runs_draws_and_reaches_nobody(laboratory: str) -> None:
    from playwright.sync_api import sync_playwright

    requests: list[str] = []
    dialogs: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 1200})
            page.on("request", lambda request: requests.append(request.url))
            page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
            page.goto(f"{laboratory}/lab/tree/01_scoping.ipynb?reset")
            page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60 * SECONDS)
            page.get_by_text("| Idle").wait_for(timeout=60 * SECONDS)  # or it would ask which kernel to start
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            page.wait_for_function(DONE, timeout=120 * SECONDS)
            page.wait_for_selector(".js-plotly-plot .main-svg .heatmaplayer", state="attached", timeout=30 * SECONDS)
            errors = page.locator(ERRORS).all_text_contents()
            charts = page.locator(".js-plotly-plot").count()
            caption = page.locator(".jp-OutputArea-output caption").first.inner_text()
            formulas = page.locator(".jp-OutputArea-output mjx-container").count()
            images = page.locator(".jp-OutputArea-output td img, .jp-OutputArea-output caption img").count()
        finally:
            browser.close()
    assert errors == []
    assert charts == 4
    assert caption == HOSTILE
    assert (formulas, images, dialogs) == (0, 0, [])
    hosts = {urlsplit(url).hostname for url in requests if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
    assert hosts == {"127.0.0.1"}
