"""The experiments of notebook 09: against scikit-learn, and in made-up worlds of which the truth is known."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier

from kit.evidence import folds, noise, searches
from kit.learn.scaling import standard_scaling

RNG = np.random.default_rng(0)


def test_best_columns_and_nearest_neighbour_match_sklearn():
    x, y = RNG.normal(size=(40, 60)), np.arange(40) % 2
    theirs = SelectKBest(f_classif, k=7).fit(x, y).get_support(indices=True)
    assert sorted(noise.best_columns(x, y, keep=7)) == theirs.tolist()
    new = RNG.normal(size=(30, 60))
    model = KNeighborsClassifier(1).fit(x, y)
    assert noise.nearest_neighbour(x, y, new).tolist() == model.predict(new).tolist()


def test_columns_chosen_outside_the_folds_flatter_and_those_chosen_inside_do_not():
    errors = {
        where: np.mean([noise.noise_error(chosen=where, folds=5, seed=seed)["error"] for seed in range(8)])
        for where in noise.WHERE
    }
    assert errors["outside the folds"] < 0.05
    assert 0.4 < errors["inside each fold"] < 0.6


@pytest.mark.parametrize(("shared", "holds"), [(0.0, True), (0.03, False)])
def test_a_world_in_which_the_usual_interval_holds_and_one_in_which_it_does_not_are_told_apart(shared, holds):
    """Ten scores that are independent but for an error that all of them share, and the interval cannot see."""
    rng, draws = np.random.default_rng(0), 2_000
    scores = 0.8 + 0.05 * rng.normal(size=(draws, 10)) + shared * rng.normal(size=(draws, 1))
    held = folds.covered(scores.mean(axis=1), scores.std(axis=1, ddof=1), np.full(draws, 0.8), n=10)
    assert abs(held.mean() - 0.95) < 0.02 if holds else held.mean() < 0.85
    wider = folds.covered(scores.mean(axis=1), scores.std(axis=1, ddof=1), np.full(draws, 0.8), n=10, overlap=1 / 9)
    assert wider.mean() > held.mean()


@pytest.mark.parametrize("table", folds.TABLES)
def test_features_of_a_table_do_not_hold_its_class(table):
    x, y = folds.features_of(table)
    assert x.shape[0] == len(y) >= folds.DRAWN + folds.HELD_OUT
    assert set(np.unique(y)) == {0, 1}
    assert max(abs(np.corrcoef(column, y)[0, 1]) for column in x.T) < 0.6


def test_one_draw_estimates_what_it_measures_and_repeats_itself():
    one, again, other = (folds.estimate_and_truth(table="flights", model="tree", seed=seed) for seed in (0, 0, 1))
    assert one == again != other
    assert abs(one["estimate"] - one["truth"]) < 0.15
    assert one["repeated deviation"] > 0


def test_shuffled_rows_share_their_days_and_score_higher():
    found = {cut: [folds.day_leak(cut=cut, seed=seed) for seed in range(2)] for cut in folds.CUTS}
    shuffled, whole = found.values()
    for one, other in zip(shuffled, whole, strict=True):
        assert one["truth"] == other["truth"]
        assert one["estimate"] > other["estimate"]


def test_boosted_losses_are_those_of_models_of_so_many_trees():
    for table, kind in zip(searches.TABLES[:2], (GradientBoostingRegressor, GradientBoostingClassifier), strict=True):
        x, x_new, y, y_new = searches.parts(table, 0)
        ours = searches.boosted_losses(table, 6, 1, 0)
        rate, depth = searches.TREE_AXES["learning rate"][6], searches.TREE_AXES["depth"][1]
        for place in (0, 3):
            trees = searches.TREE_AXES["trees"][place]
            model = kind(learning_rate=rate, max_depth=depth, n_estimators=trees, random_state=0).fit(x, y)
            if kind is GradientBoostingRegressor:
                theirs = np.sqrt(((model.predict(x_new) - y_new) ** 2).mean())
            else:
                theirs = log_loss(y_new, model.predict_proba(x_new)[:, 1])
            np.testing.assert_allclose(ours[place], theirs, rtol=1e-12)


def test_kernel_losses_match_sklearn():
    table = searches.TABLES[2]
    x, x_new, y, y_new = searches.parts(table, 0)
    scaling = standard_scaling(x)
    x, x_new = scaling.transform(x), scaling.transform(x_new)
    gammas = [1 / (2 * searches.KERNEL_AXES[axis][place] ** 2) for axis, place in
              (("width of numbers", 4), ("width of grades", 6))]  # fmt: skip

    def kernel(a, b):
        return rbf_kernel(a[:, :6], b[:, :6], gamma=gammas[0]) * rbf_kernel(a[:, 6:], b[:, 6:], gamma=gammas[1])

    ours = searches.kernel_losses(table, 4, 6, 0)
    for place in (3, 7):
        model = KernelRidge(kernel="precomputed").set_params(alpha=searches.KERNEL_AXES["ridge"][place])
        predicted = model.fit(kernel(x, x), y - y.mean()).predict(kernel(x_new, x)) + y.mean()
        np.testing.assert_allclose(ours[place], np.sqrt(((predicted - y_new) ** 2).mean()), rtol=1e-6)


@pytest.mark.parametrize(("radius", "found"), [(4, True), (0, False)])
def test_a_table_with_a_wide_valley_and_one_with_a_single_best_setting_are_told_apart(monkeypatch, radius, found):
    far = np.linalg.norm(np.indices((10, 10, 10)).T - np.array([4, 4, 4]), axis=-1)
    monkeypatch.setattr(searches, "every_loss", lambda table: np.where(far <= radius, 1.0, 2.0))
    for way in searches.WAYS:
        hits = [searches.blind_search(table=searches.TABLES[0], way=way, seed=s)["after 60"] <= searches.NEAR for s in
                range(30)]  # fmt: skip
        assert np.mean(hits) > 0.95 if found else np.mean(hits) < 0.5


def test_a_search_of_a_stored_table_tries_sixty_settings_and_its_excess_never_rises():
    table = searches.TABLES[2]
    for way in (*searches.WAYS, "bayesian"):
        trials = searches.searched(table, way, seed=0, n_trials=12)
        assert len(set(trials.places.tolist())) == 12
    found = searches.blind_search(table=table, way="random", seed=3)
    excess = [found[name] for name in searches.QUANTITIES]
    assert (np.diff(excess) <= 0).all()
    assert excess[-1] >= 0
