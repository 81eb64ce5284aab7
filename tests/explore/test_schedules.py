import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from kit.explore.schedules import (
    HANDLES,
    RATES,
    STEPS,
    best_of,
    digits_objective,
    draw_a_schedule,
    drawn,
    noisy_runs,
    schedule_frame,
    to_zero,
)
from kit.learn.schedules import constant, exponential, linear

FLAT = np.full(len(HANDLES), 0.6)


def test_drawn_passes_through_every_handle():
    rates = np.array([0.1, 2.0, 0.5, 3.0, 0.03, 10.0])
    np.testing.assert_allclose([drawn(rates)(step) for step in HANDLES], rates, rtol=1e-12)


def test_drawn_with_handles_on_an_exponential_is_that_exponential():
    schedule = exponential(2.0, gamma=0.98)
    rates = np.array([schedule(step) for step in HANDLES])
    np.testing.assert_allclose(
        [drawn(rates)(step) for step in range(STEPS)], [schedule(step) for step in range(STEPS)], rtol=1e-12
    )


def test_drawn_rejects_rates_that_do_not_fit_the_handles():
    with pytest.raises(ValueError, match="rates must be 6 numbers > 0"):
        drawn(np.ones(5))


def test_a_flat_drawing_trains_as_the_constant_rate_does():
    np.testing.assert_allclose(noisy_runs(drawn(FLAT)), noisy_runs(constant(0.6)), rtol=1e-9)


def test_noisy_runs_begin_at_chance_and_differ_by_their_shuffle():
    runs = noisy_runs(constant(0.6))
    np.testing.assert_allclose(runs[:, 0], np.log(10), rtol=1e-12)
    assert len(set(runs[:, -1])) == len(runs)


def test_a_step_matches_torch():
    rng = np.random.default_rng(0)
    weights, rows = rng.normal(size=(65, 10)), rng.integers(1797, size=8)
    loss, gradient = digits_objective()(weights, rows)
    pixels, digits = load_digits(return_X_y=True)
    w = torch.tensor(weights, requires_grad=True)
    x = torch.from_numpy(np.column_stack([np.ones(8), pixels[rows] / 16]))
    theirs = torch.nn.functional.cross_entropy(x @ w, torch.from_numpy(digits[rows]))
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, w.grad, rtol=1e-9, atol=1e-12)


def test_the_best_rates_are_not_at_the_ends_of_what_was_tried():
    for family in (constant, to_zero):
        assert 0.2 < best_of(family).lr < 5


def test_a_line_to_nearly_zero_meets_the_quest_and_the_best_constant_does_not():
    line = linear(3.0, n_steps=STEPS, final=RATES[0])
    at = {f"at_{step}": line(step) for step in HANDLES}
    assert schedule_frame(**at).quest_met
    flat = dict.fromkeys(at, best_of(constant).lr)
    frame = schedule_frame(**flat)
    assert not frame.quest_met
    assert "not yet below" in frame.sentence


def test_every_slider_covers_the_height_of_the_picture():
    view = draw_a_schedule()
    low, high = view._projections[0].stage.figure.axes[0].get_ylim()
    for control in view.controls:
        assert (control.values[0], control.values[-1]) == pytest.approx((low, high))
