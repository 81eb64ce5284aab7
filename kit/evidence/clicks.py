"""Claim H03: logistic regression, a factorisation machine, a deep part and DeepFM on flights as click data.

The days of 2013 are dealt out to ten folds. A repetition reports on one of them, chooses by the next, and learns
from the four after it, 40,000 flights: no day is on two sides, and no two repetitions report on the same day.

Taught in: 27
"""

import copy
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from kit.evidence.recommenders import in_turn
from kit.evidence.store import Experiment
from kit.learn.search import tune
from kit.recsys.calls import group_folds
from kit.recsys.clicks import FIELDS, flight_clicks, number_features, train_epoch
from kit.recsys.deepfm import DeepFM, DeepPart
from kit.recsys.fm import FM, Linear

N_FOLDS, D_EMBEDDING, N_EPOCHS, BATCH = 10, 8, 4, 2048
RATES, DECAYS = (0.003, 0.01, 0.03), (0.01, 0.1, 1.0)
RIVALS = ("logistic regression", "FM", "deep part", "DeepFM")

Sides = tuple[np.ndarray, np.ndarray, np.ndarray]


@cache
def sides(seed: int) -> tuple[Sides, Int[Tensor, "rows fields"], int]:
    """Deal whole days out to learn, to choose and to report; number the features by the first."""
    clicks, fold = flight_clicks(), seed % N_FOLDS
    folds = group_folds(clicks.days, n_folds=N_FOLDS, rng=np.random.default_rng(seed // N_FOLDS))
    after = (folds - fold) % N_FOLDS  # 0 to report on, 1 to choose by, 2 to 5 to learn from
    rows = tuple(np.flatnonzero(side) for side in ((after > 1) & (after < 6), after == 1, after == 0))
    return rows, *number_features(clicks.features, rows[0], min_rows=10)  # type: ignore[return-value]


def made(rival: str, n_features: int, generator: torch.Generator) -> nn.Module:
    """Make one of `RIVALS`."""
    sizes = {"n_fields": len(FIELDS), "n_features": n_features}
    if rival == "logistic regression":
        return Linear(**sizes)
    kinds = {"FM": FM, "deep part": DeepPart, "DeepFM": DeepFM}
    return kinds[rival](**sizes, d_embedding=D_EMBEDDING, generator=generator)


@cache
def clicked() -> Float[Tensor, "rows"]:
    """Give what became of each row, as float32."""
    return torch.from_numpy(flight_clicks().clicked).float()


def auc(model: nn.Module, ids: Int[Tensor, "rows fields"], rows: np.ndarray) -> float:
    """Measure the area under the ROC curve on some rows."""
    with torch.no_grad():
        logits = model(ids[rows]).numpy()
    return float(roc_auc_score(clicked().numpy()[rows], logits)) if np.isfinite(logits).all() else 0.0


def trained(rival: str, split: int, *, lr: float, decay: float, seed: int) -> tuple[nn.Module, float]:
    """Train for four passes, and keep the model of the pass after which the rows to choose by look best.

    Args:
        split: which days are where.
        seed: draws the start and the order.

    Returns:
        The model, and its AUC on the rows to choose by.
    """
    (train, choose, _), ids, n_features = sides(split)
    generator = torch.Generator().manual_seed(seed)
    model = made(rival, n_features, generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay)
    x, y, best, kept = ids[train], clicked()[train], 0.0, model
    for _ in range(N_EPOCHS):
        train_epoch(model, optimizer, x, y, batch_size=BATCH, generator=generator)
        found = auc(model, ids, choose)
        if found > best:
            best, kept = found, copy.deepcopy(model)
    return kept, best


def click_contest(*, seed: int) -> dict[str, float]:
    """Tune all rivals on one grid of rates and decays, and measure each at its best, from another start, on other days.

    Returns:
        Of each rival its AUC, and the chosen "lr" and "decay"; how many have their best "at the edge"; the trials.
    """

    def loss(rival: str, *, lr: float, decay: float, seed: int) -> float:
        return 1 - trained(rival, split, lr=lr, decay=decay, seed=seed)[1]

    split = seed
    found = tune(
        {rival: partial(loss, rival) for rival in RIVALS}, {"lr": RATES, "decay": DECAYS}, seeds=[seed], growths=1
    )
    (fresh,), (_, _, test), ids = found.fresh([seed + 1]), sides(seed)[0], sides(seed)[1]
    numbers: dict[str, float] = {}
    for rival in RIVALS:
        setting = found.best[rival, None].setting
        numbers[rival] = auc(trained(rival, seed, **setting, seed=fresh)[0], ids, test)
        numbers |= {f"{rival} {axis}": value for axis, value in setting.items()}
    numbers["at the edge"] = sum(bool(found.best[rival, None].at_edge) for rival in RIVALS)
    numbers["trials"] = len(found.losses[RIVALS[0], None])
    return numbers


def click_seconds(*, seed: int) -> dict[str, float]:
    """Train every rival for four passes over the same rows, in turn; give the CPU-seconds of each."""
    (train, _, _), ids, n_features = sides(seed)
    x, y = ids[train], clicked()[train]

    def fit(rival: str) -> Callable[[], None]:
        def run() -> None:
            generator = torch.Generator().manual_seed(seed)
            model = made(rival, n_features, generator)
            optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
            for _ in range(N_EPOCHS):
                train_epoch(model, optimizer, x, y, batch_size=BATCH, generator=generator)

        return run

    return in_turn({rival: fit(rival) for rival in RIVALS}, first=seed)


CLICKS = Experiment(
    name="clicks",
    measure=click_contest,
    seeds=10,
    quantities=(*RIVALS, *(f"{rival} {axis}" for rival in RIVALS for axis in ("lr", "decay")), "at the edge", "trials"),
)
CLICK_SECONDS = Experiment(name="click_seconds", measure=click_seconds, seeds=10, quantities=RIVALS, alone=True)
