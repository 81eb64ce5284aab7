"""The training loop: forward, backward, clip, step; recorded, evaluated, saved, and exactly resumed.

    batches = epochs(rows, next_tokens(rows, end=0), batch_size=32)
    history = fit(model, next_token_loss, batches, n_steps=1000, lr=warm_up(cosine(3e-3, n_steps=950), n_steps=50))

What a step does depends on its number, the weights, the optimiser's state and the random number
generator. A checkpoint holds these, so a run that was killed goes on as if it never had been.

Taught in: 17 21
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from kit.arguments import count, function, instance, real, several
from kit.learn.schedules import Rate, as_schedule
from kit.train.amp import Precision
from kit.train.batches import Batch, first_tensor, micro_batches, on_device
from kit.train.checkpoint import load, save
from kit.train.objectives import Loss, n_targets

Record = dict[str, float]
Monitor = Callable[[Record], Any]
"""Is given the record of each step; its method `close`, if it has one, is called at the end."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What a run recorded, from its first step, however often it was resumed.

    Args:
        records: one a step: step, loss, lr, grad_norm, tokens, seconds, tokens_per_second, mfu where
            it is known, what `evaluate` gave, and where the loss is scaled, scale, and skipped: 1
            where gradients overflowed and the step was not taken, else 0.
        diverged: whether the run ended because its loss or gradient was no longer finite.
    """

    records: list[Record]
    diverged: bool = False

    @property
    def steps(self) -> Int[np.ndarray, "steps"]:
        """Count the steps, from 1."""
        return np.array([record["step"] for record in self.records], dtype=int)

    @property
    def losses(self) -> Float[np.ndarray, "steps"]:
        """Give each step's loss, of its batch before its update."""
        return np.array([record["loss"] for record in self.records])

    def curve(self, name: str) -> tuple[Int[np.ndarray, "records"], Float[np.ndarray, "records"]]:
        """Give the steps at which something was recorded, and its values.

        Raises:
            ValueError: if nothing of that name was recorded.
        """
        found = [(record["step"], record[name]) for record in self.records if name in record]
        if not found:
            known = sorted(set().union(*self.records))
            raise ValueError(f"name must be one of {', '.join(known)}; got {name!r}")
        steps, values = zip(*found, strict=True)
        return np.array(steps, dtype=int), np.array(values)


def fit(
    model: nn.Module,
    loss: Loss,
    batches: Callable[[int], Batch],
    *,
    n_steps: int,
    lr: Rate = 1e-3,
    betas: tuple[float, float] = (0.9, 0.95),
    weight_decay: float = 0.1,
    clip: float | None = 1.0,
    accumulate: int = 1,
    precision: Precision | None = None,
    evaluate: Callable[[nn.Module], Record] | None = None,
    evaluate_every: int = 100,
    monitors: Sequence[Monitor] = (),
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 100,
    flops_per_step: float | None = None,
    peak_flops: float | None = None,
) -> History:
    """Train a model where it is, by AdamW, and leave it in evaluation mode.

    Args:
        loss: from the model and a batch to a scalar tensor: the mean over the batch's targets.
        batches: from the step, counted from 0, to its batch, such as `epochs` makes. Documents
            packed into one row see those before them.
        lr: a number, or a schedule of kit.learn.schedules.
        weight_decay: of matrices and embeddings; gains and shifts are left alone.
        clip: the longest gradient; a longer one is shortened to it. None clips nothing.
        accumulate: how many parts each batch is computed in, one after the other. The gradient
            stays that of the whole batch; the memory is that of a part.
        precision: from `kit.train.amp.precision`; float32 where it is None. Weights, gradients and
            the optimiser's state stay float32 in any.
        evaluate: measures the model after every `evaluate_every` steps and at the end.
        checkpoint: a file. If it exists, training goes on from there; it is written every
            `checkpoint_every` steps and at the end.
        flops_per_step: with `peak_flops`, the machine's most a second, gives the share of it used (mfu).

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range, or `checkpoint`
            is damaged or of another model.

    Numerics: a step whose loss or gradient is not finite is not taken: it ends the run, as
    `diverged`, with the last finite weights. Where the loss is scaled, a gradient that overflowed
    lowers the scale instead, and the run goes on, as long as the scale is not below 1.
    Source: Loshchilov & Hutter (2017), arXiv:1711.05101; Pascanu et al. (2012), arXiv:1211.5063 (clipping).
    Oracle: a loop written out by hand with torch.optim.AdamW.
    """
    rate, n_steps = as_schedule(lr), count("n_steps", n_steps, at_least=0)
    _check(model, loss, batches, clip, precision, evaluate, monitors, checkpoint, flops_per_step, peak_flops)
    count("accumulate", accumulate)
    count("evaluate_every", evaluate_every)
    count("checkpoint_every", checkpoint_every)
    optimizer = adamw(model, betas=betas, weight_decay=weight_decay)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    device = parameters[0].device
    precision = precision or Precision(device=device.type, dtype="float32")
    if precision.device != device.type:
        raise ValueError(f"precision must be for the model's device, {device.type}, got {precision.device}")
    scaler = precision.scaler()

    records: list[Record] = []
    if checkpoint and Path(checkpoint).exists():
        records = _resume(checkpoint, model, optimizer, scaler)
    diverged = False
    model.train()
    try:
        for step in range(len(records), n_steps):
            begin = time.perf_counter()
            batch = on_device(batches(step), device)
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            mean = backward(model, loss, batch, accumulate=accumulate, precision=precision, scaler=scaler)
            scaler.unscale_(optimizer)  # before clipping: the limit is meant for the true gradient
            norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
            value, grad_norm = torch.stack([mean, norm.to(mean)]).tolist()  # waits for the device, once a step
            if clip is not None and grad_norm > clip:  # a short gradient need not be passed through once more
                nn.utils.clip_grads_with_norm_(parameters, clip, norm)
            scaling = _scaling(scaler, value, grad_norm)
            finite = math.isfinite(value) and math.isfinite(grad_norm)
            diverged = not finite and not scaling.get("skipped")
            if not diverged:
                scaler.step(optimizer)
                scaler.update()
            optimizer.zero_grad()
            seconds = time.perf_counter() - begin

            record = {"step": step + 1, "loss": value, "lr": rate(step), "grad_norm": grad_norm, **scaling}
            record |= _speed(first_tensor(batch).numel(), seconds, flops_per_step, peak_flops)
            last = diverged or step + 1 == n_steps
            if evaluate and (last or (step + 1) % evaluate_every == 0):
                record |= evaluate(model)
                model.train()
            records.append(record)
            for monitor in monitors:
                monitor(record)
            if diverged:
                break
            if checkpoint and (last or (step + 1) % checkpoint_every == 0):
                _save(checkpoint, model, optimizer, scaler, records)
    finally:
        model.eval()
        for monitor in monitors:
            getattr(monitor, "close", lambda: None)()
    return History(records=records, diverged=diverged)


def backward(
    model: nn.Module,
    loss: Loss,
    batch: Batch,
    *,
    accumulate: int = 1,
    precision: Precision | None = None,
    scaler: torch.amp.GradScaler | None = None,
) -> Float[Tensor, ""]:
    """Add the gradient of the batch's mean loss to the parameters', part by part, and return that loss.

    A part weighs by its targets: the mean of the parts' means would be another loss wherever
    some rows have fewer targets than others.

    Args:
        scaler: multiplies what is differentiated, and is left to unscale the gradients.

    Raises:
        TypeError, ValueError: if `loss` does not return a scalar, or `accumulate` is not a whole
            number from 1 to the number of rows.
    """
    instance("model", model, nn.Module)
    function("loss", loss)
    total = torch.zeros((), device=first_tensor(batch).device)
    weight_of_all = n_targets(batch) if count("accumulate", accumulate) > 1 else None
    for part in micro_batches(batch, accumulate):
        with precision.autocast() if precision else nullcontext():
            value = loss(model, part)
        if not isinstance(value, Tensor) or value.ndim:
            raise TypeError(f"loss must return a scalar tensor, got {getattr(value, 'shape', type(value).__name__)}")
        share = value if weight_of_all is None else value * n_targets(part) / weight_of_all
        (scaler.scale(share) if scaler else share).backward()
        total = total + share.detach()
    return total


def adamw(
    model: nn.Module, *, betas: tuple[float, float] = (0.9, 0.95), weight_decay: float = 0.1
) -> torch.optim.AdamW:
    """Make the optimiser of the parameters that want a gradient: those of one axis do not decay.

    Pulling a gain or a shift to zero simplifies nothing, and a gain of zero shuts its layer.

    Raises:
        TypeError, ValueError: if `model` has nothing to train, a beta is not from 0 to below 1, or
            `weight_decay` < 0.
    """
    instance("model", model, nn.Module)
    real("weight_decay", weight_decay, at_least=0)
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"betas must be a pair of numbers, got {betas!r}")
    decays = (real("betas", betas[0], at_least=0, below=1), real("betas", betas[1], at_least=0, below=1))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise ValueError("model must have a parameter that requires a gradient, got none")
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim >= 2], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=0.0, betas=decays, fused=True)


def _speed(tokens: int, seconds: float, flops: float | None, peak: float | None) -> Record:
    speed = {"tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds}
    return speed | ({"mfu": flops / seconds / peak} if flops and peak else {})


def _scaling(scaler: torch.amp.GradScaler, loss: float, grad_norm: float) -> Record:
    """Tell the scale of this step, and whether the scaler will skip it; nothing where it is idle."""
    if not scaler.is_enabled():
        return {}
    overflowed = math.isfinite(loss) and not math.isfinite(grad_norm)
    return {"scale": scaler.get_scale(), "skipped": float(overflowed and scaler.get_scale() >= 1)}


def _save(
    path: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    records: list[Record],
) -> None:
    random = {"cpu": torch.get_rng_state()}
    device = next(model.parameters()).device
    if device.type == "cuda":
        random["cuda"] = torch.cuda.get_rng_state(device)
    weights = _plain(model).state_dict()
    states = {"model": weights, "optimizer": optimizer.state_dict(), "scaler": scaler.state_dict()}
    save(path, states | {"random": random, "records": records})


def _resume(
    path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> list[Record]:
    try:
        state = load(path)
    except ValueError as error:
        raise ValueError(f"checkpoint: {error}") from None
    try:
        _plain(model).load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if state.get("scaler"):  # empty where the run was not scaled
            scaler.load_state_dict(state["scaler"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"checkpoint must be of this model, got {str(path)!r}: {error}") from None
    torch.set_rng_state(state["random"]["cpu"])
    device = next(model.parameters()).device
    if device.type == "cuda" and "cuda" in state["random"]:
        torch.cuda.set_rng_state(state["random"]["cuda"], device)
    return state["records"]


def _plain(model: nn.Module) -> nn.Module:
    """Give the model inside a compiled one, whose weights have the same names in both."""
    return getattr(model, "_orig_mod", model)


def _check(
    model: Any,
    loss: Any,
    batches: Any,
    clip: Any,
    precision: Any,
    evaluate: Any,
    monitors: Any,
    checkpoint: Any,
    flops_per_step: Any,
    peak_flops: Any,
) -> None:
    instance("model", model, nn.Module)
    function("loss", loss)
    function("batches", batches)
    if precision is not None:
        instance("precision", precision, Precision)
    if evaluate is not None:
        function("evaluate", evaluate)
    several("monitors", monitors)
    for monitor in monitors:
        function("monitors", monitor)
    if not isinstance(checkpoint, str | Path | None):
        raise TypeError(f"checkpoint must be a str or a Path, got {type(checkpoint).__name__} {checkpoint!r}")
    for name, value in (("clip", clip), ("flops_per_step", flops_per_step), ("peak_flops", peak_flops)):
        if value is not None:
            real(name, value, above=0)
