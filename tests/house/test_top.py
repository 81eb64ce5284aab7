"""What stands at the top of the repository, and what its licences and its citation say."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# kit itself, the usual project files, and settings of tools
TOP = {"notebooks", "kit", "data", "tests", "environment.yml", "README.md"}
USUAL = {"CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "LICENSE-prose", "pyproject.toml"}
USUAL |= {"constraints.txt", "run.py", "set_up.py"}
SETTINGS = {".ci", ".gitattributes", ".gitignore", ".pre-commit-config.yaml"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_nothing_else_stands_at_the_top():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name.split("/")[0] for name in filter(None, tracked.split("\0"))} == TOP | USUAL | SETTINGS


def test_licences_name_themselves_and_the_authors():
    (authors,) = PROJECT["authors"]
    assert PROJECT["license-files"] == ["LICENSE", "LICENSE-prose"]
    for name, says, identifier in (("LICENSE", "MIT License", "MIT"), ("LICENSE-prose", "CC BY 4.0", "CC-BY-4.0")):
        assert says in text(name).splitlines()[0]
        assert authors["name"] in text(name)
        assert f"]({name})" in text("README.md")
        assert identifier in PROJECT["license"].split(" AND ")


def test_the_citation_is_of_this_version_and_these_authors():
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "message", "abstract"} <= citation.keys()
    assert citation["version"] == PROJECT["version"]
    assert citation["authors"] == PROJECT["authors"]
    assert citation["license"] == PROJECT["license"].split(" AND ")


def test_the_changelog_is_kept_in_order():
    headings = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", text("CHANGELOG.md"), re.M)
    assert headings[0] == ("Unreleased", "")
    version, day = headings[1]
    assert version == PROJECT["version"]
    assert day == str(yaml.safe_load(text("CITATION.cff"))["date-released"])
    assert [day for _, day in headings[1:]] == sorted((day for _, day in headings[1:]), reverse=True)
    kinds = re.findall(r"^### (.+)$", text("CHANGELOG.md"), re.M)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
