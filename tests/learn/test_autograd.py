import gc

import numpy as np
import pytest
import torch

from kit.learn.autograd import Variable, cross_entropy_loss
from tests.learn.autograd_agreement import BAR, CASES, diamond, differences, table


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_match_torch(name):
    assert max(differences(CASES[name])) <= BAR


@pytest.mark.parametrize("name", ["diamond", "a short way and a long one", "a network", "broadcast: a number"])
def test_two_calls_add_up_in_leaves_as_in_torch(name):
    assert max(differences(CASES[name], calls=2)) <= BAR


def test_the_table_says_when_the_bar_is_broken():
    assert "within" in table({"a": (0.0, BAR), "b": (1e-16, 0.0)}).splitlines()[-1]
    for broken in (2 * BAR, float("nan")):
        assert "BEYOND" in table({"a": (0.0, broken), "b": (1e-16, 0.0)}).splitlines()[-1]


def test_what_lies_between_keeps_no_gradient_and_so_cannot_double():
    x = Variable([3.0])
    middle = x * x
    loss = (middle * middle).sum()
    loss.backward()
    assert x.grad is not None
    first = x.grad.copy()
    loss.backward()
    np.testing.assert_array_equal(x.grad, 2 * first)
    assert middle.grad is None
    assert loss.grad is None
    theirs = torch.tensor([3.0], requires_grad=True)
    between = theirs * theirs
    total = (between * between).sum()
    total.backward(retain_graph=True)
    assert not between.is_leaf
    assert first.tolist() == theirs.grad.tolist()  # type: ignore[union-attr]


def test_a_loss_of_a_loss_already_walked_counts_once():
    x = Variable([2.0])
    y = diamond(x)
    y.sum().backward()
    x.grad = None
    (y * 3).sum().backward()
    again = Variable([2.0])
    (diamond(again) * 3).sum().backward()
    np.testing.assert_array_equal(x.grad, again.grad)


def test_a_chain_of_100_000_nodes_is_walked_and_forgotten_without_recursion():
    x = Variable([1.0])
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0]  # type: ignore[union-attr]
    assert y.data.tolist() == [100_001.0]
    del y
    gc.collect()


def test_a_leaf_alone_has_gradient_1():
    x = Variable(2.0)
    x.backward()
    assert x.grad == 1


def test_constants_have_no_gradient_and_cost_none():
    x, constant = Variable(np.ones((2, 3))), np.ones((3, 2))
    product = x @ constant
    assert [parent for parent, _ in product.links] == [x]
    assert (constant @ x).links[0][0] is x
    assert (constant.T * x).links[0][0] is x  # NumPy leaves the product to the variable
    assert (constant.T - x).links


def test_numbers_cannot_be_changed_in_place():
    mine = np.ones(3)
    x = Variable(mine)
    y = (x * x)[1:]
    mine[0] = 5  # the leaf has a copy
    assert x.data.tolist() == [1, 1, 1]
    for each in (x, y, x.reshape(3, 1), x * 2):
        with pytest.raises(ValueError, match="read-only"):
            each.data[0] = 7
        with pytest.raises(TypeError, match="must not be changed in place"):
            each[0] = 7
    y.sum().backward()
    assert x.grad.tolist() == [0, 2, 2]  # type: ignore[union-attr]


def test_a_step_taken_before_the_walk_back_does_not_change_it():
    w = Variable([3.0])
    loss = (w * w).sum()
    w.data = w.data - 1
    loss.backward()
    assert w.grad.tolist() == [6.0]  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"data must keep the shape \(1,\)"):
        w.data = [1.0, 2.0]


def test_plus_equals_makes_a_new_node():
    x = Variable([3.0])
    y = x
    y += x
    y.sum().backward()
    assert y is not x
    assert x.grad.tolist() == [2.0]  # type: ignore[union-attr]


def test_float32_stays_float32():
    w = Variable(np.ones((3, 2), dtype=np.float32))
    x = np.ones((4, 3), dtype=np.float32)
    hidden = ((x @ w) * 2.0 + 1).relu() / 3 - 0.5
    loss = cross_entropy_loss(hidden, np.zeros(4, dtype=int))
    loss.backward()
    assert hidden.data.dtype == w.grad.dtype == np.float32  # type: ignore[union-attr]


def test_the_gradient_of_what_is_not_a_number_must_be_given():
    with pytest.raises(ValueError, match="gradient must be given"):
        (Variable([1.0, 2.0]) * 2).backward()
    with pytest.raises(ValueError, match="gradient must have the shape"):
        (Variable([1.0, 2.0]) * 2).backward([1.0])


def test_vectors_are_no_matrices():
    for left, right in ((Variable([1.0]), np.ones((1, 2))), (np.ones(1), Variable([[1.0]]))):
        with pytest.raises(ValueError, match="must be a matrix"):
            left @ right


def test_a_network_trained_by_it_takes_torchs_steps():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.integers(4, size=20)
    start = [rng.normal(size=shape) for shape in ((3, 6), (6,), (6, 4), (4,))]
    ours = [Variable(each) for each in start]
    theirs = [torch.tensor(each, requires_grad=True) for each in start]
    optimizer = torch.optim.SGD(theirs, lr=0.5)
    for _ in range(30):
        w1, b1, w2, b2 = ours
        cross_entropy_loss((x @ w1 + b1).tanh() @ w2 + b2, y).backward()
        for each in ours:
            each.data, each.grad = each.data - 0.5 * each.grad, None  # type: ignore[operator]
        v1, c1, v2, c2 = theirs
        optimizer.zero_grad()
        logits = torch.tanh(torch.from_numpy(x) @ v1 + c1) @ v2 + c2
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(y)).backward()
        optimizer.step()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-10, atol=1e-12)
