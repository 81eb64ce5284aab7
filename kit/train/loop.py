"""The training loop: forward, backward, clip, step; recorded, evaluated, saved, and exactly resumed.

    batches = epochs(rows, next_tokens(rows, end=0), batch_size=32)
    history = fit(model, next_token_loss, batches, n_steps=1000, lr=warmup(cosine(3e-3, n_steps=950), n_steps=50))

A run that was killed goes on from its checkpoint as if it never had been; kit.train.checkpoint says how.

Taught in: 21 22 24
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from kit.arguments import count, function, instance, one_of, real, several, shown
from kit.blocks.modes import modes_kept
from kit.learn.schedules import Rate, as_schedule
from kit.train.amp import Precision
from kit.train.batches import Batch, first_tensor, in_turn, micro_batches, on_device
from kit.train.checkpoint import RunFile
from kit.train.objectives import Loss, n_targets

Record = dict[str, float]
Monitor = Callable[[Record], Any]
"""Is given the record of each step; its method `close`, if it has one, is called at the end."""
RunFileMaker = Callable[[nn.Module, torch.optim.Optimizer, torch.amp.GradScaler, dict[str, Any]], Any]
"""From model, optimiser, scaler and settings to what has the methods `resume` and `save` of a `RunFile`."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What a run recorded, from its first step, however often it was resumed.

    Args:
        records: one a step: step, loss, lr, grad_norm, tokens, seconds, tokens_per_second, mfu where
            it is known, what `evaluate` gave, and where the loss is scaled, scale, and skipped: 1
            where gradients overflowed and the step was not taken, else 0.
        diverged: whether the run ended because its loss, gradient or weights were no longer finite.
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
        one_of("name", name, tuple(sorted(set().union(*self.records))))
        found = [(record["step"], record[name]) for record in self.records if name in record]
        steps, values = zip(*found, strict=True)
        return np.array(steps, dtype=int), np.array(values)


def fit(
    model: nn.Module,
    loss: Loss,
    batches: Callable[[int], Batch] | list[Batch] | tuple[Batch, ...],
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
    checkpoint: str | Path | RunFileMaker | None = None,
    checkpoint_every: int = 100,
    norm: Callable[..., Tensor] = nn.utils.get_total_norm,
    flops_per_step: float | None = None,
    peak_flops: float | None = None,
) -> History:
    """Train a model where it is, by AdamW, and leave it in evaluation mode.

    A part that is in evaluation mode, while the model around it is in training, stays so.

    Args:
        loss: from the model and a batch to a scalar tensor: the mean over the batch's targets.
        batches: from the step, counted from 0, to its batch, such as `epochs` makes; or a list of them,
            such as `group_by_length` makes, which is gone through in turn, again and again. A batch
            without a target moves nothing. Documents packed into one row see those before them, unless the
            batch gives the model their `documents`.
        lr: a number, or a schedule of kit.learn.schedules.
        weight_decay: of matrices and embeddings; gains and shifts are left alone.
        clip: the longest gradient; a longer one is shortened to it. None clips nothing.
        accumulate: how many parts each batch is computed in, one after the other. The gradient
            stays that of the whole batch; the memory is that of a part.
        precision: from `kit.train.amp.precision`; float32 where it is None. Weights, gradients and
            the optimiser's state stay float32 in any.
        evaluate: measures the model, in evaluation mode, after every `evaluate_every` steps and at
            the end: numbers, under names that the record does not have.
        checkpoint: a file. If it exists, training goes on from there; it is written every
            `checkpoint_every` steps and at the end. It serves one run: `betas`, `weight_decay`,
            `clip` and the rates of the steps taken must be those that it was begun with. Or a function that
            makes another such keeper of the run, as `kit.scale.checkpoint.sharded_run` does.
        norm: measures the length of several tensors, and with `math.inf` their largest number. Where
            they are spread over machines it must be that of the whole: `kit.scale.data_parallel.whole_norm`.
        flops_per_step: with `peak_flops`, the machine's most a second, gives the share of it used (mfu).

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range, or `checkpoint`
            is damaged, or of another model or run.

    Numerics: a step whose loss or gradient is not finite is not taken: it ends the run, as
    `diverged`, with the last finite weights. Where the loss is scaled, a gradient that overflowed
    lowers the scale instead, and the run goes on, as long as the scale is not below 1. A step that
    itself makes the weights infinite ends the run as well; such weights are never saved.
    Source: Loshchilov & Hutter (2017), arXiv:1711.05101; Pascanu et al. (2012), arXiv:1211.5063 (clipping).
    Oracle: a loop written out by hand with torch.optim.AdamW.
    """
    rate, n_steps = as_schedule(lr), count("n_steps", n_steps, at_least=0)
    batches = in_turn(batches) if isinstance(batches, list | tuple) else batches
    _check(model, loss, batches, monitors, checkpoint)
    function("norm", norm)
    _check_optional(precision, evaluate, clip=clip, flops_per_step=flops_per_step, peak_flops=peak_flops)
    count("accumulate", accumulate)
    count("evaluate_every", evaluate_every)
    count("checkpoint_every", checkpoint_every)
    optimizer = adamw(model, betas=betas, weight_decay=weight_decay)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    device, largest = parameters[0].device, min(torch.finfo(parameter.dtype).max for parameter in parameters)
    precision = precision or Precision(device=device.type, dtype="float32")
    if precision.device != device.type:
        raise ValueError(f"precision must be for the model's device, {device.type}, got {precision.device}")
    scaler = precision.scaler()

    def rate_at(step: int) -> float:
        return real(f"lr({step})", rate(step), at_least=0, below=largest)

    for step in {0, n_steps - 1} if n_steps else ():  # a schedule that is too short is told before any work
        rate_at(step)
    settings = {"betas": tuple(betas), "weight_decay": weight_decay, "clip": clip}
    make = partial(RunFile, checkpoint) if isinstance(checkpoint, str | Path) else checkpoint
    file = make(model, optimizer, scaler, settings) if make and checkpoint else None
    records: list[Record] = file.resume(n_steps, rate_at) if file else []
    diverged = False
    if not model.training:
        model.train()
    with ExitStack() as closing:
        closing.callback(model.eval)
        for monitor in monitors:
            closing.callback(getattr(monitor, "close", lambda: None))
        for step in range(len(records), n_steps):
            begin = time.perf_counter()
            batch = batches(step)
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step)
            optimizer.zero_grad()
            mean = backward(model, loss, batch, accumulate=accumulate, precision=precision, scaler=scaler)
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            if gradients:
                scaler.unscale_(optimizer)  # before clipping: the limit is meant for the true gradient
            length = norm(gradients)
            value, grad_norm = torch.stack([mean, length.to(mean)]).tolist()  # waits for the device, once a step
            if clip is not None and grad_norm > clip:  # a short gradient need not be passed through once more
                nn.utils.clip_grads_with_norm_(parameters, clip, length)
            scaling = _scaling(scaler, value, grad_norm)
            finite = math.isfinite(value) and math.isfinite(grad_norm)
            diverged = not finite and not scaling.get("skipped")
            if gradients and not diverged:
                scaler.step(optimizer)
                scaler.update()
            last = diverged or step + 1 == n_steps
            if last or (step + 1) % checkpoint_every == 0:  # between, the next loss would tell
                diverged = diverged or not math.isfinite(norm(parameters, math.inf))
            seconds = time.perf_counter() - begin

            record = {"step": step + 1, "loss": value, "lr": rate_at(step), "grad_norm": grad_norm, **scaling}
            record |= _speed(first_tensor(batch).numel(), seconds, flops_per_step, peak_flops)
            if evaluate and (last or diverged or (step + 1) % evaluate_every == 0):
                with modes_kept(model):
                    model.eval()
                    record |= _measured(evaluate(model), record)
            records.append(record)
            for monitor in monitors:
                monitor(record)
            if diverged:
                break
            if file and (last or (step + 1) % checkpoint_every == 0):
                file.save(records)
        optimizer.zero_grad()
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
    some rows have fewer targets than others. A part without any is left out.

    Args:
        batch: moved to the model's device, a part at a time.
        scaler: multiplies what is differentiated, and is left to unscale the gradients.

    Raises:
        TypeError, ValueError: if `loss` does not return a scalar, or `accumulate` is not a whole
            number from 1 to the number of rows.
    """
    instance("model", model, nn.Module)
    function("loss", loss)
    if count("accumulate", accumulate) > 1 and accumulate > (n_rows := len(first_tensor(batch))):
        raise ValueError(f"accumulate must be <= the number of rows, {n_rows}, got {accumulate}")
    device = next((parameter.device for parameter in model.parameters()), "cpu")
    parts = list(micro_batches(batch, accumulate))
    weights = torch.stack([n_targets(part) for part in parts]).tolist()
    total = torch.zeros((), device=device)
    for part, weight in zip(parts, weights, strict=True):
        if not weight:
            continue
        with precision.autocast() if precision else nullcontext():
            value = loss(model, on_device(part, device))
        if not isinstance(value, Tensor) or value.ndim:
            raise TypeError(f"loss must return a scalar tensor, got {getattr(value, 'shape', type(value).__name__)}")
        share = value if weight == sum(weights) else value * weight / sum(weights)
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
        raise TypeError(f"betas must be a pair of numbers, got {shown(betas)}")
    decays = (real("betas", betas[0], at_least=0, below=1), real("betas", betas[1], at_least=0, below=1))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise ValueError("model must have a parameter that requires a gradient, got none")
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim >= 2], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim < 2], "weight_decay": 0.0},
    ]
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in trained)  # others may have no such kernel
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=0.0, betas=decays, fused=fused)


def _speed(tokens: int, seconds: float, flops: float | None, peak: float | None) -> Record:
    speed = {"tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds}
    return speed | ({"mfu": flops / seconds / peak} if flops and peak else {})


def _scaling(scaler: torch.amp.GradScaler, loss: float, grad_norm: float) -> Record:
    """Tell the scale of this step, and whether the scaler will skip it; nothing where it is idle."""
    if not scaler.is_enabled():
        return {}
    overflowed = math.isfinite(loss) and not math.isfinite(grad_norm)
    return {"scale": scaler.get_scale(), "skipped": float(overflowed and scaler.get_scale() >= 1)}


def _measured(found: Any, record: Record) -> Record:
    """Give what `evaluate` found as plain numbers, which any monitor and any file takes."""
    if not isinstance(found, dict):
        raise TypeError(f"evaluate must return a dict of numbers, got {shown(found)}")
    numbers = {}
    for name, value in found.items():
        is_array = isinstance(value, Tensor | np.ndarray | np.generic) and math.prod(value.shape) == 1
        number = value.item() if is_array else value
        if name in record:
            raise ValueError(f"evaluate must return names that the record has not, got {name!r}")
        if not isinstance(name, str) or not isinstance(number, Real):
            raise TypeError(f"evaluate must return numbers under names, got {shown(value)} as {name!r}")
        numbers[name] = float(number)
    return numbers


def _check(model: Any, loss: Any, batches: Any, monitors: Any, checkpoint: Any) -> None:
    instance("model", model, nn.Module)
    function("loss", loss)
    function("batches", batches)
    several("monitors", monitors)
    for monitor in monitors:
        function("monitors", monitor)
    if not isinstance(checkpoint, str | Path | None) and not callable(checkpoint):
        raise TypeError(f"checkpoint must be a str, a Path or a function, got {shown(checkpoint)}")


def _check_optional(precision: Any, evaluate: Any, **numbers: Any) -> None:
    if precision is not None:
        instance("precision", precision, Precision)
    if evaluate is not None:
        function("evaluate", evaluate)
    for name, value in numbers.items():
        if value is not None:
            real(name, value, above=0)
