"""Optimisers: what to do with a gradient.

Every optimiser here is made from its learning rate, a number or a schedule, and by keyword from
what it can be tuned by. What comes back is its rule, a function of one shape:

    point, *memory = rule(point, gradient, step, *memory)

Step is counted from 0. Memory is all that the rule carries from one step to the next: nothing for
`sgd`, one array of the point's shape for `momentum`, two for `adam`. It is handed in and handed
back, never hidden: so a rule can be read as the formula it is, run twice without a trace of the
first run, and it shows what each optimiser costs in memory. A rule begins with no memory at all
and takes it for zero. Any function of your own with this shape will race against these.

What can be wrong with a setting is refused when the rule is made; the rule itself trusts its
input, as it runs at every step.

    sgd            step along the gradient
    momentum       step along a running sum of gradients
    nesterov       the same, looking one step ahead
    adagrad        divide each coordinate by the size of all its gradients so far
    rmsprop        divide by their size of late
    adam           momentum and rmsprop together, without their slow start
    adamw          adam, and shrink the point itself

`clipped` puts a limit on the gradient before any of them.

Taught in: 05
"""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Shaped

from kit.arguments import all_finite, function, real, real_array, shown
from kit.learn.schedules import Rate, as_schedule

Optimizer = Callable[..., tuple]
"""A rule: point, gradient, step and memory in, point and memory out."""


def sgd(lr: Rate) -> Optimizer:
    """Step against the gradient: of all examples, it is gradient descent; of a few, stochastic.

        x ← x - lr · g

    Raises:
        TypeError, ValueError: if `lr` is neither a number of at least 0 nor a schedule.

    Source: Robbins & Monro (1951), Annals of Mathematical Statistics 22, 400-407.
    Oracle: torch.optim.SGD.

    >>> sgd(0.5)(np.array([1.0]), np.array([4.0]), 0)
    (array([-1.]),)
    """
    rate = as_schedule(lr)

    def rule(point, gradient, step):
        return (point - rate(step) * gradient,)

    return rule


def momentum(lr: Rate, *, beta: float = 0.9) -> Optimizer:
    """Step along a running sum of gradients, which a valley's walls cancel out of and its floor adds up in.

        v ← β v + g
        x ← x - lr · v

    Along a steady gradient the steps grow to lr / (1 - β) times it.

    Args:
        beta: the share of the sum that is kept at each step.

    Raises:
        TypeError, ValueError: if `lr` is neither a number of at least 0 nor a schedule, or `beta` is not a
            number of at least 0 and below 1.

    Source: Polyak (1964), USSR Computational Mathematics and Mathematical Physics 4, 1-17.
    Oracle: torch.optim.SGD with momentum.

    >>> rule = momentum(0.5, beta=0.5)
    >>> point, velocity = rule(np.array([1.0]), np.array([4.0]), 0)
    >>> rule(point, np.array([4.0]), 1, velocity)
    (array([-4.]), array([6.]))
    """
    rate, beta = as_schedule(lr), _kept("beta", beta)

    def rule(point, gradient, step, velocity=0.0):
        velocity = beta * velocity + gradient
        return point - rate(step) * velocity, velocity

    return rule


def nesterov(lr: Rate, *, beta: float = 0.9) -> Optimizer:
    """Step along the running sum of gradients as it will be after one more like this one.

        v ← β v + g
        x ← x - lr · (g + β v)

    Nesterov takes the gradient at the point where the momentum is about to lead. Here x is that
    point, so the gradient is taken where x is.

    Args:
        beta: the share of the sum that is kept at each step.

    Raises:
        TypeError, ValueError: if `lr` is neither a number of at least 0 nor a schedule, or `beta` is not a
            number of at least 0 and below 1.

    Source: Nesterov (1983), Soviet Mathematics Doklady 27, 372-376; in this form Bengio et al. (2012),
    arXiv:1212.0901, section 3.5.
    Oracle: torch.optim.SGD with nesterov.

    >>> nesterov(0.5, beta=0.5)(np.array([1.0]), np.array([4.0]), 0)
    (array([-2.]), array([4.]))
    """
    rate, beta = as_schedule(lr), _kept("beta", beta)

    def rule(point, gradient, step, velocity=0.0):
        velocity = beta * velocity + gradient
        return point - rate(step) * (gradient + beta * velocity), velocity

    return rule


def adagrad(lr: Rate, *, eps: float = 1e-10) -> Optimizer:
    """Divide each coordinate's step by the root of the sum of all its squared gradients.

        s ← s + g²
        x ← x - lr · g / (√s + eps)

    A coordinate with rare or small gradients keeps a long stride. The sum only grows, so every
    stride shrinks, and in a long run may shrink too soon.

    Args:
        lr: the length of the first step in every coordinate, in the units of x.
        eps: keeps a coordinate whose gradients were all 0 from 0 / 0.

    Raises:
        TypeError, ValueError: if `lr` is neither a number of at least 0 nor a schedule, or `eps` is not a
            number above 0.

    Numerics: in float64 the square of a gradient beyond 1e154 is infinite, and that coordinate never
    moves again; so it is in `rmsprop` and `adam`.
    Source: Duchi, Hazan & Singer (2011), Journal of Machine Learning Research 12, 2121-2159.
    Oracle: torch.optim.Adagrad.

    >>> adagrad(0.5)(np.array([1.0, 1.0]), np.array([3.0, -0.003]), 0)[0].round(6)
    array([0.5, 1.5])
    """
    rate, eps = as_schedule(lr), real("eps", eps, above=0)

    def rule(point, gradient, step, total=0.0):
        total = total + gradient**2
        return point - rate(step) * gradient / (np.sqrt(total) + eps), total

    return rule


def rmsprop(lr: Rate, *, beta: float = 0.99, eps: float = 1e-8) -> Optimizer:
    """Divide each coordinate's step by the root of a running mean of its squared gradients.

        s ← β s + (1 - β) g²
        x ← x - lr · g / (√s + eps)

    The mean begins at 0, so the first steps are up to 1 / √(1 - β) times too long.

    Args:
        beta: the share of the mean that is kept at each step.
        eps: keeps a coordinate whose gradients are 0 from 0 / 0.

    Raises:
        TypeError, ValueError: if `lr` is neither a number of at least 0 nor a schedule, `beta` is not a number
            of at least 0 and below 1, or `eps` is not one above 0.

    Source: Tieleman & Hinton (2012), Neural Networks for Machine Learning, lecture 6.5.
    Oracle: torch.optim.RMSprop.

    >>> rmsprop(0.5, beta=0.75)(np.array([1.0, 1.0]), np.array([3.0, -0.003]), 0)[0].round(4)
    array([0., 2.])
    """
    rate, beta, eps = as_schedule(lr), _kept("beta", beta), real("eps", eps, above=0)

    def rule(point, gradient, step, square=0.0):
        square = beta * square + (1 - beta) * gradient**2
        return point - rate(step) * gradient / (np.sqrt(square) + eps), square

    return rule


def adam(lr: Rate, *, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Optimizer:
    """Divide a running mean of gradients by the root of a running mean of their squares.

        m ← β₁ m + (1 - β₁) g
        s ← β₂ s + (1 - β₂) g²
        x ← x - lr · m̂ / (√ŝ + eps),      m̂ = m / (1 - β₁ᵗ),   ŝ = s / (1 - β₂ᵗ),   t = step + 1

    The hats undo the pull of the zeros that both means begin with. The steps do not depend on the
    gradients' scale.

    Args:
        lr: about the length of a step in every coordinate, in the units of x.
        betas: the shares of the two means, of gradients and of squares, that are kept at each step.
        eps: keeps a coordinate whose gradients are 0 from 0 / 0.

    Raises:
        TypeError, ValueError: if `lr` is neither a number of at least 0 nor a schedule, `betas` are not
            two numbers of at least 0 and below 1, or `eps` is not one above 0.

    Source: Kingma & Ba (2014), arXiv:1412.6980, algorithm 1.
    Oracle: torch.optim.Adam.

    >>> adam(0.5)(np.array([1.0, 1.0]), np.array([3.0, -0.003]), 0)[0].round(4)
    array([0.5, 1.5])
    """
    rate, eps = as_schedule(lr), real("eps", eps, above=0)
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"betas must be a pair of numbers, got {shown(betas)}")
    beta_1, beta_2 = _kept("betas", betas[0]), _kept("betas", betas[1])

    def rule(point, gradient, step, mean=0.0, square=0.0):
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
        true_mean, true_square = mean / (1 - beta_1 ** (step + 1)), square / (1 - beta_2 ** (step + 1))
        return point - rate(step) * true_mean / (np.sqrt(true_square) + eps), mean, square

    return rule


def adamw(
    lr: Rate, *, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.01
) -> Optimizer:
    """Shrink the point by a share of itself, then step as `adam` does.

        x ← (1 - lr · weight_decay) x
        x ← adam(x, g)

    An L2 penalty adds its gradient to g, where Adam divides it by the size of the other gradients:
    weights with large gradients are then hardly shrunk. Here all are shrunk alike.

    Args:
        weight_decay: the share of the point lost at each step, for each unit of `lr`.

    Raises:
        TypeError, ValueError: as `adam` does, or if `weight_decay` is not a number of at least 0.

    Source: Loshchilov & Hutter (2017), arXiv:1711.05101, algorithm 2.
    Oracle: torch.optim.AdamW.

    >>> adamw(0.5, weight_decay=0.2)(np.array([1.0]), np.array([3.0]), 0)[0].round(4)
    array([0.4])
    """
    rate, weight_decay = as_schedule(lr), real("weight_decay", weight_decay, at_least=0)
    adam_rule = adam(rate, betas=betas, eps=eps)

    def rule(point, gradient, step, *memory):
        return adam_rule((1 - rate(step) * weight_decay) * point, gradient, step, *memory)

    return rule


def clip_grad_norm(*gradients: Shaped[np.ndarray, "..."], max_norm: float) -> tuple:
    """Shorten gradients to a length of at most `max_norm`, all by one factor, so that their direction stays.

        ‖g‖ = √(Σ g²)                              over all numbers of all arrays
        g   ← g · min(1, max_norm / (‖g‖ + 10⁻⁶))

    Returns:
        (‖g‖, *gradients): the length that they had, and the gradients as they are now.

    Raises:
        TypeError: if `gradients` hold no numbers, or `max_norm` is none.
        ValueError: if there are none, one is empty or not finite, or `max_norm` <= 0.

    Numerics: squares are summed in float64, so that gradients of float32 cannot overflow the sum.
    Source: Pascanu, Mikolov & Bengio (2012), arXiv:1211.5063, algorithm 1.
    Oracle: torch.nn.utils.clip_grad_norm_, whose 10⁻⁶ it is.

    >>> clip_grad_norm(np.array([3.0, 4.0]), max_norm=10.0)
    (5.0, array([3., 4.]))
    """
    max_norm = real("max_norm", max_norm, above=0)
    if not gradients:
        raise ValueError("gradients must be one array or more, got none")
    arrays = [real_array("gradients", gradient) for gradient in gradients]
    length = math.sqrt(sum(float(np.square(array, dtype=np.float64).sum()) for array in arrays))
    factor = min(1.0, max_norm / (length + 1e-6))
    return length, *(array * factor for array in arrays)


def clipped(optimizer: Optimizer, *, max_norm: float) -> Optimizer:
    """Make the optimiser that steps as another does, along a gradient of a length of at most `max_norm`.

    Raises:
        TypeError: if `optimizer` is not a function, or `max_norm` no number.
        ValueError: if `max_norm` <= 0.

    >>> clipped(sgd(1.0), max_norm=5.0)(np.array([0.0, 0.0]), np.array([30.0, 40.0]), 0)[0].round(3)
    array([-3., -4.])
    """
    function("optimizer", optimizer)
    max_norm = real("max_norm", max_norm, above=0)

    def rule(point, gradient, step, *memory):
        # a gradient beyond float64 has no length: the rule reports it by the point that it leads to
        gradient = clip_grad_norm(gradient, max_norm=max_norm)[1] if all_finite(gradient) else gradient
        return optimizer(point, gradient, step, *memory)

    return rule


def _kept(name: str, share: float) -> float:
    return real(name, share, at_least=0, below=1)
