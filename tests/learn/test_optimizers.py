import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.learn.class_losses import binary_cross_entropy
from kit.learn.linear import linear_objective
from kit.learn.optimizers import adagrad, adam, adamw, clip_grad_norm, clipped, momentum, nesterov, rmsprop, sgd
from kit.learn.regularizers import l2, penalized
from kit.learn.schedules import cosine, warmup
from kit.learn.training import train
from tests.learn.agreement import OPTIMIZERS, optimizer_difference, random_problem, torch_path

GRADIENTS = arrays(np.float64, (20, 3), elements=st.floats(-1e3, 1e3))
SIZES = {"sgd": 0, "momentum": 1, "nesterov": 1, "adagrad": 1, "rmsprop": 1, "adam": 2, "adamw": 2}


def follow(rule, gradients, start=(1.0, 2.0, 3.0)):
    """Feed a rule one gradient after another, wherever it goes."""
    point, memory, points = np.array(start), (), []
    for step, gradient in enumerate(gradients):
        point, *memory = rule(point, gradient, step, *memory)
        points.append(point)
    return np.array(points)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_matches_torch_for_100_steps(name, seed):
    # some hundred operations on numbers below 10, each rounded to 1e-16 of them
    assert optimizer_difference(name, seed=seed, n_steps=100) <= 1e-12


@settings(max_examples=20)
@given(gradients=GRADIENTS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_matches_torch_on_any_gradients(name, gradients):
    rule, make = OPTIMIZERS[name]
    point = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    optimizer = make([point])
    theirs = []
    for gradient in gradients:
        point.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        theirs.append(point.detach().numpy().copy())
    np.testing.assert_allclose(follow(rule, gradients), theirs, rtol=1e-12, atol=1e-11)  # steps of up to 500, summed


def test_adam_on_a_schedule_matches_torch():
    x, y = random_problem(0)
    objective = linear_objective(x, y, loss=binary_cross_entropy)
    rule = adam(warmup(cosine(0.1, n_steps=40), n_steps=10))
    ours = train(objective, np.zeros(8), optimizer=rule, n_steps=50).points

    def schedule(optimizer):
        climb = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 11, total_iters=10)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
        return torch.optim.lr_scheduler.SequentialLR(optimizer, [climb, fall], milestones=[10])

    theirs = torch_path(lambda p: torch.optim.Adam(p, lr=0.1), x, y, [slice(None)] * 50, schedule=schedule)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        (sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.5)),
        (adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.5)),
    ],
)
def test_an_l2_penalty_matches_weight_decay_in_torch(rule, make):
    x, y = random_problem(0)
    objective = penalized(linear_objective(x, y, loss=binary_cross_entropy), l2(0.5))
    ours = train(objective, np.zeros(8), optimizer=rule, n_steps=50).points
    np.testing.assert_allclose(ours, torch_path(make, x, y, [slice(None)] * 50), rtol=1e-12, atol=1e-12)


@given(GRADIENTS)
def test_adamw_without_decay_is_adam(gradients):
    assert (follow(adamw(0.1, weight_decay=0.0), gradients) == follow(adam(0.1), gradients)).all()


def test_adamw_shrinks_all_weights_alike_and_adam_with_l2_does_not():
    # one weight has gradients of ±100, the other of ±1; both of mean 0
    gradients, start, decay = np.tile([[100.0, 1.0], [-100.0, -1.0]], (100, 1)), (1.0, 1.0), 0.1
    bare = follow(adam(0.01), gradients, start)[-1]
    decoupled = bare - follow(adamw(0.01, weight_decay=decay), gradients, start)[-1]
    np.testing.assert_allclose(decoupled[0], decoupled[1], rtol=1e-6)  # eps is 1e-8 of the smaller gradient

    point, memory, rule = np.array(start), (), adam(0.01)
    for step, gradient in enumerate(gradients):
        point, *memory = rule(point, gradient + decay * point, step, *memory)
    coupled = bare - point
    # the same pull, divided by gradients of 100 and of 1; the second weight has less left to pull by the end
    assert coupled[1] > 80 * coupled[0] > 0


@given(GRADIENTS)
@pytest.mark.parametrize("rule", [momentum, nesterov])
def test_momentum_that_keeps_nothing_is_sgd(rule, gradients):
    assert (follow(rule(0.1, beta=0.0), gradients) == follow(sgd(0.1), gradients)).all()


def test_momentum_reaches_the_step_its_sum_tends_to():
    steps = -np.diff(follow(momentum(0.1, beta=0.9), np.ones((300, 3)))[:, 0])
    np.testing.assert_allclose(steps[-1], 0.1 / (1 - 0.9), rtol=1e-9)


@given(st.floats(0.01, 100), st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("rule", [adagrad, rmsprop, adam])
def test_an_adaptive_optimizer_ignores_the_scale_of_gradients(rule, scale, seed):
    gradients = np.random.default_rng(seed).normal(size=(20, 3))
    ours, scaled = (follow(rule(0.1, eps=1e-300), g) for g in (gradients, scale * gradients))
    np.testing.assert_allclose(ours, scaled, rtol=1e-9, atol=1e-9)


@given(arrays(np.float64, 3, elements=st.floats(-1e3, 1e3).filter(lambda g: abs(g) > 1e-3)))
@pytest.mark.parametrize("rule", [adagrad, adam])
def test_the_first_step_is_lr_long_in_every_coordinate(rule, gradient):
    (first,) = follow(rule(0.1), [gradient])
    np.testing.assert_allclose(first, [1, 2, 3] - 0.1 * np.sign(gradient), rtol=1e-5)  # eps / 1e-3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_coordinate_without_gradient_stays(name):
    rule = OPTIMIZERS[name][0] if name != "adamw" else adamw(0.1, weight_decay=0.0)
    with np.errstate(all="raise"):
        points = follow(rule, np.random.default_rng(0).normal(size=(20, 3)) * [1, 0, 1])
    assert (points[:, 1] == 2).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_remembers_no_run_but_its_own(name):
    rule, gradients = OPTIMIZERS[name][0], np.random.default_rng(0).normal(size=(20, 3))
    assert (follow(rule, gradients) == follow(rule, gradients)).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_keeps_shape_and_float32_and_as_many_arrays_as_it_says(name):
    point, gradient = np.ones((4, 2), dtype=np.float32), np.ones((4, 2), dtype=np.float32)
    moved, *memory = OPTIMIZERS[name][0](point, gradient, 0)
    assert len(memory) == SIZES[name]
    assert all(array.shape == (4, 2) and array.dtype == np.float32 for array in (moved, *memory))
    assert (point == 1).all()  # the caller's point is left alone


@given(st.lists(arrays(np.float64, 5, elements=st.floats(-1e3, 1e3)), min_size=1, max_size=3), st.floats(1e-3, 1e3))
def test_clip_norm_matches_torch(gradients, limit):
    parameters = [torch.zeros(5, dtype=torch.float64, requires_grad=True) for _ in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.from_numpy(gradient.copy())
    their_norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    norm, *ours = clip_grad_norm(*gradients, max_norm=limit)
    np.testing.assert_allclose(norm, their_norm.item(), rtol=1e-12)
    for parameter, gradient in zip(parameters, ours, strict=True):
        np.testing.assert_allclose(gradient, parameter.grad, rtol=1e-12, atol=1e-300)


def test_clip_norm_of_float32_does_not_overflow():
    norm, clipped_gradient = clip_grad_norm(np.full(4, 1e30, dtype=np.float32), max_norm=1.0)
    assert norm == pytest.approx(2e30)
    assert clipped_gradient.dtype == np.float32
    np.testing.assert_allclose(clipped_gradient, 0.5, rtol=1e-6)


def test_clipped_steps_match_torch():
    def bowl(x):
        return float(x @ x) * 50, 100 * x

    rule = clipped(adam(0.1), max_norm=0.5)
    ours = train(bowl, np.array([3.0, -4.0]), optimizer=rule, n_steps=20).points[-1]
    x = torch.tensor([3.0, -4.0], dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.Adam([x], lr=0.1)
    for _ in range(20):
        theirs.zero_grad()
        (50 * (x @ x)).backward()
        torch.nn.utils.clip_grad_norm_([x], 0.5)
        theirs.step()
    np.testing.assert_allclose(ours, x.detach(), rtol=1e-12)


def test_clipped_leaves_a_gradient_beyond_float64_to_be_reported():
    path = train(
        lambda x: (float(x @ x), np.full_like(x, np.inf)),
        np.ones(2),
        optimizer=clipped(sgd(1.0), max_norm=1.0),
        n_steps=3,
    )
    assert path.overflowed
