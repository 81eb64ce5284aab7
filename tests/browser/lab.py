"""A real JupyterLab with a real kernel, seen through a real headless Chromium."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.patience import PAGE

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
MILLISECONDS = 1000 * PAGE
KERNEL = "jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel"
IDLE = f"() => {KERNEL}?.status === 'idle'"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/themes": {"theme": "JupyterLab Light"},
    "docmanager-extension/plugin": {"autosave": False},
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(folder: Path, work: Path, *, dark: bool = False, command: Sequence[str] = ()) -> Iterator[str]:
    """Serve `folder` by JupyterLab, with all its own files under `work`; give its address.

    Args:
        command: what starts it in `folder`, for a reader who has set nothing; else it is set to be quiet.
    """
    SETTINGS["apputils-extension/themes"]["theme"] = "JupyterLab Dark" if dark else "JupyterLab Light"
    for plugin, settings in SETTINGS.items() if not command else ():
        path = work / "user_settings/@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    env["PYTHONPATH"] = str(ROOT)  # the kernels, which start elsewhere, import this very checkout
    env |= {f"JUPYTER_{kind}_DIR": str(work / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    env |= {"IPYTHONDIR": str(work / "ipython"), "KIT_PROGRESS": "memory", "OMP_NUM_THREADS": "1"}
    port = free_port()
    options = [f"--port={port}", "--no-browser", "--ServerApp.port_retries=0", "--IdentityProvider.token=test"]
    options += ["--expose-app-in-browser"]
    options += [f"--LabApp.{kind}_dir={work / kind}" for kind in ("user_settings", "workspaces")]
    quiet = ["-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--ip=127.0.0.1", "--allow-root"]
    start = [sys.executable, *(command or quiet), *options]
    address = f"http://127.0.0.1:{port}"
    with (work / "log").open("w") as log:
        server = subprocess.Popen(start, env=env, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            while not answers(opener, f"{address}/api/status?token=test"):
                if server.poll() is not None:
                    raise RuntimeError((work / "log").read_text())
                time.sleep(0.1)
            yield address
        finally:
            server.terminate()  # it stops its kernels too
            server.wait(PAGE)


def answers(opener: urllib.request.OpenerDirector, address: str) -> bool:
    try:
        opener.open(address, timeout=PAGE).close()
    except OSError:
        return False
    return True


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, headless."""
    if CHROMIUM is None:
        raise RuntimeError("Chromium is missing; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
        yield browser
        browser.close()


def new_page(browser: Browser) -> Page:
    """Open an empty page."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(MILLISECONDS)
    return page


def open_notebook(page: Page, address: str, name: str) -> None:
    """Open a notebook alone in its tab, and wait until its kernel is idle."""
    page.goto(f"{address}/doc/tree/{name}?token=test&reset")
    page.wait_for_function("() => window.jupyterapp")
    page.wait_for_function(IDLE)


def run_all(page: Page) -> None:
    """Run all cells; returns when the last is done."""
    page.evaluate("async () => { await jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.wait_for_function(IDLE)


def cell(page: Page, number: int) -> Locator:
    """Find the code cell that shows this execution count, scrolled into view."""
    page.evaluate(
        """async (number) => {
            const notebook = jupyterapp.shell.currentWidget.content;
            const index = notebook.widgets.findIndex((w) => w.model.executionCount === number);
            notebook.activeCellIndex = index;
            await notebook.scrollToItem(index, "start");
        }""",
        number,
    )
    return page.locator(f".jp-Cell:has(.jp-InputPrompt:text-is('[{number}]:'))")


def replace_and_run(page: Page, number: int, source: str) -> None:
    """Put other code into a cell and run it, as a learner does."""
    cell(page, number)
    page.evaluate(
        """async (source) => {
            const notebook = jupyterapp.shell.currentWidget.content;
            notebook.activeCell.model.sharedModel.setSource(source);
            await jupyterapp.commands.execute('notebook:run-cell');
        }""",
        source,
    )
    page.wait_for_function(IDLE)


def run_cell(page: Page, index: int) -> None:
    """Run one cell, by its place in the notebook, as it stands."""
    page.evaluate(
        """async (index) => {
            jupyterapp.shell.currentWidget.content.activeCellIndex = index;
            await jupyterapp.commands.execute('notebook:run-cell');
        }""",
        index,
    )
    page.wait_for_function(IDLE)


def write_notebook(path: Path, *sources: str) -> None:
    """Write a notebook of these cells."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@contextmanager
def notebooks() -> Iterator[Callable[..., AbstractContextManager[Page]]]:
    """Start JupyterLab and a browser; give what runs cells as a notebook, and ends its kernel after."""
    with (
        TemporaryDirectory() as folder,
        TemporaryDirectory() as work,
        served(Path(folder), Path(work)) as address,
        chromium() as browser,
    ):

        @contextmanager
        def opened(*sources: str) -> Iterator[Page]:
            write_notebook(Path(folder) / "bench.ipynb", *sources)
            page = new_page(browser)
            open_notebook(page, address, "bench.ipynb")
            run_all(page)
            yield page
            page.evaluate(f"async () => {{ await {KERNEL}.shutdown() }}")
            page.close()

        yield opened


@contextmanager
def notebook_of(*sources: str) -> Iterator[Page]:
    """Run these cells as a notebook in JupyterLab, and give its page."""
    with notebooks() as opened, opened(*sources) as page:
        yield page
