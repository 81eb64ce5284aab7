"""Metrics of answers: how often a class is right, and how far a number is off.

Every metric takes predictions and targets, and returns one number.

    confusion_matrix                            how often each class is given for each
    accuracy  balanced_accuracy                 right answers: of all examples; of each class, averaged
    precision  recall  f1                       right among those called so; among those that are so; both
    matthews_correlation                        agreement, less what chance would give
    rmse  mean_absolute_error  r2               errors of numbers: in their own unit; beside the mean's

Classes are whole numbers from 0, or True and False. Where a metric would divide 0 by 0 it has no value: it is
refused, unless `undefined` says what stands for it. scikit-learn gives 0 or NaN there, and a warning at most.

Metrics of scores and probabilities stand in `kit.learn.score_metrics`.

Taught in: 08
"""

import math
from typing import Any, Literal

import numpy as np
from jaxtyping import Int, Shaped

from kit.arguments import integer_array, matching, one_of, real, real_array

Average = Literal["binary", "micro", "macro", "weighted"]
AVERAGES = ("binary", "micro", "macro", "weighted")
Labels = Shaped[np.ndarray, "n"]
Numbers = Shaped[np.ndarray, "*shape"]


def confusion_matrix(predictions: Labels, targets: Labels) -> Int[np.ndarray, "classes classes"]:
    """Count how often each class is predicted for each: a row for each target, a column for each prediction.

    Raises:
        TypeError: if either holds no whole numbers, nor booleans.
        ValueError: if they are not one axis of equal length, are empty, or hold a number below 0.

    Oracle: sklearn.metrics.confusion_matrix.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]))
    array([[1, 1],
           [0, 1]])
    """
    predictions, targets = two_rows("predictions", predictions, "targets", targets)
    n_classes = int(max(predictions.max(), targets.max())) + 1
    pairs = np.bincount(targets * n_classes + predictions, minlength=n_classes**2)
    return pairs.reshape(n_classes, n_classes)


def accuracy(predictions: Labels, targets: Labels) -> float:
    """Find the share of right answers.

    Raises:
        TypeError, ValueError: as `confusion_matrix` does.

    Oracle: sklearn.metrics.accuracy_score.

    >>> accuracy(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]))
    0.75
    """
    predictions, targets = two_rows("predictions", predictions, "targets", targets)
    return float((predictions == targets).mean())


def balanced_accuracy(predictions: Labels, targets: Labels) -> float:
    """Average the recall of all classes that occur in the targets, each class alike.

    Raises:
        TypeError, ValueError: as `confusion_matrix` does.

    Oracle: sklearn.metrics.balanced_accuracy_score.

    >>> balanced_accuracy(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    0.5
    """
    predictions, targets = two_rows("predictions", predictions, "targets", targets)
    actual = np.bincount(targets)
    hits = np.bincount(targets[predictions == targets], minlength=len(actual))
    return float((hits[actual > 0] / actual[actual > 0]).mean())


def precision(
    predictions: Labels, targets: Labels, *, average: Average = "binary", undefined: float | None = None
) -> float:
    """Find the share of right answers among the examples that were called positive.

        true positives / (true positives + false positives)

    Args:
        average: of which classes. "binary": of class 1. "micro": of all, counted together. "macro": the mean over
            all classes that occur. "weighted": that mean, by how often each is the target.
        undefined: what stands for a class that was never predicted; where it is None, that is refused.

    Raises:
        TypeError: as `confusion_matrix` does.
        ValueError: as `confusion_matrix` does, if a class above 1 meets "binary", or the value is undefined.

    Oracle: sklearn.metrics.precision_score, which gives 0 where ours is undefined.

    >>> precision(np.array([1, 1, 0]), np.array([1, 0, 1]))
    0.5
    """
    hits, predicted, actual = _counts(predictions, targets, average, undefined)
    return _averaged(hits, predicted, actual, predicted + actual, average, undefined, "predictions")


def recall(
    predictions: Labels, targets: Labels, *, average: Average = "binary", undefined: float | None = None
) -> float:
    """Find the share of the positive examples that were called so.

        true positives / (true positives + false negatives)

    Args:
        average: as `precision` takes it.
        undefined: what stands for a class that is never the target; where it is None, that is refused.

    Raises:
        TypeError, ValueError: as `precision` does.

    Oracle: sklearn.metrics.recall_score, which gives 0 where ours is undefined.

    >>> recall(np.array([1, 0, 0, 0]), np.array([1, 1, 1, 1]))
    0.25
    """
    hits, predicted, actual = _counts(predictions, targets, average, undefined)
    return _averaged(hits, actual, actual, predicted + actual, average, undefined, "targets")


def f1(predictions: Labels, targets: Labels, *, average: Average = "binary", undefined: float | None = None) -> float:
    """Take the harmonic mean of precision and recall.

        2 true positives / (2 true positives + false positives + false negatives)

    It is 0 where there are errors and no true positive, and undefined where a class neither occurs nor is predicted.

    Args:
        average: as `precision` takes it; "macro" is the mean of each class's F1, not the F1 of the means.

    Raises:
        TypeError, ValueError: as `precision` does.

    Source: van Rijsbergen (1979), Information Retrieval, chapter 7.
    Oracle: sklearn.metrics.f1_score.

    >>> f1(np.array([1, 1, 0]), np.array([1, 0, 1]))
    0.5
    """
    hits, predicted, actual = _counts(predictions, targets, average, undefined)
    return _averaged(2 * hits, predicted + actual, actual, predicted + actual, average, undefined, "predictions")


def matthews_correlation(predictions: Labels, targets: Labels, *, undefined: float | None = None) -> float:
    """Correlate predictions and targets: 1 where all agree, 0 as by chance, -1 where two classes are swapped.

        (n Σ hits - Σ pₖ tₖ) / √((n² - Σ pₖ²) (n² - Σ tₖ²)),   class k predicted pₖ times, the target tₖ times

    Args:
        undefined: what stands for it where all predictions or all targets are one class.

    Raises:
        TypeError, ValueError: as `precision` does.

    Source: Matthews (1975), Biochimica et Biophysica Acta 405, 442-451; Gorodkin (2004) for more than two classes.
    Oracle: sklearn.metrics.matthews_corrcoef, which gives 0 where ours is undefined.

    >>> matthews_correlation(np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0]))
    0.0
    """
    undefined = checked_stand_in(undefined)
    table = confusion_matrix(predictions, targets).astype(np.float64)
    n, predicted, actual = table.sum(), table.sum(axis=0), table.sum(axis=1)
    spread = (n**2 - predicted @ predicted) * (n**2 - actual @ actual)
    if spread == 0:
        return stand_in("predictions", "must be of two classes or more, as targets must", undefined)
    return float((n * np.trace(table) - predicted @ actual) / math.sqrt(spread))


def rmse(predictions: Numbers, targets: Numbers) -> float:
    """Take the root of the mean squared error: √mean((p - t)²), in the unit of the targets.

    Raises:
        TypeError, ValueError: if either holds no finite numbers, or their shapes differ, or are empty.

    Oracle: the root of sklearn.metrics.mean_squared_error.

    >>> rmse(np.array([3.0, 1.0]), np.array([0.0, 4.0]))
    3.0
    """
    predictions, targets = _numbers(predictions, targets)
    return float(np.sqrt(((predictions - targets) ** 2).mean()))


def mean_absolute_error(predictions: Numbers, targets: Numbers) -> float:
    """Average the sizes of the errors: mean(|p - t|), in the unit of the targets.

    Raises:
        TypeError, ValueError: as `rmse` does.

    Oracle: sklearn.metrics.mean_absolute_error.

    >>> mean_absolute_error(np.array([3.0, 5.0]), np.array([0.0, 1.0]))
    3.5
    """
    predictions, targets = _numbers(predictions, targets)
    return float(np.abs(predictions - targets).mean())


def r2(predictions: Numbers, targets: Numbers, *, undefined: float | None = None) -> float:
    """Find the share of the targets' variance that is explained: 1 without error, 0 for their mean, below 0 for worse.

        1 - Σ (p - t)² / Σ (t - mean t)²

    Args:
        undefined: what stands for it where all targets are one number.

    Raises:
        TypeError, ValueError: as `rmse` does, and if the value is undefined.

    Oracle: sklearn.metrics.r2_score, which gives 1 or 0 for targets that are one number.

    >>> r2(np.array([2.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    0.0
    """
    (predictions, targets), undefined = _numbers(predictions, targets), checked_stand_in(undefined)
    spread = ((targets - targets.mean()) ** 2).sum()
    if spread == 0 or (targets == targets.flat[0]).all():  # the mean of equal numbers may be a rounding off them
        return stand_in("targets", "must not all be one number", undefined)
    return float(1 - ((predictions - targets) ** 2).sum() / spread)


def two_rows(name: str, value: Any, other_name: str, other: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return two rows of classes of one length.

    Raises:
        TypeError: if either holds no whole numbers, nor booleans.
        ValueError: if they are not one axis of equal length, are empty, or hold a number below 0.
    """
    rows = []
    for each, given in ((name, value), (other_name, other)):
        boolean = isinstance(given, np.ndarray) and given.dtype == bool
        row = integer_array(each, given.astype(np.int64) if boolean else given)
        if row.ndim != 1 or row.min() < 0:
            raise ValueError(f"{each} must be one axis of classes from 0, got shape {row.shape} from {row.min()}")
        rows.append(row)
    if len(rows[0]) != len(rows[1]):
        raise ValueError(f"{name} must be as many as {other_name}, {len(rows[1])}, got {len(rows[0])}")
    return rows[0], rows[1]


def _numbers(predictions: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    return matching("predictions", real_array("predictions", predictions), "targets", real_array("targets", targets))


def _counts(predictions: Any, targets: Any, average: str, undefined: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count for each class how often it was predicted rightly, predicted, and the target."""
    one_of("average", average, AVERAGES)
    checked_stand_in(undefined)
    predictions, targets = two_rows("predictions", predictions, "targets", targets)
    n_classes = max(int(max(predictions.max(), targets.max())) + 1, 2)
    if average == "binary" and n_classes > 2:
        name, values = ("predictions", predictions) if predictions.max() > 1 else ("targets", targets)
        raise ValueError(f"{name} must be 0 or 1 where average is 'binary', got {values.max()}")
    rows = (targets[predictions == targets], predictions, targets)
    hits, predicted, actual = (np.bincount(row, minlength=n_classes) for row in rows)
    return hits, predicted, actual


def _averaged(
    hits: np.ndarray, of: np.ndarray, actual: np.ndarray, seen: np.ndarray, average: str, undefined: Any, name: str
) -> float:
    """Divide hits by what they are a share of, and pool the classes."""
    if average == "binary":
        hits, of, weights = hits[1:], of[1:], np.ones(1)
    elif average == "micro":
        hits, of, weights = hits.sum(keepdims=True), of.sum(keepdims=True), np.ones(1)
    else:
        counted = (actual if average == "weighted" else seen) > 0
        hits, of = hits[counted], of[counted]
        weights = actual[counted] if average == "weighted" else np.ones(len(of))
    values = hits / np.where(of > 0, of, 1)
    if not of.all():
        stands = stand_in(name, "must hold every class that counts", undefined)
        values = np.where(of > 0, values, stands)
    return float(values @ weights / weights.sum())


def checked_stand_in(undefined: float | None) -> float | None:
    """Refuse what can stand for no number."""
    return None if undefined is None else real("undefined", undefined)


def stand_in(name: str, rule: str, undefined: float | None) -> float:
    """Give what stands for 0 / 0, or say which rule would have spared it."""
    if undefined is None:
        raise ValueError(f"{name} {rule}: 0 / 0 has no value; or say in undefined what stands for it")
    return undefined
