import math

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, KFold

from kit.learn.halving import successive_halving


class Pretend(BaseEstimator):
    """A model whose score is known: `quality`, reached the sooner the lower `delay` is."""

    def __init__(self, quality=0, steps=1):
        self.quality, self.steps = quality, steps

    def fit(self, x, y):
        return self

    def score(self, x, y):
        return -loss(self.quality, self.steps)


def loss(quality, steps):
    return quality + (quality * 7 % 5) / steps


@pytest.mark.parametrize(("n", "most", "factor"), [(27, 27, 3), (20, 100, 3), (16, 8, 2), (5, 81, 3), (10, 7, 3)])
def test_successive_halving_matches_sklearn(n, most, factor):
    ours = successive_halving(loss, range(n), least=1, most=most, factor=factor)
    theirs = HalvingGridSearchCV(Pretend(), {"quality": list(range(n))}, resource="steps", min_resources=1,
                                 max_resources=most, factor=factor, cv=KFold(2), refit=False)  # fmt: skip
    theirs.fit(np.zeros((4, 1)), np.zeros(4))
    assert [len(each.places) for each in ours.rounds] == theirs.n_candidates_
    assert [each.resource for each in ours.rounds] == theirs.n_resources_
    assert ours.best == theirs.best_params_["quality"]


def test_what_learns_slowly_and_well_is_dropped_by_mistake():
    late = successive_halving(lambda s, steps: (9 - s) if steps < 9 else s, range(9), least=1, most=9)
    assert late.best != 0
    assert 0 not in late.rounds[1].places


def test_what_diverged_is_dropped():
    found = successive_halving(lambda s, steps: math.nan if s == 0 else float(s), range(9), least=1, most=9)
    assert found.best == 1
    assert found.spent == 9 + 9 + 9
