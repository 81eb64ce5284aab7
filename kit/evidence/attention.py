"""What each part of attention is worth: blocks without a part, deep stacks, one layer or two, and a GRU as rival.

All learn one task: rows of different letters, said again and again. Up to `heads` they are those of
`kit.explore.attention`, with 2 to 12 letters to look back; for the rival they are longer.

Taught in: 17
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from kit.evidence.store import Experiment
from kit.explore.attention import PARTS, PERIODS, accuracy_by_period, echoes, learned, trained
from kit.machine import seconds_in_turn
from kit.models.ablation import AblationConfig, AblationGPT
from kit.text.packing import IGNORE_INDEX
from kit.text.recall import predictable, repeated
from kit.train.loop import History, fit
from kit.train.objectives import token_loss

# The block without each of its parts -------------------------------------------------------------


def ablated(without: str, seed: int) -> dict[str, float]:
    """Measure a block without a part: letters predicted, as reported and honestly; loss; the first gradient."""
    run = trained(without, seed)
    return {
        "reported": run.reported.mean(),
        "honest": run.honest.mean(),
        "loss": run.losses[-20:].mean(),
        "gradient": run.grad_norms[0],
    }


ABLATION = Experiment(
    name="ablation",
    measure=ablated,
    factors={"without": tuple(PARTS)},
    seeds=12,
    quantities=("reported", "honest", "loss", "gradient"),
)

# Deep stacks -------------------------------------------------------------------------------------

STACKS: dict[str, dict[str, Any]] = {
    "norm before the branch (pre)": {},
    "norm after the sum (post)": {"norm": "post"},
    "no norm": {"norm": "none"},
    "no norm, no residual": {"norm": "none", "residual": False},
}


def first_gradient(kind: str, depth: int, seed: int) -> dict[str, float]:
    """Measure the gradient at the first block of a stack before any training: log10 of its length.

    In float64: what reaches the bottom of a bare stack is smaller than any float32.
    """
    inputs, targets, _ = echoes(24, rng=np.random.default_rng(seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stack = AblationGPT(AblationConfig(n_layers=depth, **STACKS[kind])).double()
    token_loss(stack, (inputs, targets)).backward()
    first = next(iter(stack.blocks)).get_parameter("attention.qkv.weight").grad
    assert first is not None
    return {"log10": first.norm().log10().item()}


DEEP_STACKS = Experiment(
    name="deep_stacks",
    measure=first_gradient,
    factors={"kind": tuple(STACKS), "depth": (2, 4, 8, 16, 32)},
    seeds=20,
    quantities=("log10",),
)

# One layer or two --------------------------------------------------------------------------------

ONE_LAYER = AblationConfig(n_layers=1, d_model=44)  # as many parameters as two layers have at a width of 32
PERIOD_RANGE = tuple(range(PERIODS[0], PERIODS[1] + 1))


@cache
def model_of(n_layers: int, seed: int) -> AblationGPT:
    """Train a model of one layer or of two."""
    return trained("nothing", seed).model if n_layers == 2 else learned(ONE_LAYER, seed=seed)[0]


def by_distance(n_layers: int, distance: int, seed: int) -> dict[str, float]:
    """Measure the letters predicted in rows with a distance to look back."""
    _, honest = _foretold(n_layers, seed)
    return {"right": honest[PERIOD_RANGE.index(distance)]}


@cache
def _foretold(n_layers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return accuracy_by_period(model_of(n_layers, seed))


def head_scores(n_layers: int, seed: int) -> dict[str, float]:
    """Measure where heads look.

    Returns:
        first, last: the induction score of the best head of the first layer, and of the last.
        previous: how much letters 2 to 11 look at the one before them, by a head of the first layer.
        favourite: how many places before the letter to come a head of the first layer looks most, from letter 12 on.
        share: how much it looks there.
    """
    inputs, _, periods = echoes(512, rng=np.random.default_rng(10_000))
    model = model_of(n_layers, seed)
    weights = model.attention_weights(inputs.to(model.head.weight.device)).cpu()
    scores, of_head = best_induction(weights, periods), weights[0].mean(dim=0)
    longest = PERIODS[1]
    liked = [of_head.diagonal(1 - d, 1, 2)[:, longest - d :].mean(dim=-1).max().item() for d in range(1, longest + 1)]
    return {
        "first": scores[0],
        "last": scores[-1],
        "previous": of_head.diagonal(-1, 1, 2)[:, : longest - 2].mean(dim=-1).max().item(),
        "favourite": 1 + int(np.argmax(liked)),
        "share": max(liked),
    }


def best_induction(weights: Float[Tensor, "layers batch heads t t"], periods: Int[np.ndarray, "batch"]) -> list[float]:
    """Give each layer's best head: how much it looks from a letter to all that followed it before."""
    places, period = torch.arange(weights.shape[-1]), torch.from_numpy(periods)[:, None]
    followed = (places[:, None] - places + 1) % period[..., None] == 0
    earlier = followed & (places[:, None] > places)
    known = places >= period
    share = (weights * earlier[:, None]).sum(dim=-1)
    return (share * known[:, None]).sum(dim=(1, 3)).div(known.sum()).amax(dim=1).tolist()


LAYERS = Experiment(
    name="layers",
    measure=by_distance,
    factors={"n_layers": (1, 2), "distance": PERIOD_RANGE},
    seeds=12,
    quantities=("right",),
)
HEADS = Experiment(
    name="heads",
    measure=head_scores,
    factors={"n_layers": (1, 2)},
    seeds=12,
    quantities=("first", "last", "previous", "favourite", "share"),
)

# The rival: a GRU --------------------------------------------------------------------------------

LENGTH, FARTHEST, N_STEPS = 40, 20, 200
RATES = (3e-3, 1e-2, 3e-2, 1e-1)


class RecurrentModel(nn.Module):
    """A GRU between an embedding and a head: it reads letter by letter, and keeps a state of 70 numbers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(26, 26)
        self.recurrent = nn.GRU(26, 70, batch_first=True)
        self.head = nn.Linear(70, 26)

    def forward(self, ids: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time letters"]:
        states, _ = self.recurrent(self.embedding(ids))
        return self.head(states)


def attention_alone(n_positions: int = LENGTH) -> AblationGPT:
    """Make two layers of self-attention without feed-forward layers, of as many parameters as the GRU."""
    return AblationGPT(AblationConfig(n_positions=n_positions, d_model=48, feed_forward=False))


RIVALS: dict[str, Callable[[], nn.Module]] = {"attention": attention_alone, "GRU": RecurrentModel}


def long_rows(n_rows: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Int[np.ndarray, "n_rows"]]:
    """Draw rows of 40 letters with 2 to 20 letters to look back, their targets, and their periods."""
    rows, periods = repeated(n_rows, n_tokens=LENGTH + 1, periods=(2, FARTHEST), rng=rng)
    return torch.from_numpy(rows[:, :-1]), torch.from_numpy(predictable(rows, periods)), periods


def contest(rival: str, *, lr: float, n_steps: int, seed: int) -> tuple[nn.Module, History]:
    """Train a rival at a learning rate; the seed settles its first weights and its rows."""

    def batches(step: int) -> tuple[Tensor, Tensor]:
        inputs, targets, _ = long_rows(32, np.random.default_rng([seed, step]))
        return inputs, targets

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RIVALS[rival]()
    return model, fit(model, token_loss, batches, n_steps=n_steps, lr=lr, weight_decay=0.0)


CONTESTANTS = {
    "attention": ("attention", N_STEPS, 1e-2),
    "GRU": ("GRU", N_STEPS, 3e-2),
    "GRU, twice the steps": ("GRU", 2 * N_STEPS, 1e-2),
    "GRU, 8 times the steps": ("GRU", 8 * N_STEPS, 1e-2),
}
"""A rival, its steps, and its learning rate: the best of RECALL_RATES for so many steps, as a test makes sure."""


def late_loss(contestant: str, lr: float, seed: int) -> dict[str, float]:
    """Measure the loss of the last 20 steps at a learning rate, on seeds that the contest itself does not use."""
    rival, n_steps, _ = CONTESTANTS[contestant]
    _, history = contest(rival, lr=lr, n_steps=n_steps, seed=1000 + seed)
    return {"loss": history.losses[-20:].mean()}


RECALL_RATES = Experiment(
    name="recall_rates",
    measure=late_loss,
    factors={"contestant": tuple(CONTESTANTS), "lr": RATES},
    seeds=3,
    quantities=("loss",),
)


def recall(contestant: str, distance: int, seed: int) -> dict[str, float]:
    """Measure the letters that a trained rival predicts on fresh rows with a distance to look back."""
    return {"right": _recalls(contestant, seed)[distance]}


@cache
def _recalls(contestant: str, seed: int) -> dict[int, float]:
    rival, n_steps, lr = CONTESTANTS[contestant]
    model, _ = contest(rival, lr=lr, n_steps=n_steps, seed=seed)
    inputs, targets, periods = long_rows(512, np.random.default_rng(10_001))
    with torch.no_grad():
        right = (model(inputs).argmax(dim=-1) == targets).numpy()
    counted = (targets != IGNORE_INDEX).numpy()
    return {d: right[periods == d].sum() / counted[periods == d].sum() for d in range(2, FARTHEST + 1)}


def step_time(length: int, seed: int) -> dict[str, float]:
    """Time a training step of 8 rows of both rivals in turn: how many times as long the GRU computes."""

    def step_of(model: nn.Module) -> Callable[[], object]:
        ids = torch.from_numpy(np.random.default_rng(seed).integers(26, size=(8, length)))
        return lambda: model(ids).square().mean().backward()

    rivals = (step_of(attention_alone(length)), step_of(RecurrentModel()))
    attention, gru = seconds_in_turn(*rivals, repeats=9, clock=time.process_time)
    return {"ratio": float(np.median(np.array(gru) / np.array(attention)))}


RECALL = Experiment(
    name="recall",
    measure=recall,
    factors={"contestant": tuple(CONTESTANTS), "distance": tuple(range(2, FARTHEST + 1, 2))},
    seeds=5,
    quantities=("right",),
)
RECALL_TIME = Experiment(
    name="recall_time", measure=step_time, factors={"length": (32, 64, 128, 256, 512)}, seeds=8, quantities=("ratio",)
)
