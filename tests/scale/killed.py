"""Kill ranks and nodes of a training at random steps: python -m tests.scale.killed.

Prints whether samples were lost or doubled, and whether the last weights are bit-equal to those of a run
left in peace. The nodes are agents of torchrun on this machine, which meet in a store of this process.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
from torch._C._distributed_c10d import TCPStore

from kit.scale.elastic import BATCH_SIZE, samples_seen, worlds
from kit.scale.launch import PLACE, SECONDS, agent, start, stop, torchrun
from kit.scale.story import stories
from kit.train import checkpoint
from kit.train.batches import epochs

MODULE, PATIENCE = "kit.scale.elastic", 300
# A node counts as lost after fifteen seconds without a sign of life. After two, on a busy machine, one that lived was
# taken for lost, and the one that came began a run of its own beside it.
MEET = "is_host=0,last_call_timeout=1,keep_alive_interval=1,keep_alive_max_attempt=15,join_timeout=240"


def in_peace(folder: Path, n_steps: int, *, n_ranks: int = 2) -> None:
    """Run without a kill."""
    torchrun(MODULE, "--folder", str(folder), "--steps", str(n_steps), n_ranks=n_ranks, timeout=PATIENCE)


def with_workers_killed(folder: Path, n_steps: int, kills: list[str]) -> None:
    """Run on two ranks of one node, of which some kill themselves."""
    given = ("--folder", str(folder), "--steps", str(n_steps), "--kill", *kills)
    torchrun(MODULE, *given, n_ranks=2, timeout=PATIENCE, n_restarts=len(kills))


def with_a_node_lost(folder: Path, n_steps: int, *, lost_at: int, back_at: int) -> None:
    """Run on two nodes of one rank each; one is killed with its agent, and a third joins while the other is alone.

    Raises:
        TimeoutError: if the run does not come to its end.
    """
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    where = ("--rdzv-id", folder.name, "--rdzv-endpoint", f"127.0.0.1:{store.port}", "--rdzv-conf", MEET)
    given = ("--folder", str(folder), "--steps", str(n_steps), "--kill", f"{lost_at}:1:node", "--hold", str(back_at))
    line = agent(MODULE, *given, n_ranks=1, n_restarts=4, where=where, nodes="1:2")
    folder.mkdir(parents=True)
    environment = {SECONDS: str(PATIENCE), PLACE: str(folder)}
    with (folder / "agents.log").open("w") as log:
        agents = [start(line, environment, stdout=log, stderr=subprocess.STDOUT) for _ in range(2)]
        try:
            until(lambda: worlds(folder)[-1:] == [1], "the other node is alone", folder)
            agents.append(start(line, environment, stdout=log, stderr=subprocess.STDOUT))
            until(lambda: (folder / "weights.pt").exists(), "the run has ended", folder)
            until(lambda: all(each.poll() is not None for each in agents), "all agents have ended", folder)
        finally:
            for each in agents:
                stop(each)


def until(happened, what: str, folder: Path) -> None:
    """Wait for something, and not for ever."""
    end = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > end:
            printed = (folder / "agents.log").read_text()[-2000:]
            raise TimeoutError(f"{PATIENCE} s have passed before {what}; attempts ran on {worlds(folder)}: {printed}")
        time.sleep(0.1)


def lost_and_doubled(folder: Path, n_steps: int) -> tuple[int, int]:
    """Count samples of a run that were lost, and those that were learned from too often."""
    numbers = epochs(torch.arange(len(stories()[0])), batch_size=BATCH_SIZE)
    wanted = Counter(number for step in range(n_steps) for number in numbers(step).tolist())
    found = Counter(samples_seen(folder))
    return (wanted - found).total(), (found - wanted).total()


def same_weights(one: Path, other: Path) -> bool:
    """Tell whether the last weights of two runs are equal to the bit."""
    a, b = (checkpoint.load(folder / "weights.pt") for folder in (one, other))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def main(*, n_kills: int = 10, n_steps: int = 40) -> None:
    """Kill a worker at ten random steps of one run, then a node."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        whole, broken, nodes = (Path(place) / name for name in ("whole", "broken", "nodes"))
        in_peace(whole, n_steps)
        kills = [f"{step}:{rng.randrange(2)}" for step in sorted(rng.sample(range(1, n_steps), n_kills))]
        with_workers_killed(broken, n_steps, kills)
        n_killed, (lost, doubled) = len(list(broken.glob("killed *"))), lost_and_doubled(broken, n_steps)
        equal = same_weights(whole, broken)
        print(f"a worker killed at {n_killed} of {n_kills} random steps: {lost} samples lost, {doubled} doubled")
        print(f"the last weights are {'bit-equal' if equal else 'NOT EQUAL'} to those of a run left in peace")
        with_a_node_lost(nodes, 12, lost_at=4, back_at=8)
        node_lost, node_doubled = lost_and_doubled(nodes, 12)
        print(f"a node killed, ranks {worlds(nodes)}: {node_lost} samples lost, {node_doubled} doubled")
    fine = n_killed == n_kills and equal and not (lost or doubled or node_lost or node_doubled)
    sys.exit(not fine)


if __name__ == "__main__":
    main()
