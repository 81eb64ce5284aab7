"""The contest of notebook 07: a network on 100 labelled digits, under one knob after the other.

Taught in: 07
"""

from dataclasses import replace

import numpy as np

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.explore.regularizers import Split, labelled_digits
from kit.learn.descent import Descent
from kit.learn.network import init_network, network_logits, network_objective
from kit.learn.optimizers import adam
from kit.learn.regularizers import early_stopping, l1, l2, max_norm, penalized, proximal
from kit.learn.training import train

RATES, RATE, STEPS = (0.001, 0.002, 0.004, 0.008, 0.016), 0.004, 200
KNOBS = {  # five settings each
    "no knob": RATES,  # learning rates; the knobs run at RATE
    "L2": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "L1": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3),
    "max-norm": (0.5, 0.75, 1.0, 1.25, 1.5),
    "dropout": (0.2, 0.4, 0.6, 0.7, 0.8),
    "100 more labels": RATES,
}


def training(x: np.ndarray, y: np.ndarray, knob: str, setting: float, *, seed: int) -> Descent:
    """Train the network under one knob; 256 hidden units, all weights and silences drawn by the seed."""
    rng = np.random.default_rng(seed)
    start = init_network(n_features=64, n_hidden=256, n_classes=10, rng=rng)
    objective, rule = network_objective(x, y), adam(RATE)
    match one_of("knob", knob, tuple(KNOBS)):
        case "L2":
            objective = penalized(objective, l2(setting))
        case "L1":
            objective = penalized(objective, l1(setting))
        case "max-norm":
            rule = proximal(rule, lambda w: np.concatenate([max_norm(w[:64], limit=setting), w[64:]]))
        case "dropout":
            objective = network_objective(x, y, dropout_rate=setting, rng=rng)
        case _:
            rule = adam(setting)
    return train(objective, start, optimizer=rule, n_steps=STEPS, record_every=10)


def measured(weights: np.ndarray, split: Split) -> dict[str, float]:
    """Measure a network as it is used: its loss on each part without penalty or dropout, and the share read right."""
    parts = {
        "validation": (split.x_validation, split.y_validation),
        "training": (split.x_train, split.y_train),
        "new": (split.x_test, split.y_test),
    }
    right = (network_logits(weights, split.x_test).argmax(axis=1) == split.y_test).mean()
    return {name: network_objective(x, y)(weights)[0] for name, (x, y) in parts.items()} | {"right": float(right)}


def one_run(*, knob: str, setting: int, seed: int) -> dict[str, float]:
    """Train under one setting of a knob, on digits that the seed deals out; measure the end, and the best stop.

    Args:
        setting: its place among the knob's five.

    Returns:
        The loss in "validation", in "training" and on "new" digits, and the share of those read "right";
        the same with "stopped" before, at the step where early stopping ends the run.
    """
    split = labelled_digits(np.random.default_rng(seed))
    if knob == "100 more labels":  # the validation digits, which the knobs need to be tuned
        x, y = [split.x_train, split.x_validation], [split.y_train, split.y_validation]
        split = replace(split, x_train=np.concatenate(x), y_train=np.concatenate(y))
    path = training(split.x_train, split.y_train, knob, KNOBS[knob][setting], seed=seed)
    validation = path.measured_by(network_objective(split.x_validation, split.y_validation)).losses
    stopped = measured(path.points[early_stopping(validation, patience=5).best], split)
    return measured(path.points[-1], split) | {f"stopped {name}": value for name, value in stopped.items()}


QUANTITIES = ("validation", "training", "new", "right")
CONTEST = Experiment(
    name="knobs",
    measure=one_run,
    factors={"knob": tuple(KNOBS), "setting": range(5)},
    seeds=8,
    quantities=(*QUANTITIES, *(f"stopped {name}" for name in QUANTITIES)),
)
