"""Rows: texts of unequal length that are continued together, and may begin and end at any step.

    begin(prompt)    the prompt is read alone, and its keys and values are put into a free row
    step(tokens)     each row reads its own newest token, at its own place, and sees its own past alone
    leave(row)       the row is free for the next

The weights are read once a step, for all rows. This is continuous batching: nobody waits for the longest
text of a batch to end.

Source: Yu et al. (2022), Orca, OSDI 16, for rows that come and go at a step's boundary.

Taught in: 26
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from kit.arguments import count, instance, integer_tensor, token_batch
from kit.models.gpt import GPT


class Rows:
    """A GPT with room for several texts, which share its steps.

    The model is put into evaluation mode, and no gradient is taken.

    Args:
        n_rows: the most texts at a time.
        n_tokens: the most tokens of a text; as many as the model has positions for, where it is None.
        compiled: the backend of torch.compile that compiles a layer, such as "inductor". Then each step computes
            all rows and places, used or not, so that no shape ever changes.

    Raises:
        TypeError: if `model` is not a GPT.
        ValueError: if it has its norms after the sums, or a number is out of range.

    Oracle: `kit.train.decoding.generate`, row by row.

    >>> from kit.models.gpt import GPTConfig
    >>> model = GPT(GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4))
    >>> rows = Rows(model, n_rows=3)
    >>> logits = rows.begin(torch.tensor([1, 2])), rows.begin(torch.tensor([1, 2, 3]))
    >>> rows.step(torch.tensor([4, 5])).shape, rows.lengths
    (torch.Size([2, 11]), [3, 4])
    """

    def __init__(self, model: GPT, *, n_rows: int, n_tokens: int | None = None, compiled: str | None = None):
        instance("model", model, GPT)
        config = model.config
        if config.post_norm:
            raise ValueError("model must have its norms before the branches, got one with post_norm")
        self.n_rows = count("n_rows", n_rows)
        self.n_tokens = config.n_positions if n_tokens is None else count("n_tokens", n_tokens)
        if self.n_tokens > config.n_positions:
            raise ValueError(f"n_tokens must be <= {config.n_positions}, the model's positions, got {n_tokens}")
        if compiled is not None:
            instance("compiled", compiled, str)
        self.model, self.compiled = model.eval(), compiled is not None
        weight = model.token_embedding.weight
        shape = (config.n_layers, self.n_rows, config.n_heads, self.n_tokens, config.head_width)
        self.keys, self.values = (torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in range(2))
        self.lengths: list[int] = []
        self._layer: Callable[..., Tensor] = _one_layer
        if compiled is not None:  # all layers have one code, which is compiled once
            self._layer = torch.compile(_one_layer, dynamic=False, backend=compiled)

    def __len__(self) -> int:
        return len(self.lengths)

    @torch.inference_mode()
    def begin(self, prompt: Int[Tensor, "time"]) -> Float[Tensor, "vocab"]:
        """Read a prompt into the next free row; give the logits of the token after it.

        Raises:
            TypeError, ValueError: if `prompt` is not a row of the model's tokens, is longer than a row, or there
                is no free row.
        """
        if integer_tensor("prompt", prompt).ndim != 1:
            raise ValueError(f"prompt must have 1 axis, got shape {tuple(prompt.shape)}")
        ids = token_batch("prompt", prompt[None], below=self.model.config.vocab_size, at_most=self.n_tokens)
        row, length = len(self), ids.shape[1]
        if row == self.n_rows:
            raise ValueError(f"prompt must wait: all {self.n_rows} rows are taken")
        cache = self.model.new_cache(length)
        logits = self.model.next_logits(ids.to(self.keys.device), cache)[0]
        for i, layer in enumerate(cache):
            k, v = layer.held
            self.keys[i, row, :, :length], self.values[i, row, :, :length] = k[0], v[0]
        self.lengths.append(length)
        return logits

    @torch.inference_mode()
    def step(self, tokens: Int[Tensor, "rows"]) -> Float[Tensor, "rows vocab"]:
        """Let each row read one token more; give the logits of the next.

        Raises:
            TypeError, ValueError: if `tokens` are not a token of the model for each row, or a row is full.
        """
        if integer_tensor("tokens", tokens).shape != (len(self),):
            raise ValueError(f"tokens must be one for each of {len(self)} rows, got shape {tuple(tokens.shape)}")
        ids = token_batch("tokens", tokens[:, None], below=self.model.config.vocab_size)
        if max(self.lengths) == self.n_tokens:
            raise ValueError(f"tokens must fit rows of {self.n_tokens} tokens, got one more")
        n, spare = len(self), self.n_rows - len(self)
        ids, places = ids.to(self.keys.device), torch.tensor(self.lengths, device=self.keys.device)
        if self.compiled:  # rows that nobody uses read token 0 at place 0
            ids, places = F.pad(ids, (0, 0, 0, spare)), F.pad(places, (0, spare))
        longest = self.n_tokens if self.compiled else max(self.lengths) + 1
        logits = self._all_layers(ids, places, longest)[:n]
        self.lengths = [length + 1 for length in self.lengths]
        return logits

    def leave(self, row: int) -> None:
        """Free a row; the last one takes its number.

        Raises:
            TypeError, ValueError: if `row` is not the number of a row in use.
        """
        if count("row", row, at_least=0) >= len(self):
            raise ValueError(f"row must be one of {len(self)} in use, got {row}")
        last = len(self) - 1
        if row != last:
            length = self.lengths[last]
            for held in (self.keys, self.values):
                held[:, row, :, :length] = held[:, last, :, :length]
            self.lengths[row] = length
        self.lengths.pop()

    def _all_layers(self, ids: Tensor, places: Tensor, longest: int) -> Tensor:
        """Compute the model for one token a row: as `GPT.encode`, but each row has a length of its own."""
        model = self.model
        seen = (torch.arange(longest, device=ids.device) <= places[:, None])[:, None, None]  # its past, and itself
        x = model.token_embedding(ids) + model.position_embedding(places)[:, None]
        for i, block in enumerate(model.blocks):
            x = self._layer(block, x, self.keys[i], self.values[i], places, seen)
        return model.head(model.final_norm(x[:, 0]))


def _one_layer(block: Any, x: Tensor, keys: Tensor, values: Tensor, places: Tensor, seen: Tensor) -> Tensor:
    """Put each row's key and value to its own place, and let it look at what it has seen."""
    row = torch.arange(len(x), device=x.device)
    qkv = block.attention.qkv(block.attention_norm(x)).unflatten(-1, (3, keys.shape[1], -1))
    q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each: rows, heads, 1, d_head
    keys[row, :, places], values[row, :, places] = k[:, :, 0], v[:, :, 0]
    all_keys, all_values = (held[: len(x), :, : seen.shape[-1]] for held in (keys, values))
    y = F.scaled_dot_product_attention(q, all_keys, all_values, attn_mask=seen)
    x = x + block.attention.out(y.transpose(1, 2).flatten(2))
    return x + block.feed_forward(block.feed_forward_norm(x))
