"""Colab, emulated: an empty folder, torch and ipywidgets 7.7.1 already there, kit fetched by the set-up cell."""

import json
import os
import re
import subprocess
import sysconfig
import textwrap
import venv
from pathlib import Path

import pytest

from tests.notebooks.stamp import NOTEBOOKS, address, set_up

ROOT = Path(__file__).parents[2]
MISSING_ON_COLAB = {"anywidget", "einops", "jaxtyping"}

# Runs a notebook's cells in one IPython shell, as Colab does; %pip reports what it installed.
RUN = """
import json, sys
import matplotlib
matplotlib.use("agg")
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        shell.run_cell("".join(cell["source"]), store_history=True).raise_error()
import kit
print("ran with kit from", kit.__file__)
"""


def run(*command: str | Path, **options) -> str:
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


def versions(python: Path) -> dict[str, str]:
    return {p["name"].lower(): p["version"] for p in json.loads(run(python, "-m", "pip", "list", "--format=json"))}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A git repository of the working tree, as a fork on GitHub would hold it."""
    bare = tmp_path_factory.mktemp("origin") / "learnkit"
    files = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (bare / name).parent.mkdir(parents=True, exist_ok=True)
            (bare / name).write_bytes((ROOT / name).read_bytes())
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    run("git", "init", "-q", "-b", "main", cwd=bare)
    run("git", "add", "-A", cwd=bare)
    run("git", *identity, "commit", "-qm", "the working tree", cwd=bare)
    return bare


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """A virtual environment that has Colab's packages, and not the kit's few others."""
    home = tmp_path_factory.mktemp("colab")
    venv.create(home / "venv", with_pip=True)
    python = home / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    mine, theirs = (Path(path) for path in (sysconfig.get_paths()["purelib"], run(
        python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'], end='')")))  # fmt: skip
    # Lend every package but the kit, the few that Colab lacks, and ipywidgets, which is older there.
    held_back = re.compile(r"(anywidget|einops|jaxtyping|psygnal|wadler|learnkit|__editable__|ipywidgets|pip|_)", re.I)
    for entry in mine.iterdir():
        if not held_back.match(entry.name) and not (theirs / entry.name).exists():
            (theirs / entry.name).symlink_to(entry)
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "ipywidgets==7.7.1")
    return python


def test_the_set_up_cell_installs_kit_and_disturbs_nothing(colab, repository, tmp_path):
    before = versions(colab)
    assert before["ipywidgets"] == "7.7.1"
    assert "torch" in before
    assert not MISSING_ON_COLAB & before.keys()

    report = tmp_path / "report.json"
    env = os.environ | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": address(),
        "PIP_REPORT": str(report),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "KIT_PROGRESS": "memory",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
    }
    env.pop("PYTHONPATH", None)
    empty = tmp_path / "content"
    empty.mkdir()
    (empty / "run.py").write_text(textwrap.dedent(RUN))
    book = next(path for path in NOTEBOOKS if path.name.startswith("01"))
    assert "%pip install" in set_up()
    printed = run(colab, "run.py", book, cwd=empty, env=env)
    assert "ran with kit from" in printed
    assert str(colab.parents[1]) in printed.rsplit("ran with kit from", 1)[1]  # installed, not this checkout
    assert "B03 holds" in printed

    installed = {p["metadata"]["name"].lower() for p in json.loads(report.read_text())["install"]}
    after = versions(colab)
    assert installed == after.keys() - before.keys()
    assert {"learnkit"} | MISSING_ON_COLAB <= installed
    assert {name: after[name] for name in before} == before
    print("pip's report:", ", ".join(sorted(installed)), "- nothing else changed")
