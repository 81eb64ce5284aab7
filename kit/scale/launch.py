"""Start ranks by torchrun, join them in a process group, and say which rank hangs.

    torchrun("kit.scale.agree", "--steps", "10", n_ranks=2, timeout=120)        starts; waits; returns what was printed

    with process_group() as (rank, n_ranks):                                    in each rank
        ...

A rank that does not come to an end in time writes down where it stands and stops; `torchrun` then raises a
TimeoutError that names it. Nothing waits for ever.

Taught in: 24
"""

import faulthandler
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import torch
import torch.distributed as dist

from kit.arguments import count, instance, real, shown
from kit.files import write_whole

SECONDS, PLACE = "KIT_RANK_SECONDS", "KIT_RANK_PLACE"  # of the environment: how long a rank may take, where it reports
STARTING = 90  # seconds by which torchrun's own patience is longer: processes start, and import torch
# A store for each attempt. By default all attempts share one, in which the ranks that are started anew may find the
# addresses of those that have died, and try to connect to them: seen with torch 2.13.
AGENT_SETTINGS = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
_FRAME = re.compile(r'File "(.*?)", line (\d+) in (\S+)')


def torchrun(
    module: str,
    *arguments: str,
    n_ranks: int,
    timeout: float,
    n_restarts: int = 0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a module on several processes of this machine, as `python -m torch.distributed.run` does.

    Args:
        timeout: seconds that a rank may take from joining the group to its end.
        n_restarts: how often all ranks are started anew after one has failed.

    Returns:
        What the ranks have printed.

    Raises:
        TypeError, ValueError: if `module` is no text, or a number is out of range.
        TimeoutError: if a rank does not end in time; it is named, with the line where it stands.
        RuntimeError: if a rank fails and no restart is left; the first one's error is in the message.
    """
    instance("module", module, str)
    count("n_ranks", n_ranks)
    seconds = real("timeout", timeout, above=0)
    count("n_restarts", n_restarts, at_least=0)
    if not all(isinstance(argument, str) for argument in arguments):
        raise TypeError(f"arguments must be texts, got {shown(arguments)}")
    with tempfile.TemporaryDirectory() as place:
        command = agent(
            module, *arguments, n_ranks=n_ranks, n_restarts=n_restarts, where=("--rdzv-endpoint", "127.0.0.1:0")
        )
        known = {SECONDS: str(seconds), PLACE: place, **(environment or {})}
        process = start(command, known, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            printed, _ = process.communicate(timeout=seconds * (1 + n_restarts) + STARTING)
        except subprocess.TimeoutExpired:
            printed = ""
        finally:
            stop(process)
        hung, first = standing(Path(place)), first_error(Path(place))
    if hung or process.returncode is None or process.returncode < 0:
        raise TimeoutError(f"{module} did not end within {seconds:g} s: {hung or 'no rank had joined the group'}")
    if process.returncode:
        raise RuntimeError(f"{module} failed: {first or printed[-3000:]}")
    return printed


def agent(
    module: str, *arguments: str, n_ranks: int, n_restarts: int = 0, where: tuple[str, ...], nodes: str = "1"
) -> list[str]:
    """Write the command line of the agent that starts and watches the ranks of one node.

    Args:
        where: the arguments that say where the nodes meet.
        nodes: how many there are, or the fewest and the most, as in "1:2".
    """
    run = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={n_ranks}", f"--nnodes={nodes}"]
    rest = [f"--max-restarts={n_restarts}", "--rdzv-backend=c10d", "--local-addr=127.0.0.1", *where]
    return [*run, *rest, "-m", module, *arguments]


def start(command: list[str], environment: Mapping[str, str], **pipes: Any) -> subprocess.Popen[str]:
    """Start a command that finds what this process finds, with one thread for each rank."""
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    loopback = "lo0" if sys.platform == "darwin" else "lo"  # else gloo asks what address the machine's name has
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": threads}
    whole = {**os.environ, **own, **AGENT_SETTINGS, "GLOO_SOCKET_IFNAME": loopback, **environment}
    return subprocess.Popen(command, env=whole, text=True, **pipes)


def stop(process: subprocess.Popen[str]) -> None:
    """Ask an agent to stop, which ends its ranks too; end it by force where it does not listen."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def process_group(*, seconds: float = 600.0) -> Iterator[tuple[int, int]]:
    """Join the group that torchrun has started, and leave it at the end; give its number and how many there are.

    Args:
        seconds: how long this rank may take; what `torchrun` was given counts before it.
    """
    rank, n_ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    seconds = float(os.environ.get(SECONDS, seconds))
    place = os.environ.get(PLACE)
    on_gpu = torch.cuda.device_count() >= int(os.environ["LOCAL_WORLD_SIZE"])  # one for each rank of this machine
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # no more than a note: a rank whose time is up writes it, and ends
    report = Path(place, f"rank {rank}").open("w") if place else sys.stderr  # noqa: SIM115
    try:
        _be_done_within(seconds, report)
        # a collective waits longer than a rank lives: whoever is late is named by the report, not by its neighbours
        backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
        dist.init_process_group(backend, timeout=timedelta(seconds=2 * seconds + 10))
        _be_done_within(seconds, report)  # from here on all ranks have one clock
        yield rank, n_ranks
        dist.destroy_process_group()
    except Exception:
        if place:  # whoever is first is the culprit: the others fail because it is gone
            write_whole(Path(place, f"error {time.time_ns()}"), f"rank {rank} of {n_ranks}: {traceback.format_exc()}")
        raise
    finally:
        _be_done_within(0, report)
        if report is not sys.stderr:
            report.close()


def _be_done_within(seconds: float, report: IO[str]) -> None:
    """Write down where this process stands after some seconds, and end it; 0 calls that off."""
    has_timer = hasattr(signal, "setitimer")
    if seconds:
        faulthandler.dump_traceback_later(seconds, exit=not has_timer, file=report)
    else:
        faulthandler.cancel_dump_traceback_later()
    if has_timer:  # SIGALRM ends the process, wherever it is; a moment later, so that the others report first
        signal.setitimer(signal.ITIMER_REAL, seconds + 3 if seconds else 0)


def first_error(place: Path) -> str:
    """Read the error of the rank that failed first; an empty text where none did."""
    found = sorted(place.glob("error *"))
    return found[0].read_text(encoding="utf-8") if found else ""


def standing(place: Path) -> str:
    """Read from the ranks' reports where each stood when its time was up; those that only waited come last."""
    found = []
    for path in sorted(place.glob("rank *")):
        main = path.read_text().rpartition("most recent call first")[2]  # the main thread is the last
        frames = _FRAME.findall(main)
        if frames:
            file, line, function = frames[0]
            waits = any("torch/distributed" in frame[0] for frame in frames)
            own = next((f for f in frames if "torch" not in f[0]), frames[0])
            place_of = f"called at {Path(own[0]).name}:{own[1]}" if waits else f"{Path(file).name}:{line}"
            found.append((waits, f"{path.name} {'waits' if waits else 'hangs'} in {function}, {place_of}"))
    return "; ".join(text for _, text in sorted(found))
