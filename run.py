"""The one entry point: set up the kit beside this file, then do what the verb says.

    python run.py lab          open JupyterLab on notebooks/
    python run.py test         run every test, notebooks included
    python run.py check        the quick checks alone: style, types, layering, files
    python run.py notebooks    execute notebooks in place (all, or those named)
    python run.py evidence      run the experiments whose numbers are stored (all, or those named)
    python run.py stamp        write badge and set-up cell into every notebook ([ADDRESS] for a fork)
    python run.py bench        measure the live views, descent and the notebooks
    python run.py bench-gpu    train GPTs on this machine's NVIDIA GPU in every precision; under 8 minutes

Needs Python 3.11 or newer and nothing else. The first call makes .venv; later calls find it.
Arguments after the verb are handed on: `python run.py test tests/learn -x`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CONSTRAINTS = ROOT / "constraints.txt"

CUDA_NOT_WANTED = """\
This Linux machine has no NVIDIA GPU, and pip would fetch PyTorch's CUDA build: about 2.7 GB, all
of it useless here. PyTorch offers a CPU build at an index of its own. Open
https://pytorch.org/get-started/locally, choose Linux, Pip and CPU, and copy the address that
follows --index-url. Then run

    PIP_EXTRA_INDEX_URL=<that address> python3 run.py {verb}

To take the CUDA build all the same, run  KIT_ALLOW_CUDA=1 python3 run.py {verb}"""


def main() -> int:
    verb, rest = (sys.argv[1] if len(sys.argv) > 1 else "help"), sys.argv[2:]
    commands = {
        "lab": ["-m", "jupyterlab", "notebooks", "--ServerApp.ip=127.0.0.1", *allow_root()],
        "test": ["-m", "pytest", "-n", "auto", "--maxprocesses=4"],
        "check": ["-m", "pytest", "-q", "tests/house"],
        "notebooks": ["-m", "tests.notebooks.execute"],
        "evidence": ["-m", "kit.evidence"],
        "stamp": ["-m", "tests.notebooks.stamp"],
        "bench": ["-m", "tests.bench"],
        "bench-gpu": ["-m", "tests.bench.gpu"],
    }
    if verb not in commands:
        print(__doc__)
        return 0 if verb in {"help", "-h", "--help"} else 2
    set_up(verb)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # two torch threads on two busy cores are slower than one
    return subprocess.call([PYTHON, *commands[verb], *rest], cwd=ROOT)


def allow_root() -> list[str]:
    """JupyterLab refuses to run as root, the only user inside many containers, unless told."""
    return ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []


def set_up(verb: str) -> None:
    """Make .venv with the kit and its tools in it, unless it was made from these very files."""
    if sys.version_info < (3, 11):  # noqa: UP036, this file must say so itself: nothing else has run yet
        sys.exit(f"The kit needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    sources = [ROOT / "pyproject.toml", CONSTRAINTS]
    state = hashlib.sha256(sys.version.encode() + b"".join(p.read_bytes() for p in sources)).hexdigest()
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text() == state:
        return
    print("Setting up .venv: a few minutes, once.", flush=True)
    venv.create(VENV, with_pip=True, clear=True)
    refuse_needless_cuda(verb)
    install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", CONSTRAINTS]
    if subprocess.call([PYTHON, *install, "-e", ".[lab,test]"], cwd=ROOT):
        sys.exit("Set-up did not finish; pip's message above says why. Run the same command to try again.")
    stamp.write_text(state)


def refuse_needless_cuda(verb: str) -> None:
    """Stop, before anything is fetched, where pip would bring CUDA to a Linux machine without a GPU."""
    if sys.platform != "linux" or shutil.which("nvidia-smi") or "KIT_ALLOW_CUDA" in os.environ:
        return
    pinned = next(line.split("==")[1] for line in CONSTRAINTS.read_text().splitlines() if line.startswith("torch=="))
    offered = subprocess.run([PYTHON, "-m", "pip", "index", "versions", "torch"], capture_output=True, text=True)
    if f"{pinned}+cpu" not in offered.stdout:
        sys.exit(CUDA_NOT_WANTED.format(verb=verb))


if __name__ == "__main__":
    sys.exit(main())
