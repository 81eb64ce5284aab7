import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.stamp import GLOSSARY, ROOT, web_address

START = "notebooks/00_start_here.ipynb"
CODE = [f"tests/{name}.py" for name in ("__init__", "notebooks/__init__", "notebooks/pages", "notebooks/stamp")]
COPIED = ("pyproject.toml", START, "data/measured/notebooks.csv", *CODE)


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/you/learnkit",
        "https://github.com/you/learnkit.git\n",
        "https://you:secret@github.com/you/learnkit.git",
        "git@github.com:you/learnkit.git\n",
        "ssh://git@github.com/you/learnkit.git",
        "ssh://git@github.com:22/you/learnkit.git",
    ],
)
def test_a_remote_on_the_web_becomes_its_page(remote):
    assert web_address(remote) == "https://github.com/you/learnkit"


def test_another_host_keeps_its_name():
    assert web_address("git@git.example.org:group/part/learnkit.git") == "https://git.example.org/group/part/learnkit"


@pytest.mark.parametrize(
    "remote",
    ["", "/somewhere/learnkit\n", "../learnkit", "file:///somewhere/learnkit", "C:/learnkit", "https://github.com/you"],
)
def test_another_remote_has_no_page(remote):
    assert web_address(remote) == ""


@pytest.fixture
def repository(tmp_path):
    """A git repository with one notebook and what stamps it."""
    for name in COPIED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def stamped(repository: Path, *address: str, **remotes: str) -> subprocess.CompletedProcess:
    """Run the command in a repository that has these remotes."""
    for name, remote in remotes.items():
        subprocess.run(["git", "remote", "add", name, remote], cwd=repository, check=True)
    env = os.environ | {"PYTHONPATH": str(repository)}
    command = [sys.executable, "-P", "-m", "tests.notebooks.stamp", *address]
    return subprocess.run(command, cwd=repository, env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("address", "remotes", "expected"),
    [
        ([], {"origin": "git@github.com:ada/fork.git"}, "https://github.com/ada/fork"),
        ([], {"upstream": "https://github.com/ada/fork.git"}, "https://github.com/ada/fork"),
        (
            [],
            {"upstream": "https://github.com/x/y", "origin": "https://github.com/ada/fork"},
            "https://github.com/ada/fork",
        ),
        (["https://github.com/eve/kit"], {"origin": "git@github.com:ada/fork.git"}, "https://github.com/eve/kit"),
        (["https://github.com/eve/kit"], {}, "https://github.com/eve/kit"),
    ],
)
def test_the_address_is_written_into_the_project_and_its_notebooks(repository, address, remotes, expected):
    result = stamped(repository, *address, **remotes)
    assert result.stdout == f"stamped 1 notebooks with {expected}\n", result.stderr
    assert f'Repository = "{expected}"' in (repository / "pyproject.toml").read_text(encoding="utf-8")
    header, code = nbformat.read(repository / START, as_version=4).cells[:2]
    assert f"{expected.replace('github.com', 'colab.research.google.com/github')}/blob/main/{START}" in header.source
    assert f"git+{expected}\n" in code.source
    assert "to read and do" in header.source
    assert header.source.count(GLOSSARY) == 1


@pytest.mark.parametrize(
    ("remotes", "sentence"),
    [
        ({}, "git has no remote here; name the address: python run.py stamp https://github.com/you/learnkit"),
        ({"a": "https://github.com/a/k", "b": "https://github.com/b/k"}, "git has several remotes and no origin here"),
        ({"origin": "/somewhere/learnkit"}, "git's remote origin must be on the web, got /somewhere/learnkit"),
        ({"origin": "git@example.org:you/learnkit.git"}, "got 'https://example.org/you/learnkit'"),
    ],
)
def test_a_remote_that_will_not_do_is_refused_and_nothing_is_written(repository, remotes, sentence):
    result = stamped(repository, **remotes)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert all((repository / name).read_bytes() == (ROOT / name).read_bytes() for name in COPIED)
