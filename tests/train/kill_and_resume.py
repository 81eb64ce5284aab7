"""Kill training at random steps, start it again, compare every bit: python -m tests.train.kill_and_resume."""

import io
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import torch

from kit.learn.schedules import cosine, warmup
from kit.models.gpt import GPT, GPTConfig
from kit.train import checkpoint
from kit.train.batches import epochs
from kit.train.loop import fit
from kit.train.monitor import JsonLines, read_json_lines
from kit.train.objectives import next_token_loss

CHECKPOINT_EVERY = 7


def wait_to_be_killed() -> None:
    while True:
        time.sleep(60)


def stop_after(step: int) -> Callable[[dict[str, float]], None]:
    """Make the monitor that goes no further than a step, so that no run ends before it is killed."""
    return lambda record: wait_to_be_killed() if record["step"] >= step else None


def stop_in_a_write_after(step: int, folder: Path) -> None:
    """Let the next checkpoint from a step on be written by half, and no further."""
    honest = torch.save

    def save(state: object, file: BinaryIO) -> None:
        if last_step(folder) < step:
            return honest(state, file)
        whole = io.BytesIO()
        honest(state, whole)
        file.write(whole.getvalue()[: whole.tell() // 2])
        file.flush()
        return wait_to_be_killed()

    torch.save = save


def work(folder: Path, n_steps: int, *, last: int | None = None) -> None:
    """Train a small GPT with dropout: what the killed process does.

    Args:
        folder: of the log and the checkpoint.
        n_steps: of the whole run.
        last: the step after which it goes no further.
    """
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=64, n_positions=32, n_layers=2, n_heads=2, d_model=32, dropout=0.2))
    rows = torch.randint(64, (200, 33), generator=torch.Generator().manual_seed(1))
    fit(
        model,
        next_token_loss,
        epochs(rows, batch_size=8),
        n_steps=n_steps,
        lr=warmup(cosine(3e-3, n_steps=n_steps), n_steps=10),
        monitors=[JsonLines(folder / "log.jsonl"), *([] if last is None else [stop_after(last)])],
        checkpoint=folder / "run.pt",
        checkpoint_every=CHECKPOINT_EVERY,
    )


def start(folder: Path, n_steps: int, *stop: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "tests.train.kill_and_resume", str(folder), str(n_steps), *stop])


def last_step(folder: Path) -> int:
    """Give the last step whose record is whole in the log."""
    log = read_json_lines(folder / "log.jsonl")
    return log[-1]["step"] if log else 0


def parts(folder: Path) -> set[Path]:
    """List what killed writers of a checkpoint have left."""
    return set(folder.glob("run.pt.*.part"))


def kill_after(folder: Path, step: int, n_steps: int, *, in_a_write: bool) -> int | None:
    """Run until a step is in the log, if so wished on to the middle of the next checkpoint, and kill -9.

    However late the kill comes, the run waits for it: a checkpoint's length further on, or in that middle.

    Returns:
        The last step recorded, or None where the run had finished before.
    """
    step = max(step, last_step(folder) + 1)  # the run before may have come this far before it was killed
    torn = parts(folder)
    how = ("in a write", step) if in_a_write else ("after", min(step + CHECKPOINT_EVERY, n_steps - 1))
    process = start(folder, n_steps, *map(str, how))
    while process.poll() is None and (last_step(folder) < step or (in_a_write and parts(folder) <= torn)):
        time.sleep(0.005)
    process.kill()
    return last_step(folder) if process.wait() == -signal.SIGKILL else None


def trial(*, n_kills: int, n_steps: int, seed: int = 0) -> tuple[int, int, bool, bool]:
    """Kill one run so many times.

    Returns:
        How often it was killed, how many checkpoints could not be read, and whether the loss curve
        and the last weights are those of a run left in peace.
    """
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        whole, broken = Path(place) / "whole", Path(place) / "broken"
        assert start(whole, n_steps).wait() == 0
        killed = unreadable = 0
        for i, step in enumerate(sorted(rng.sample(range(1, n_steps - CHECKPOINT_EVERY), k=n_kills))):
            before = parts(broken)
            at = kill_after(broken, step, n_steps, in_a_write=i % 2 == 1)
            killed += at is not None
            torn = ", a checkpoint half written" if parts(broken) > before else ""
            kept = 0
            if (broken / "run.pt").exists():
                try:
                    kept = len(checkpoint.load(broken / "run.pt")["records"])
                except ValueError as error:
                    unreadable += 1
                    print(error)
            print(f"killed after step {at}{torn}; goes on from step {kept}", flush=True)
        assert start(broken, n_steps).wait() == 0
        curves = [[record["loss"] for record in read_json_lines(folder / "log.jsonl")] for folder in (whole, broken)]
        weights = [checkpoint.load(folder / "run.pt")["model"] for folder in (whole, broken)]
        same_weights = all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        assert len(curves[0]) == n_steps
        return killed, unreadable, curves[0] == curves[1], same_weights


def main(*, n_kills: int = 20, n_steps: int = 400) -> None:
    killed, unreadable, same_curve, same_weights = trial(n_kills=n_kills, n_steps=n_steps)
    print(f"killed {killed} times in {n_steps} steps; {unreadable} checkpoints unreadable")
    print(f"loss curve {'bit-equal' if same_curve else 'NOT EQUAL'} to that of a run left in peace")
    print(f"last weights {'bit-equal' if same_weights else 'NOT EQUAL'}")
    assert (killed, unreadable, same_curve, same_weights) == (n_kills, 0, True, True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        place, n_steps, (how, step) = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or ("", "0")
        if how == "in a write":
            stop_in_a_write_after(int(step), place)
        work(place, n_steps, last=int(step) if how == "after" else None)
    else:
        main()
