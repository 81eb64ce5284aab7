"""How long from a fresh clone to JupyterLab's page, and how long the second time.

python -m tests.bench.fresh_clone
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Bar, Table, at_most
from tests.browser.lab import free_port

ROOT = Path(__file__).parents[2]
AGAIN = 20  # seconds: nothing is set up the second time; most of it is JupyterLab's own start


def seconds_to_page(clone: Path) -> float:
    """Run the README's first command, and wait until the page is served with its token; then stop it."""
    port, start = free_port(), time.perf_counter()
    command = [sys.executable, "run.py", "lab", "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"]
    # a session of its own, so that the end reaches JupyterLab too, and not run.py alone
    options = {"cwd": clone, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "start_new_session": True}
    with subprocess.Popen(command, text=True, **options) as lab:
        try:
            address = re.compile(rf"127\.0\.0\.1:{port}\S*token=(\w+)")
            token = next(found[1] for line in lab.stdout or () if (found := address.search(line)))
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            while not served(opener, f"http://127.0.0.1:{port}/lab?token={token}"):
                time.sleep(0.05)  # JupyterLab names its address a moment before it listens
            elapsed = time.perf_counter() - start
            with opener.open(f"http://127.0.0.1:{port}/api/contents?token={token}", timeout=60) as listing:
                assert b"00_start_here.ipynb" in listing.read()
        finally:
            os.killpg(lab.pid, signal.SIGKILL)
    return elapsed


def served(opener: urllib.request.OpenerDirector, page: str) -> bool:
    try:
        with opener.open(page, timeout=60) as answer:
            return answer.status == 200
    except OSError:
        return False


def tables() -> Iterator[Table]:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "learnkit"
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        first, second = seconds_to_page(clone), seconds_to_page(clone)
    rows: list[tuple[list[str], Bar | None]] = [
        (["fresh clone to the page", f"{first / 60:.1f} minutes"], None),
        (["the second time", f"{second:.1f} s"], at_most(second, AGAIN, " s")),
    ]
    yield Table(title="`python run.py lab` to JupyterLab's page served", columns=["what", "wall"], rows=rows)
