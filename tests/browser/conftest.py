"""A JupyterLab as `ir-kit lab` opens it, on a small incident with a hostile title, and a browser that looks at it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from ir_kit.incident import new_incident
from ir_kit.record.lab import lab_command, lab_environment, working_copies
from simulator import incident_fields, make_sample

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
SECONDS = 1000  # in milliseconds
HOSTILE = 'Sample <img src=x onerror="alert(1)"> $\\alpha$ <script>alert(2)</script>'
SCREENSHOTS = "SCREENSHOTS"
ERRORS = (
    '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"], '
    ".jp-OutputArea-output pre .ansi-red-fg"
)
DONE = """errors => {
  if (document.querySelector(errors)) return true;
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent);
  return prompts.length > 0 && prompts.every(prompt => /^\\[\\d+\\]:$/.test(prompt.trim()));
}"""


class Laboratory:
    """A server's address, the folder of incidents that it works on, and of its notebooks."""

    def __init__(self, address: str, runs: Path) -> None:
        self.address = address
        self.runs = runs
        self.notebooks = runs / "demo" / "lab"


class Looking:
    """A page, and what happened on it that nobody asked for."""

    def __init__(self, page: Any, laboratory: Laboratory, screenshots: Path) -> None:
        self.page, self.laboratory, self.screenshots = page, laboratory, screenshots
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._answer)

    def _answer(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":  # leave without saving
            dialog.accept()
            return
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def run(self, notebook: str) -> None:
        """Open a notebook and run all of it, without an error."""
        self.page.goto(f"{self.laboratory.address}/lab/tree/{notebook}?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60 * SECONDS)
        self.page.get_by_text("| Idle").wait_for(timeout=60 * SECONDS)  # or it would ask which kernel to start
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(DONE, arg=ERRORS, timeout=180 * SECONDS)
        assert self.page.locator(ERRORS).all_text_contents() == []

    def keep(self, name: str) -> None:
        self.page.screenshot(path=self.screenshots / f"{name}.png")

    @property
    def hosts(self) -> set[str | None]:
        """Whom the page asked for something."""
        return {
            urlsplit(url).hostname for url in self.requests if urlsplit(url).scheme in ("http", "https", "ws", "wss")
        }


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    folder = tmp_path_factory.mktemp("lab")
    runs = folder / "runs"
    make_sample(runs / "demo", scale=0.01)
    new_incident(runs, "demo", {**incident_fields(), "title": HOSTILE})
    originals = sorted((ROOT / "playbooks").glob("[0-9]*.ipynb"))
    assert working_copies(originals, runs / "demo" / "lab", "demo") == []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        name: str(folder / name.lower()) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    own |= {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"), "PYTHONPATH": str(ROOT)}
    command = lab_command(runs / "demo" / "lab", originals[0].name)
    command += ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token="]
    environment = {**lab_environment(runs, "demo"), **own}
    with (
        open(folder / "server.log", "wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, server, folder / "server.log")
            yield Laboratory(address, runs)
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


@pytest.fixture
def looking(laboratory: Laboratory, tmp_path: Path) -> Iterator[Looking]:
    """A fresh page; its screenshots are kept where the environment names a folder."""
    from playwright.sync_api import sync_playwright

    screenshots = Path(os.environ.get(SCREENSHOTS) or tmp_path)
    screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield Looking(browser.new_page(viewport={"width": 1400, "height": 1300}), laboratory, screenshots)
        finally:
            browser.close()
