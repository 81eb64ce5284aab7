"""What each part of attention is worth: blocks without a part, deep stacks, and one layer or two.

All learn the task of `kit.explore.attention`: rows of 2 to 12 different letters, said again and again.

Taught in: 17
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from kit.evidence.store import Experiment
from kit.explore.attention import PARTS, PERIODS, accuracy_by_period, echoes, learned, trained
from kit.models.ablation import AblationConfig, AblationGPT
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
