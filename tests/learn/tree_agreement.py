"""Measure how far the kit's trees are from scikit-learn's and XGBoost's, on tables in which no two questions tie.

    python -m tests.learn.tree_agreement

prints, for each, how many drawn tables had no tie, and the largest difference of predictions on new rows and of leaves.
"""

from importlib.util import find_spec

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

from kit.learn.ensembles import boost, log_loss_derivatives, squared_error_derivatives
from kit.learn.trees import decision_tree
from tests.learn.test_ensembles import N
from tests.learn.test_trees import has_ties, table

N_TABLES = 60


def new_rows(rng):
    return rng.normal(size=(300, 4)).astype(np.float32).astype(float)


def trees() -> tuple[int, float, float]:
    found = []
    for seed in range(N_TABLES):
        x, y, rng = table(seed)
        ours = decision_tree(x, y[:, None], max_depth=3)
        if not has_ties(x, -y[:, None], np.ones(N), ours):
            theirs = DecisionTreeRegressor(max_depth=3, random_state=seed).fit(x, y)
            new = new_rows(rng)
            leaves = np.abs(ours.value[:, 0] - theirs.tree_.value[:, 0, 0]).max()
            found.append((np.abs(ours.predict(new)[:, 0] - theirs.predict(new)).max(), leaves))
    return len(found), *map(float, np.max(found, axis=0))


def steps(rival: str) -> tuple[int, float, float]:
    logistic = rival == "XGBoost, log loss"
    options = {"derivatives": log_loss_derivatives if logistic else squared_error_derivatives, "max_depth": 2}
    strength, start, lr = (0.0, 0.5, 1.0) if rival == "scikit-learn" else (1.0, 0.0 if logistic else 0.5, 0.3)
    found = []
    for seed in range(N_TABLES):
        x, y, rng = table(seed)
        y = (y > 0).astype(float) if logistic else y
        ours = boost(x, y, n_steps=1, lr=lr, strength=strength, start=start, **options)
        g, h = options["derivatives"](np.full(N, start), y)
        if has_ties(x, g[:, None], h, ours.trees[0], strength):
            continue
        new = new_rows(rng)
        own = np.sort(lr * ours.trees[0].value[ours.trees[0].feature < 0, 0])
        if rival == "scikit-learn":
            theirs = GradientBoostingRegressor(n_estimators=1, learning_rate=1.0, max_depth=2).fit(x, y)
            tree = theirs.estimators_[0, 0].tree_
            leaves = np.sort(tree.value[tree.feature < 0, 0, 0]) + y.mean() - start
            predicted = theirs.predict(new)
        else:
            predicted, leaves = xgboost_step(x, y, new, logistic)
        found.append((np.abs(ours.margins(new) - predicted).max(), np.abs(own - leaves).max()))
    return len(found), *map(float, np.max(found, axis=0))


def xgboost_step(x, y, new, logistic):
    import xgboost

    options = {"objective": "binary:logistic" if logistic else "reg:squarederror", "tree_method": "exact", "nthread": 1}
    options |= {"max_depth": 2, "eta": 0.3, "lambda": 1.0, "base_score": 0.5, "min_child_weight": 0}
    model = xgboost.train(options, xgboost.DMatrix(x, label=y), num_boost_round=1)
    nodes = model.get_dump()[0].splitlines()
    leaves = np.sort([float(node.split("leaf=")[1]) for node in nodes if "leaf=" in node])
    return model.predict(xgboost.DMatrix(new), output_margin=True), leaves


if __name__ == "__main__":
    print(f"{'kit against':32}{'tables':>8}{'predictions':>14}{'leaves':>12}")
    rows = {"a tree of scikit-learn's": trees()}
    rows["a step of scikit-learn's"] = steps("scikit-learn")
    if find_spec("xgboost"):
        rows |= {f"a step of {rival}": steps(rival) for rival in ("XGBoost, squared error", "XGBoost, log loss")}
    for name, (n, predictions, leaves) in rows.items():
        print(f"{name:32}{n:8}{predictions:14.1e}{leaves:12.1e}")
