"""Checkpoints: a file that is there whole or not at all, whenever the power fails and whoever else writes.

    save(path, {"model": model.state_dict(), "step": 100})
    load(path)["step"]

What a step of training does depends on its number, the weights, the optimiser's state, the random
number generator and the settings of the run. `RunFile` holds these, so that `fit` goes on from it as
if it had never been killed, and from nothing but the same run.

Taught in: 21
"""

import os
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import is_dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import Tensor, nn

from kit.arguments import instance, shown

FORMAT = "learnkit checkpoint 2"
KEPT = (Tensor, nn.Parameter, bool, int, float, str, type(None))  # what `load` reads, and nothing that derives from it


def save(path: str | Path, state: dict[str, Any]) -> None:
    """Write a state beside `path`, make sure that it is on the disk, then put it in place at one stroke.

    A process that is killed in between leaves the old file as it was, and beside it one that ends in
    `.part`, which nobody reads. Of several that write at once, the last to finish wins.

    Args:
        state: tensors, numbers and strings, in dicts, lists and tuples. NumPy's numbers become Python's.

    Raises:
        TypeError: if `state` is not a dict, holds something else, or `path` is not a path.
    """
    instance("state", state, dict)
    state, path = _plain(state, "state"), _checked(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")  # a name of its own for each writer
    try:
        with beside.open("xb") as file:
            torch.save({"format": FORMAT, "state": state}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)  # still there only after an error
    if hasattr(os, "O_DIRECTORY"):  # on Windows a folder cannot be opened, nor need it be
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)  # the new name, too, must outlive a power cut
        finally:
            os.close(folder)


def load(path: str | Path) -> dict[str, Any]:
    """Read what `save` wrote, onto the CPU. No code that a file may hold is ever run.

    Raises:
        TypeError: if `path` is not a path.
        ValueError: if the file is missing, damaged, or not a checkpoint of this kit.
    """
    path = _checked(path)
    if not path.is_file():
        raise ValueError(f"path must be a file, got {str(path)!r}")
    try:
        with ZipFile(path) as archive:  # the format of torch.save, which itself checks no sums
            damaged = archive.testzip()
        if damaged is not None:
            raise BadZipFile(f"bad checksum of {damaged}")
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (BadZipFile, zlib.error, RuntimeError, ValueError, OSError, EOFError, UnpicklingError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"path must be a whole checkpoint, got {str(path)!r}: {reason}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"path must be a checkpoint that kit.train.checkpoint saved, got {str(path)!r}")
    return found["state"]


class RunFile:
    """The checkpoint of one run of `fit`.

    Args:
        settings: what a run keeps from its first step to its last.
    """

    def __init__(
        self,
        path: str | Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        settings: dict[str, Any],
    ):
        self.path, self.optimizer, self.scaler, self.settings = Path(path), optimizer, scaler, settings
        self.model = getattr(model, "_orig_mod", model)  # inside a compiled one; its weights have the same names
        self.device = next(model.parameters()).device
        self._stamp = self._look()

    def resume(self, n_steps: int, rate: Callable[[int], float]) -> list[dict[str, float]]:
        """Go on from the file, if there is one; give the records of the steps taken.

        Raises:
            ValueError: if the file is damaged, or of another model or run; then nothing is changed.
        """
        if not self.path.exists():
            return []
        try:
            state = load(self.path)
        except ValueError as error:
            raise ValueError(f"checkpoint: {error}") from None
        self._compare(state, n_steps, rate)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where the run was not scaled
            self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"]["cpu"])
        if self.device.type == "cuda" and "cuda" in state["random"]:
            torch.cuda.set_rng_state(state["random"]["cuda"], self.device)
        return state["records"]

    def save(self, records: list[dict[str, float]]) -> None:
        """Write the file.

        Raises:
            ValueError: if another run has written it since this one last did.
        """
        if self._look() not in (None, self._stamp):
            raise ValueError(f"checkpoint must be of one run alone, got {str(self.path)!r}, which another has written")
        random = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        states = {"model": self.model, "optimizer": self.optimizer, "scaler": self.scaler}
        kept = {name: thing.state_dict() for name, thing in states.items()}
        save(self.path, kept | {"random": random, "records": records} | self._identity())
        self._stamp = self._look()

    def _identity(self) -> dict[str, Any]:
        """Tell what makes a run this one: settings, the model's configuration, and what of it is trained."""
        configs = {name: getattr(module, "config", None) for name, module in self.model.named_modules()}
        sizes = {
            f"{name}.{size}".lstrip("."): str(value)
            for name, config in configs.items()
            if is_dataclass(config)
            for size, value in vars(config).items()
        }
        trained = [name for name, parameter in self.model.named_parameters() if parameter.requires_grad]
        return {"settings": self.settings, "sizes": sizes, "trained": trained}

    def _compare(self, state: dict[str, Any], n_steps: int, rate: Callable[[int], float]) -> None:
        """Refuse the state of another model or run."""
        where, identity = repr(str(self.path)), self._identity()
        lacking = {"model", "optimizer", "scaler", "random", "records", *identity} - state.keys()
        if lacking:
            raise ValueError(f"checkpoint must be of this model's `fit`, got {where} without {min(lacking)}")
        for name in identity["sizes"].keys() & state["sizes"].keys():
            if identity["sizes"][name] != state["sizes"][name]:
                theirs = f"{where} of {state['sizes'][name]}"
                raise ValueError(f"checkpoint must be of this model, of {name} {identity['sizes'][name]}, got {theirs}")
        shapes = [{n: w.shape for n, w in weights.items()} for weights in (self.model.state_dict(), state["model"])]
        if differ := {name for name, _ in shapes[0].items() ^ shapes[1].items()}:
            raise ValueError(f"checkpoint must be of this model, got {where}, which differs in {min(differ)}")
        if differ := set(identity["trained"]) ^ set(state["trained"]):
            how = "trained" if min(differ) in state["trained"] else "frozen"
            raise ValueError(f"checkpoint must be of this model, got {where}, in which {min(differ)} was {how}")
        for name, value in self.settings.items():
            if state["settings"].get(name) != value:
                raise ValueError(f"{name} must be {state['settings'].get(name)}, as in {where}, got {value}")
        records = state["records"]
        if len(records) > n_steps:
            raise ValueError(f"n_steps must be >= {len(records)}, the steps taken in {where}, got {n_steps}")
        slack = 1e-9 * max((record["lr"] for record in records), default=0)  # a cosine's last digit on another machine
        for step, record in enumerate(records):
            if abs(rate(step) - record["lr"]) > slack:
                raise ValueError(f"lr must be {record['lr']:g} at step {step}, as in {where}, got {rate(step):g}")

    def _look(self) -> tuple[int, ...] | None:
        """Tell the file from any other that may come in its place."""
        if not self.path.exists():
            return None
        found = self.path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns


def _plain(value: Any, place: str) -> Any:
    """Give a value as `load` will; refuse what it would not read, before anything is written."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in (dict, OrderedDict):
        changed = copy(value)  # and not a new one: a state_dict also carries the versions of its modules
        for key, part in value.items():
            if type(key) not in (str, int):
                raise TypeError(f"state must have keys of str or int, got {shown(key)} in {place}")
            changed[key] = _plain(part, f"{place}[{key!r}]")
        return changed
    if type(value) in (list, tuple):
        return type(value)(_plain(part, f"{place}[{i}]") for i, part in enumerate(value))
    if type(value) not in KEPT:
        raise TypeError(f"state must hold tensors, numbers and strings alone, got {shown(value)} at {place}")
    return value


def _checked(path: str | Path) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a str or a Path, got {shown(path)}")
    return Path(path)
