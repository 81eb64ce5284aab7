import numpy as np
import pytest
from sklearn.ensemble import BaggingRegressor, GradientBoostingRegressor, RandomForestRegressor, StackingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor

from kit.learn.ensembles import (
    bagging,
    boost,
    forest,
    log_loss_derivatives,
    out_of_fold,
    squared_error_derivatives,
    stack,
    vote,
    vote_weights,
)
from kit.learn.trees import decision_tree
from tests.learn.test_trees import has_ties, table

N = 120
SPLIT = list(KFold(4, shuffle=True, random_state=0).split(np.zeros(N)))


def line(x, targets):
    fitted = LinearRegression().fit(x, targets)
    return lambda new: fitted.predict(new)


def leafy(x, targets):
    return decision_tree(x, targets, min_rows=5).predict


def by_heart(x, targets):
    """Know the rows that were seen, and nothing of others."""
    known = {row.tobytes(): target for row, target in zip(x, targets, strict=True)}
    return lambda new: np.array([known.get(row.tobytes(), np.zeros(targets.shape[1])) for row in new])


class Dealt(np.random.Generator):
    """A generator that deals the rows out that scikit-learn drew."""

    def __init__(self, drawn):
        super().__init__(np.random.PCG64(0))
        self.drawn = iter(drawn)

    def integers(self, n, size):
        return next(self.drawn)


def test_bagging_matches_sklearn_on_the_rows_it_drew():
    x, y, rng = table(0)
    theirs = BaggingRegressor(LinearRegression(), 7, random_state=0).fit(x, y)
    ours = bagging(line, x, y[:, None], n_models=7, rng=Dealt(theirs.estimators_samples_))
    new = rng.normal(size=(200, 4))
    np.testing.assert_allclose(ours(new)[:, 0], theirs.predict(new), rtol=1e-9, atol=1e-12)


def test_a_forest_whose_every_feature_is_a_candidate_matches_sklearn_on_the_rows_it_drew():
    """Of one feature: rows that are drawn twice leave no two questions that gain alike."""
    x, y, rng = table(1, d=1)
    theirs = RandomForestRegressor(9, random_state=0).fit(x, y)
    ours = forest(x, y[:, None], n_trees=9, rng=Dealt(theirs.estimators_samples_))
    new = rng.normal(size=(200, 1)).astype(np.float32).astype(float)
    np.testing.assert_allclose(ours(new)[:, 0], theirs.predict(new), rtol=1e-9, atol=1e-12)


def test_a_forest_is_the_same_with_the_same_generator_and_another_with_another():
    x, y, _ = table(2)
    one, again, other = (
        forest(x, y[:, None], n_trees=3, n_candidates=2, rng=np.random.default_rng(seed))(x) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


def without_ties(n_steps, **options):
    """Draw tables until no two features of any question gain alike, with what boosting makes of five of them."""
    found = []
    for seed in range(40):
        x, y, rng = table(seed)
        y = (y > 0).astype(float) if options["derivatives"] is log_loss_derivatives else y
        start = 0.0 if options["derivatives"] is log_loss_derivatives else 0.5
        model = boost(x, y, n_steps=n_steps, start=start, **options)
        margins, tied = np.full(N, start), False
        for tree in model.trees:
            g, h = options["derivatives"](margins, y)
            tied |= has_ties(x, g[:, None], h, tree, options["strength"])
            margins = margins + model.lr * tree.predict(x)[:, 0]
        if not tied:
            found.append((x, y, rng, start, model))
    assert len(found) >= 5
    return found[:5]


def test_boosting_step_matches_sklearns_first():
    """Without a penalty one whole step ends at the same values, wherever it started: theirs is at the mean."""
    options = {"derivatives": squared_error_derivatives, "strength": 0.0, "max_depth": 2, "lr": 1.0}
    for x, y, rng, _, ours in without_ties(1, **options):
        theirs = GradientBoostingRegressor(n_estimators=1, learning_rate=1.0, max_depth=2).fit(x, y)
        new = rng.normal(size=(300, 4)).astype(np.float32).astype(float)
        np.testing.assert_allclose(ours.margins(new), theirs.predict(new), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic"])
@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_boosting_matches_xgboost(objective, n_steps, strength):
    xgboost = pytest.importorskip("xgboost")
    logistic = objective == "binary:logistic"
    options = {"derivatives": log_loss_derivatives if logistic else squared_error_derivatives, "strength": strength}
    for x, y, rng, _, ours in without_ties(n_steps, lr=0.5, max_depth=2, **options):
        theirs = xgboost.train(
            {
                "objective": objective, "tree_method": "exact", "max_depth": 2, "eta": 0.5, "lambda": strength,
                "base_score": 0.5, "min_child_weight": 0, "nthread": 1,
            },
            xgboost.DMatrix(x, label=y),
            num_boost_round=n_steps,
        )  # fmt: skip
        new = rng.normal(size=(300, 4)).astype(np.float32).astype(float)
        margins = theirs.predict(xgboost.DMatrix(new), output_margin=True)
        np.testing.assert_allclose(ours.margins(new), margins, rtol=0, atol=1e-6)
        nodes = theirs.get_dump(with_stats=True)[0].splitlines()
        leaves = sorted(float(node.split("leaf=")[1].split(",")[0]) for node in nodes if "leaf=" in node)
        own = sorted(0.5 * ours.trees[0].value[ours.trees[0].feature < 0, 0])
        np.testing.assert_allclose(own, leaves, rtol=0, atol=1e-6)
        gains = sorted(float(node.split("gain=")[1].split(",")[0]) for node in nodes if "gain=" in node)
        mine = sorted(2 * ours.trees[0].gain[ours.trees[0].feature >= 0])  # theirs is without the ½
        np.testing.assert_allclose(mine, gains, rtol=1e-4)  # sums of float32


@pytest.mark.parametrize("derivatives", [squared_error_derivatives, log_loss_derivatives])
def test_derivatives_are_those_of_their_loss(derivatives):
    rng = np.random.default_rng(0)
    f, y = rng.normal(size=9), rng.integers(2, size=9).astype(float)

    def loss(f):
        return (f - y) ** 2 / 2 if derivatives is squared_error_derivatives else np.logaddexp(0, f) - y * f

    eps = 1e-4
    g, h = derivatives(f, y)
    np.testing.assert_allclose(g, (loss(f + eps) - loss(f - eps)) / (2 * eps), atol=1e-7)
    np.testing.assert_allclose(h, (loss(f + eps) - 2 * loss(f) + loss(f - eps)) / eps**2, atol=1e-6)


def test_boosting_lowers_the_training_loss_at_every_step():
    x, y, _ = table(4)
    model = boost(x, y, n_steps=20, lr=0.3, max_depth=2)
    errors = [((model.margins(x, n_trees=k) - y) ** 2).mean() for k in range(21)]
    assert (np.diff(errors) < 0).all()


def test_out_of_fold_matches_sklearn():
    x, y, _ = table(0)
    theirs = cross_val_predict(LinearRegression(), x, y, cv=SPLIT)
    np.testing.assert_allclose(out_of_fold(line, x, y[:, None], SPLIT)[:, 0], theirs, rtol=1e-12)


def test_no_row_is_predicted_by_a_model_that_has_seen_it():
    x, y, _ = table(0)
    np.testing.assert_array_equal(out_of_fold(by_heart, x, y[:, None], SPLIT), 0)


@pytest.mark.parametrize(
    "split",
    [
        SPLIT[1:],
        [*SPLIT, SPLIT[0]],
        [(np.arange(N), test) for _, test in SPLIT],
        [SPLIT[0]],
        [],
    ],
    ids=["a row in none", "a row in two", "trained on its own rows", "one fold", "none"],
)
def test_a_split_that_leaks_or_leaves_out_is_refused(split):
    x, y, _ = table(0)
    with pytest.raises(ValueError, match="split must"):
        out_of_fold(line, x, y[:, None], split)


def test_stack_matches_sklearn():
    x, y, rng = table(0)
    theirs = StackingRegressor(
        [("line", LinearRegression()), ("tree", DecisionTreeRegressor(min_samples_leaf=5, random_state=0))],
        LinearRegression(),
        cv=SPLIT,
    ).fit(x, y)
    ours = stack([line, leafy], line, x, y[:, None], split=SPLIT)
    new = rng.normal(size=(200, 4)).astype(np.float32).astype(float)
    np.testing.assert_allclose(ours(new)[:, 0], theirs.predict(new), rtol=1e-9, atol=1e-12)


def test_a_stack_does_not_trust_who_learns_by_heart():
    x, y, rng = table(0)
    new = rng.normal(size=(400, 4))
    truth = np.sin(2 * new[:, 0]) + new[:, 1] * new[:, 2]
    honest = stack([by_heart, line], line, x, y[:, None], split=SPLIT)
    in_sample = np.column_stack([by_heart(x, y[:, None])(x), line(x, y[:, None])(x)])
    np.testing.assert_allclose(in_sample[:, 0], y)
    alone = line(x, y[:, None])(new)[:, 0]
    assert ((honest(new)[:, 0] - truth) ** 2).mean() < 1.05 * ((alone - truth) ** 2).mean()


def test_vote_weights_are_those_that_no_other_voice_betters_by_much():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(200, 1))
    predictions = targets + np.array([1.0, 2.0, 0.5])[:, None, None] * rng.normal(size=(3, 200, 1))
    weights = vote_weights(predictions, targets, n_rounds=200)

    def error(shares):
        return ((np.tensordot(shares, predictions, 1) - targets) ** 2).mean()

    grid = [np.array([a, b, 1 - a - b]) for a in np.linspace(0, 1, 41) for b in np.linspace(0, 1 - a, 41)]
    assert error(weights) < 1.01 * min(map(error, grid))
    assert weights.sum() == pytest.approx(1)
    members = [lambda x, k=k: predictions[k] for k in range(3)]
    np.testing.assert_allclose(vote(members, weights)(targets), np.tensordot(weights, predictions, 1))
