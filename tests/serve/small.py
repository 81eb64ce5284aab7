"""A small GPT of random weights, whose texts do not stand still, and a server of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from kit.models.gpt import GPT, GPTConfig
from kit.serve.engine import Engine
from kit.serve.handlers import Limits
from kit.serve.rows import Rows
from kit.serve.server import Server

VOCAB, N_POSITIONS = 61, 48
CONFIG = GPTConfig(vocab_size=VOCAB, n_positions=N_POSITIONS, n_layers=2, n_heads=2, d_model=16, dropout=0.0)
WAIT = 120  # seconds until a test that hangs fails


def small_gpt(seed: int = 0, *, dtype: torch.dtype = torch.float64) -> GPT:
    """Make the model; large positions keep its greedy text from repeating one token."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPT(CONFIG)
        torch.nn.init.normal_(model.position_embedding.weight, std=0.3)
    return model.to(dtype).eval()


def encode(text: str) -> list[int]:
    """Turn letters into ids; what is no letter of a to z is refused."""
    if not text or not text.isascii() or not text.isalpha() or not text.islower():
        raise ValueError(f"prompt must be letters from a to z, got {text[:20]!r}")
    return [ord(letter) - 97 for letter in text]


def decode(ids: list[int]) -> str:
    """Turn ids into letters."""
    return "".join(chr(97 + i) if i < 26 else "." for i in ids)


class SlowRows(Rows):
    """Rows whose steps take a fixed time, so that requests can be seen waiting."""

    seconds = 0.0

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Wait, then step."""
        import time

        time.sleep(self.seconds)
        return super().step(tokens)


@contextmanager
def served(
    *, n_rows: int = 4, n_waiting: int = 8, step_seconds: float = 0.0, model: GPT | None = None, **limits: float
) -> Iterator[Server]:
    """Serve the small model at a free port, and end it."""
    rows = SlowRows(small_gpt() if model is None else model, n_rows=n_rows)
    rows.seconds = step_seconds
    engine = Engine(rows, n_waiting=n_waiting)
    room = {"prompt": 12, "n_tokens": 32, "body": 2000, "seconds": 60.0, "body_seconds": 30.0, **limits}
    server = Server(engine, encode=encode, decode=decode, limits=Limits(**room))  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.close()
        engine.close()
