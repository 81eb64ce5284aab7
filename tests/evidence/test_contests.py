"""The contests of the first notebooks: their hand-written parts against torch, their stored numbers against a run."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from kit.evidence import adaptive, convergence, decayed, dropped, optimizers, penalties, regularizers, schedules
from kit.evidence.store import stored


def test_deep_objective_gradcheck():
    weights = schedules.deep_start(np.random.default_rng(0))
    w = torch.tensor(weights, requires_grad=True)
    pixels, digits = (torch.from_numpy(part) for part in schedules.pixels_and_digits())
    values, used = pixels, 0
    for a, b in pairwise(schedules.WIDTHS):
        values = torch.relu(values) @ w[used : used + a * b].reshape(a, b)
        used += a * b
    loss = torch.nn.functional.cross_entropy(values, digits)
    loss.backward()
    ours, gradient = schedules.deep_objective(weights)
    np.testing.assert_allclose(ours, loss.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, w.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_silent_share_counts_units_that_answer_zero_to_all():
    layers = [np.eye(64), -np.eye(64), *[np.eye(64)] * 4, np.zeros((64, 10))]
    weights = np.concatenate([layer.ravel() for layer in layers])
    blank = (schedules.pixels_and_digits()[0].max(axis=0) == 0).mean()  # pixels that no digit ever inks
    np.testing.assert_allclose(schedules.dead_share(weights), (blank + 5) / 6)


@pytest.mark.parametrize("family", schedules.FAMILIES)
def test_every_family_has_fifteen_settings(family):
    assert len(schedules.settings_of(family, n_steps=300)) == 15


@pytest.mark.parametrize(
    ("experiment", "run"),
    [
        (optimizers.RACE, {"task": "tumours, scaled", "optimizer": "Adam", "rate": 6}),
        (adaptive.ADAPTIVE, {"table": "patients", "scale": "scaled"}),
        (convergence.BELOW, {"kind": "squared error"}),
        (convergence.TOO_FAR, {"kind": "squared error"}),
        (schedules.DECAY, {"family": "cosine", "setting": 7}),
        (schedules.QUIET, {"family": "step", "setting": 4}),
        (decayed.DECAYED, {"n_steps": 300}),
        (schedules.WARM_UP, {"model": "seven layers, Adam", "way": "with", "peak": 1}),
        (regularizers.CONTEST, {"knob": "L2", "setting": 2}),
        (penalties.PENALIZED, {"table": "real tables"}),
        (dropped.DROPPED, {}),
    ],
    ids=lambda thing: getattr(thing, "name", ""),
)
def test_what_is_stored_is_what_a_run_measures(experiment, run):
    """Within 2%, as `live` allows for another processor; a count of steps may fall to the next record."""
    measured = experiment.measure(**run, seed=0)
    for quantity in experiment.quantities:
        np.testing.assert_allclose(measured[quantity], stored(experiment, quantity, **run)[0], rtol=0.02, atol=0.005)
