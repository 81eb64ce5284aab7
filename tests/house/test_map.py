"""Notebook header, a module's `Taught in:` line, data/course.csv and the README's map agree."""

import csv
import re
from pathlib import Path

import nbformat

from kit.check.claim import claims
from kit.check.course import EXERCISES, course
from tests.notebooks import course_table

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in (ROOT / "kit").rglob("*.py")
    if path.name != "__init__.py"
}
NOTEBOOKS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}


def header(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[0].source


def modules_named(text: str) -> set[str]:
    return set(re.findall(r"`(kit\.[\w.]+)`", text))


def taught_in(notebook: str) -> set[str]:
    return {name for name, source in MODULES.items() if notebook in re.search(r"^Taught in:(.*)$", source, re.M)[1]}


def test_every_module_says_where_it_is_taught():
    for name, source in MODULES.items():
        line = re.search(r"^Taught in:((?: \d\d)+| every notebook)$", source, re.M)
        assert line, f"{name} needs a line such as `Taught in: 01`, or `Taught in: every notebook`"


def test_header_and_modules_agree():
    for notebook, path in NOTEBOOKS.items():
        assert modules_named(header(path)) == taught_in(notebook), notebook


def test_the_readmes_map_says_what_the_notebooks_say():
    """Titles and questions, minutes and verdicts, by parts."""
    (found,) = course_table.SECTION.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found == course_table.section(), "run `python -m tests.notebooks.course_table`"
    assert re.findall(r"\(notebooks/(\S+)\)", found) == [path.name for path in NOTEBOOKS.values()]


def test_course_and_notebooks_agree():
    assert [(row["notebook"], row["file"]) for row in course()] == [(n, path.name) for n, path in NOTEBOOKS.items()]
    for row in course():
        text = header(NOTEBOOKS[row["notebook"]])
        assert text.startswith(f"# {row['title']}\n")
        assert f"**{row['question']}**" in text


def test_each_notebook_settles_its_claims():
    for row in course():
        book = nbformat.read(NOTEBOOKS[row["notebook"]], as_version=4)
        settled = re.findall(r'settle\(\s*"(\w+)"', "\n".join(c.source for c in book.cells if c.cell_type == "code"))
        assert sorted(settled) == sorted(row["claims"].split())
        assert set(settled) <= claims().keys()


def test_every_exercise_stands_in_its_notebook():
    assert EXERCISES.keys() == NOTEBOOKS.keys()
    for notebook, exercises in EXERCISES.items():
        source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS[notebook], as_version=4).cells)
        assert len(re.findall(r"^check\.\w+\(", source, re.M)) == len(exercises), notebook
        assert len(re.findall(r"<summary>Solution</summary>", source)) == len(exercises), notebook


def test_every_forecast_has_its_notebook():
    with (ROOT / "data/measured/notebooks.csv").open(newline="", encoding="utf-8") as file:
        assert {row["notebook"] for row in csv.DictReader(file)} == {"yardstick", *NOTEBOOKS}


def test_each_notebook_links_to_its_neighbours():
    files = [row["file"] for row in course()]
    for i, file in enumerate(files):
        last = nbformat.read(ROOT / "notebooks" / file, as_version=4).cells[-1].source
        neighbours = [*files[max(i - 1, 0) : i], *files[i + 1 : i + 2]]
        assert re.findall(r"\((\d\d_\w+\.ipynb)\)", last) == neighbours, file
