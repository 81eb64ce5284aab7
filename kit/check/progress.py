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


def record(event: dict[str, Any]) -> None:
    """Append one event; nothing that was recorded before is touched.

    Raises:
        OSError: if the file cannot be written.
    """
    path = _path()
    if path is None:
        _memory.append(event)
        return
    with path.open("a", encoding="utf-8") as file:
        # One short write, so that two notebooks may share the file; the newline comes first, so that
        # a line cut short by a crash spoils no other.
        file.write("\n" + json.dumps(event))


def events(kind: str) -> list[dict[str, Any]]:
    """List the recorded events of one kind, oldest first; a line that is not an event is passed over."""
    path = _path()
    if path is None:
        found = _memory
    elif path.exists():
        found = [event for line in path.read_text(encoding="utf-8").splitlines() if (event := _parse(line))]
    else:
        found = []
    return [event for event in found if event.get("kind") == kind]


def _path() -> Path | None:
    place = os.environ.get("KIT_PROGRESS", "progress.jsonl")
    return None if place == "memory" else Path(place)


def _parse(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:  # the machine stopped in the middle of a write
        return None
    return event if isinstance(event, dict) else None
