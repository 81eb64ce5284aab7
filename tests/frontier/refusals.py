"""Of every public function of kit.frontier, every argument: one value that it takes, and those that it refuses."""

from collections.abc import Callable
from typing import Any

ARGUMENTS: dict[Callable, dict[str, tuple[Any, list]]] = {}
CARRIERS: set[Callable] = set()
