"""Checkpoints: a file that is there whole or not at all, whenever the power fails.

    save(path, {"model": model.state_dict(), "step": 100})
    load(path)["step"]

Taught in: 17 25
"""

import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from kit.arguments import instance

FORMAT = "learnkit checkpoint 1"


def save(path: str | Path, state: dict[str, Any]) -> None:
    """Write a state beside `path`, make sure that it is on the disk, then put it in place at one stroke.

    A process that is killed in between leaves the old file as it was.

    Args:
        state: tensors, numbers and strings, in dicts, lists and tuples.

    Raises:
        TypeError: if `state` is not a dict, or `path` not a path.
    """
    instance("state", state, dict)
    path = _checked(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        torch.save({"format": FORMAT, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
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
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (BadZipFile, RuntimeError, EOFError, UnpicklingError) as error:
        raise ValueError(f"path must be a whole checkpoint, got {str(path)!r}: {str(error).splitlines()[0]}") from None
    if not isinstance(state, dict) or state.pop("format", None) != FORMAT:
        raise ValueError(f"path must be a checkpoint that kit.train.checkpoint saved, got {str(path)!r}")
    return state


def _checked(path: str | Path) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a str or a Path, got {type(path).__name__} {path!r}")
    return Path(path)
