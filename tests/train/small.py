"""A model and data of a moment, for tests of training."""

import torch

from kit.models.gpt import GPT, GPTConfig
from kit.train.batches import epochs

VOCAB = 17


def small_gpt(*, dropout=0.0, dtype=torch.float32, seed=0, n_positions=16):
    torch.manual_seed(seed)
    config = GPTConfig(vocab_size=VOCAB, n_positions=n_positions, n_layers=2, n_heads=2, d_model=8, dropout=dropout)
    return GPT(config).to(dtype)


def rows(n=24, length=9, seed=0):
    return torch.randint(VOCAB, (n, length), generator=torch.Generator().manual_seed(seed))


def small_batches(batch_size=4):
    return epochs(rows(), batch_size=batch_size, seed=0)
