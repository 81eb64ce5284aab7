"""What running a view's cell again and again leaves behind in the kernel and in the page."""

import ast
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

from tests.bench.table import Table, at_most
from tests.browser.lab import KERNEL, notebook_of, run_cell

SET_UP = "from kit.explore.descent import bowl, line_fit\nfrom tests.bench.census import census"
VIEWS = ("line_fit", "bowl")
GROWTH_MB = 10
FIRST_RUNS, RERUNS = 10, 30  # malloc keeps what the first runs of a cell have freed, and uses it again

# Ask for the value of an expression in the kernel, beside the notebook.
ASK = f"""async (expression) => {{
    const future = {KERNEL}.requestExecute({{ code: "", silent: true, user_expressions: {{ answer: expression }} }});
    const {{ answer }} = (await future.done).content.user_expressions;
    return answer.data["text/plain"];
}}"""


def tables() -> Iterator[Table]:
    with notebook_of(SET_UP, *(f"{view}()" for view in VIEWS)) as page:
        yield after_reruns(page)


def after_reruns(page: Page) -> Table:
    rows = []
    for index, view in enumerate(VIEWS, start=1):
        for _ in range(FIRST_RUNS):
            run_cell(page, index)
        before = alive(page)
        for _ in range(RERUNS):
            run_cell(page, index)
        after = alive(page)
        for what in ("figures", "open in pyplot", "widgets"):
            cells = [f"{view}: {what} alive", str(before[what]), str(after[what])]
            rows.append((cells, at_most(after[what], before[what])))
        for what, growth in growth_mb(before, after).items():
            rows.append(([f"{view}: {what}", "", f"{growth:+.1f} MB"], at_most(growth, GROWTH_MB, " MB")))
    title = f"What is alive when a view's cell has run {FIRST_RUNS} times more, and {RERUNS} times after that"
    return Table(title=title, columns=["view: what", "before", "after"], rows=rows)


def asked(page: Page, expression: str) -> Any:
    """Ask the kernel for the value of an expression."""
    return ast.literal_eval(page.evaluate(ASK, expression))


def alive(page: Page) -> dict[str, int]:
    """Take the kernel's census, and the page's JavaScript heap, after all garbage is gone."""
    page.wait_for_timeout(500)
    counts = asked(page, "census()")
    developer = page.context.new_cdp_session(page)
    developer.send("HeapProfiler.collectGarbage")
    counts["heap"] = developer.send("Runtime.getHeapUsage")["usedSize"]
    developer.detach()
    return counts


def growth_mb(before: dict[str, int], after: dict[str, int]) -> dict[str, float]:
    return {
        "kernel's memory": (after["bytes"] - before["bytes"]) / 1e6,
        "page's JavaScript heap": (after["heap"] - before["heap"]) / 1e6,
    }
