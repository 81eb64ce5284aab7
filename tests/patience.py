"""How long the tests wait for what must come: longer than any busy machine takes. Nothing passes or fails by speed."""

from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode

KERNEL = 10 * 60  # seconds until a kernel has started
CELL = 30 * 60  # until a cell is done, and until what it printed has come
PAGE = 10 * 60  # until a page shows what it should


def notebook_client(book: NotebookNode, folder: Path, **options: Any) -> NotebookClient:
    """Make the client that runs a notebook as if it lay in a folder."""
    waits = {"timeout": CELL, "startup_timeout": KERNEL, "iopub_timeout": CELL}
    client = NotebookClient(book, kernel_name="python3", **waits, **options)
    client.resources = {"metadata": {"path": str(folder)}}
    return client
