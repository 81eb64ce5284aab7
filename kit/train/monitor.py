"""Monitors: who watches a run. Each is given the record of every step, and shows or keeps it.

    fit(..., monitors=[ProgressBar(1000), JsonLines("run.jsonl"), print])

A monitor is any function of a record; its method `close`, if it has one, is called when the run ends.

Taught in: 21 22
"""

import json
import math
import os
import sys
from numbers import Real
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from kit.arguments import count, several, shown
from kit.files import write_whole
from kit.train.loop import Record


class JsonLines:
    """Write each record as a line of JSON that is in the file, whole, before the next step begins.

    A run that is resumed goes on in the same file: lines of steps that are taken again are dropped
    first, so that no step stands twice. A run that begins anew begins the file anew. NaN and
    infinity, which JSON does not have, are written as null.

    Raises:
        TypeError: if `path` is not a path, or a record holds what is neither a number nor text.
        ValueError: if `path` is not a log of steps, or another run writes to it, too.
    """

    def __init__(self, path: str | Path):
        self.path, self._file = _path(path), None
        read_json_lines(self.path)  # what is not a run's must not be written over

    def __call__(self, record: dict[str, Any]) -> None:
        """Add a record."""
        line = _line(record)
        if self._file is None:
            kept = [line for line in read_json_lines(self.path) if line["step"] < record["step"]]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, "".join(map(_line, kept)))  # killed here, the log is as it was
            self._file = self.path.open("a", encoding="utf-8")
        elif not self._is_mine(self._file):
            raise ValueError(f"path must be the log of one run alone, got {str(self.path)!r}, which another writes")
        self._file.write(line)
        self._file.flush()
        self._size = self.path.stat().st_size

    def close(self) -> None:
        """Close the file; a record that still comes opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_mine(self, file: TextIO) -> bool:
        """Tell whether the open file still stands at the path, and nobody else has added to it."""
        if not self.path.exists():
            return False
        found = self.path.stat()
        return os.path.samestat(found, os.fstat(file.fileno())) and found.st_size == self._size


def read_json_lines(path: str | Path) -> list[dict[str, Any]]:
    """Read the records that `JsonLines` wrote; a last line that a killed run left unfinished is none.

    Empty lines and a mark of byte order, which editors leave behind, are passed over.

    Raises:
        TypeError: if `path` is not a path.
        ValueError: if another line is not a record of a step in JSON.
    """
    path, records = _path(path), []
    lines = path.read_bytes().decode("utf-8-sig", errors="replace").split("\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line) if line.strip() else None
        except json.JSONDecodeError:
            if number == len(lines) and line.startswith("{"):
                break  # torn: it has no line end
            record = line
        if record is not None:
            if not isinstance(record, dict) or not isinstance(record.get("step"), int | float):
                rule = "path must hold a record of JSON a line, each with a step"
                raise ValueError(f"{rule}, got {line[:40]!r} in line {number} of {path}")
            records.append(record)
    return records


class TensorBoard:
    """Write each number of each record for TensorBoard: `tensorboard --logdir FOLDER` shows them.

    Raises:
        TypeError: if `folder` is not a path.
        ModuleNotFoundError: if TensorBoard is not installed; it says how to install it.
    """

    def __init__(self, folder: str | Path):
        self.folder, self._writer = _path(folder, "folder"), None
        try:
            import torch.utils.tensorboard  # noqa: F401  # only who asks for it needs to have it
        except ModuleNotFoundError:
            raise ModuleNotFoundError("TensorBoard is not installed: `pip install tensorboard` installs it") from None

    def __call__(self, record: Record) -> None:
        """Add a record."""
        from torch.utils.tensorboard import SummaryWriter

        step = int(record["step"])
        if self._writer is None:
            # purge_step hides what an earlier run wrote of the steps that are taken again
            self._writer = SummaryWriter(str(self.folder), purge_step=step)
        for name in record.keys() - {"step"}:
            self._writer.add_scalar(name, record[name], step)

    def close(self) -> None:
        """Write what is not yet written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class ProgressBar:
    """Draw a bar with the loss and the speed behind it, at most ten times a second, as plain text.

    Args:
        n_steps: the steps of the whole run.
        show: names from the record to show beside the bar.

    Raises:
        TypeError, ValueError: if `n_steps` is not a whole number above 0, or `show` no collection.
    """

    def __init__(self, n_steps: int, *, show: tuple[str, ...] = ("loss", "lr"), file: Any = None):
        self.n_steps, self._file, self._bar = count("n_steps", n_steps), file, None
        several("show", show)
        self.show = tuple(show)

    def __call__(self, record: Record) -> None:
        """Move the bar to the record's step."""
        step = int(record["step"])
        if self._bar is None:
            self._bar = tqdm(total=self.n_steps, initial=step - 1, unit="step", file=self._file or sys.stdout)
        shown = {name: f"{record[name]:.4g}" for name in self.show if name in record}
        self._bar.set_postfix(shown, refresh=False)  # drawn with the next move, and no more often
        self._bar.update(step - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is, and end its line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _line(record: dict[str, Any]) -> str:
    plain = {}
    for name, value in record.items():
        number = value.item() if getattr(value, "ndim", None) == 0 else value  # of NumPy or torch
        if not isinstance(number, str | Real | None):
            raise TypeError(f"record must hold numbers and text, got {shown(value)} as {name!r}")
        plain[name] = number if isinstance(number, str | None) or math.isfinite(number) else None
    return json.dumps(plain) + "\n"


def _path(path: str | Path, name: str = "path") -> Path:
    if not isinstance(path, str | Path):
        raise TypeError(f"{name} must be a str or a Path, got {shown(path)}")
    return Path(path)
