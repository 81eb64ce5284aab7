"""Of every public function of kit.models, every argument: one value that it takes, and those that it refuses."""

import torch
from torch import nn

from kit.models import ablation, gpt, heads, parameters
from tests.learn.refusals import AT_LEAST_1, FUNCTION, KEPT

IDS = torch.tensor([[1, 2, 3]])
TOKENS = [None, "ten", [[1, 2]], IDS[0], IDS.float(), IDS + 99, IDS - 9, IDS[:, :0]]
TOO_LONG = torch.ones(1, 9, dtype=torch.int64)
PRESENT = IDS != 0
FLAGS = [*TOKENS, PRESENT[0], PRESENT[:, 1:]]
SCORES = torch.zeros(1, 3)
SCORE = [None, "ten", [[1.0]], SCORES.int(), SCORES[0], SCORES[:, :0]]
CONFIG = [None, 5, "small"]


def sizes(**config: int | float) -> dict:
    """Give each size of a configuration, and what is none."""
    return {name: (value, KEPT if name == "dropout" else AT_LEAST_1) for name, value in config.items()}


GPT = gpt.GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4)

ABLATION = ablation.AblationConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4)
SWITCH = [1, None, "yes"]

ARGUMENTS = {
    ablation.AblationConfig: {
        **sizes(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4),
        "n_heads": (2, [*AT_LEAST_1, 3]),
        **dict.fromkeys(("scale", "position", "residual", "feed_forward"), (True, SWITCH)),
        "mask": ("before", ["above", None, True]),
        "norm": ("pre", ["layer", None, True]),
    },
    ablation.AblationGPT: {"config": (ABLATION, CONFIG)},
    ablation.AblationGPT(ABLATION).forward: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    ablation.AblationGPT(ABLATION).look: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    gpt.GPTConfig: {
        **sizes(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, dropout=0.1),
        "n_heads": (2, [*AT_LEAST_1, 3]),
        "d_head": (None, [0, "ten"]),
    },
    gpt.GPT: {"config": (GPT, CONFIG)},
    gpt.GPT(GPT).forward: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    gpt.GPT(GPT).encode: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    gpt.GPT(GPT).new_cache: {"n_tokens": (8, ["ten", 1.5, -1])},
    heads.Classifier: {
        "encoder": (gpt.GPT(GPT), [*CONFIG, nn.Linear(4, 4)]),
        "n_classes": (2, AT_LEAST_1),
        "token": ("last", ["second", None]),
        "dropout": (0.1, KEPT),
    },
    heads.Classifier(gpt.GPT(GPT), n_classes=2, token="last").forward: {
        "ids": (IDS, TOKENS),
        "present": (PRESENT, [IDS, PRESENT[:, 1:]]),
    },
    heads.SpanFinder: {"encoder": (gpt.GPT(GPT), [*CONFIG, nn.Linear(4, 4)])},
    heads.best_span: {
        "start": (SCORES, SCORE),
        "end": (SCORES, [*SCORE, SCORES[:, 1:]]),
        "allowed": (PRESENT, [IDS, PRESENT[:, 1:], ~PRESENT]),
    },
    parameters.n_params: {"model": (nn.Linear(2, 2), CONFIG)},
    parameters.sketch: {"make": (gpt.GPT, FUNCTION), "config": (GPT, [])},
}
# kit's own models call these, with a configuration that has been checked
CARRIERS = {
    *(ablation.SelfAttention, ablation.FeedForward, ablation.Block),
    *(gpt.SelfAttention, gpt.FeedForward, gpt.Block, gpt.PostNormBlock),
}
