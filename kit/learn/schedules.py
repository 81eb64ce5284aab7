"""Schedules: the learning rate as a plain function of the step.

Every schedule here is made from a rate, most often the one it peaks at, and, by keyword, its shape. What comes back
is a function from the step, counted from 0, to the rate of that step. So a schedule can be drawn,
called, wrapped by another (`warmup(cosine(0.1, n_steps=90), n_steps=10)`), and given to any
optimiser in place of a number; and any function of your own from step to rate will do as well.
After its last step a schedule stays where it ended. A rate may be 0, which freezes what it trains,
and may rise where the formula lets it: `linear(0.0, n_steps=9, final=0.1)` is a warm-up.

Taught in: 06
"""

import math
from collections.abc import Callable

from kit.arguments import count, real

Schedule = Callable[[int], float]
Rate = float | Schedule
"""A learning rate: one number, or a schedule."""


def as_schedule(lr: Rate) -> Schedule:
    """Return `lr` itself where it is a schedule, and the constant one where it is a number.

    Raises:
        TypeError: if `lr` is neither a number nor a function that returns one.
        ValueError: if `lr` < 0, or a schedule's first rate is negative or not finite.

    >>> as_schedule(0.1)(1000)
    0.1
    """
    if not callable(lr):
        return constant(lr)
    real("lr(0)", lr(0), at_least=0)
    return lr


def constant(lr: float) -> Schedule:
    """Keep one rate for ever.

    Raises:
        TypeError, ValueError: if `lr` is not a number of at least 0.

    Oracle: torch.optim.lr_scheduler.ConstantLR with a factor of 1.

    >>> constant(0.1)(1000)
    0.1
    """
    lr = real("lr", lr, at_least=0)
    return lambda step: lr


def step_decay(lr: float, *, step_size: int, gamma: float = 0.1) -> Schedule:
    """Multiply the rate by `gamma` once in `step_size` steps.

        lr · gamma^⌊step / step_size⌋

    Raises:
        TypeError, ValueError: if `lr` is not a number of at least 0, `step_size` not a whole number
            above 0, or `gamma` not a number above 0.

    Source: He et al. (2015), arXiv:1512.03385, section 3.4.
    Oracle: torch.optim.lr_scheduler.StepLR.

    >>> halves = step_decay(1.0, step_size=10, gamma=0.5)
    >>> [halves(0), halves(9), halves(10), halves(20)]
    [1.0, 1.0, 0.5, 0.25]
    """
    lr, step_size = real("lr", lr, at_least=0), count("step_size", step_size)
    gamma = real("gamma", gamma, above=0)
    return lambda step: lr * gamma ** (step // step_size)


def exponential(lr: float, *, gamma: float) -> Schedule:
    """Multiply the rate by `gamma` at every step.

        lr · gamma^step

    Raises:
        TypeError, ValueError: if `lr` is not a number of at least 0, or `gamma` not one above 0.

    Oracle: torch.optim.lr_scheduler.ExponentialLR.

    >>> exponential(1.0, gamma=0.5)(3)
    0.125
    """
    lr, gamma = real("lr", lr, at_least=0), real("gamma", gamma, above=0)
    return lambda step: lr * gamma**step


def linear(lr: float, *, n_steps: int, final: float = 0.0) -> Schedule:
    """Go from `lr` to `final` in a straight line.

        lr + (final - lr) · step / n_steps

    Args:
        final: the rate from step `n_steps` on.

    Raises:
        TypeError, ValueError: if `lr` or `final` is not a number of at least 0, or `n_steps` not a
            whole number above 0.

    Source: Devlin et al. (2018), arXiv:1810.04805, appendix A.2.
    Oracle: torch.optim.lr_scheduler.LinearLR.

    >>> linear(1.0, n_steps=4)(1)
    0.75
    """
    lr, n_steps, final = real("lr", lr, at_least=0), count("n_steps", n_steps), real("final", final, at_least=0)
    return lambda step: lr + (final - lr) * _share(step, n_steps)


def cosine(lr: float, *, n_steps: int, final: float = 0.0) -> Schedule:
    """Go from `lr` to `final` along half a wave of the cosine: level, then steep, then level.

        final + (lr - final) (1 + cos(π · step / n_steps)) / 2

    Args:
        final: the rate from step `n_steps` on.

    Raises:
        TypeError, ValueError: if `lr` or `final` is not a number of at least 0, or `n_steps` not a
            whole number above 0.

    Source: Loshchilov & Hutter (2016), arXiv:1608.03983, eq. 5.
    Oracle: torch.optim.lr_scheduler.CosineAnnealingLR.

    >>> cosine(1.0, n_steps=4)(2)
    0.5
    """
    lr, n_steps, final = real("lr", lr, at_least=0), count("n_steps", n_steps), real("final", final, at_least=0)
    return lambda step: _half_wave(lr, final, _share(step, n_steps))


def polynomial(lr: float, *, n_steps: int, power: float = 1.0, final: float = 0.0) -> Schedule:
    """Go from `lr` to `final` along a power of what is left.

        final + (lr - final) (1 - step / n_steps)^power

    Args:
        power: 1 gives `linear`; more falls soon, less late.
        final: the rate from step `n_steps` on.

    Raises:
        TypeError, ValueError: if `lr` or `final` is not a number of at least 0, `n_steps` not a
            whole number above 0, or `power` not a number above 0.

    Source: Chen et al. (2016), arXiv:1606.00915, section 4.1.2 ("poly").
    Oracle: torch.optim.lr_scheduler.PolynomialLR.

    >>> polynomial(1.0, n_steps=4, power=2.0)(2)
    0.25
    """
    lr, n_steps, final = real("lr", lr, at_least=0), count("n_steps", n_steps), real("final", final, at_least=0)
    power = real("power", power, above=0)
    return lambda step: final + (lr - final) * (1 - _share(step, n_steps)) ** power


def cosine_restarts(lr: float, *, n_steps: int, t_mult: float = 1.0, final: float = 0.0) -> Schedule:
    """Follow `cosine` again and again, each time from the peak, and each `t_mult` times as long as the last.

        final + (lr - final) (1 + cos(π · t / T)) / 2      t: steps since the last restart, T: steps to the next

    Args:
        n_steps: the steps to the first restart.

    Raises:
        TypeError, ValueError: if `lr` or `final` is not a number of at least 0, `n_steps` not a
            whole number above 0, or `t_mult` not a number of at least 1.

    Source: Loshchilov & Hutter (2016), arXiv:1608.03983, eq. 5 and section 3.
    Oracle: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.

    >>> restarts = cosine_restarts(1.0, n_steps=2, t_mult=2.0)
    >>> [round(restarts(step), 2) for step in range(7)]
    [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0]
    """
    lr, n_steps, final = real("lr", lr, at_least=0), count("n_steps", n_steps), real("final", final, at_least=0)
    t_mult = real("t_mult", t_mult, at_least=1)

    def schedule(step: int) -> float:
        # after k rounds, n (growthᵏ - 1) / (t_mult - 1) steps are over
        k = step // n_steps if t_mult == 1 else int(math.log(step / n_steps * (t_mult - 1) + 1, t_mult) + 1e-9)
        begun = k * n_steps if t_mult == 1 else n_steps * (t_mult**k - 1) / (t_mult - 1)
        return _half_wave(lr, final, _share(step - begun, n_steps * t_mult**k))

    return schedule


def inverse_sqrt(lr: float, *, n_steps: int) -> Schedule:
    """Climb in a straight line for `n_steps` steps, then fall as one over the square root of the step.

        lr · min(s / n_steps, √(n_steps / s)),    s = step + 1

    The Transformer's rate, d_model^-½ · min(s^-½, s · n_steps^-1½), is this with lr = (d_model · n_steps)^-½.
    It has no last step.

    Args:
        lr: the rate of the peak, at s = `n_steps`.

    Raises:
        TypeError, ValueError: if `lr` is not a number of at least 0, or `n_steps` not a whole number above 0.

    Source: Vaswani et al. (2017), arXiv:1706.03762, eq. 3.
    Oracle: the formula as printed there.

    >>> rate = inverse_sqrt(1.0, n_steps=4)
    >>> [rate(step) for step in (0, 1, 3, 15)]
    [0.25, 0.5, 1.0, 0.5]
    """
    lr, n_steps = real("lr", lr, at_least=0), count("n_steps", n_steps)
    return lambda step: lr * min((step + 1) / n_steps, math.sqrt(n_steps / (step + 1)))


def warmup_stable_decay(
    lr: float, *, n_steps: int, n_warmup_steps: int, n_decay_steps: int, final: float = 0.0
) -> Schedule:
    """Climb as `warmup` does, keep the rate, and go to `final` in a straight line in the last steps.

    While the rate is kept, a run can be prolonged, or branched off to its decay at any time: the
    number of steps need not be known before.

    Args:
        n_steps: all of them; from there on the rate is `final`.
        n_warmup_steps: of these, the steps of the climb.
        n_decay_steps: of these, the steps of the way down.

    Raises:
        TypeError, ValueError: if `lr` or `final` is not a number of at least 0, or the steps are not
            whole numbers of at least 0, `n_warmup_steps` and `n_decay_steps` no more than `n_steps`.

    Source: Hu et al. (2024), arXiv:2404.06395, section 4, whose decay is exponential; a straight
    line: Hägele et al. (2024), arXiv:2405.18392.
    Oracle: torch.optim.lr_scheduler.SequentialLR of LinearLR, ConstantLR and LinearLR.

    >>> schedule = warmup_stable_decay(1.0, n_steps=6, n_warmup_steps=1, n_decay_steps=2)
    >>> [schedule(step) for step in range(7)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0]
    """
    n_steps, n_warmup_steps = count("n_steps", n_steps, at_least=1), count("n_warmup_steps", n_warmup_steps, at_least=0)
    n_decay_steps = count("n_decay_steps", n_decay_steps, at_least=1)
    if n_warmup_steps + n_decay_steps > n_steps:
        rule = f"n_warmup_steps and n_decay_steps must be no more than n_steps, {n_steps}"
        raise ValueError(f"{rule}, got {n_warmup_steps} + {n_decay_steps}")
    decay, begins = linear(lr, n_steps=n_decay_steps, final=final), n_steps - n_decay_steps
    climb = warmup(constant(lr), n_steps=n_warmup_steps)
    return lambda step: climb(step) if step < begins else decay(step - begins)


def warmup(lr: Rate, *, n_steps: int) -> Schedule:
    """Climb in a straight line for `n_steps` steps, then follow a schedule from its beginning.

        lr(0) · (step + 1) / (n_steps + 1)      for step < n_steps
        lr(step - n_steps)                      from there on

    Args:
        lr: the schedule to follow, or the rate to keep. The first step's rate is not 0, which
            would waste the step.

    Raises:
        TypeError, ValueError: if `lr` is neither a number of at least 0 nor a schedule, or `n_steps`
            is not a whole number of at least 0.

    Source: Goyal et al. (2017), arXiv:1706.02677, section 2.2.
    Oracle: torch.optim.lr_scheduler.SequentialLR of LinearLR and another.

    >>> warmed = warmup(linear(1.0, n_steps=4), n_steps=3)
    >>> [warmed(step) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    then, n_steps = as_schedule(lr), count("n_steps", n_steps, at_least=0)
    peak = then(0)
    return lambda step: peak * (step + 1) / (n_steps + 1) if step < n_steps else then(step - n_steps)


def one_cycle(
    lr: float, *, n_steps: int, warmup_ratio: float = 0.3, first: float | None = None, final: float | None = None
) -> Schedule:
    """Climb to `lr` and come down far below the beginning, each along half a wave of the cosine.

    Args:
        n_steps: the steps of the whole cycle; `final` is the rate of the last one, n_steps - 1.
        warmup_ratio: the share of the steps spent climbing.
        first: the rate of step 0; lr / 25 where it is None.
        final: first / 10 000 where it is None.

    Raises:
        TypeError, ValueError: if `lr` is not a number above 0, `n_steps` not a whole number of at least
            2, `warmup_ratio` too small to hold a step or not below 1, or `first` or `final` not a number
            from 0 to `lr`.

    Source: Smith & Topin (2017), arXiv:1708.07120; the two cosines are those of fastai. The paper
    also lowers the momentum as the rate climbs, which is left out here.
    Oracle: torch.optim.lr_scheduler.OneCycleLR.

    >>> cycle = one_cycle(1.0, n_steps=10, first=0.5, final=0.0)
    >>> [cycle(0), cycle(1), cycle(2), cycle(9)]
    [0.5, 0.75, 1.0, 0.0]
    """
    lr, n_steps = real("lr", lr, above=0), count("n_steps", n_steps, at_least=2)
    warmup_ratio = real("warmup_ratio", warmup_ratio, above=1 / n_steps, below=1)
    first = lr / 25 if first is None else real("first", first, at_least=0, at_most=lr)
    final = first / 10_000 if final is None else real("final", final, at_least=0, at_most=lr)
    peak, last = warmup_ratio * n_steps - 1, n_steps - 1  # of the steps 0 to n_steps - 1; the peak may lie between two

    def schedule(step: int) -> float:
        if step <= peak:
            return _half_wave(first, lr, _share(step, peak))
        return _half_wave(lr, final, _share(step - peak, last - peak))

    return schedule


def _share(step: float, n_steps: float) -> float:
    return step / n_steps if step < n_steps else 1.0  # of no steps all are taken


def _half_wave(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
