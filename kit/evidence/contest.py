"""The contests of notebook 10: a linear model, a tree, a forest, XGBoost and a network, tuned as equals, and together.

Each of them is tried at six settings by three folds of the training rows, and fitted on all of these at the best. The
same three folds give each row's out-of-fold predictions, by which the voices of the vote and the top of the stack are
chosen. What counts is measured on rows that had no say.

One measure serves numbers and classes: the squared error of what is predicted, a number or the chance of each class
(then it is Brier's score), over that of predicting the training rows' mean for all. The *score* is 1 less that error,
R² for numbers. The share of right classes would sit at that of the largest class on flights, and see nothing.

Taught in: 10
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from kit.arguments import matching, one_of
from kit.evidence.contest_tables import PARTS, REAL, TRUTHS, Table, dealt, made, whole
from kit.evidence.store import Experiment
from kit.learn.ensembles import Member, Predict, out_of_fold, vote, vote_weights
from kit.learn.search import tune

try:
    import xgboost  # pyright: ignore[reportMissingImports]
except ModuleNotFoundError:  # an optional part; what is stored was measured with it
    xgboost = None

N_TRIALS, N_FOLDS, N_TREES, N_ROUNDS, N_UNITS = 6, 3, 40, 100, 32
ROWS, N_TEST = (100, 400), 3_000
SETTINGS: dict[str, tuple[dict[str, Any], ...]] = {  # six each
    "linear": tuple({"strength": strength} for strength in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)),
    # the price of a leaf, as a share of the root's impurity; free of it, the tree is fully grown
    "tree": tuple({"ccp_alpha": price} for price in (0.0, 0.0003, 0.001, 0.003, 0.01, 0.03)),
    "forest": tuple(
        {"max_features": share, "min_samples_leaf": rows} for rows in (1, 4, 16) for share in ("sqrt", 0.5)
    ),
    "XGBoost": tuple({"learning_rate": lr, "max_depth": depth} for lr in (0.03, 0.1, 0.3) for depth in (2, 6)),
    "MLP": tuple({"alpha": alpha} for alpha in (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)),
}
MODELS = tuple(SETTINGS)
TOGETHER = ("vote", "weighted vote", "stack")


def is_there(model: str) -> bool:
    """Tell whether this machine can fit the model: XGBoost is an optional part."""
    return model != "XGBoost" or xgboost is not None


def estimator(model: str, setting: dict[str, Any], *, is_classes: bool, seed: int, n_trees: int | None = None) -> Any:
    """Make one of scikit-learn's models or XGBoost's, unfitted; columns are scaled for those that add them up."""
    match model:
        case "linear" if is_classes:
            return make_pipeline(StandardScaler(), LogisticRegression(C=1 / setting["strength"], max_iter=300))
        case "linear":
            return make_pipeline(StandardScaler(), Ridge(alpha=setting["strength"]))
        case "tree":
            kind = DecisionTreeClassifier if is_classes else DecisionTreeRegressor
            return kind(**setting, random_state=seed)
        case "forest":
            kind = RandomForestClassifier if is_classes else RandomForestRegressor
            return kind(n_trees or N_TREES, **setting, random_state=seed, n_jobs=1)
        case "XGBoost":
            if xgboost is None:
                raise ValueError("model must be one that is installed; pip install xgboost-cpu brings XGBoost")
            kind = xgboost.XGBClassifier if is_classes else xgboost.XGBRegressor
            rounds = n_trees or N_ROUNDS
            return kind(n_estimators=rounds, **setting, random_state=seed, n_jobs=1, tree_method="hist", verbosity=0)
        case _:
            kind = MLPClassifier if is_classes else MLPRegressor
            # on tables this small L-BFGS ends at a plateau, which a few hundred steps of Adam do not reach
            network = kind(hidden_layer_sizes=(N_UNITS,), **setting, solver="lbfgs", max_iter=200, random_state=seed)
            return make_pipeline(StandardScaler(), network)


def member(model: str, setting: dict[str, Any], *, seed: int) -> Member:
    """Make a member of an ensemble: it learns one column of numbers, or the chances of the classes."""

    def learn(x: np.ndarray, targets: np.ndarray) -> Predict:
        n_outputs = targets.shape[1]
        made = estimator(model, setting, is_classes=n_outputs > 1, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if n_outputs == 1:
                shift, scale = targets.mean(), targets.std() or 1.0
                made.fit(x, (targets[:, 0] - shift) / scale)
                return lambda new: (shift + scale * made.predict(new))[:, None]
            present, labels = np.unique(targets.argmax(axis=1), return_inverse=True)
            if len(present) == 1:
                return lambda new: np.eye(n_outputs)[np.full(len(new), present[0])]
            made.fit(x, labels)

        def chances(new: np.ndarray) -> np.ndarray:
            full = np.zeros((len(new), n_outputs))
            full[:, present] = made.predict_proba(new)
            return full

        return chances

    return learn


def least_squares(x: np.ndarray, targets: np.ndarray) -> Predict:
    """Learn by least squares without a penalty, of columns as they are."""
    return LinearRegression().fit(x, targets).predict


def top(x: np.ndarray, targets: np.ndarray) -> Predict:
    """Learn what stands on top of a stack: least squares with a little of a penalty."""
    fitted = Ridge(alpha=1.0).fit(x, targets)
    return lambda new: fitted.predict(new).reshape(len(new), -1)  # of one column it would make a row


def error_of(predictions: np.ndarray, train: Table, test: Table) -> float:
    """Measure the squared error on the test rows, over that of the training rows' mean."""
    predictions, targets = matching("predictions", predictions, "targets", test.targets)
    return float(((predictions - targets) ** 2).sum() / ((train.targets.mean(axis=0) - targets) ** 2).sum())


def folds(group: np.ndarray, *, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Deal whole groups out to three folds; give for each the rows to learn from, and those held out."""
    dealt_out = np.array_split(rng.permutation(np.unique(group)), N_FOLDS)
    held_out = [np.isin(group, groups) for groups in dealt_out]
    return [(np.flatnonzero(~rows), np.flatnonzero(rows)) for rows in held_out]


def tuned(models: tuple[str, ...], train: Table, *, seed: int) -> dict[str, dict[str, Any]]:
    """Try each model at its six settings by the same three folds, and fit it at the best.

    Returns:
        For each model the "trial" that won, its "validation" error, its "out of fold" predictions, the fitted
        "predict", and CPU-seconds: of the "search" and of the last "fit".
    """
    split = folds(train.group, rng=np.random.default_rng(seed))
    kept: dict[tuple[str, int], np.ndarray] = {}
    spent = dict.fromkeys(models, 0.0)

    def rival(model: str) -> Callable[..., float]:
        def loss(trial: int, seed: int) -> float:
            before = time.process_time()
            learn = member(model, SETTINGS[model][trial], seed=seed)
            kept[model, trial] = out_of_fold(learn, train.x, train.targets, split)
            spent[model] += time.process_time() - before
            return error_of(kept[model, trial], train, train)

        return loss

    space = {"trial": range(N_TRIALS)}
    found = tune({m: rival(m) for m in models}, space, seeds=(seed,), limits={"trial": (0, N_TRIALS - 1)})
    results = {}
    for model in models:
        trial = found.best[model, None].setting["trial"]
        before = time.process_time()
        predict = member(model, SETTINGS[model][trial], seed=seed)(train.x, train.targets)
        results[model] = {
            "trial": trial,
            "validation": found.best[model, None].loss,
            "out of fold": kept[model, trial],
            "predict": predict,
            "search": spent[model],
            "fit": time.process_time() - before,
        }
    return results


def measured(models: tuple[str, ...], train: Table, test: Table, *, seed: int) -> dict[str, float]:
    """Tune models as equals, and let them predict the test rows, each by itself and together.

    Returns:
        Of each model its test "score", its "validation" score, the "trial" that won, CPU-seconds of its "search" and
        its "fit", and microseconds to predict a "row"; then the score of each way to put them together.
    """
    results, numbers, predictions = tuned(models, train, seed=seed), {}, {}
    for model, result in results.items():
        before = time.process_time()
        predictions[model] = result["predict"](test.x)
        seconds = time.process_time() - before
        numbers |= {
            f"{model} score": 1 - error_of(predictions[model], train, test),
            f"{model} validation": 1 - result["validation"],
            f"{model} trial": result["trial"],
            f"{model} search": result["search"],
            f"{model} fit": result["fit"],
            f"{model} row": 1e6 * seconds / len(test.x),
        }
    unseen = np.array([result["out of fold"] for result in results.values()])
    fitted = [lambda _, model=model: predictions[model] for model in models]
    together = {
        "vote": vote(fitted)(test.x),
        "weighted vote": vote(fitted, vote_weights(unseen, train.targets))(test.x),
        "stack": top(np.concatenate(unseen, axis=1), train.targets)(np.column_stack([*predictions.values()])),
    }
    return numbers | {f"{way} score": 1 - error_of(found, train, test) for way, found in together.items()}


QUANTITIES = (
    *(f"{model} {what}" for model in MODELS for what in ("score", "validation", "trial", "search", "fit", "row")),
    *(f"{way} score" for way in TOGETHER),
)

# The four real tables ----------------------------------------------------------------------------------

AS_THEY_COME = {  # the settings that each library starts with
    "tree": {"numbers": {"ccp_alpha": 0.0}, "classes": {"ccp_alpha": 0.0}},
    "forest": {
        "numbers": {"max_features": 1.0, "min_samples_leaf": 1},
        "classes": {"max_features": "sqrt", "min_samples_leaf": 1},
    },
    "XGBoost": {kind: {"learning_rate": 0.3, "max_depth": 6} for kind in ("numbers", "classes")},
}


def contest(*, table: str, rows: int, seed: int) -> dict[str, float]:
    """Deal a real table out, and measure all models on it; and three of them at the settings that they come with."""
    train, test = dealt(whole(table), n_train=rows, n_test=N_TEST, rng=np.random.default_rng(seed))
    numbers = measured(MODELS, train, test, seed=seed)
    for model, settings in AS_THEY_COME.items():
        setting = settings["classes" if train.is_classes else "numbers"]
        predict = member(model, setting, seed=seed)(train.x, train.targets)
        numbers[f"{model} as it comes"] = 1 - error_of(predict(test.x), train, test)
    return numbers


CONTEST = Experiment(
    name="contest",
    measure=contest,
    factors={"table": REAL, "rows": ROWS},
    seeds=10,
    quantities=(*QUANTITIES, *(f"{model} as it comes" for model in AS_THEY_COME)),
    alone=True,  # seconds are among its numbers
)

# Small tables and natural parts -------------------------------------------------------------------------

PART_TRAIN, PART_TEST = 150, 50  # no more to test on: the corrected test makes up for few test rows, not for many


def contest_of_parts(*, table: str, seed: int) -> dict[str, float]:
    """Deal a small table or a part out, and measure all models on it."""
    whole_part = PARTS[one_of("table", table, tuple(PARTS))]()
    n_train = min(PART_TRAIN, int(0.7 * len(whole_part.x)))
    train, test = dealt(whole_part, n_train=n_train, n_test=PART_TEST, rng=np.random.default_rng(seed))
    return measured(MODELS, train, test, seed=seed) | {"train": len(train.x), "test": len(test.x)}


CONTEST_OF_PARTS = Experiment(
    name="contest_of_parts",
    measure=contest_of_parts,
    factors={"table": tuple(PARTS)},
    seeds=5,
    quantities=(*QUANTITIES, "train", "test"),
    alone=True,
    waits_for="five minutes of a processor core",
)

# Made tables -------------------------------------------------------------------------------------------

RIVALS = {"linear": ("tree", "forest"), "not linear": ("tree", "MLP")}  # those that the claims speak of


def contest_of_truths(*, truth: str, seed: int) -> dict[str, float]:
    """Draw a table whose truth is linear or not, and measure least squares, a tuned tree and a tuned rival on it: R².

    The rival is a forest where the truth is linear, and a network where it is not.
    """
    train, test = made(truth, seed)
    numbers = {"least squares": 1 - error_of(least_squares(train.x, train.targets)(test.x), train, test)}
    for model, result in tuned(RIVALS[truth], train, seed=seed).items():
        numbers["tree" if model == "tree" else "rival"] = 1 - error_of(result["predict"](test.x), train, test)
    return numbers


CONTEST_OF_TRUTHS = Experiment(
    name="contest_of_truths",
    measure=contest_of_truths,
    factors={"truth": TRUTHS},
    seeds=18,  # so far, of 30 that are planned
    quantities=("least squares", "tree", "rival"),
)
