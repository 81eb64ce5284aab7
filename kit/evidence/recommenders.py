"""Claims H01 and H02: neighbours, ridge and matrix factorisation on the names that files of the standard library call.

The files are dealt out to five folds by their groups of near-copies, and each fold is held out once: a repetition
has test files of its own. Another fold of the rest chooses every rival's knobs, in as many trials for each.

Taught in: 27
"""

import time
from collections.abc import Callable
from functools import cache, partial
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from kit.evidence.store import Experiment
from kit.learn.ranking import average_precision_at_k, ndcg
from kit.learn.search import Search, tune
from kit.machine import seconds_in_turn
from kit.recsys.calls import Split, group_folds, leave_out, library_calls, with_negatives
from kit.recsys.clicks import train_epoch
from kit.recsys.deepfm import DeepFM
from kit.recsys.evaluation import competing, full_ranks, sampled_ranks
from kit.recsys.fm import feature_ids
from kit.recsys.mf import als, als_step, init_factors, sgd
from kit.recsys.neighbours import (
    cosine_similarities,
    item_scores,
    nearest,
    popularity,
    ridge_weights,
    user_scores,
)

N_FOLDS, K, COMMON, N_SAMPLED = 5, 10, 20, 100
SPACE = {"size": (0, 1, 2, 3), "strength": (0, 1, 2), "way": ("first", "second")}
LIMITS = {"size": (-1, 4), "strength": (-2, 5)}
RIVALS = ("neighbours", "ridge", "factorisation")
WAYS = ("popularity", "item neighbours", "user neighbours", *RIVALS)
MEASURES = ("NDCG", "NDCG rare", "MAP", "full", "sampled")

Scores = Float[np.ndarray, "users items"]


def neighbours(split: Split, *, size: int, strength: int, way: str) -> Scores:
    """Score by neighbours: of items in the first way, of users in the second."""
    shrinkage = 4.0**strength
    if way == "first":
        weights = nearest(cosine_similarities(split.train, shrinkage=shrinkage), n_neighbours=round(40 * 2.0**size))
        return item_scores(split.shown, weights)
    return user_scores(split.shown, split.train, n_neighbours=round(5 * 2.0**size), shrinkage=shrinkage)


def ridge(split: Split, *, size: int, strength: int, way: str) -> Scores:
    """Score by ridge: its one knob has twice as fine a grid, and `size` is none of its own."""
    return item_scores(split.shown, ridge_weights(split.train, strength=(20 if way == "first" else 40) * 4.0**strength))


def factorisation(split: Split, *, size: int, strength: int, way: str, seed: int) -> Scores:
    """Score by matrix factorisation, ALS: the held-out files are taken in by one step."""
    knobs = {"weight": 2.0 if way == "first" else 8.0, "strength": 2.0 * 4.0**strength}
    rng = np.random.default_rng(seed)
    items = als(split.train, n_factors=round(4 * 2.0**size), n_sweeps=10, rng=rng, **knobs).items
    return als_step(split.shown, items, **knobs) @ items.T


def scores_of(rival: str, split: Split, *, seed: int, **setting: Any) -> Scores:
    """Fit one of `RIVALS` with a setting of `SPACE`, and score every name for the held-out files."""
    fits: dict[str, Callable[..., Scores]] = {
        "neighbours": neighbours,
        "ridge": ridge,
        "factorisation": partial(factorisation, seed=seed),
    }
    return fits[rival](split, **setting)


@cache
def splits(seed: int) -> tuple[Split, Split]:
    """Hold out a fold to choose by, and another to report on; the first is learned from as well in the end."""
    calls, fold = library_calls(), seed % N_FOLDS
    folds = group_folds(calls.groups, n_folds=N_FOLDS, rng=np.random.default_rng(seed // N_FOLDS))
    test, choose = folds == fold, folds == (fold + 1) % N_FOLDS
    return (
        leave_out(calls, np.flatnonzero(~test & ~choose), np.flatnonzero(choose)),
        leave_out(calls, np.flatnonzero(~test), np.flatnonzero(test)),
    )


def searched(seed: int) -> Search:
    """Tune all rivals on one grid, by the files that are held out to choose by."""
    split = splits(seed)[0]

    def loss(rival: str, *, seed: int, **setting: Any) -> float:
        order = competing(scores_of(rival, split, seed=seed, **setting), shown=split.shown)
        return 1 - float(ndcg(order, split.hidden, k=K).mean())

    return tune({rival: partial(loss, rival) for rival in RIVALS}, SPACE, seeds=[seed], limits=LIMITS, growths=3)


def judged(scores: Scores, split: Split, *, seed: int) -> dict[str, float]:
    """Measure scores in the full ranking, without the names that most files call, and among sampled names."""
    about = {"shown": split.shown, "hidden": split.hidden}
    common = np.argsort(-popularity(split.train), kind="stable")[:COMMON]
    rare = split.hidden.copy()
    rare[:, common] = 0
    some = rare.any(axis=1)  # a file that hides common names alone is left out
    seen = split.shown.copy()
    seen[:, common] = 1
    order = competing(scores, shown=split.shown)
    rng = np.random.default_rng(seed)
    return {
        "NDCG": float(ndcg(order, split.hidden, k=K).mean()),
        "NDCG rare": float(ndcg(competing(scores, shown=seen)[some], rare[some], k=K).mean()),
        "MAP": float(average_precision_at_k(order, split.hidden, k=K, divide_by="reachable").mean()),
        "full": float((full_ranks(scores, **about) <= K).mean()),
        "sampled": float((sampled_ranks(scores, **about, n_sampled=N_SAMPLED, rng=rng) <= K).mean()),
    }


def suggestions(*, seed: int) -> dict[str, float]:
    """Tune all rivals as equals, and measure them on held-out files.

    Returns:
        Of each of `WAYS` its `MEASURES`: NDCG@10; the same without the 20 names that most files call; MAP@10, over
        the hidden names or ten of them; the share of hidden names among the first ten of all, and of 101. Then the
        NDCG of the "best other": what the files to choose by put first beside the neighbours; the number of
        rivals whose best lay "at the edge", the trials of each, and its chosen "size", "strength" and "way".
    """
    found, (_, split), numbers = searched(seed), splits(seed), {}
    (fresh,) = found.fresh([seed + 1])
    chosen = {rival: found.best[rival, None].setting for rival in RIVALS}
    tried = [dict(zip(SPACE, values, strict=True)) for values in product(*found.space.values())]
    for name, way in (("item neighbours", "first"), ("user neighbours", "second")):
        losses = [
            loss if s["way"] == way else np.inf for s, loss in zip(tried, found.losses["neighbours", None], strict=True)
        ]
        chosen[name] = tried[int(np.argmin(losses))]
    for name in WAYS:
        if name == "popularity":
            scores = np.tile(popularity(split.train), (len(split.shown), 1))
        else:
            rival = "neighbours" if "neighbours" in name else name
            scores = scores_of(rival, split, seed=fresh, **chosen[name])
        numbers |= {f"{name} {what}": value for what, value in judged(scores, split, seed=fresh).items()}
    others = sorted(("ridge", "factorisation"), key=lambda rival: found.best[rival, None].loss)
    numbers["best other NDCG"] = numbers[f"{others[0]} NDCG"]
    numbers["at the edge"] = sum(bool(found.best[rival, None].at_edge) for rival in RIVALS)
    numbers["trials"] = len(tried)
    for rival in RIVALS:
        numbers |= {f"{rival} {axis}": chosen[rival][axis] for axis in ("size", "strength")}
        numbers[f"{rival} way"] = SPACE["way"].index(chosen[rival]["way"])
    return numbers


def fit_seconds(*, seed: int) -> dict[str, float]:
    """Fit every personal method on the same files, in turn, at settings like those that were chosen.

    Returns:
        CPU-seconds of item "neighbours", "ridge", "factorisation" by ALS in ten sweeps, the same by "SGD" in ten
        passes, and "DeepFM" in five, with file and name as its fields and four zeros for each 1.
    """
    table = splits(seed)[1].train
    n_files, n_names = table.shape
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)

    def by_sgd() -> None:
        pairs = with_negatives(table, n_negatives=4, rng=rng)
        model = init_factors(n_files, n_names, n_factors=16, mean=0.2, rng=rng)
        sgd(model, *pairs, lr=0.05, strength=0.03, n_epochs=10, rng=rng)

    def by_deepfm() -> None:
        *columns, targets = (torch.from_numpy(each) for each in with_negatives(table, n_negatives=4, rng=rng))
        ids, clicked = feature_ids(columns, sizes=[n_files, n_names]), targets.float()
        model = DeepFM(n_fields=2, n_features=n_files + n_names, d_embedding=16, generator=generator)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
        for _ in range(5):
            train_epoch(model, optimizer, ids, clicked, batch_size=256, generator=generator)

    fits: dict[str, Callable[[], Any]] = {
        "neighbours": lambda: nearest(cosine_similarities(table, shrinkage=4.0), n_neighbours=160),
        "ridge": lambda: ridge_weights(table, strength=100.0),
        "factorisation": lambda: als(table, n_factors=16, weight=8.0, strength=20.0, n_sweeps=10, rng=rng),
        "SGD": by_sgd,
        "DeepFM": by_deepfm,
    }
    return in_turn(fits, first=seed)


def in_turn(fits: dict[str, Callable[[], Any]], *, first: int) -> dict[str, float]:
    """Time some fits one after the other, twice, and keep the second times; each is the first in its turn."""
    names = list(fits)
    names = names[first % len(names) :] + names[: first % len(names)]
    turns = seconds_in_turn(*(fits[name] for name in names), repeats=1, clock=time.process_time)
    return {name: seconds for name, (seconds,) in zip(names, turns, strict=True)}


SUGGESTIONS = Experiment(
    name="suggestions",
    measure=suggestions,
    seeds=5,
    quantities=(
        *(f"{way} {what}" for way in WAYS for what in MEASURES),
        *("best other NDCG", "at the edge", "trials"),
        *(f"{rival} {knob}" for rival in RIVALS for knob in ("size", "strength", "way")),
    ),
)
FIT_SECONDS = Experiment(
    name="fit_seconds",
    measure=fit_seconds,
    seeds=10,
    quantities=("neighbours", "ridge", "factorisation", "SGD", "DeepFM"),
    alone=True,
)
