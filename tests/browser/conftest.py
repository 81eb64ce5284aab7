import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.lab import (
    CHROMIUM,
    MILLISECONDS,
    ROOT,
    chromium,
    new_page,
    open_notebook,
    run_all,
    served,
    write_notebook,
)


@pytest.fixture(scope="package", autouse=True)
def _chromium():
    """Pass over the browser tests, aloud, on a learner's machine without Chromium; the gate has one, and fails."""
    if CHROMIUM is None and "CI" not in os.environ:
        pytest.skip("Chromium is missing, and no browser test ran; on Debian: apt-get install chromium")


@pytest.fixture(scope="package")
def browser(_chromium) -> Iterator[Browser]:
    """Start one Chromium for all tests: of two, the second would find the first one's loop running."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def opened(browser, tmp_path_factory) -> Iterator[Callable[..., Page]]:
    """Serve the notebooks by one JupyterLab; give what opens one, or one written of these cells, and runs it."""
    work = tmp_path_factory.mktemp("lab")
    folder = work / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*", "*.jsonl"))
    expect.set_options(timeout=MILLISECONDS)
    with served(folder, work) as address:

        def opened(name: str, *sources: str, errors: list[str] | None = None) -> Page:
            if sources:
                write_notebook(folder / name, *sources)
            page = new_page(browser)
            if errors is not None:
                page.on("pageerror", lambda error: errors.append(str(error)))
            open_notebook(page, address, name)
            run_all(page)
            return page

        yield opened
