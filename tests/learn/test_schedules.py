import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from kit.learn.schedules import (
    as_schedule,
    constant,
    cosine,
    cosine_restarts,
    exponential,
    inverse_sqrt,
    linear,
    one_cycle,
    polynomial,
    step_decay,
    warmup,
    warmup_stable_decay,
)
from tests.learn.agreement import SCHEDULES, torch_rates

LENGTHS = st.integers(1, 60)
SHARES = st.floats(0, 1)


def rates(schedule, n_steps):
    return [schedule(step) for step in range(n_steps + 1)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_matches_torch(name):
    ours, theirs, lr = SCHEDULES[name]
    np.testing.assert_allclose(rates(ours, 50), torch_rates(theirs, lr, n_steps=50), rtol=1e-12, atol=1e-15)


@settings(max_examples=20)
@given(LENGTHS, SHARES)
def test_cosine_of_any_length_matches_torch(n_steps, share):
    theirs = torch_rates(
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=n_steps, eta_min=share), 1.0, n_steps=n_steps
    )
    # torch goes from step to step, and ours from the formula: its rounding errors add up
    np.testing.assert_allclose(rates(cosine(1.0, n_steps=n_steps, final=share), n_steps), theirs, atol=1e-12)


@settings(max_examples=20)
@given(LENGTHS, SHARES)
def test_linear_of_any_length_matches_torch(n_steps, share):
    theirs = torch_rates(
        lambda o: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=share, total_iters=n_steps),
        1.0,
        n_steps=n_steps,
    )
    np.testing.assert_allclose(rates(linear(1.0, n_steps=n_steps, final=share), n_steps), theirs, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(10, 60), st.floats(0.2, 0.9))
def test_one_cycle_of_any_shape_matches_torch(n_steps, warmup_ratio):
    theirs = torch_rates(
        lambda o: lr_scheduler.OneCycleLR(
            o, max_lr=0.5, total_steps=n_steps, pct_start=warmup_ratio, cycle_momentum=False
        ),
        0.5,
        n_steps=n_steps - 1,
    )
    ours = rates(one_cycle(0.5, n_steps=n_steps, warmup_ratio=warmup_ratio), n_steps - 1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@settings(max_examples=20)
@given(LENGTHS)
def test_warm_up_of_any_length_matches_torch(n_steps):
    theirs = torch_rates(
        lambda o: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.LinearLR(o, start_factor=1 / (n_steps + 1), total_iters=n_steps),
                lr_scheduler.ExponentialLR(o, gamma=0.9),
            ],
            milestones=[n_steps],
        ),
        1.0,
        n_steps=n_steps + 20,
    )
    np.testing.assert_allclose(
        rates(warmup(exponential(1.0, gamma=0.9), n_steps=n_steps), n_steps + 20), theirs, rtol=1e-12
    )


@given(LENGTHS, SHARES)
@pytest.mark.parametrize("schedule", [linear, cosine])
def test_schedule_falls_from_lr_to_final_and_stays(schedule, n_steps, share):
    falling = rates(schedule(1.0, n_steps=n_steps, final=share), n_steps + 5)
    assert falling[0] == 1
    np.testing.assert_allclose(falling[n_steps:], share, atol=1e-15)
    assert (np.diff(falling) <= 1e-15).all()


@given(st.integers(2, 60))
def test_one_cycle_climbs_once_and_falls_once(n_steps):
    cycle = rates(one_cycle(1.0, n_steps=n_steps, warmup_ratio=0.6), n_steps + 5)
    signs = np.sign(np.diff(cycle))
    assert (np.diff(signs[signs != 0]) <= 0).all()
    assert max(cycle) <= 1
    np.testing.assert_allclose(cycle[n_steps - 1 :], 1 / 25 / 10_000, rtol=1e-12)


@given(LENGTHS)
def test_warm_up_then_follows_the_schedule_from_its_beginning(n_steps):
    schedule = cosine(1.0, n_steps=30)
    warmed = rates(warmup(schedule, n_steps=n_steps), n_steps + 30)
    assert warmed[n_steps:] == rates(schedule, 30)
    np.testing.assert_allclose(np.diff(warmed[: n_steps + 1]), 1 / (n_steps + 1), rtol=1e-9)
    assert warmed[0] > 0


def test_warm_up_of_no_steps_changes_nothing():
    assert rates(warmup(cosine(1.0, n_steps=9), n_steps=0), 9) == rates(cosine(1.0, n_steps=9), 9)


def test_warm_ups_nest():
    assert rates(warmup(warmup(1.0, n_steps=1), n_steps=1), 3) == [0.25, 0.5, 1.0, 1.0]


@given(st.integers(1, 4000), st.integers(1, 2000))
def test_inverse_sqrt_is_the_transformers_rate(warm, d_model):
    ours = inverse_sqrt((d_model * warm) ** -0.5, n_steps=warm)
    for step in (1, 2, warm, warm + 1, 10 * warm):  # the paper counts from 1
        paper = d_model**-0.5 * min(step**-0.5, step * warm**-1.5)
        assert ours(step - 1) == pytest.approx(paper, rel=1e-12)


@settings(max_examples=20)
@given(st.integers(1, 20), st.integers(1, 4), SHARES)
def test_cosine_restarts_of_any_length_match_torch(n_steps, growth, share):
    theirs = torch_rates(
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=n_steps, T_mult=growth, eta_min=share),
        1.0,
        n_steps=200,
    )
    ours = rates(cosine_restarts(1.0, n_steps=n_steps, t_mult=growth, final=share), 200)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


@settings(max_examples=20)
@given(LENGTHS, st.floats(0.2, 4))
def test_polynomial_of_any_length_matches_torch(n_steps, power):
    theirs = torch_rates(lambda o: lr_scheduler.PolynomialLR(o, total_iters=n_steps, power=power), 1.0, n_steps=n_steps)
    np.testing.assert_allclose(rates(polynomial(1.0, n_steps=n_steps, power=power), n_steps), theirs, atol=1e-12)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40), SHARES)
def test_warm_up_stable_decay_climbs_stays_and_falls(stable, n_warmup_steps, n_decay_steps, share):
    n_steps = n_warmup_steps + stable + n_decay_steps
    wsd = rates(
        warmup_stable_decay(
            1.0, n_steps=n_steps, n_warmup_steps=n_warmup_steps, n_decay_steps=n_decay_steps, final=share
        ),
        n_steps + 5,
    )
    assert wsd[:n_warmup_steps] == rates(warmup(1.0, n_steps=n_warmup_steps), n_steps)[:n_warmup_steps]
    assert set(wsd[n_warmup_steps : n_steps - n_decay_steps + 1]) == {1.0}
    assert wsd[n_steps - n_decay_steps :] == rates(linear(1.0, n_steps=n_decay_steps, final=share), n_decay_steps + 5)


@pytest.mark.parametrize("make", [linear, cosine, polynomial, cosine_restarts])
def test_a_schedule_may_rise_and_begin_at_0(make):
    rising = rates(make(0.0, n_steps=10, final=1.0), 9)
    assert rising[0] == 0
    assert (np.diff(rising) > 0).all()
    assert rising[-1] <= 1


def test_a_factor_above_1_rises_and_a_rate_of_0_stays():
    assert rates(exponential(1.0, gamma=2.0), 3) == rates(step_decay(1.0, step_size=1, gamma=2.0), 3) == [1, 2, 4, 8]
    for schedule in (constant(0.0), as_schedule(0.0), exponential(0.0, gamma=0.5), inverse_sqrt(0.0, n_steps=3)):
        assert rates(schedule, 5) == [0] * 6


@given(st.integers(2, 200), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_one_cycle_of_any_share_gives_rates(n_steps, share):
    for near in (np.nextafter(1 / n_steps, 1), np.nextafter(1, 0), share):
        if 1 / n_steps < near < 1:
            cycle = rates(one_cycle(1.0, n_steps=n_steps, warmup_ratio=float(near)), n_steps + 1)
            assert all(0 <= rate <= 1 for rate in cycle)


@pytest.mark.parametrize(
    "schedule",
    [
        constant(1.0),
        step_decay(1.0, step_size=1),
        exponential(1.0, gamma=0.5),
        linear(1.0, n_steps=5),
        one_cycle(1, n_steps=5),
        polynomial(1.0, n_steps=5, power=2.0),
        cosine_restarts(1.0, n_steps=5, t_mult=2.0),
        inverse_sqrt(1.0, n_steps=5),
        warmup_stable_decay(1.0, n_steps=5, n_warmup_steps=1, n_decay_steps=2),
    ],
)
def test_schedule_a_million_steps_on_is_still_a_rate(schedule):
    assert 0 <= schedule(1_000_000) <= 1


def test_as_schedule_rejects_a_schedule_that_starts_below_0():
    with pytest.raises(ValueError, match=r"lr\(0\) must be >= 0, got -0.1"):
        as_schedule(lambda step: -0.1)


def test_as_schedule_rejects_a_schedule_that_returns_no_number():
    with pytest.raises(TypeError, match=r"lr\(0\) must be a real number, got Tensor"):
        as_schedule(lambda step: torch.tensor(0.1))  # pyright: ignore[reportArgumentType, reportReturnType]
