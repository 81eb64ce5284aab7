"""Progress: what was tried and what was reached, one event a line in one small file.

The file is progress.jsonl in the folder where the notebooks run; delete it to start afresh, or
set KIT_PROGRESS to another path. With KIT_PROGRESS=memory nothing outlives the kernel.

Taught in: every notebook
"""

import json
import os
from pathlib import Path
from typing import Any

_memory: list[dict[str, Any]] = []


def record(event: dict[str, Any]) -> tuple[str, ...]:
    """Append one event; nothing that was recorded before is touched.

    Returns:
        A line for the learner where the file cannot be written, as in a folder that is read-only.
    """
    path = _path()
    if path is None:
        _memory.append(event)
        return ()
    try:
        with path.open("a", encoding="utf-8") as file:
            # One short write, so that two notebooks may share the file; the newline comes first, so that
            # a line cut short by a crash spoils no other.
            file.write("\n" + json.dumps(event))
    except OSError as error:
        return (f"Progress is not kept: {error}. Set KIT_PROGRESS to a path that can be written.",)
    return ()


def events(kind: str) -> list[dict[str, Any]]:
    """List the recorded events of one kind, oldest first; a line that is not an event is passed over."""
    path = _path()
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path else []
    except OSError:  # not there yet, or not to be read
        lines = []
    found = _memory if path is None else [event for line in lines if (event := _parse(line))]
    return [event for event in found if event.get("kind") == kind]


def _path() -> Path | None:
    place = os.environ.get("KIT_PROGRESS", "progress.jsonl")
    return None if place == "memory" else Path(place)


def _parse(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):  # the machine stopped in the middle of a write
        return None
    return event if isinstance(event, dict) else None
