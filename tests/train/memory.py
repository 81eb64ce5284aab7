"""The memory calculator beside the measured, and the same for operations: python -m tests.train.memory.

On a GPU the step is measured there, and torch's own count of its allocator stands beside the peak.
"""

import copy
import dataclasses
import sys
from contextlib import nullcontext
from statistics import median
from time import process_time

import torch

from kit.models.gpt import GPT, GPTConfig
from kit.models.parameters import n_params
from kit.train.activation_checkpointing import checkpointed
from kit.train.amp import precision
from kit.train.budget import MemoryBreakdown, training_bytes, training_flops
from kit.train.loop import adamw, backward
from kit.train.measured import Measured, measure_bytes, measure_flops
from kit.train.objectives import next_token_loss

SIZES = {
    "small": (GPTConfig(vocab_size=600, n_positions=64, n_layers=2, n_heads=4, d_model=64, dropout=0.0), 8, 64),
    "deeper": (GPTConfig(vocab_size=2000, n_positions=128, n_layers=4, n_heads=4, d_model=128, dropout=0.0), 4, 96),
    "wide heads": (
        GPTConfig(vocab_size=300, n_positions=32, n_layers=2, n_heads=2, d_model=32, d_head=48, dropout=0.0),
        4,
        32,
    ),
}
PARTS = ("weights", "gradients", "optimizer", "copies", "activations")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def tokens(config: GPTConfig, batch_size: int, time: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(config.vocab_size, (batch_size, time + 1), generator=generator)


def measured(
    config: GPTConfig, batch_size: int, time: int, *, dtype: str, checkpoint_blocks: bool, device: str = DEVICE
) -> Measured:
    """Measure a step of a GPT, made afresh."""
    torch.manual_seed(0)
    model = GPT(config).to(device)
    ids = tokens(config, batch_size, time).to(device)
    batch, chosen = (ids[:, :-1], ids[:, 1:]), precision(device, dtype, emulate=True)
    with checkpointed(model) if checkpoint_blocks else nullcontext():
        return measure_bytes(model, next_token_loss, batch, adamw(model), precision=chosen)


def furthest(reckoned: MemoryBreakdown, found: MemoryBreakdown) -> float:
    """Give the largest relative difference of a part."""
    pairs = [(getattr(reckoned, part), getattr(found, part)) for part in PARTS]
    return max(abs(a - b) / b if b else float(a > 0) for a, b in pairs)


def accumulation_error(dtype: torch.dtype, n: int) -> float:
    """Compare the gradient of a batch in `n` parts, of unequal numbers of targets, with that of the whole."""
    config, batch_size, time = SIZES["small"]
    torch.manual_seed(0)
    model = GPT(config).to(dtype)
    rows = tokens(config, batch_size, time)
    targets = rows[:, 1:].clone()
    targets[0, 10:] = -100  # the first part has fewer targets than the others
    twin = copy.deepcopy(model)
    backward(model, next_token_loss, (rows[:, :-1], targets))
    backward(twin, next_token_loss, (rows[:, :-1], targets), accumulate=n)
    whole, parts = (torch.cat([p.grad.flatten() for p in m.parameters()]) for m in (model, twin))
    return ((whole - parts).abs().max() / whole.abs().max()).item()


def recomputation() -> tuple[bool, float, float]:
    """Give whether checkpointing's gradients are equal to the bit, its operations, and its CPU time, as ratios."""
    config, batch_size, time = SIZES["deeper"]
    torch.manual_seed(0)
    model = GPT(dataclasses.replace(config, dropout=0.1)).train()
    batch = tokens(config, batch_size, time)
    gradients, seconds = [], {True: [], False: []}
    for pair in range(9):
        for on in (pair % 2 == 0, pair % 2 == 1):
            torch.manual_seed(pair)
            model.zero_grad()
            with checkpointed(model) if on else nullcontext():
                start = process_time()
                backward(model, next_token_loss, batch)
                seconds[on].append(process_time() - start)
            gradients.append([p.grad.clone() for p in model.parameters()])
    equal = all(
        torch.equal(a, b)
        for one, other in zip(gradients[::2], gradients[1::2], strict=True)
        for a, b in zip(one, other, strict=True)
    )
    model = GPT(config)
    with checkpointed(model):
        recomputed = measure_flops(model, next_token_loss, batch)
    ratio = recomputed / measure_flops(model, next_token_loss, batch)
    return equal, ratio, median(a / b for a, b in zip(seconds[True], seconds[False], strict=True))


def main() -> None:
    worst = 0.0
    print(f"on {DEVICE}; bytes, reckoned / measured")
    for name, (config, batch_size, time) in SIZES.items():
        for dtype in ("float32", "bfloat16"):
            for on in (False, True):
                reckoned = training_bytes(config, batch_size=batch_size, time=time, dtype=dtype, checkpoint_blocks=on)
                found = measured(config, batch_size, time, dtype=dtype, checkpoint_blocks=on)
                parts = ", ".join(
                    f"{part} {getattr(reckoned, part):,} / {getattr(found.parts, part):,}" for part in PARTS
                )
                difference = furthest(reckoned, found.parts)
                worst = max(worst, difference)
                peak = found.peak
                print(f"{name}, {dtype}{', checkpointed' if on else ''}: {parts}; furthest {difference:.2%}")
                print(
                    f"    at the peak {peak.total:,}: " + ", ".join(f"{p} {getattr(peak, p):,}" for p in PARTS), end=""
                )
                print(f", temporary {peak.temporary:,}")
    print(f"furthest of all parts: {worst:.2%}")
    for name, (config, batch_size, time) in SIZES.items():
        reckoned = training_flops(config, batch_size=batch_size, time=time)
        found = measure_flops(GPT(config), next_token_loss, tokens(config, batch_size, time))
        rule = 6 * n_params(GPT(config)) * batch_size * time
        print(f"{name}: operations reckoned {reckoned.total:,}, counted {found:,}; 6ND {rule / found:.2f} of it")
    equal, operations, seconds = recomputation()
    print(
        f"checkpointing: gradients equal to the bit: {equal}; operations x {operations:.2f}, CPU time x {seconds:.2f}"
    )
    for dtype in (torch.float32, torch.float64):
        errors = [accumulation_error(dtype, n) for n in (2, 4, 8)]
        print(f"accumulation in 2, 4 and 8 parts against the whole batch, {dtype}: largest {max(errors):.1e}")
    if worst > 0.1:
        sys.exit("a part is more than 10% off")


if __name__ == "__main__":
    main()
