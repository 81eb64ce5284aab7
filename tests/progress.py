"""Say how a test run goes: longest files first, a line for each that is done, failures at once, the slowest at the end.

pyproject.toml loads it. A single file, -q and -v keep pytest's own output.
"""

import csv
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECONDS = {  # rough, of the files beside the notebooks that take more than a few
    "tests/explore/test_live.py": 70,
    "tests/browser/test_notebooks.py": 60,
    "tests/check/test_exercises.py": 45,
    "tests/explore/test_attention.py": 45,
    "tests/house/test_style.py": 40,
    "tests/browser/test_live_view.py": 30,
    "tests/evidence/test_finetuning.py": 30,
    "tests/notebooks/test_colab.py": 30,
    "tests/bench/test_gpu.py": 25,
    "tests/train/test_kill_and_resume.py": 25,
    "tests/house/test_bad_input.py": 20,
    "tests/notebooks/test_execute.py": 20,
}
OTHERS = 2
LONG = 20  # seconds from which a file is named when it begins, too
SLOWEST = 10


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


@cache
def expected_seconds(file: str) -> float:
    """Give the seconds that a test file takes, roughly: a notebook's as measured, the others' by the table."""
    folder, _, name = file.rpartition("/")
    if folder != "notebooks":
        return SECONDS.get(file, OTHERS)
    with (ROOT / "data/measured/notebooks.csv").open(newline="", encoding="utf-8") as measured:
        return next((float(row["seconds"]) for row in csv.DictReader(measured) if row["notebook"] == name[:2]), OTHERS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the longest files first, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: -expected_seconds(file_of(item.nodeid)))


def pytest_configure(config):
    if not hasattr(config, "workerinput") and config.get_verbosity() == 0 and not config.option.collectonly:
        config.pluginmanager.register(Progress(config), "progress")


class Progress:
    """Stands where the tests are handed out: in the one process, or above xdist's."""

    def __init__(self, config):
        self.config = config
        self.tests: Counter[str] = Counter()  # of each file
        self.waiting: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.running = False

    def write(self, line, **markup):
        self.config.pluginmanager.get_plugin("terminalreporter").write_line(line, **markup)

    def pytest_collection_finish(self, session):
        self.begin([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        self.begin(ids)

    def begin(self, nodeids):
        if self.tests:  # another of xdist's processes has found the same tests
            return
        self.tests = Counter(map(file_of, nodeids))
        self.waiting = self.tests.copy()
        self.began, self.running = time.monotonic(), len(self.tests) > 1
        if self.running:
            self.config.pluginmanager.get_plugin("terminalreporter").showfspath = False
            self.write(f"\n{len(self.tests)} files with {len(nodeids)} tests, longest first")

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self):
        category, letter, word = yield
        return (category, "", "") if self.running else (category, letter, word)

    def pytest_runtest_logstart(self, nodeid):
        file = file_of(nodeid)
        if self.running and file not in self.seconds:
            self.seconds[file] = 0
            if expected_seconds(file) >= LONG:
                self.write(f"   begun  {file}, about {expected_seconds(file):.0f} s")

    def pytest_runtest_logreport(self, report):
        if not self.running:
            return
        file = file_of(report.nodeid)
        self.seconds[file] += report.duration
        if report.failed:
            self.write(f"\nFAILED {report.nodeid} ({report.when})\n{report.longreprtext}\n", red=True)
        if report.when not in ("setup", "call"):  # a process that crashed reports neither these nor a teardown
            self.waiting[file] -= 1
            if not self.waiting[file]:
                done = sum(not waiting for waiting in self.waiting.values())
                place = f"{done} of {len(self.tests)}"
                self.write(f"{self.seconds[file]:6.0f} s  {file}  ({place}{self.left()})")

    def left(self):
        """Guess the minutes that are left: what is done took so long, and counts for so much of the whole."""
        whole = sum(map(expected_seconds, self.tests))
        left = sum(expected_seconds(file) * n / self.tests[file] for file, n in self.waiting.items())
        minutes = (time.monotonic() - self.began) * left / (whole - left) / 60
        return f", about {minutes:.0f} min left" if minutes >= 0.5 else ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self):
        self.running = False  # the summary is pytest's own

    def pytest_terminal_summary(self, terminalreporter):
        if len(self.tests) > 1:
            terminalreporter.section("slowest files")
            for file, seconds in self.seconds.most_common(SLOWEST):
                self.write(f"{seconds:6.0f} s  {file}")
