"""What `python run.py lab` opens, for a reader who has set nothing: notebook 00, whole names, and no question."""

import re
import shutil

import pytest
from playwright.sync_api import expect

import run
from tests.browser.lab import IDLE, ROOT, new_page, served
from tests.notebooks.stamp import IMPORTS, set_up

OPENED = r"http://127\.0\.0\.1:\d+(/\S+)\?token="
CUT = "(names) => names.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent)"


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """Open the page that JupyterLab opens by itself, in a folder with a copy of the notebooks."""
    work = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", work / "notebooks", ignore=shutil.ignore_patterns(".*", "*.jsonl"))
    with served(work, work, command=run.lab()) as address:
        page = new_page(browser)
        (opened, *_) = re.findall(OPENED, (work / "log").read_text())
        page.goto(f"{address}{opened}?token=test")
        page.wait_for_function("() => window.jupyterapp")
        page.wait_for_function(IDLE)
        yield page


def test_it_opens_on_notebook_00(page):
    assert page.evaluate("() => jupyterapp.shell.currentWidget.context.path") == "00_start_here.ipynb"


def test_its_file_list_shows_whole_names(page):
    names = page.locator(".jp-DirListing-content .jp-DirListing-itemText")
    expect(names).to_have_text(sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb")))
    assert names.evaluate_all(CUT) == []


def test_it_asks_nothing(page):
    asked = page.evaluate(
        "() => fetch(`/lab/api/settings/@jupyterlab/apputils-extension:notification`).then((r) => r.json())"
    )
    assert "fetchNews" not in asked["raw"]  # the reader has said nothing
    page.wait_for_timeout(2000)  # a question comes once all else is there
    expect(page.locator(".Toastify__toast, .jp-Dialog")).to_have_count(0)


def test_what_no_reader_need_read_is_folded_to_its_title(page):
    folded = page.locator(".jp-CodeCell .jp-InputPlaceholder")
    expect(folded).to_have_count(2)
    titles = [set_up().splitlines()[0], IMPORTS]
    assert [title in text for title, text in zip(titles, folded.all_inner_texts(), strict=True)] == [True, True]
