"""pyproject.toml holds the one list of dependencies; everything else must agree with it."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_environment_yml_holds_no_second_list():
    env = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, through_pip = env.pop("dependencies")
    assert env == {"name": PROJECT["name"], "channels": ["conda-forge"]}
    assert pip == "pip"
    assert through_pip == {"pip": ["-c constraints.txt", f"-e .[{','.join(EXTRAS)}]"]}
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))


def test_a_learners_dependencies_have_lower_bounds_and_no_upper_ones():
    for line in PROJECT["dependencies"] + EXTRAS["lab"]:
        assert [specifier.operator for specifier in Requirement(line).specifier] == [">="], line


def test_constraints_pin_each_dependency_within_its_range():
    pins = {}
    for line in CONSTRAINTS.splitlines():
        requirement = Requirement(line)
        pins.setdefault(requirement.name, []).append(next(iter(requirement.specifier)))
    for line in PROJECT["dependencies"] + [each for extra in EXTRAS.values() for each in extra]:
        requirement = Requirement(line)
        assert pins[requirement.name], line
        for pin in pins[requirement.name]:
            assert pin.operator == "=="
            assert requirement.specifier.contains(pin.version), line


def test_constraints_name_no_host_and_no_path():
    assert not re.search(r"://|/|^-|\+cpu|\+cu", CONSTRAINTS, re.M)


def test_constraints_leave_the_choice_between_builds_for_cuda_open():
    """Each build of PyTorch names its own versions of these; a pin would shut all but one build out."""
    assert not re.search(r"^(cuda|nvidia)-", CONSTRAINTS, re.M)


def test_the_packages_that_setuptools_is_told_of_are_those_that_exist():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "kit").rglob("__init__.py")}
    assert set(listed) == found | {"kit.data"}
