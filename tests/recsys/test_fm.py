import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from kit.recsys.fm import FM, Linear, embeddings, feature_ids, pair_sum
from kit.recsys.mf import BiasedFactors


@given(seed=st.integers(0, 10_000), n=st.integers(1, 30), d=st.integers(1, 9))
def test_pair_sum_matches_the_double_sum(seed, n, d):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(3, n, 1, generator=generator, dtype=torch.float64)
    v = torch.randn(n, d, generator=generator, dtype=torch.float64)
    pairs = [((x[:, i] * x[:, j]) * (v[i] @ v[j]))[:, 0] for i, j in itertools.combinations(range(n), 2)]
    expected = torch.stack(pairs).sum(dim=0) if pairs else torch.zeros(3, dtype=torch.float64)
    size = float(((x * v) ** 2).sum())  # what the two large sums are made of
    torch.testing.assert_close(pair_sum(x * v), expected, rtol=1e-12, atol=1e-12 * max(1, size))


def test_pair_sum_gradcheck():
    terms = torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(pair_sum, terms)


def test_features_of_two_fields_never_share_a_number():
    columns = [torch.tensor([0, 2, 1]), torch.tensor([1, 0, 1]), torch.tensor([0, 0, 3])]
    ids = feature_ids(columns, sizes=[3, 2, 4])
    sets = [set(column.tolist()) for column in ids.T]
    assert not sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2]
    assert ids.tolist() == [[0, 4, 5], [2, 3, 5], [1, 4, 8]]


def test_fm_with_user_and_item_alone_is_biased_matrix_factorisation():
    rng = np.random.default_rng(0)
    factors = BiasedFactors(
        mean=0.7,
        user_biases=rng.normal(size=6),
        item_biases=rng.normal(size=5),
        users=rng.normal(size=(6, 3)),
        items=rng.normal(size=(5, 3)),
    )
    fm = FM(n_fields=2, n_features=11, d_embedding=3).double()
    with torch.no_grad():
        fm.linear.bias.fill_(factors.mean)
        fm.linear.weight.copy_(torch.from_numpy(np.concatenate([factors.user_biases, factors.item_biases])))
        fm.embedding.copy_(torch.from_numpy(np.concatenate([factors.users, factors.items])))
    users, items = (torch.from_numpy(each.ravel()) for each in np.indices((6, 5)))
    scores = fm(feature_ids([users, items], sizes=[6, 5])).detach().numpy().reshape(6, 5)
    assert abs(scores - factors.scores).max() < 1e-10


def test_fm_is_the_sum_over_pairs_of_fields():
    fm = FM(n_fields=4, n_features=20, d_embedding=3, generator=torch.Generator().manual_seed(0)).double()
    torch.nn.init.normal_(fm.linear.weight, generator=torch.Generator().manual_seed(1))
    ids = torch.tensor([[0, 5, 10, 15], [4, 9, 14, 19]])
    for row, z in zip(ids, fm(ids), strict=True):
        w, v = fm.linear.weight[row], fm.embedding[row]
        expected = fm.linear.bias + w.sum() + sum(v[i] @ v[j] for i, j in itertools.combinations(range(4), 2))
        torch.testing.assert_close(z, expected, rtol=1e-12, atol=1e-12)


def test_linear_matches_sklearns_logistic_regression():
    rng = np.random.default_rng(0)
    columns = [torch.from_numpy(rng.integers(n, size=200)) for n in (3, 4)]
    ids = feature_ids(columns, sizes=[3, 4])
    x = np.zeros((200, 7))
    np.put_along_axis(x, ids.numpy(), 1, axis=1)
    y = rng.integers(2, size=200)
    theirs = LogisticRegression().fit(x, y)
    model = Linear(n_fields=2, n_features=7).double()
    with torch.no_grad():
        model.bias.copy_(torch.tensor(theirs.intercept_[0]))
        model.weight.copy_(torch.from_numpy(theirs.coef_[0]))
    np.testing.assert_allclose(model(ids).detach(), theirs.decision_function(x), rtol=1e-12, atol=1e-12)


def test_embeddings_are_drawn_by_their_generator_and_start_small():
    one, again = (embeddings(500, 8, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.testing.assert_close(one, again, rtol=0, atol=0)
    assert float(one.detach().std()) == pytest.approx(0.05, rel=0.1)
