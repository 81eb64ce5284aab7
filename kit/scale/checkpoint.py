"""Checkpoints of a run on many ranks, from which a run on more or fewer ranks goes on.

    fit(model, share_loss, mine, checkpoint=sharded_run(folder, batch_size=12), norm=whole_norm, ...)

    folder/step 40/          each rank's parts of weights and Adam's state, by torch.distributed.checkpoint
    folder/latest.json       which step is whole: written last, at one stroke

Position in the data is saved as a *global* number of samples, not as a rank's own: after 40 steps of 12 rows the
run stands at sample 480, whoever read them. A rank's own position would be wrong as soon as there are fewer ranks.

torch.distributed.checkpoint keeps its table of contents as a pickle: read no folder that you do not trust.

Taught in: 24
"""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict

from kit.arguments import count, shown
from kit.files import write_whole
from kit.train import checkpoint as own_file


def sharded_run(folder: str | Path, *, batch_size: int) -> Callable[..., "ShardedRun"]:
    """Give what `fit` takes as its `checkpoint` on each of many ranks.

    Args:
        folder: seen by all ranks.
        batch_size: rows of a step on all ranks together; a run keeps it, however many ranks there are.

    Raises:
        TypeError, ValueError: if `folder` is no path, or `batch_size` not a whole number above 0.
    """
    if not isinstance(folder, str | Path):
        raise TypeError(f"folder must be a str or a Path, got {shown(folder)}")
    return partial(ShardedRun, Path(folder), count("batch_size", batch_size))


class ShardedRun:
    """The checkpoint of one run on many ranks; `fit` makes it, and all ranks call it together."""

    def __init__(
        self,
        folder: Path,
        batch_size: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        settings: dict[str, Any],
    ):
        if scaler.is_enabled():
            raise ValueError("precision must be without a scaler on many ranks: each would have a scale of its own")
        self.folder, self.batch_size, self.model, self.optimizer = folder, batch_size, model, optimizer
        self.settings = json.loads(json.dumps(settings))  # as they come back from the file

    def resume(self, n_steps: int, rate: Callable[[int], float]) -> list[dict[str, float]]:
        """Go on from the last whole step, if there is one; give the records of the steps taken.

        Raises:
            ValueError: if it is of another run.
        """
        latest = self.folder / "latest.json"
        if not latest.is_file():
            return []
        found = json.loads(latest.read_text(encoding="utf-8"))
        self._compare(found, n_steps, rate)
        place = self.folder / found["place"]
        states = get_state_dict(self.model, self.optimizer)
        state_dict_loader.load(dict(zip(("model", "optimizer"), states, strict=True)), checkpoint_id=place)
        set_state_dict(self.model, self.optimizer, model_state_dict=states[0], optim_state_dict=states[1])
        if found["n_ranks"] == dist.get_world_size():
            torch.set_rng_state(own_file.load(place / f"random of rank {dist.get_rank()}")["random"])
        else:  # other ranks, other masks of dropout; what is drawn from here on depends on step and rank alone
            torch.manual_seed(1_000_003 * len(found["records"]) + dist.get_rank())
        return found["records"]

    def save(self, records: list[dict[str, float]]) -> None:
        """Write a step's folder, and when all ranks have written name it as the latest."""
        place = f"step {len(records)}"
        states = get_state_dict(self.model, self.optimizer)
        state_dict_saver.save(dict(zip(("model", "optimizer"), states, strict=True)), checkpoint_id=self.folder / place)
        own_file.save(self.folder / place / f"random of rank {dist.get_rank()}", {"random": torch.get_rng_state()})
        dist.barrier()
        if dist.get_rank() == 0:
            samples = self.batch_size * len(records)
            kept = {"place": place, "n_ranks": dist.get_world_size(), "batch_size": self.batch_size, "samples": samples}
            write_whole(self.folder / "latest.json", json.dumps(kept | {"settings": self.settings, "records": records}))
            for other in self.folder.glob("step *"):
                if other.name != place:
                    shutil.rmtree(other, ignore_errors=True)
        dist.barrier()  # nobody goes on, and is perhaps killed, before the step counts as saved

    def _compare(self, found: dict[str, Any], n_steps: int, rate: Callable[[int], float]) -> None:
        """Refuse the state of another run."""
        where = repr(str(self.folder))
        if found["batch_size"] != self.batch_size:
            stands = f"which stands at sample {found['samples']}"
            raise ValueError(
                f"batch_size must be {found['batch_size']}, as in {where}, {stands}; got {self.batch_size}"
            )
        for name, value in self.settings.items():
            if found["settings"].get(name) != value:
                raise ValueError(f"{name} must be {found['settings'].get(name)}, as in {where}, got {value}")
        if len(found["records"]) > n_steps:
            raise ValueError(f"n_steps must be >= {len(found['records'])}, the steps taken in {where}, got {n_steps}")
        for step, record in enumerate(found["records"]):
            if abs(rate(step) - record["lr"]) > 1e-9 * abs(record["lr"]):
                raise ValueError(f"lr must be {record['lr']:g} at step {step}, as in {where}, got {rate(step):g}")
