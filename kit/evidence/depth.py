"""Claim D01: do skips solve the vanishing gradient? Skip x BatchNorm at depths 8, 20 and 56.

Four nets differ by the skip and by BatchNorm alone. They are narrow, 4, 8 and 16 channels, and see MNIST's digits
at 14 by 14 pixels; the trainings are those of the paper, SGD with momentum 0.9, for 300 steps of 50 pictures.

    START_NORMS      the gradient at the first and at the last convolution of each net, before any step
    DEPTH_TRIALS     every net at every rate, on pictures that do not count later
    chosen(depth)    the best of each net
    DEEPEST          the two nets with BatchNorm at 56 layers; a repetition draws pictures, first weights and order anew
    DEPTHS           all four at all depths in three repetitions, to be shown beside

What decides, written before any run that counts:

- D01.1 and D01.2 compare the first layer's gradient before training, under torch's own start, variance
  1 / (3 fan_in): the one that `nn.Conv2d` gives to who asks for none, and the one under which a plain net's gradient
  does shrink layer by layer. A gradient of exactly 0, of a net with a dead layer, counts as 1e-45. Where BatchNorm
  stands, the size of the first weights cancels. The paper's start, He's, keeps the plain net's gradient alive without
  a skip; its numbers are stored too and shown beside, and decide nothing.
- D01.3 compares the nets "as published", with BatchNorm and He's start, each at the rate that served it best in as
  many trials. The accuracy is that on 2,000 unseen pictures after the last step.

Taught in: 12
"""

from functools import cache, partial

import numpy as np
import torch
from jaxtyping import Float

from kit.arguments import count, one_of
from kit.evidence.store import Experiment, stored
from kit.learn.search import Search, tune
from kit.models.cnn import STARTS, ResNet, ResNetConfig
from kit.train.pictures import digits, fit_pictures, gradient_norms, predict

NETS = {"plain": (False, False), "skip": (True, False), "plain, norm": (False, True), "skip, norm": (True, True)}
"""Each net: whether it has skips, and whether it has BatchNorm."""
DEPTHS_SHOWN = (8, 20, 56)
WIDTHS, SIZE = (4, 8, 16), 14
N_TRAIN, N_TEST, N_STEPS, BATCH = 1_000, 2_000, 300, 50
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
RESERVED = 1_500  # pictures to choose by: 1,000 to train on, 500 to judge
SMALLEST = 1e-45  # that float32 can hold
TRIED = 1_000
"""The seeds of trials start here."""

Side = tuple[np.ndarray, np.ndarray]  # pictures and labels; the two sides differ in number


@cache
def sides(seed: int) -> tuple[Side, Side]:
    """Draw pictures to train on, and others to judge; seeds of trials draw from pictures that never count."""
    images, labels = digits(SIZE)
    order = np.random.default_rng(12).permutation(len(labels))
    pool = order[:RESERVED] if TRIED <= count("seed", seed, at_least=0) < 2 * TRIED else order[RESERVED:]
    rows = np.random.default_rng(seed).permutation(pool)
    parts = rows[:N_TRAIN], rows[N_TRAIN : N_TRAIN + N_TEST]
    train, test = ((images[part], labels[part]) for part in parts)
    return train, test


def make(net: str, depth: int, start: str, *, seed: int) -> ResNet:
    """Make one of `NETS`, with first weights of its own.

    Raises:
        TypeError, ValueError: if `net` is none of `NETS`, or as `ResNetConfig`.
    """
    skip, norm = NETS[one_of("net", net, tuple(NETS))]
    config = ResNetConfig(depth=depth, widths=WIDTHS, n_channels=1, skip=skip, norm=norm, start=start)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResNet(config)


def accuracy(net: str, depth: int, *, lr: float, seed: int) -> float:
    """Train a net from He's start, and measure the share right of pictures that it has not seen."""
    (x, y), (x_test, y_test) = sides(seed)
    model = make(net, depth, "He", seed=seed)
    losses = fit_pictures(model, x, y, n_steps=N_STEPS, batch_size=BATCH, lr=lr, rng=np.random.default_rng(seed))
    return float((predict(model, x_test) == y_test).mean()) if np.isfinite(losses).all() else 0.1


def norms_before(depth: int, net: str, start: str, seed: int) -> dict[str, float]:
    """Measure the gradient of 200 pictures' loss at the first and at the last convolution, before any step.

    In float64: at 56 layers a gradient can be below 1e-45, where float32 has only 0 left.
    """
    (x, y), _ = sides(seed)
    found = [*gradient_norms(make(net, depth, start, seed=seed).double(), x[:200], y[:200]).values()]
    return {"first": found[0], "last": found[-2]}  # the very last is the linear layer's


START_NORMS = Experiment(
    name="start_norms",
    measure=norms_before,
    factors={"depth": DEPTHS_SHOWN, "net": tuple(NETS), "start": STARTS},
    seeds=10,
    quantities=("first", "last"),
)


def first_gradients(net: str, start: str, *, depth: int = DEPTHS_SHOWN[-1]) -> Float[np.ndarray, "seeds"]:
    """Read the first layer's gradient before training, for ratios: 0 counts as the least that float32 can hold.

    In a narrow net all units of a layer can be dead, and nothing at all comes through.

    Raises:
        TypeError, ValueError: as `stored`.
    """
    return np.maximum(stored(START_NORMS, "first", depth=depth, net=net, start=start), SMALLEST)


def trial(depth: int, net: str, lr: float, seed: int) -> dict[str, float]:
    """Try a setting of a net, on pictures that do not count later."""
    return {"accuracy": accuracy(net, depth, lr=lr, seed=TRIED + seed % TRIED)}


DEPTH_TRIALS = Experiment(
    name="depth_trials",
    measure=trial,
    factors={"depth": DEPTHS_SHOWN, "net": tuple(NETS), "lr": RATES},
    seeds=1,
    quantities=("accuracy",),
)


@cache
def chosen(depth: int) -> Search:
    """Search the stored trials of a depth: one grid for every net.

    Raises:
        ValueError: if `depth` is none of `DEPTHS_SHOWN`, or a trial is not stored.
    """
    trials = {net: 1 - stored(DEPTH_TRIALS, "accuracy", depth=depth, net=net) for net in NETS}

    def wrong(net: str, lr: float, seed: int) -> float:
        return float(trials[net][seed, RATES.index(lr)])

    rivals = {net: partial(wrong, net) for net in NETS}
    return tune(rivals, {"lr": RATES}, seeds=range(DEPTH_TRIALS.seeds), growths=0)


def trained(depth: int, net: str, seed: int) -> dict[str, float]:
    """Measure a net at the setting that it has chosen."""
    return {"accuracy": accuracy(net, depth, **chosen(depth).best[net, None].setting, seed=seed)}


def deepest(net: str, seed: int) -> dict[str, float]:
    """Measure a net of 56 layers."""
    return trained(DEPTHS_SHOWN[-1], net, seed)


AS_PUBLISHED = ("plain, norm", "skip, norm")
DEEPEST = Experiment(name="deepest", measure=deepest, factors={"net": AS_PUBLISHED}, seeds=10, quantities=("accuracy",))
DEPTHS = Experiment(
    name="depths",
    measure=trained,
    factors={"depth": DEPTHS_SHOWN, "net": tuple(NETS)},
    seeds=3,
    quantities=("accuracy",),
)
