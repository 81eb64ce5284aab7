"""Which build of PyTorch comes to which machine: on machines made up, by the commands that would run."""

import io
import subprocess
import sys
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import set_up
from set_up import CUDA_NOT_WANTED, NO_BUILD, PYPI_CUDA, TORCH, Machine, Progress, driver_cuda, plans, verdict

ROOT = Path(__file__).parents[2]
CPU, OLD_CUDA, CUDA = f"{TORCH}+cpu", f"{TORCH}+cu126", f"{TORCH}+cu130"
PYPI = frozenset({"2.9.0", TORCH})
CPU_BESIDE_IT = PYPI | {CPU}
MIRROR = PYPI | {CPU, OLD_CUDA, CUDA, f"{TORCH}+rocm7.2", "2.99.0+cu130"}

UV_CPU, UV_AUTO, UV = "uv --torch-backend=cpu", "uv --torch-backend=auto", "uv"
PIP = f"pip torch==={TORCH}"


def ways(machine: Machine) -> list[str]:
    """Boil each plan down to who installs, and what decides the build."""
    found = []
    for commands, why in plans(machine):
        if not commands:
            found.append({NO_BUILD: "no build", CUDA_NOT_WANTED: "question"}[why])
            continue
        *_, last = commands
        decisive = [word for word in last if word.startswith(("--torch-backend", "torch="))]
        found.append(" ".join([last[1], *decisive]))
    return found


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (Machine("linux", 0, PYPI), [UV_CPU, "question"]),
        (Machine("linux", 0, PYPI, allow_cuda=True), [UV_CPU, "pip"]),
        (Machine("linux", 0, CPU_BESIDE_IT), [f"pip torch==={CPU}"]),
        (Machine("linux", 0, MIRROR), [f"pip torch==={CPU}"]),
        (Machine("linux", 0, frozenset()), [UV_CPU, "question"]),
        (Machine("linux", 13, PYPI), [UV_AUTO, PIP]),
        (Machine("linux", 13, CPU_BESIDE_IT), [UV_AUTO, PIP]),
        (Machine("linux", 13, MIRROR), [f"pip torch==={CUDA}"]),
        (Machine("linux", 12, PYPI), [UV_AUTO, "question"]),
        (Machine("linux", 12, CPU_BESIDE_IT), [UV_AUTO, f"pip torch==={CPU}"]),
        (Machine("linux", 12, MIRROR), [f"pip torch==={OLD_CUDA}"]),
        (Machine("linux", 11, MIRROR), [UV_AUTO, f"pip torch==={CPU}"]),
        (Machine("win32", 0, PYPI), [UV, PIP]),
        (Machine("win32", 13, PYPI), [UV_AUTO, PIP]),
        (Machine("win32", 13, MIRROR), [f"pip torch==={CUDA}"]),
        (Machine("darwin", 0, PYPI), [UV, PIP]),
        (Machine("darwin", 0, frozenset({"2.2.2"})), [UV, "no build"]),
    ],
    ids=[
        "Linux",
        "Linux, CUDA allowed",
        "Linux, pip offers a CPU build",
        "Linux, pip offers every build",
        "Linux, pip offers nothing",
        "Linux with a GPU",
        "Linux with a GPU, pip offers a CPU build",
        "Linux with a GPU, pip offers every build",
        "Linux with an old driver",
        "Linux with an old driver, pip offers a CPU build",
        "Linux with an old driver, pip offers every build",
        "Linux with a driver too old for any",
        "Windows",
        "Windows with a GPU",
        "Windows with a GPU, pip offers every build",
        "macOS",
        "macOS on Intel",
    ],
)
def test_each_machine_gets_the_build_that_fits(machine, expected):
    assert ways(machine) == expected


@pytest.mark.parametrize("machine", [Machine("linux", 0, CPU_BESIDE_IT), Machine("linux", 13, PYPI)])
def test_every_way_keeps_to_the_constraints_and_installs_the_kit(machine):
    for commands, _ in plans(machine):
        for command in commands:
            assert command[command.index("-c") + 1] == str(ROOT / "constraints.txt")
        assert commands[-1][commands[-1].index("-e") + 1] == ".[lab,test]"


def test_no_command_names_a_host():
    for machine in (Machine("linux", 0, PYPI), Machine("win32", 13, PYPI), Machine("darwin", 0, PYPI)):
        assert not any("://" in word for commands, _ in plans(machine) for command in commands for word in command)


def test_one_line_says_which_build_came_and_why():
    machine = Machine("linux", 0, PYPI)
    line = verdict(CPU, machine=machine, why=plans(machine)[0].why)
    assert line == f"PyTorch {CPU}, without CUDA: what uv picks for this machine, which has no working NVIDIA GPU."
    machine = Machine("win32", 13, PYPI)
    line = verdict(CUDA, "13.0", machine=machine, why=plans(machine)[0].why)
    assert line == f"PyTorch {CUDA}, for CUDA 13.0: what uv picks for this machine, whose NVIDIA driver runs CUDA 13."


def test_a_gpu_left_unused_is_told_of():
    assert "With a newer one, delete .venv" in verdict(CPU, machine=Machine("linux", 11, PYPI), why="")


def test_nvidia_smi_is_understood():
    assert driver_cuda("| NVIDIA-SMI 550.54.14    Driver Version: 550.54.14    CUDA Version: 12.4     |") == 12
    assert driver_cuda("| NVIDIA-SMI 595.45   KMD Version: 595.45   CUDA UMD Version: 13.2     |") == 13
    assert driver_cuda("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.") == 0
    assert driver_cuda("") == 0


def test_where_uv_fails_the_question_is_asked_before_anything_large_is_fetched(monkeypatch, capsys, tmp_path):
    ran = []
    monkeypatch.setattr(set_up, "VENV", tmp_path)
    monkeypatch.setattr(set_up.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(set_up, "look", lambda: Machine("linux", 0, PYPI))
    monkeypatch.setattr(set_up, "follow", lambda command: ran.append(command) or "--torch-backend=cpu" in command)
    with pytest.raises(SystemExit, match=r"PIP_EXTRA_INDEX_URL=<that address> python3 run.py lab"):
        set_up.set_up("lab")
    assert [command[1] for command in ran] == ["pip", "uv"]
    assert ran[0][-1] == "uv"
    assert capsys.readouterr().out.startswith("Setting up .venv")


def test_progress_is_read_off_pip():
    progress = Progress()
    assert str(progress) == f"Fetching: 0 of {len(set_up.PINS)} packages"
    lines = """\
Looking in links: /somewhere
Processing /somewhere/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl (from learnkit==0.1.0)
Collecting numpy>=1.26 (from learnkit==0.1.0)
  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (62 kB)
  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)
Collecting tqdm>=4.66 (from learnkit==0.1.0)
  Using cached tqdm-4.70.1-py3-none-any.whl (78 kB)
"""
    progress.read(lines.splitlines(keepends=True))
    assert str(progress) == f"Fetching: 3 of {len(set_up.PINS)} packages, 17 of 17 MB"
    assert progress.tail[-1].endswith("tqdm-4.70.1-py3-none-any.whl (78 kB)\n")


def test_progress_is_read_off_uv():
    progress = Progress()
    lines = """\
Using Python 3.11.7 environment at: .venv
Resolved 177 packages in 1.48s
   Building learnkit @ file:///somewhere
Downloading torch (182.9MiB)
Downloading numpy (16.1MiB)
Downloading nvidia-cudnn-cu13 (1.5GiB)
 Downloaded numpy
"""
    progress.read(io.StringIO(lines))
    assert str(progress) == "Fetching: 175 of 177 packages, 16 of 1699 MB"


def test_progress_counts_what_is_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(set_up, "PACKAGES", tmp_path)
    for name in ("numpy-2.4.6.dist-info", "tqdm-4.70.1.dist-info", "tqdm"):
        (tmp_path / name).mkdir()
    progress = Progress()
    progress.read(["Installing collected packages: numpy, tqdm, torch\n"])
    assert str(progress) == "Installing: 2 of 3 packages"


def test_what_a_failing_command_said_last_is_shown(monkeypatch, capfd):
    monkeypatch.setattr(set_up, "PYTHON", sys.executable)
    command = ["-c", "for i in range(99): print('line', i)\nraise SystemExit(3)"]
    assert set_up.follow(command) == 3
    shown = capfd.readouterr().out
    assert "  line 98\n" in shown
    assert "line 80\n" not in shown


def test_pypis_linux_build_is_for_the_cuda_that_set_up_reckons_with():
    if version("torch") == TORCH and sys.platform == "linux":
        assert any(line.startswith("cuda-toolkit") and f"=={PYPI_CUDA}." in line for line in requires("torch") or [])


def test_pythons_too_old_and_too_new_are_told_so():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    for old in ("(3, 10, 13)", "(3, 15, 0)"):
        claim = f"import sys, runpy; sys.version_info = {old}; runpy.run_path('run.py')"
        told = subprocess.run([sys.executable, "-c", claim], cwd=ROOT, capture_output=True, text=True)
        assert told.returncode == 1
        assert told.stderr.startswith("The kit runs on Python 3.11 to 3.14, and this is ")
