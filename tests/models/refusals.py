"""Of every public class and function of kit.models, every argument: a value it takes, those it refuses."""

from typing import Any

from kit.models import palm
from tests.learn.refusals import AT_LEAST_1

WIDTHS: dict[str, tuple[Any, list]] = {
    name: (2, AT_LEAST_1) for name in ("vocab_size", "n_layers", "n_heads", "d_model")
}

ARGUMENTS = {
    palm.PaLMConfig: {**WIDTHS, "n_positions": (9, AT_LEAST_1), "d_head": (2, [*AT_LEAST_1, 3]), "serial": (True, [])},
}
CARRIERS = {palm.SelfAttention, palm.FeedForward, palm.Block, palm.SerialBlock, palm.PaLM}
