"""Monitors: who watches a run. Each is given the record of every step, and shows or keeps it.

    fit(..., monitors=[ProgressBar(1000), JsonLines("run.jsonl"), print])

A monitor is any function of a record; its method `close`, if it has one, is called when the run ends.

Taught in: 17 21
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from kit.arguments import count, real, several
from kit.files import write_whole
from kit.train.loop import Record


class JsonLines:
    """Write each record as a line of JSON that is in the file, whole, before the next step begins.

    A run that is resumed goes on in the same file: lines of steps that are taken again are dropped
    first, so that no step stands twice. A run that begins anew begins the file anew. NaN and
    infinity, which JSON does not have, are written as null.

    Raises:
        TypeError: if `path` is not a path.
        ValueError: if there is a file of something else at `path`.
    """

    def __init__(self, path: str | Path):
        self.path, self._file = _path(path), None
        read_json_lines(self.path)  # what is not a run's must not be written over

    def __call__(self, record: Record) -> None:
        """Add a record."""
        if self._file is None:
            kept = [line for line in read_json_lines(self.path) if line["step"] < record["step"]]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, "".join(map(_line, kept)))  # killed here, the log is as it was
            self._file = self.path.open("a", encoding="utf-8")
        self._file.write(_line(record))
        self._file.flush()

    def close(self) -> None:
        """Close the file; a record that still comes opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_json_lines(path: str | Path) -> list[dict[str, Any]]:
    """Read the records that `JsonLines` wrote; a last line that a killed run left unfinished is none.

    Empty lines and a mark of byte order, which editors leave behind, are passed over.

    Raises:
        TypeError: if `path` is not a path.
        ValueError: if another line is not a record: an object of JSON with a step.
    """
    path = _path(path)
    records = []
    lines = path.read_bytes().decode("utf-8-sig", errors="replace").split("\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                records.append(found := json.loads(line))
                real("step", found["step"])
        except (ValueError, TypeError, KeyError) as error:
            if number == len(lines) and line.startswith("{") and isinstance(error, json.JSONDecodeError):
                continue  # it has no line end either
            raise ValueError(
                f"path must hold a record of JSON a line, each with a step, got line {number} of {str(path)!r}: {error}"
            ) from None
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
    return json.dumps({name: value if math.isfinite(value or 0) else None for name, value in record.items()}) + "\n"


def _path(path: str | Path, name: str = "path") -> Path:
    if not isinstance(path, str | Path):
        raise TypeError(f"{name} must be a str or a Path, got {type(path).__name__} {path!r}")
    return Path(path)
