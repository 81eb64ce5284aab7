"""A training step of kit's loop and GPT against the loops and models that people know.

A step is all of it: forward, loss, backward, clipping, optimiser, and for kit the records and checks
besides. Kit's steps and a rival's take turns within one run, on one thread, and CPU time counts, so
that another process on the machine hurts both alike. All have the same weights' shapes, the same
batches and, where the names of the weights can be matched, the same weights and the same loss.

The bar is for each rival as it comes. With the same optimiser on both sides the same kernels do the
same sums: what is left is the difference of the models, within the noise that the last row shows.
"""

import time
from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel, logging

from kit.models.gpt import GPT, GPTConfig
from kit.train.batches import epochs
from kit.train.loop import fit
from kit.train.objectives import next_token_loss
from tests.bench import plain_gpt
from tests.bench.table import Table, at_most, median

SIZES = {  # layers, heads, width, vocabulary, batch, tokens, steps
    "small: 4 layers, 128 wide, 16 x 64 tokens": (4, 4, 128, 512, 16, 64, 30),
    "middle: 6 layers, 384 wide, 4 x 128 tokens": (6, 6, 384, 2048, 4, 128, 12),
}
WARM = 3
RIVALS = ("plain GPT", "nn.TransformerEncoderLayer", "transformers GPT-2")
NOISE = "kit's own GPT in a plain loop"  # how far apart two of the same are timed
Step = Callable[[Tensor, Tensor], Tensor]


class EncoderLayers(nn.Module):
    """The same model built of torch's own layers."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        d = config.d_model
        self.tokens, self.positions = nn.Embedding(config.vocab_size, d), nn.Embedding(config.n_positions, d)
        layer = nn.TransformerEncoderLayer(
            d, config.n_heads, 4 * d, dropout=0.0, activation=gelu, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, config.n_layers, norm=nn.LayerNorm(d), enable_nested_tensor=False)
        self.head = nn.Linear(d, config.vocab_size, bias=False)
        self.head.weight = self.tokens.weight
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(config.n_positions))

    def forward(self, ids: Tensor) -> Tensor:
        t = ids.shape[1]
        x = self.tokens(ids) + self.positions(torch.arange(t))
        return self.head(self.layers(x, mask=self.mask[:t, :t], is_causal=True))


def gelu(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


def with_weights_of(model: GPT, rival: nn.Module) -> nn.Module:
    """Copy kit's weights into a GPT whose weights have the names of GPT-2; Conv1D keeps its own transposed."""
    names = {"token_embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f", "attention_norm": "ln_1"}
    names |= {"feed_forward_norm": "ln_2", "attention.qkv": "attn.c_attn", "attention.out": "attn.c_proj"}
    names |= {"feed_forward.up": "mlp.c_fc", "feed_forward.down": "mlp.c_proj", "blocks": "h"}
    theirs = rival.state_dict()
    for name, value in model.state_dict().items():
        if name != "head.weight":
            for ours, other in names.items():
                name = name.replace(ours, other)
            place = theirs[f"transformer.{name}"]
            place.copy_(
                value if place.shape == value.shape and isinstance(rival, plain_gpt.GPT) else turned(value, name)
            )
    return rival


def turned(value: Tensor, name: str) -> Tensor:
    return value.T if value.ndim == 2 and ".c_" in name else value


def rivals(config: GPTConfig, model: GPT) -> dict[str, tuple[nn.Module, Callable]]:
    """Give each rival's model, and its loss."""
    sizes = {"n_layer": config.n_layers, "n_head": config.n_heads, "n_embd": config.d_model}
    plain = plain_gpt.GPT(plain_gpt.GPTConfig(block_size=config.n_positions, vocab_size=config.vocab_size, **sizes))
    dropouts = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    hugging_face = GPT2LMHeadModel(
        GPT2Config(vocab_size=config.vocab_size, n_positions=config.n_positions, **sizes, **dropouts)
    )

    def entropy(logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))

    def own_loss(own: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return next_token_loss(own, (x, y))

    return {
        NOISE: (deepcopy(model), own_loss),
        "plain GPT": (with_weights_of(model, plain), lambda m, x, y: m(x, y)[1]),
        "nn.TransformerEncoderLayer": (EncoderLayers(config), lambda m, x, y: entropy(m(x), y)),
        "transformers GPT-2": (with_weights_of(model, hugging_face), lambda m, x, y: entropy(m(x).logits, y)),
    }


def plain_step(model: nn.Module, loss: Callable, *, fused: bool) -> Step:
    """Make the step that everybody writes: AdamW with two groups, clipping at 1."""
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=fused or None)
    model.train()

    def step(x: Tensor, y: Tensor) -> Tensor:
        value = loss(model, x, y)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value

    return step


class Turns:
    """A monitor of kit's run: after each of its steps the rival takes one, and both are timed."""

    def __init__(self, step: Step, batches: Callable):
        self.step, self.batches = step, batches
        self.kit: list[float] = []
        self.rival: list[float] = []
        self.apart = 0.0
        self._begin = time.process_time()

    def __call__(self, record: dict[str, float]) -> None:
        self.kit.append(time.process_time() - self._begin)
        begin = time.process_time()
        loss = self.step(*self.batches(int(record["step"]) - 1)).item()
        self.rival.append(time.process_time() - begin)
        self.apart = max(self.apart, abs(loss - record["loss"]))
        self._begin = time.process_time()


def measure(size: tuple[int, ...], name: str, *, fused: bool) -> Turns:
    """Let kit and one rival take turns; with fused, both use the same optimiser."""
    n_layers, n_heads, d_model, vocab, batch, length, n_steps = size
    torch.manual_seed(0)
    config = GPTConfig(
        vocab_size=vocab, n_positions=length, n_layers=n_layers, n_heads=n_heads, d_model=d_model, dropout=0.0
    )
    model, rows = GPT(config), torch.randint(vocab, (4 * batch, length + 1))
    batches = epochs(rows[:, :-1].contiguous(), rows[:, 1:].contiguous(), batch_size=batch)
    rival, loss = rivals(config, model)[name]
    turns = Turns(plain_step(rival, loss, fused=fused), batches)
    fit(model, next_token_loss, batches, n_steps=WARM + n_steps, lr=1e-3, monitors=[turns])
    turns.kit, turns.rival = turns.kit[WARM:], turns.rival[WARM:]
    return turns


def tables() -> Iterator[Table]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    logging.set_verbosity_error()  # a vocabulary without GPT-2's own end token is meant
    try:
        for title, size in SIZES.items():
            rows = []
            for fused in (False, True):
                for name in (*RIVALS, NOISE) if fused else RIVALS:
                    turns = measure(size, name, fused=fused)
                    ours, theirs = median(turns.kit), median(turns.rival)
                    optimiser = "the same fused AdamW" if fused else "AdamW as it comes"
                    apart = "own weights" if name.startswith("nn.") else f"{turns.apart:.0e}"
                    times = f"{1e3 * theirs:.1f}", f"{1e3 * ours:.1f}"
                    cells = f"{name}, {optimiser}", *times, apart, f"{ours / theirs:.3f}"
                    rows.append((cells, None if fused else at_most(ours / theirs, 1.0)))
            yield Table(
                title=f"Training step, {title}: CPU milliseconds, medians of {size[-1]} interleaved pairs",
                columns=("kit against", "theirs", "kit's", "losses apart by", "kit / theirs"),
                rows=rows,
            )
    finally:
        torch.set_num_threads(n_threads)


if __name__ == "__main__":
    for table in tables():
        print(table)
