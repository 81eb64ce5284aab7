"""Of every public function of kit.models, every argument: one value that it takes, and those that it refuses."""

import torch
from torch import nn

from kit.models import bert, gpt, heads, palm, parameters, transformer_xl
from tests.learn.refusals import AT_LEAST_1, FUNCTION, KEPT

IDS = torch.tensor([[1, 2, 3]])
TOKENS = [None, "ten", [[1, 2]], IDS[0], IDS.float(), IDS + 99, IDS - 9, IDS[:, :0]]
TOO_LONG = torch.ones(1, 9, dtype=torch.int64)
PRESENT = IDS != 0
SCORES = torch.zeros(1, 3)
SCORE = [None, "ten", [[1.0]], SCORES.int(), SCORES[0], SCORES[:, :0]]
STATES = torch.zeros(1, 3, 4)
CONFIG = [None, 5, "small"]


def sizes(**config: int | float) -> dict:
    """Give each size of a configuration, and what is none."""
    return {name: (value, KEPT if name == "dropout" else AT_LEAST_1) for name, value in config.items()}


GPT = gpt.GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4)
PALM = palm.PaLMConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, d_head=2)
BERT = bert.BERTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4)
BERT_INPUTS = {
    "ids": (IDS, [*TOKENS, TOO_LONG]),
    "segments": (IDS % 2, [*TOKENS[1:], IDS[:, 1:] % 2]),
    "present": (PRESENT, [IDS, PRESENT[:, 1:]]),
}
PALM = palm.PaLMConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, d_head=2)
XL = transformer_xl.TransformerXLConfig(vocab_size=11, n_memory=8, n_layers=1, n_heads=2, d_model=4, d_head=2, d_ff=8)

ARGUMENTS = {
    bert.BERTConfig: {
        **sizes(vocab_size=11, n_positions=8, n_segments=2, n_layers=1, n_heads=2, d_model=4, dropout=0.1),
        "n_heads": (2, [*AT_LEAST_1, 3]),
    },
    bert.BERT: {"config": (BERT, CONFIG)},
    bert.BERT(BERT).forward: BERT_INPUTS,
    bert.BERT(BERT).encode: BERT_INPUTS,
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
    palm.PaLMConfig: {
        **sizes(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, d_head=2),
        "d_head": (2, [*AT_LEAST_1, 3]),
        "serial": (True, []),
    },
    palm.PaLM: {"config": (PALM, CONFIG)},
    palm.PaLM(PALM).forward: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    palm.PaLM(PALM).encode: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    palm.PaLM(PALM).new_cache: {"n_tokens": (8, ["ten", 1.5, -1])},
    transformer_xl.TransformerXLConfig: {
        **sizes(vocab_size=11, n_memory=8, n_layers=1, n_heads=2, d_model=4, d_head=2, d_ff=8, dropout=0.1),
        "d_model": (4, [*AT_LEAST_1, 5]),
    },
    transformer_xl.Memory: {"n_tokens": (8, AT_LEAST_1)},
    transformer_xl.Memory(8).extend: {"x": (STATES, [None, "ten", [[1.0]], STATES.int(), STATES[0]])},
    transformer_xl.TransformerXL: {"config": (XL, CONFIG)},
    transformer_xl.TransformerXL(XL).forward: {"ids": (IDS, TOKENS)},
    transformer_xl.TransformerXL(XL).encode: {"ids": (IDS, TOKENS)},
    transformer_xl.TransformerXL(XL).new_cache: {"n_tokens": (8, ["ten", 1.5, -1])},
    parameters.n_params: {"model": (nn.Linear(2, 2), CONFIG)},
    parameters.sketch: {"make": (gpt.GPT, FUNCTION), "config": (GPT, [])},
}
# kit's own models call these, with a configuration that has been checked
CARRIERS = {
    *(bert.SelfAttention, bert.FeedForward, bert.Block, bert.MaskedHead),
    *(gpt.SelfAttention, gpt.FeedForward, gpt.Block, gpt.PostNormBlock),
    *(palm.SelfAttention, palm.FeedForward, palm.Block, palm.SerialBlock),
    *(transformer_xl.SelfAttention, transformer_xl.FeedForward, transformer_xl.Block),
}
