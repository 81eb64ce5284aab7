import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from kit.learn.trees import best_split, decision_tree, gini, grow_tree, one_hot

SEEDS = range(5)


def table(seed, n=120, d=4):
    """Draw a table without ties: values and targets all differ, so that no two splits of many rows gain alike."""
    rng = np.random.default_rng(seed)
    wide = rng.normal(size=(n, max(d, 4))).astype(np.float32).astype(float)  # scikit-learn and xgboost read float32
    y = np.sin(2 * wide[:, 0]) + wide[:, 1] * wide[:, 2] + 0.3 * rng.normal(size=n)
    return wide[:, :d], y, rng


def has_ties(x, g, h, tree, strength=0.0):
    """Tell whether some question has a rival that gains as much, to five digits, so that libraries may differ."""
    waiting = [(0, np.arange(len(x)))]
    while waiting:
        node, rows = waiting.pop()
        feature = tree.feature[node]
        if feature >= 0:
            all_gains = np.sort(gains(x[rows], g[rows], h[rows], strength))
            if all_gains[-2] > all_gains[-1] * (1 - 1e-5):
                return True
            left = x[rows, feature] <= tree.threshold[node]
            waiting += [(tree.left[node], rows[left]), (tree.right[node], rows[~left])]
    return False


def gains(x, g, h, strength):
    """List what every split of every feature gains, written out side by side."""

    def worth(rows):
        return (g[rows].sum(axis=0) ** 2).sum() / (h[rows].sum() + strength)

    sides = [x[:, k] <= value for k in range(x.shape[1]) for value in np.unique(x[:, k])[:-1]]
    return np.array([(worth(side) + worth(~side) - worth(side | ~side)) / 2 for side in sides] + [0.0, 0.0])


def classes_of(y):
    return np.digitize(y, np.quantile(y, [0.3, 0.7]))


def test_gini_matches_sklearns_root():
    rng = np.random.default_rng(0)
    for n_classes in (1, 2, 5):
        classes = rng.integers(n_classes, size=40)
        stump = DecisionTreeClassifier(max_depth=1).fit(rng.normal(size=(40, 1)), classes)
        assert gini(classes) == pytest.approx(stump.tree_.impurity[0], abs=1e-12)


def test_gini_is_the_variance_of_the_one_hot_columns():
    classes = np.random.default_rng(0).integers(4, size=50)
    assert one_hot(classes, n_classes=4).var(axis=0).sum() == pytest.approx(gini(classes), abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_best_split_matches_sklearns_first(seed):
    x, y, _ = table(seed)
    for targets, stump in (
        (y[:, None], DecisionTreeRegressor(max_depth=1).fit(x, y)),
        (one_hot(classes_of(y), n_classes=3), DecisionTreeClassifier(max_depth=1).fit(x, classes_of(y))),
    ):
        ours = best_split(x, -targets, np.ones(len(x)))
        theirs = stump.tree_
        weights, impurity = theirs.weighted_n_node_samples, theirs.impurity
        decrease = weights[0] * impurity[0] - weights[1] * impurity[1] - weights[2] * impurity[2]
        assert ours.feature == theirs.feature[0]
        assert ours.threshold == pytest.approx(theirs.threshold[0], abs=1e-12)
        assert 2 * ours.gain == pytest.approx(decrease, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("limits", [{"max_depth": 4, "min_rows": 3}, {"min_rows": 6}])
def test_decision_tree_matches_sklearns_regression(seed, limits):
    x, y, rng = table(seed)
    new = rng.normal(size=(500, 4)).astype(np.float32).astype(float)
    theirs = DecisionTreeRegressor(
        max_depth=limits.get("max_depth"), min_samples_leaf=limits["min_rows"], random_state=seed
    ).fit(x, y)
    ours = decision_tree(x, y[:, None], **limits)
    np.testing.assert_array_equal(ours.feature, np.maximum(theirs.tree_.feature, -1))
    np.testing.assert_allclose(ours.predict(new)[:, 0], theirs.predict(new), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.importance(), theirs.feature_importances_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_decision_tree_matches_sklearns_classes(seed):
    """Gains of counts tie in small nodes: one feature, whose best threshold no other can equal."""
    x, y, rng = table(seed, n=300, d=1)
    classes = classes_of(y)
    theirs = DecisionTreeClassifier(max_depth=2, random_state=seed).fit(x, classes)
    ours = decision_tree(x, one_hot(classes, n_classes=3), max_depth=2)
    new = rng.normal(size=(500, 1))
    np.testing.assert_allclose(ours.predict(new), theirs.predict_proba(new.astype(np.float32)), rtol=1e-12, atol=1e-12)


def test_grown_without_limits_a_tree_knows_its_rows_by_heart():
    x, y, _ = table(0)
    tree = decision_tree(x, y[:, None])
    np.testing.assert_allclose(tree.predict(x)[:, 0], y, rtol=1e-12)
    assert tree.n_leaves == len(y)


def test_whole_weights_are_repeated_rows():
    x, y, rng = table(0)
    weights = rng.integers(1, 4, size=len(y)).astype(float)
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    weighted = grow_tree(x, -y[:, None] * weights[:, None], weights, max_depth=3)
    repeated = decision_tree(x[rows], y[rows][:, None], max_depth=3)
    np.testing.assert_array_equal(weighted.feature, repeated.feature)
    np.testing.assert_allclose(weighted.predict(x), repeated.predict(x), rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3), st.floats(0, 5))
def test_gains_are_what_the_loss_falls_by(seed, depth, strength):
    """G² / 2 (H + λ) is what a leaf lowers the loss by: over the tree the gains add up."""
    rng = np.random.default_rng(seed)
    x, g, h = rng.normal(size=(20, 2)), rng.normal(size=(20, 1)), rng.uniform(0.5, 2, size=20)
    tree = grow_tree(x, g, h, max_depth=depth, strength=strength)
    leaf = tree.leaf_of(x)

    def worth(rows):
        return g[rows].sum() ** 2 / (h[rows].sum() + strength) / 2

    fallen = sum(worth(leaf == node) for node in np.unique(leaf)) - worth(slice(None))
    assert tree.gain.sum() == pytest.approx(fallen, abs=1e-9)
    assert (tree.gain >= 0).all()


def test_no_threshold_parts_equal_values_and_none_is_asked_where_nothing_is_gained():
    y = np.array([0.0, 1.0, 2.0, 3.0])[:, None]
    assert best_split(np.ones((4, 2)), -y, np.ones(4)) is None
    assert best_split(np.arange(4.0)[:, None], -np.full((4, 1), 0.1), np.ones(4)) is None
    assert best_split(np.array([[1.0], [1.0], [2.0], [2.0]]), -y, np.ones(4)).threshold == 1.5
    assert best_split(np.arange(4.0)[:, None], -y, np.ones(4), min_rows=3) is None


def test_neighbours_in_float64_are_parted():
    low = 1.0
    x = np.array([[low], [np.nextafter(low, 2)]])
    tree = decision_tree(x, np.array([[0.0], [1.0]]))
    np.testing.assert_array_equal(tree.predict(x).ravel(), [0, 1])


def test_of_equal_gains_the_first_feature_and_its_lowest_threshold_is_taken():
    x = np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 7.0]])
    split = best_split(x, -np.array([[0.0], [1.0], [0.0]]), np.ones(3))
    assert (split.feature, split.threshold) == (0, 0.5)


def test_candidates_are_drawn_anew_at_each_node():
    x, y, rng = table(0, d=8)
    tree = decision_tree(x, y[:, None], n_candidates=1, rng=rng)
    asked = tree.feature[tree.feature >= 0]
    assert set(asked) == set(range(8))
    everything = decision_tree(x, y[:, None], n_candidates=8, rng=rng)
    np.testing.assert_array_equal(everything.feature, decision_tree(x, y[:, None]).feature)


def test_importance_of_a_stump_is_all_on_one_feature_and_of_a_leaf_on_none():
    x, y, _ = table(0)
    assert decision_tree(x, y[:, None], max_depth=1).importance().max() == 1
    assert not decision_tree(x, y[:, None], max_depth=0).importance().any()


def test_rules_name_every_question_and_leaf():
    tree = decision_tree(np.array([[1.0], [2.0], [6.0]]), np.array([[0.0], [2.0], [7.0]]))
    text = tree.rules(["carat"])
    assert text.splitlines() == [
        "carat <= 4?",
        "  yes: carat <= 1.5?",
        "  yes:   yes: 0  (1 rows)",
        "  yes:   no:  2  (1 rows)",
        "  no:  7  (1 rows)",
    ]
