"""The contests of notebook 06: five families of schedules on a noisy run, and warm-up on three models.

Taught in: 06
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from sklearn.datasets import load_digits

from kit.arguments import count, one_of
from kit.evidence.store import Experiment
from kit.explore.schedules import digits_objective
from kit.learn.class_losses import cross_entropy
from kit.learn.descent import BatchObjective, Descent
from kit.learn.optimizers import adam, sgd
from kit.learn.schedules import Schedule, constant, cosine, exponential, linear, step_decay, warmup
from kit.learn.training import minibatches, train

# Five families of schedules ------------------------------------------------------------------------

N_STEPS, BATCH = 300, 16
PEAKS, SHARES = np.geomspace(1, 16, 5), (0.3, 0.1, 0.03)  # of a decay; what is left of its peak at the end
FAMILIES = ("constant", "step", "exponential", "linear", "cosine")


def settings_of(family: str, *, n_steps: int) -> list[Schedule]:
    """Give a family's fifteen settings: fifteen rates, or five peaks with three shares left at the end."""
    one_of("family", family, FAMILIES)
    n_steps = count("n_steps", n_steps)
    if family == "constant":
        return [constant(float(lr)) for lr in np.geomspace(1, 16, 15)]
    third = -(-n_steps // 3)  # two drops, at one and at two thirds
    make: Callable[[float, float], Schedule] = {
        "step": lambda lr, share: step_decay(lr, step_size=third, gamma=share**0.5),
        "exponential": lambda lr, share: exponential(lr, gamma=share ** (1 / n_steps)),
        "linear": lambda lr, share: linear(lr, n_steps=n_steps, final=share * lr),
        "cosine": lambda lr, share: cosine(lr, n_steps=n_steps, final=share * lr),
    }[family]
    return [make(float(lr), share) for lr in PEAKS for share in SHARES]


def noisy_losses(schedule: Schedule, *, seed: int, every: int) -> np.ndarray:
    """Train on mini-batches, shuffled by the seed; give the loss on all digits, once in so many steps."""
    batches = minibatches(1797, batch_size=BATCH, rng=np.random.default_rng(seed))
    softmax, start = digits_objective(), np.zeros((65, 10))
    run = train(softmax, start, optimizer=sgd(schedule), n_steps=N_STEPS, batches=batches, record_every=every)
    return run.measured_by(softmax).losses


def losses_on_the_way(*, family: str, setting: int, seed: int) -> dict[str, float]:
    """Run one of a family's settings; note the loss after a quarter, after three quarters and at the end."""
    losses = noisy_losses(settings_of(family, n_steps=N_STEPS)[setting], seed=seed, every=N_STEPS // 4)
    return {"quarter": losses[1], "three_quarters": losses[3], "end": losses[4]}


DECAY = Experiment(
    name="decay",
    measure=losses_on_the_way,
    factors={"family": FAMILIES, "setting": range(15)},
    seeds=25,
    quantities=("quarter", "three_quarters", "end"),
)

QUIET_STEPS = 100


def quiet_loss(*, family: str, setting: int, seed: int) -> dict[str, float]:
    """Train on all digits at every step, at four times the rates; there is no chance in it, whatever the seed."""
    schedule = settings_of(family, n_steps=QUIET_STEPS)[setting]
    softmax, rule = digits_objective(), sgd(lambda step: 4 * schedule(step))
    path = train(softmax, np.zeros((65, 10)), optimizer=rule, n_steps=QUIET_STEPS, record_every=QUIET_STEPS)
    return {"end": path.losses[-1]}


QUIET = Experiment(
    name="decay_without_noise",
    measure=quiet_loss,
    factors={"family": FAMILIES, "setting": range(15)},
    seeds=1,
    quantities=("end",),
)

# Warm-up on three models ---------------------------------------------------------------------------

WIDTHS = (64,) * 7 + (10,)
RUN, CLIMB = 200, 20
MODELS = {  # the peak rates to try, each twice the one before
    "linear model, SGD": np.geomspace(0.5, 32, 7),
    "seven layers, SGD": np.geomspace(0.02, 1.28, 7),
    "seven layers, Adam": np.geomspace(0.002, 0.128, 7),
}
WAYS = ("without", "with")


@cache
def pixels_and_digits() -> tuple[np.ndarray, np.ndarray]:
    """Load the pixels of the digits, from 0 to 1, and what each shows."""
    pixels, digits = (np.asarray(part) for part in load_digits(return_X_y=True))
    return pixels / 16, digits


def split_layers(weights: np.ndarray) -> list[np.ndarray]:
    """Cut the one array that holds all weights into the matrix of each layer."""
    sizes = list(pairwise(WIDTHS))
    cuts = np.cumsum([a * b for a, b in sizes])[:-1]
    return [part.reshape(size) for part, size in zip(np.split(weights, cuts), sizes, strict=True)]


def deep_start(rng: np.random.Generator) -> np.ndarray:
    """Draw the weights that training starts from, each with a variance of 2 / (inputs of its layer)."""
    return np.concatenate([rng.normal(scale=(2 / a) ** 0.5, size=a * b) for a, b in pairwise(WIDTHS)])


def deep_objective(weights: np.ndarray, rows: np.ndarray | slice = slice(None)) -> tuple[float, np.ndarray]:
    """Measure the cross-entropy of the network of seven layers on some digits, and its gradient."""
    layers, (pixels, digits) = split_layers(weights), pixels_and_digits()
    values = [pixels[rows]]
    for w in layers[:-1]:
        values.append(np.maximum(values[-1] @ w, 0))  # between two layers, negative numbers become 0
    logits = values[-1] @ layers[-1]
    if not np.isfinite(logits).all():
        return np.inf, np.full_like(weights, np.inf)
    loss, slope = cross_entropy(logits, digits[rows])
    gradients = []
    for w, value in zip(reversed(layers), reversed(values), strict=True):  # the chain rule, from the last layer back
        gradients.append((value.T @ slope).ravel())
        slope = (slope @ w.T) * (value > 0)
    return loss, np.concatenate(gradients[::-1])


def dead_share(weights: np.ndarray) -> float:
    """Tell which share of the hidden units answers 0 to every one of the digits."""
    values, dead = pixels_and_digits()[0], []
    for w in split_layers(weights)[:-1]:
        values = np.maximum(values @ w, 0)
        dead.append((values.max(axis=0) == 0).mean())
    return float(np.mean(dead))


def peaked(way: str, lr: float) -> Schedule:
    """Follow a cosine from its peak, at once or after a climb of twenty steps."""
    climb = CLIMB if one_of("way", way, WAYS) == "with" else 0
    return warmup(cosine(lr, n_steps=RUN - climb), n_steps=climb)


def training(model: str, way: str, lr: float, *, seed: int, every: int = RUN) -> tuple[BatchObjective, Descent]:
    """Train a model for 200 steps of 32 digits; give its objective and the path."""
    rng = np.random.default_rng(seed)
    batches = minibatches(1797, batch_size=32, rng=rng)
    rule = (adam if "Adam" in model else sgd)(peaked(way, lr))
    deep = one_of("model", model, tuple(MODELS)) != "linear model, SGD"
    objective, start = (deep_objective, deep_start(rng)) if deep else (digits_objective(), np.zeros((65, 10)))
    with np.errstate(over="ignore", invalid="ignore"):
        path = train(objective, start, optimizer=rule, n_steps=RUN, batches=batches, record_every=every)
    return objective, path


def loss_at_the_end(*, model: str, way: str, peak: int, seed: int) -> dict[str, float]:
    """Train at one of the model's peak rates; give the loss on all digits, at most that of chance.

    Returns:
        "loss"; "dead", the share of hidden units that answer 0 to every digit.
    """
    objective, path = training(model, way, float(MODELS[model][peak]), seed=seed)
    end, chance = path.points[-1], float(np.log(10))
    loss = chance if path.overflowed else min(objective(end)[0], chance)
    return {"loss": loss, "dead": dead_share(end) if end.ndim == 1 else 0.0}


WARM_UP = Experiment(
    name="warm_up",
    measure=loss_at_the_end,
    factors={"model": tuple(MODELS), "way": WAYS, "peak": range(7)},
    seeds=15,
    quantities=("loss", "dead"),
)
