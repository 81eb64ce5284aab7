"""Losses for classes: what a wrong answer costs, and which way is less wrong.

They have the shape of `kit.learn.losses`: the mean loss comes back together with its gradient in
what was predicted. Three groups differ in what that is:

    binary_cross_entropy  hinge  focal    a logit or score, above 0 for the second of two classes
    cross_entropy                         a row of logits, one for each class
    kl_divergence                         a row of logits, and the target is a row of probabilities

`softmax` turns a row of logits into probabilities.

Taught in: 03 05
"""

import numpy as np
from jaxtyping import Float, Shaped

from kit.arguments import count, integer_array, matching, real, real_array, shown, unchecked_array
from kit.learn.losses import average


def binary_cross_entropy(
    logits: Shaped[np.ndarray, "*shape"], targets: Shaped[np.ndarray, "*shape"]
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average the surprisal at which of two classes each example has, given the logit of the second.

        L      = mean(-t log σ(z) - (1 - t) log σ(-z)),   σ(z) = 1 / (1 + e⁻ᶻ)
        ∂L/∂zᵢ = (σ(zᵢ) - tᵢ) / n

    Args:
        targets: the class, 0 or 1; or the probability of class 1, between them.

    Raises:
        TypeError: if either holds no numbers.
        ValueError: if the shapes differ, or are empty, a number is NaN, or a target is below 0 or above 1.

    Numerics: -log σ(z) = log(1 + e⁻ᶻ) is computed as max(-z, 0) + log(1 + e^-|z|). As written on
    paper, e⁻ᶻ overflows at z < -709 in float64 and z < -88 in float32, and log σ(z) is log 0 there.
    Source: Cox (1958), Journal of the Royal Statistical Society B 20, 215-242.
    Oracle: torch.nn.functional.binary_cross_entropy_with_logits and its autograd.

    >>> binary_cross_entropy(np.array([0.0, -10_000.0]), np.array([1.0, 1.0]))[1]
    array([-0.25, -0.5 ])
    """
    logits, targets = matching("logits", logits, "targets", targets)
    if targets.min() < 0 or targets.max() > 1:
        raise ValueError(f"targets must be between 0 and 1, got {targets.min():g} to {targets.max():g}")
    each = targets * _softplus(-logits) + (1 - targets) * _softplus(logits)
    return average(each, logits=logits, targets=targets), (_sigmoid(logits) - targets) / logits.size


def softmax(logits: Shaped[np.ndarray, "*shape classes"]) -> Float[np.ndarray, "*shape classes"]:
    """Turn each row of logits into probabilities, larger for a larger logit.

        pᵢ = exp(zᵢ) / Σⱼ exp(zⱼ)

    Raises:
        TypeError: if `logits` holds no numbers.
        ValueError: if it is a single number, empty, or not finite.

    Numerics: each row's largest logit is taken off first, which changes no probability; exp(zᵢ) by
    itself overflows at 710 in float64, and at 89 in float32.
    Source: Bridle (1990), Neurocomputing, 227-236.
    Oracle: torch.softmax.

    >>> softmax(np.array([[0.0, 0.0], [10_000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    logits = real_array("logits", logits)
    if not logits.ndim:
        raise ValueError(f"logits must have an axis of classes, got the number {logits}")
    return np.exp(_log_softmax(logits))


def cross_entropy(
    logits: Shaped[np.ndarray, "n classes"],
    targets: Shaped[np.ndarray, "n"],
    *,
    label_smoothing: float = 0.0,
    class_weights: Shaped[np.ndarray, "classes"] | None = None,
    ignore_index: int = -100,
) -> tuple[float, Float[np.ndarray, "n classes"]]:
    """Average the surprisal at the class that each example has, given a logit for every class.

        pᵢ     = softmax(zᵢ)
        sᵢ     = w ((1 - ε) onehot(tᵢ) + ε / k)    the smoothed target over k classes, weighted
        W      = Σ w[tᵢ]                           n, where all weights are 1
        L      = -Σᵢ Σ sᵢ log pᵢ / W
        ∂L/∂zᵢ = (pᵢ Σ sᵢ - sᵢ) / W

    Args:
        targets: the class of each row, an integer from 0 to classes - 1.
        label_smoothing: ε, the share of each target that is spread evenly over all classes.
        class_weights: w, how much an example of each class counts; 1 for all where it is None.
        ignore_index: a target that stands for none: its row does not count, and has a gradient of 0.

    Raises:
        TypeError: if `logits` holds no numbers, or `targets` no integers, or `label_smoothing` is none.
        ValueError: if `logits` is not a matrix, or is empty, `targets` has not one class for each of its
            rows, a logit is NaN, a class is out of range, `label_smoothing` is not between 0 and 1,
            `class_weights` are not one number of at least 0 for each class, or no row counts.

    Numerics: each row's largest logit is taken off first, which changes no probability and leaves
    every exponent at or below 0; log p is never taken of a p that has underflowed to 0.
    Source: Bridle (1990), Neurocomputing, 227-236; smoothing: Szegedy et al. (2015), arXiv:1512.00567,
    section 7.
    Oracle: torch.nn.functional.cross_entropy and its autograd.

    >>> cross_entropy(np.array([[0.0, 0.0], [10_000.0, 0.0]]), np.array([0, 1]))[1]
    array([[-0.25,  0.25],
           [ 0.5 , -0.5 ]])
    """
    logits, targets = unchecked_array("logits", logits), integer_array("targets", targets)
    smoothing = real("label_smoothing", label_smoothing, at_least=0, at_most=1)
    if logits.ndim != 2:
        raise ValueError(f"logits must have 2 axes, got shape {logits.shape}")
    n, n_classes = logits.shape
    if targets.shape != (n,):
        raise ValueError(f"targets must have one class for each of the {n} rows of logits, got shape {targets.shape}")
    counted = targets != count("ignore_index", ignore_index, at_least=-(2**63))
    classes = targets * counted
    if classes.min() < 0 or classes.max() >= n_classes:
        wrong = targets[counted & ((targets < 0) | (targets >= n_classes))][0]
        raise ValueError(f"targets must be from 0 to {n_classes - 1}, got {wrong}")
    weights = np.ones(n_classes) if class_weights is None else _class_weights(class_weights, n_classes)
    total = float((own := weights[classes] * counted).sum())
    if not total:
        raise ValueError("targets must have a row that counts, got none with a weight above 0")

    log_p, rows = _log_softmax(logits), np.arange(n)
    own, spread = (each.astype(logits.dtype) for each in ((1 - smoothing) * own, smoothing / n_classes * weights))
    losses = -own * log_p[rows, classes] - log_p @ spread * counted
    gradient = np.exp(log_p) * (own + spread.sum() * counted)[:, None] - np.outer(counted, spread)
    gradient[rows, classes] -= own
    return average(losses, n=total, logits=logits), gradient / total


def kl_divergence(
    logits: Shaped[np.ndarray, "n classes"], targets: Shaped[np.ndarray, "n classes"]
) -> tuple[float, Float[np.ndarray, "n classes"]]:
    """Average how far the probabilities of each row of logits are from those that they should be, in nats.

        p      = softmax(z)
        L      = Σ t log(t / p) / n               0 where t is 0
        ∂L/∂zᵢ = (pᵢ - tᵢ) / n

    It is the cross-entropy less the entropy of the targets, which no prediction can take away, and
    so 0 where the two agree.

    Args:
        targets: probabilities, each row of them with the sum 1.

    Raises:
        TypeError: if either holds no numbers.
        ValueError: if they are not matrices of one shape, or are empty, a number is NaN, or a row of
            `targets` holds no probabilities.

    Source: Kullback & Leibler (1951), Annals of Mathematical Statistics 22, 79-86.
    Oracle: torch.nn.functional.kl_div of log_softmax, with reduction "batchmean", and its autograd.

    >>> kl_divergence(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
    (0.6931471805599453, array([[-0.5,  0.5]]))
    """
    logits, targets = matching("logits", logits, "targets", targets)
    if logits.ndim != 2:
        raise ValueError(f"logits must have 2 axes, got shape {logits.shape}")
    sums = real_array("targets", targets).sum(axis=1, dtype=np.float64)
    if targets.min() < 0 or np.abs(sums - 1).max() > 1e-3:  # a sum of float16 may be that far off
        raise ValueError(f"targets must be rows of probabilities, got a sum of {sums[np.abs(sums - 1).argmax()]:g}")
    log_p = _log_softmax(logits)
    log_t = np.log(targets, out=np.zeros_like(targets), where=targets > 0)
    loss = average(targets * (log_t - log_p), n=len(logits), logits=logits)
    return loss, (np.exp(log_p) - targets) / len(logits)


def hinge(
    scores: Shaped[np.ndarray, "*shape"], targets: Shaped[np.ndarray, "*shape"]
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average how far each score falls short of being right by a margin of 1; further right earns nothing.

        L      = mean(max(0, 1 - t s))
        ∂L/∂sᵢ = -tᵢ / n where tᵢ sᵢ < 1, and 0 elsewhere

    Args:
        targets: the class, -1 or 1.

    Raises:
        TypeError: if either holds no numbers.
        ValueError: if the shapes differ, or are empty, a score is NaN, or a target is neither -1 nor 1.

    Source: Cortes & Vapnik (1995), Machine Learning 20, 273-297.
    Oracle: torch.nn.functional.hinge_embedding_loss of t s, and its autograd; sklearn.metrics.hinge_loss.

    >>> hinge(np.array([3.0, 0.5]), np.array([1, -1]))
    (0.75, array([0. , 0.5]))
    """
    scores, targets = matching("scores", scores, "targets", targets)
    _only("targets", targets, -1, 1)
    shortfall = 1 - targets * scores
    each = np.maximum(shortfall, 0)
    return average(each, scores=scores), np.where(shortfall > 0, -targets, 0.0) / scores.size


def focal(
    logits: Shaped[np.ndarray, "*shape"],
    targets: Shaped[np.ndarray, "*shape"],
    *,
    gamma: float = 2.0,
    alpha: float = 0.25,
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """Average a binary cross-entropy in which examples that are already right count for little.

        u      = z (2t - 1)                        the logit of the true class
        a      = α where t is 1, and 1 - α where it is 0
        L      = mean(-a σ(-u)ᵞ log σ(u))
        ∂L/∂zᵢ = (1 - 2tᵢ) a σ(-u)ᵞ (σ(-u) - γ σ(u) log σ(u)) / n

    Args:
        targets: the class, 0 or 1.
        gamma: how fast an example's weight falls as its probability of being right grows.
        alpha: the weight of class 1; class 0 has the rest. γ = 0, α = 1/2 is half of `binary_cross_entropy`.

    Raises:
        TypeError: if either holds no numbers, or `gamma` or `alpha` is none.
        ValueError: if the shapes differ, or are empty, a logit is NaN, a target is neither 0 nor 1,
            `gamma` < 0, or `alpha` is not between 0 and 1.

    Numerics: 1 - σ(u) is computed as σ(-u), which keeps its digits where σ(u) rounds to 1.
    Source: Lin et al. (2017), arXiv:1708.02002, eq. 5.
    Oracle: torch.autograd on the formula, as torchvision.ops.sigmoid_focal_loss writes it.

    >>> focal(np.array([10_000.0]), np.array([0.0]))
    (7500.0, array([0.75]))
    """
    logits, targets = matching("logits", logits, "targets", targets)
    _only("targets", targets, 0, 1)
    gamma = real("gamma", gamma, at_least=0)
    alpha = real("alpha", alpha, at_least=0, at_most=1)

    sign = 2 * targets - 1
    surprisal = _softplus(-sign * logits)  # -log σ(u)
    right, wrong = np.exp(-surprisal), _sigmoid(-sign * logits)
    weights = (alpha * targets + (1 - alpha) * (1 - targets)) * wrong**gamma
    each = weights * surprisal
    return average(each, logits=logits), -sign * weights * (wrong + gamma * right * surprisal) / logits.size


def _softplus(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))  # log(1 + eᶻ), and no exponent above 0


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.exp(-_softplus(-z))


def _only(name: str, values: np.ndarray, one: int, other: int) -> None:
    allowed = (values == one) | (values == other)
    if not allowed.all():
        raise ValueError(f"{name} must be {one} or {other}, got {values[~allowed].flat[0]:g}")


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _class_weights(weights: np.ndarray, n_classes: int) -> np.ndarray:
    weights = real_array("class_weights", weights)
    if weights.shape != (n_classes,) or weights.min() < 0:
        raise ValueError(f"class_weights must be {n_classes} numbers of at least 0, got {shown(weights.tolist())}")
    return weights
