"""Ranking metrics: how good the top of a list is, one number for each list.

Every metric takes `scores` and `relevance`, a row a list and a column an item, and gives a number for each row:
take their mean, or an interval over rows. `k` looks at the first k places only; None looks at all.

    precision_at_k          the share of the first k places that hold a relevant item
    recall_at_k             the share of the relevant items that stand in the first k places
    hit_rate                whether any relevant item stands there
    reciprocal_rank         one over the place of the first relevant item; its mean is the MRR
    average_precision_at_k  the precision at the place of each relevant item; its mean is MAP@K
    ndcg                    gains, discounted by their place, over those of the best possible order

Items of equal scores have no order. Each metric is its mean over all orders of the tied, so that nobody gains by
giving every item one score. A row without a relevant item has no metric: it is refused, or counts what `undefined`
says. What must not compete, such as what a user has already seen, gets a score below all others.

Taught in: 08
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import gammaln

from kit.arguments import count, matching, one_of, real, real_array

Lists = Shaped[np.ndarray, "lists items"]
EachList = Float[np.ndarray, "lists"]


def precision_at_k(scores: Lists, relevance: Lists, *, k: int, undefined: float | None = None) -> EachList:
    """Find the share of the first k places that hold a relevant item.

        relevant items in the first k places / k        however long the list is

    Raises:
        TypeError, ValueError: as `ndcg` does, and if a relevance is neither 0 nor 1.

    Oracle: ranx.evaluate("precision@k"), pytrec_eval's P_k.

    >>> precision_at_k(np.array([[0.9, 0.5, 0.1]]), np.array([[1, 0, 1]]), k=2)
    array([0.5])
    """
    k, ranked = count("k", k), _ranked(scores, relevance, undefined, binary=True)
    return ranked.each(ranked.gains[:, :k].sum(axis=1) / k)


def recall_at_k(scores: Lists, relevance: Lists, *, k: int, undefined: float | None = None) -> EachList:
    """Find the share of the relevant items that stand in the first k places.

        relevant items in the first k places / relevant items

    Raises:
        TypeError, ValueError: as `precision_at_k` does.

    Oracle: ranx.evaluate("recall@k"), pytrec_eval's recall_k.

    >>> recall_at_k(np.array([[0.9, 0.5, 0.1]]), np.array([[1, 0, 1]]), k=2)
    array([0.5])
    """
    k, ranked = count("k", k), _ranked(scores, relevance, undefined, binary=True)
    return ranked.each(ranked.gains[:, :k].sum(axis=1) / np.maximum(ranked.total, 1))


def hit_rate(scores: Lists, relevance: Lists, *, k: int, undefined: float | None = None) -> EachList:
    """Tell of each list whether a relevant item stands in its first k places: 1 or 0; under ties, how likely that is.

    Raises:
        TypeError, ValueError: as `precision_at_k` does.

    Oracle: ranx.evaluate("hit_rate@k"), pytrec_eval's success_k.

    >>> hit_rate(np.array([[0.9, 0.5, 0.5]]), np.array([[0, 0, 1]]), k=2)
    array([0.5])
    """
    k, ranked = count("k", k), _ranked(scores, relevance, undefined, binary=True)
    return ranked.each(_first_at(ranked)[:, :k].sum(axis=1))


def reciprocal_rank(
    scores: Lists, relevance: Lists, *, k: int | None = None, undefined: float | None = None
) -> EachList:
    """Divide 1 by the place of each list's first relevant item; 0 where it stands beyond the first k.

    Raises:
        TypeError, ValueError: as `precision_at_k` does.

    Source: Voorhees (1999), The TREC-8 question answering track report.
    Oracle: ranx.evaluate("mrr@k"), pytrec_eval's recip_rank.

    >>> reciprocal_rank(np.array([[0.9, 0.5, 0.1]]), np.array([[0, 1, 1]]))
    array([0.5])
    """
    k, ranked = _cut(k), _ranked(scores, relevance, undefined, binary=True)
    return ranked.each((_first_at(ranked) / ranked.places)[:, :k].sum(axis=1))


def average_precision_at_k(
    scores: Lists,
    relevance: Lists,
    *,
    k: int | None = None,
    divide_by: Literal["relevant", "reachable", "k"] = "relevant",
    undefined: float | None = None,
) -> EachList:
    """Add up the precision at the place of each relevant item among the first k, and divide.

        Σ precision at i, over the places i ≤ k that hold a relevant item / D

    Args:
        divide_by: D, on which libraries differ: "relevant" is the number of relevant items, as in trec_eval and
            ranx; "reachable" is min(k, relevant), as in contests, and lets a perfect list score 1; "k" is k.

    Raises:
        TypeError, ValueError: as `precision_at_k` does, and if `divide_by` is none of these.

    Source: Buckley & Voorhees (2000), SIGIR, 33-40; under ties, McSherry & Najork (2008), ECIR, 414-421.
    Oracle: ranx.evaluate("map@k"), pytrec_eval's map_cut_k; all orders of the tied, one by one.

    >>> average_precision_at_k(np.array([[0.9, 0.5, 0.1]]), np.array([[1, 0, 1]]), k=2)
    array([0.5])
    """
    one_of("divide_by", divide_by, ("relevant", "reachable", "k"))
    k, ranked = _cut(k), _ranked(scores, relevance, undefined, binary=True)
    # The relevant items above a place that holds one: those of higher scores, and of the others tied with it
    # as many as chance puts before it.
    tied_above = (ranked.places - ranked.start - 1) * (ranked.relevant - 1) / np.maximum(ranked.size - 1, 1)
    precision = (ranked.before + tied_above + 1) / ranked.places
    at_most = len(ranked.places) if k is None else k
    divisor = {"relevant": ranked.total, "reachable": np.minimum(ranked.total, at_most), "k": at_most}[divide_by]
    return ranked.each((ranked.gains * precision)[:, :k].sum(axis=1) / np.maximum(divisor, 1))


def ndcg(
    scores: Lists,
    relevance: Lists,
    *,
    k: int | None = None,
    gain: Literal["linear", "exponential"] = "linear",
    undefined: float | None = None,
) -> EachList:
    """Discount the gain at each place by the place, and divide by what the best possible order would earn.

        DCG  = Σ gᵢ / log₂(i + 1)   over the places i ≤ k
        NDCG = DCG / the DCG of all items, best first, to place k as well

    Args:
        relevance: what an item is worth, at least 0.
        gain: g, on which the field differs: "linear" is the relevance itself; "exponential" is 2^relevance - 1,
            with which the best items count for more. They are one where relevance is 0 or 1.
        undefined: what a row without a relevant item counts; where it is None, such a row is refused.

    Raises:
        TypeError: if `scores` or `relevance` holds no numbers, or `k` or `undefined` is none.
        ValueError: if `scores` and `relevance` are not of one shape with two axes, or not finite, a relevance
            is below 0, `k` < 1, or a row has no relevant item and `undefined` is None.

    Source: Järvelin & Kekäläinen (2002), ACM TOIS 20, 422-446; the exponential gain, Burges et al. (2005), ICML;
        under ties, McSherry & Najork (2008), ECIR, 414-421.
    Oracle: sklearn.metrics.ndcg_score, a row at a time; ranx.evaluate("ndcg@k"), pytrec_eval's ndcg_cut_k.

    >>> ndcg(np.array([[0.9, 0.5, 0.1]]), np.array([[3, 1, 0]]))
    array([1.])
    """
    exponential = one_of("gain", gain, ("linear", "exponential")) == "exponential"
    k, ranked = _cut(k), _ranked(scores, relevance, undefined, exponential=exponential)
    discounts = 1 / np.log2(ranked.places[:k] + 1)
    best = -np.sort(-ranked.worth, axis=1)[:, :k] @ discounts
    return ranked.each(ranked.gains[:, :k] @ discounts / np.where(best > 0, best, 1))


# Lists in order, and what is tied in them -------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Ranked:
    """Lists by falling score: of each place, what is known of the items that are tied there.

    `start` places come before the tied, which number `size`. Of those before, `before` are relevant, of the tied
    `relevant`. `gains` is the mean gain of the tied; `worth` holds all gains in no order, `total` their sums.
    """

    places: Int[np.ndarray, "items"]
    gains: Float[np.ndarray, "lists items"]
    worth: Float[np.ndarray, "lists items"]
    total: Float[np.ndarray, "lists"]
    start: Int[np.ndarray, "lists items"]
    size: Int[np.ndarray, "lists items"]
    before: Float[np.ndarray, "lists items"]
    relevant: Float[np.ndarray, "lists items"]
    undefined: float | None

    def each(self, values: np.ndarray) -> np.ndarray:
        """Give the lists' values; to a list without a relevant item, what stands for them."""
        return values if self.undefined is None else np.where(self.total > 0, values, self.undefined)


def _ranked(
    scores: Lists, relevance: Lists, undefined: float | None, *, binary: bool = False, exponential: bool = False
) -> _Ranked:
    undefined = None if undefined is None else real("undefined", undefined)
    if isinstance(relevance, np.ndarray) and relevance.dtype == bool:
        relevance = relevance.astype(np.float64)
    scores, worth = real_array("scores", scores, ndim=2), real_array("relevance", relevance, ndim=2)
    matching("scores", scores, "relevance", worth)
    if binary and not np.isin(worth, (0, 1)).all():
        raise ValueError(f"relevance must be 0 or 1, got {worth[~np.isin(worth, (0, 1))][0]:g}")
    if worth.min() < 0 or (exponential and worth.max() >= 1000):
        rule = "from 0 to 1000, whose power of 2 is finite" if exponential else ">= 0"
        raise ValueError(f"relevance must be {rule}, got {worth.min():g} to {worth.max():g}")
    if undefined is None and not (useful := worth.any(axis=1)).all():
        row = int(useful.argmin())
        raise ValueError(
            f"relevance must have a relevant item in every row, got none in row {row}: leave it out, or set undefined"
        )
    worth = np.exp2(worth) - 1 if exponential else worth.astype(np.float64)

    order = np.argsort(-scores, axis=1, kind="stable")
    ordered, gains = np.take_along_axis(scores, order, axis=1), np.take_along_axis(worth, order, axis=1)
    places, start = np.arange(1, gains.shape[1] + 1), np.broadcast_to(np.arange(gains.shape[1]), gains.shape)
    sums = np.pad(gains.cumsum(axis=1), ((0, 0), (1, 0)))
    size, relevant = np.ones(gains.shape, dtype=np.int64), gains
    if (tied := ordered[:, 1:] == ordered[:, :-1]).any():
        first = np.pad(~tied, ((0, 0), (1, 0)), constant_values=True)
        last = np.pad(~tied, ((0, 0), (0, 1)), constant_values=True)
        start = np.maximum.accumulate(np.where(first, start, 0), axis=1)
        end = np.minimum.accumulate(np.where(last, places, len(places))[:, ::-1], axis=1)[:, ::-1]
        size = end - start
        in_group = np.take_along_axis(sums, end, axis=1) - np.take_along_axis(sums, start, axis=1)
        relevant = np.where(size > 1, in_group, gains)  # where nothing is tied, no digit is lost in a difference
        gains = relevant / size
    before = np.take_along_axis(sums, start, axis=1)
    return _Ranked(
        places=places,
        gains=gains,
        worth=worth,
        total=sums[:, -1],
        start=start,
        size=size,
        before=before,
        relevant=relevant,
        undefined=undefined,
    )


def _first_at(ranked: _Ranked) -> np.ndarray:
    """Give for each place how likely it holds the first relevant item of its list.

    That one is in the first tied group that has any. Of the C(size, relevant) ways to place the relevant there,
    those that begin at place j of the group have all others behind it: C(size - j, relevant - 1).
    """
    behind = ranked.size - (ranked.places - ranked.start)
    possible = (ranked.before == 0) & (ranked.relevant > 0) & (behind >= ranked.relevant - 1)
    size, relevant, left = ranked.size[possible], ranked.relevant[possible], behind[possible]
    chances = np.zeros(ranked.gains.shape)
    chances[possible] = np.exp(_log_ways(left, relevant - 1) - _log_ways(size, relevant))
    return chances


def _log_ways(n: np.ndarray, r: np.ndarray) -> np.ndarray:
    return gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)


def _cut(k: int | None) -> int | None:
    return None if k is None else count("k", k)
