"""A view with one slider answers without a kernel."""

import shutil

import pytest
from playwright.sync_api import expect

from tests.browser.lab import KERNEL, ROOT, browser_page, cell, open_notebook, run_all, served


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    work = tmp_path_factory.mktemp("lab")
    (work / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks/00_start_here.ipynb", work / "notebooks")
    with served(work / "notebooks", work) as address, browser_page() as page:
        open_notebook(page, address, "00_start_here.ipynb")
        run_all(page)
        yield page


def test_a_precomputed_view_answers_without_a_kernel(page):
    view = cell(page, 4).locator(".kit-live")
    slider = view.get_by_role("slider", name="learning rate")
    slider.fill("10")
    expect(view.locator(".kit-say")).to_contain_text("Learning rate 0.0072")
    page.evaluate(f"async () => {{ await {KERNEL}.shutdown() }}")
    slider.fill("100")
    expect(view.locator(".kit-say")).to_contain_text("Learning rate 0.193")
    expect(view.locator(".kit-quest")).to_have_attribute("data-met", "now")
    assert view.get_attribute("data-shown") == "100"
