"""The one entry point: set up the kit beside this file, then do what the verb says.

    python run.py lab          open JupyterLab on notebooks/
    python run.py test         run every test, notebooks included
    python run.py check        the quick checks alone: style, types, layering, files
    python run.py notebooks    execute notebooks in place (all, or those named)
    python run.py evidence     run the experiments whose numbers are stored (all, or those named)
    python run.py claims       print what every claim came to, as the notebooks store it
    python run.py fresh        try the verdicts again on numbers drawn anew, by `python run.py evidence --fresh`
    python run.py stamp        write badge, minutes and set-up cell into every notebook, by git's remote or [ADDRESS]
    python run.py bench        measure the live views, descent and the notebooks
    python run.py bench-gpu    train GPTs on this machine's NVIDIA GPU in every precision; under 8 minutes

Needs Python 3.11 to 3.14 and nothing else. The first call makes .venv, by set_up.py; later calls find it.
Arguments after the verb are handed on: `python run.py test tests/learn -x`.
"""

import os
import subprocess
import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 14):  # said here: below, an older Python would stumble over a type
    sys.exit(
        f"The kit runs on Python 3.11 to 3.14, and this is {sys.version.split()[0]}. "
        "Install one of those beside it, and start run.py with that one: python3.13 run.py lab"
    )

from set_up import PYTHON, ROOT, set_up


def main() -> int:
    verb, rest = (sys.argv[1] if len(sys.argv) > 1 else "help"), sys.argv[2:]
    commands = {
        "lab": ["-m", "jupyterlab", "notebooks", "--ServerApp.ip=127.0.0.1", *allow_root()],
        "test": ["-m", "pytest", "-n", "auto", "--maxprocesses=4"],
        "check": ["-m", "pytest", "-q", "tests/house"],
        "notebooks": ["-m", "tests.notebooks.execute"],
        "evidence": ["-m", "kit.evidence"],
        "claims": ["-m", "tests.notebooks.claims"],
        "fresh": ["-m", "tests.notebooks.fresh"],
        "stamp": ["-m", "tests.notebooks.stamp"],
        "bench": ["-m", "tests.bench"],
        "bench-gpu": ["-m", "tests.bench.gpu"],
    }
    if verb not in commands:
        print(__doc__)
        return 0 if verb in {"help", "-h", "--help"} else 2
    set_up(verb)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # two torch threads on two busy cores are slower than one
    code = subprocess.call([PYTHON, *commands[verb], *rest], cwd=ROOT)
    if verb == "test" and (seconds := sum(os.times()[2:4])):  # of children; Windows does not count them
        print(f"{seconds / 60:.1f} CPU-minutes")
    return code


def allow_root() -> list[str]:
    """JupyterLab refuses to run as root, the only user inside many containers, unless told."""
    return ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []


if __name__ == "__main__":
    sys.exit(main())
