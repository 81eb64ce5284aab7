"""Make .venv: the kit, its tools, and the build of PyTorch that fits this machine.

`look` gathers what the machine is, `plans` decides by it, `set_up` carries out. Standard library only.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PACKAGES = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
CONSTRAINTS = ROOT / "constraints.txt"
PINS = dict(line.split(" ;")[0].split("==") for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines())
TORCH = PINS["torch"]
PYPI_CUDA = 13  # PyPI's own Linux build of that PyTorch is made for this major version of CUDA

CUDA_NOT_WANTED = """\
Nothing in this Linux machine can use CUDA {cuda}, and pip would fetch PyTorch's build for it: about 2.7 GB,
all of it useless here. PyTorch offers builds without CUDA at an index of its own, which uv did not reach.
If pip can: open https://pytorch.org/get-started/locally, choose Linux, Pip and CPU, and copy the address
that follows --index-url. Then run

    PIP_EXTRA_INDEX_URL=<that address> python3 run.py {verb}

To take the CUDA build all the same, run  KIT_ALLOW_CUDA=1 python3 run.py {verb}"""

NO_BUILD = """\
PyTorch {torch} has no build for this machine with this Python. It has them for Linux, for Windows on x86-64
processors, and for macOS 14 or newer on Apple silicon."""


def set_up(verb: str) -> None:
    """Make .venv with the kit and its tools in it, unless it was made from these very files."""
    sources = [ROOT / "pyproject.toml", CONSTRAINTS]
    state = hashlib.sha256(sys.version.encode() + b"".join(p.read_bytes() for p in sources)).hexdigest()
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text() == state:
        return
    print("Setting up .venv: a few minutes, once.", flush=True)
    try:
        venv.create(VENV, with_pip=True, clear=True, symlinks=os.name != "nt")  # as python -m venv does
    except subprocess.CalledProcessError:
        sys.exit("This Python cannot make an environment. On Debian and Ubuntu: sudo apt install python3-venv")
    machine = look()
    for plan in plans(machine):
        if not plan.commands:
            sys.exit(plan.why.format(verb=verb, torch=TORCH, cuda=PYPI_CUDA))
        if all(follow(command) == 0 for command in plan.commands):
            break
    else:
        sys.exit("Set-up did not finish; the message above says why. Run the same command to try again.")
    question = "import torch; print(torch.__version__, torch.version.cuda or '')"
    answer = subprocess.run([PYTHON, "-c", question], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(verdict(*answer.strip().split(" "), machine=machine, why=plan.why), flush=True)
    stamp.write_text(state)


class Machine(NamedTuple):
    """What decides which build of PyTorch fits.

    Args:
        system: sys.platform.
        cuda: the newest major version of CUDA that the NVIDIA driver runs; 0 without a working one.
        offered: the versions of PyTorch that pip finds, by whatever configuration it has.
        allow_cuda: take CUDA even where nothing can use it.
    """

    system: str
    cuda: int = 0
    offered: frozenset[str] = frozenset()
    allow_cuda: bool = False


class Plan(NamedTuple):
    """Commands for .venv's Python, to run in turn, and why; without commands, why there is no way."""

    commands: list[list[str]]
    why: str


def look() -> Machine:
    """Ask the NVIDIA driver, where there is one, and pip."""
    smi = shutil.which("nvidia-smi")
    driver = subprocess.run([smi], capture_output=True, text=True).stdout if smi else ""
    listing = subprocess.run([PYTHON, "-m", "pip", "index", "versions", "torch"], capture_output=True, text=True)
    offered = frozenset(re.findall(r"\d[\w.+]*", listing.stdout))
    return Machine(sys.platform, driver_cuda(driver), offered, "KIT_ALLOW_CUDA" in os.environ)


def driver_cuda(text: str) -> int:
    """Read the major version of CUDA off the table that nvidia-smi prints; 0 if it has none."""
    found = re.search(r"CUDA[\w ]* Version: *(\d+)", text)
    return int(found[1]) if found else 0


def build_cuda(version: str, system: str) -> int:
    """Read off a version of PyTorch which major version of CUDA it is for: 0 for none, -1 for what is no candidate."""
    if version == TORCH:
        return PYPI_CUDA if system == "linux" else 0
    label = re.fullmatch(re.escape(TORCH) + r"\+(?:cpu|cu(\d\d)\d)", version)
    return int(label[1] or 0) if label else -1


def plans(machine: Machine) -> list[Plan]:
    """Say how to install on a machine: the best way first, each of the others for when those before it fail.

    Where pip's own configuration offers a build made for such a machine, pip takes it. Elsewhere uv does: it
    knows PyTorch's index, and picks by the driver. Where uv fails, pip takes what PyPI offers, if that fits.
    """
    builds = {version: build_cuda(version, machine.system) for version in machine.offered or {TORCH}}
    cuda, best = max(
        ((cuda, version) for version, cuda in builds.items() if 0 <= cuda <= machine.cuda), default=(0, "")
    )
    gpu = f"whose NVIDIA driver runs CUDA {machine.cuda}" if machine.cuda else "which has no working NVIDIA GPU"

    kit = ["-c", str(CONSTRAINTS), "-e", ".[lab,test]"]
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    by_pip = Plan([[*pip, *kit, f"torch==={best}"]], f"what pip offers for this machine, {gpu}")
    if "+" in best and bool(cuda) == bool(machine.cuda):
        return [by_pip]

    # Not auto without an NVIDIA GPU: that brings Intel's build to every machine with Intel's graphics.
    backend = ["--torch-backend=auto"] if machine.cuda else ["--torch-backend=cpu"] if machine.system == "linux" else []
    uv = ["-m", "uv", "pip", "install", "--python", str(PYTHON), "--compile-bytecode", *backend]
    by_uv = Plan([[*pip, "-c", str(CONSTRAINTS), "uv"], [*uv, *kit]], f"what uv picks for this machine, {gpu}")
    if best:
        return [by_uv, by_pip]
    if max(builds.values()) < 0:
        return [by_uv, Plan([], NO_BUILD)]
    if machine.allow_cuda:
        return [by_uv, Plan([[*pip, *kit]], f"by KIT_ALLOW_CUDA, on this machine, {gpu}")]
    return [by_uv, Plan([], CUDA_NOT_WANTED)]


def verdict(version: str, cuda: str = "", *, machine: Machine, why: str) -> str:
    """Say which build came, and why."""
    line = f"PyTorch {version}, {f'for CUDA {cuda}' if cuda else 'without CUDA'}: {why}."
    if machine.cuda and not cuda:
        line += "\nNo build for that driver was found. With a newer one, delete .venv and run the command again."
    return line


def follow(command: list[str]) -> int:
    """Run a command with .venv's Python and show how far it is; if it fails, show the end of what it said."""
    progress, start, in_place = Progress(), time.monotonic(), sys.stdout.isatty()
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with subprocess.Popen([PYTHON, *command], cwd=ROOT, **output) as process:
        reader = threading.Thread(target=progress.read, args=[process.stdout])
        reader.start()
        while reader.is_alive():
            reader.join(0.2 if in_place else 15)
            minutes, seconds = divmod(int(time.monotonic() - start), 60)
            line = f"  {progress}, {minutes}:{seconds:02}"
            print(f"\r{line:<70}" if in_place else f"{line}\n", end="", flush=True)
    if in_place:
        print("\r" + " " * 70, end="\r", flush=True)
    if process.returncode:
        print("".join(f"  {line}" for line in progress.tail), end="", flush=True)
    return process.returncode


class Progress:
    """How far pip or uv is, read off what it prints.

    pip fetches in turn, and prints a line for each package. uv fetches many at once: it prints how many
    packages there are, then which large ones are under way, then which of those have come.
    """

    def __init__(self) -> None:
        self.doing, self.done, self.all = "Fetching", 0, len(PINS)
        self.fetched = self.announced = 0.0  # MB
        self.tail: list[str] = []

    def __str__(self) -> str:
        done = len(list(PACKAGES.glob("*.dist-info"))) if self.doing == "Installing" else self.done
        sizes = f", {self.fetched:.0f} of {self.announced:.0f} MB" if self.announced else ""
        return f"{self.doing}: {min(done, self.all)} of {self.all} packages{sizes}"

    def read(self, lines: Iterable[str]) -> None:
        """Follow the lines to their end."""
        by_uv, under_way = False, {}
        for line in lines:
            self.tail = [*self.tail[-11:], line]
            word, name, *_ = [*line.split(maxsplit=2), "", ""]
            if not by_uv:
                self.fetched = self.announced
            if word in {"Collecting", "Processing"}:
                self.done += 1
            elif word == "Resolved" and name.isdigit():
                by_uv, self.done, self.all = True, int(name), int(name)
            elif word == "Downloading":
                under_way[name] = megabytes(line)
                self.announced += under_way[name]
                self.done -= by_uv
            elif word == "Downloaded" and name in under_way:
                self.fetched += under_way[name]
                self.done += 1
            elif word == "Prepared":
                self.doing = "Installing"
            elif line.startswith("Installing collected packages"):
                self.doing, self.all = "Installing", line.count(",") + 1


def megabytes(line: str) -> float:
    """Read a size such as (7.2 kB), (182.9MiB) or (1.1 GB) off a line; 0 if it has none."""
    size = re.search(r"\(([\d.]+) ?([kKMG])i?B\)", line)
    return float(size[1]) * {"k": 1e-3, "K": 1e-3, "M": 1, "G": 1e3}[size[2]] if size else 0.0
