"""Metrics of scores and probabilities: what a threshold moves, and whether a probability means what it says.

`scores` say how much speaks for class 1, the higher the more; `targets` are 0 or 1, or False and True. From each
score up, a threshold calls all positive that score as much or more. Examples of one score pass it together.

    counts_at_thresholds                          true and false positives, at every threshold
    roc_curve  precision_recall_curve             shares of these
    roc_auc  average_precision                    one number for each curve
    log_loss  brier  calibration_error            of probabilities

Where a class is missing, what would be a share of it is refused; scikit-learn gives 0 or NaN and a warning.

Taught in: 08
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from kit.arguments import count, integer_array, real_array

Row = Shaped[np.ndarray, "n"]


class Counts(NamedTuple):
    """What is called positive at each threshold, from the highest down: first nothing, at last everything.

    Args:
        thresholds: infinite, then every score that occurs.
        true_positives: of `positives` examples of class 1, how many score as much or more.
        false_positives: the same of the `negatives` of class 0.
    """

    thresholds: Float[np.ndarray, "thresholds"]
    true_positives: Int[np.ndarray, "thresholds"]
    false_positives: Int[np.ndarray, "thresholds"]
    positives: int
    negatives: int


def counts_at_thresholds(scores: Row, targets: Row) -> Counts:
    """Count true and false positives at every threshold.

    Raises:
        TypeError: if `scores` holds no numbers, or `targets` neither whole numbers nor booleans.
        ValueError: if they are not one axis of equal length, are empty, a score is not finite, or a target is
            neither 0 nor 1.

    Oracle: sklearn.metrics.roc_curve(drop_intermediate=False), times the sizes of the classes.

    >>> counts_at_thresholds(np.array([0.9, 0.4, 0.4]), np.array([1, 0, 1])).true_positives
    array([0, 1, 2])
    """
    scores, targets = _scored(scores, targets)
    order = np.argsort(-scores, kind="stable")
    ordered, passed = scores[order], np.cumsum(targets[order])
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)  # of each run of one score
    true_positives = np.append(0, passed[last])
    return Counts(
        thresholds=np.append(np.inf, ordered[last]),
        true_positives=true_positives,
        false_positives=np.append(0, last + 1) - true_positives,
        positives=int(passed[-1]),
        negatives=len(scores) - int(passed[-1]),
    )


def roc_curve(
    scores: Row, targets: Row
) -> tuple[Float[np.ndarray, "points"], Float[np.ndarray, "points"], Float[np.ndarray, "points"]]:
    """Give the shares of negatives and of positives that pass each threshold, and the thresholds.

    Returns:
        False-positive rate, true-positive rate and threshold, from (0, 0) to (1, 1).

    Raises:
        TypeError, ValueError: as `counts_at_thresholds` does, and if a class is missing.

    Oracle: sklearn.metrics.roc_curve(drop_intermediate=False).

    >>> roc_curve(np.array([0.9, 0.4, 0.1]), np.array([1, 0, 1]))[1]
    array([0. , 0.5, 0.5, 1. ])
    """
    counts = _both(counts_at_thresholds(scores, targets))
    return counts.false_positives / counts.negatives, counts.true_positives / counts.positives, counts.thresholds


def roc_auc(scores: Row, targets: Row) -> float:
    """Find how likely a positive example scores above a negative one, a tie counting half.

        (pairs in which the positive scores higher + ½ pairs of equal scores) / all pairs

    That is the area under the ROC curve, with a straight line where several examples share a score.

    Raises:
        TypeError, ValueError: as `roc_curve` does.

    Source: Hanley & McNeil (1982), Radiology 143, 29-36; Mann & Whitney (1947).
    Oracle: sklearn.metrics.roc_auc_score.

    >>> roc_auc(np.array([0.9, 0.4, 0.4]), np.array([1, 0, 1]))
    0.75
    """
    scores, targets = _scored(scores, targets)
    low, high = np.sort(scores[targets == 0]), np.sort(scores[targets == 1])
    if not len(low) or not len(high):
        raise ValueError(f"targets must hold both classes, got {len(high)} of class 1 among {len(targets)}")
    below, not_above = (np.searchsorted(low, high, side=side).sum() for side in ("left", "right"))
    return float((below + not_above) / (2 * len(low) * len(high)))


def precision_recall_curve(
    scores: Row, targets: Row
) -> tuple[Float[np.ndarray, "points"], Float[np.ndarray, "points"], Float[np.ndarray, "points"]]:
    """Give precision and recall at each threshold that calls anything positive, and the thresholds.

    Returns:
        Precision, recall and threshold, recall rising to 1. No point is added at recall 0, where precision has
        no value.

    Raises:
        TypeError, ValueError: as `counts_at_thresholds` does, and if class 1 is missing.

    Oracle: sklearn.metrics.precision_recall_curve, which goes the other way and adds the point (1, 0).

    >>> precision_recall_curve(np.array([0.9, 0.4, 0.1]), np.array([1, 0, 1]))[0].round(2)
    array([1.  , 0.5 , 0.67])
    """
    counts = counts_at_thresholds(scores, targets)
    if not counts.positives:
        raise ValueError("targets must hold class 1, got none")
    hits = counts.true_positives[1:]
    return hits / (hits + counts.false_positives[1:]), hits / counts.positives, counts.thresholds[1:]


def average_precision(scores: Row, targets: Row) -> float:
    """Average the precision over the positives, each taken at the threshold that lets it pass.

        Σ (recallᵢ - recallᵢ₋₁) precisionᵢ        a sum of steps, which a constant score gives the share of positives

    The trapezoids under the curve are another number, and too kind: a constant score gets more than its share.

    Raises:
        TypeError, ValueError: as `precision_recall_curve` does.

    Source: Zhu (2004), Recall, precision and average precision, University of Waterloo.
    Oracle: sklearn.metrics.average_precision_score.

    >>> average_precision(np.array([0.5, 0.5, 0.5, 0.5]), np.array([1, 0, 0, 0]))
    0.25
    """
    precision, recall, _ = precision_recall_curve(scores, targets)
    return float(np.diff(recall, prepend=0) @ precision)


def log_loss(probabilities: Shaped[np.ndarray, "*shape"], targets: Row) -> float:
    """Average the surprisal at what came: -log of the probability that was given to it, in nats.

    Args:
        probabilities: of class 1; or a row for each example, of all classes, with the sum 1.

    Returns:
        Infinity where what came had been given a probability of 0; scikit-learn takes the smallest number above it.

    Raises:
        TypeError, ValueError: as `counts_at_thresholds` does, and if a number is no probability.

    Oracle: sklearn.metrics.log_loss.

    >>> round(log_loss(np.array([0.5, 0.5]), np.array([0, 1])), 4)
    0.6931
    """
    p = _probabilities(probabilities, ndim=None)
    if p.ndim > 2:
        raise ValueError(f"probabilities must have 1 axis or 2, got shape {p.shape}")
    if p.ndim < 2:
        p, targets = _scored(p, targets, name="probabilities")
        of_target = np.where(targets == 1, p, 1 - p)
    else:
        targets = _targets(targets, len(p), "probabilities", below=p.shape[1])
        if (off := np.abs(p.sum(axis=1) - 1)).max() > 1e-6:
            raise ValueError(f"probabilities must add up to 1 in each row, got {p[off.argmax()].sum():g}")
        of_target = p[np.arange(len(p)), targets]
    with np.errstate(divide="ignore"):
        return float(-np.log(of_target).mean())


def brier(probabilities: Row, targets: Row) -> float:
    """Average the squared distance between the probability of class 1 and what came, 0 or 1.

        mean((p - t)²)        over two classes, as it was first written, twice as much

    Raises:
        TypeError, ValueError: as `counts_at_thresholds` does, and if a number is no probability.

    Source: Brier (1950), Monthly Weather Review 78, 1-3.
    Oracle: sklearn.metrics.brier_score_loss.

    >>> brier(np.array([0.5, 1.0]), np.array([0, 1]))
    0.125
    """
    p, targets = _scored(_probabilities(probabilities), targets, name="probabilities")
    return float(((p - targets) ** 2).mean())


def calibration_error(probabilities: Row, targets: Row, *, n_bins: int = 10) -> float:
    """Average how far the probabilities of class 1 are from how often it came, bin by bin.

        Σ (examples in the bin / n) |mean p - share of class 1|,   bins of equal width, each with its upper end

    It depends on the bins, and chance alone makes it larger than 0: of few examples, give it beside that of targets
    drawn with the same probabilities. Of several classes, the literature also bins the highest probability alone.

    Raises:
        TypeError, ValueError: as `brier` does, and if `n_bins` is not a whole number of at least 1.

    Source: Naeini, Cooper & Hauskrecht (2015), AAAI; Guo et al. (2017), arXiv:1706.04599, eq. 3.
    Oracle: sklearn.calibration.calibration_curve, weighted by the bins' sizes.

    >>> round(calibration_error(np.array([0.8, 0.8]), np.array([0, 1])), 6)
    0.3
    """
    n_bins = count("n_bins", n_bins)
    p, targets = _scored(_probabilities(probabilities), targets, name="probabilities")
    bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], p)
    sums = [np.bincount(bins, weights=weights, minlength=n_bins) for weights in (p, targets)]
    return float(np.abs(sums[0] - sums[1]).sum() / len(p))


def _scored(scores: Any, targets: Any, *, name: str = "scores") -> tuple[np.ndarray, np.ndarray]:
    scores = real_array(name, scores, ndim=1)
    return scores, _targets(targets, len(scores), name, below=2)


def _targets(targets: Any, n: int, name: str, *, below: int) -> np.ndarray:
    boolean = isinstance(targets, np.ndarray) and targets.dtype == bool
    targets = integer_array("targets", targets.astype(np.int64) if boolean else targets)
    if targets.shape != (n,):
        raise ValueError(f"targets must be one for each of the {n} {name}, got shape {targets.shape}")
    if targets.min() < 0 or targets.max() >= below:
        raise ValueError(f"targets must be from 0 to {below - 1}, got {targets.min()} to {targets.max()}")
    return targets


def _probabilities(probabilities: Any, *, ndim: int | None = 1) -> np.ndarray:
    p = real_array("probabilities", probabilities, ndim=ndim)
    if p.min() < 0 or p.max() > 1:
        raise ValueError(f"probabilities must be from 0 to 1, got {p.min():g} to {p.max():g}")
    return p


def _both(counts: Counts) -> Counts:
    if not counts.positives or not counts.negatives:
        n = counts.positives + counts.negatives
        raise ValueError(f"targets must hold both classes, got {counts.positives} of class 1 among {n}")
    return counts
