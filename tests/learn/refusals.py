"""Of every public function of kit.learn, every argument: one value that it takes, and those that it refuses."""

import numpy as np

from kit.learn import (
    advisor,
    augmentation,
    autograd,
    boxes,
    class_losses,
    convolution,
    descent,
    detection_metrics,
    ensembles,
    glyphs,
    halving,
    intervals,
    judgement,
    linear,
    losses,
    mean_field,
    metrics,
    mlp,
    network,
    optimizers,
    pictures,
    planar,
    ranking,
    regularizers,
    scaling,
    scaling_fits,
    scaling_laws,
    scenes,
    schedules,
    score_metrics,
    search,
    selection,
    splits,
    tables,
    text_metrics,
    training,
    trees,
    validation,
)

NAN = np.array([1.0, np.nan, 1.0])
NUMBER = ["ten", None, [1.0], np.nan, np.inf, True]
ABOVE_0 = [*NUMBER, 0, -1]
AT_LEAST_0 = [*NUMBER, -1]
SHARE = [*AT_LEAST_0, 1.5]
BETAS = [None, 0.9, "ten", (0.9,), (1.0, 0.999), (0.9, -0.1), (0.9, "ten")]
KEPT = [*AT_LEAST_0, 1.0]
COUNT = ["ten", None, 1.5, -1]
AT_LEAST_1 = [*COUNT, 0]
ARRAY = ["ten", None, [], [[1.0], [1.0, 2.0]], NAN, np.array(["a"] * 3), np.ones(3) + 1j]
SHAPED = [*ARRAY, np.ones((3, 1)), np.ones(2)]
FUNCTION = ["ten", None, 3]
GENERATOR = ["ten", None, 0]
RATE = [*AT_LEAST_0, lambda step: np.nan, lambda step: -1.0, lambda step: "ten"]

TO_FINAL = {"lr": (0.1, AT_LEAST_0), "n_steps": (9, AT_LEAST_1), "final": (0.05, AT_LEAST_0)}
TWO = {"targets": (np.zeros(3), ARRAY)}
RULE = {"optimizer": (optimizers.sgd(0.1), FUNCTION)}
WALK = {"objective": (lambda x, *rows: (float(x @ x), 2 * x), FUNCTION), "start": (np.ones(3), ARRAY)}
PENALTY = regularizers.l2(0.1)
X = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]])
MATRIX = [*ARRAY, np.ones(3), np.ones((2, 2, 2)), np.ones((0, 2))]
IMAGES = np.ones((3, 4, 4))
NO_IMAGES = [*(bad for bad in ARRAY if bad is not NAN), np.ones(3), np.full((3, 4, 4), np.nan)]
MOVES = ["ten", None, np.ones((3, 2)), np.array([1, 2]), np.ones((2, 2), dtype=int)]
SPREAD = {"stride": (1, AT_LEAST_1), "padding": (0, COUNT), "dilation": (1, AT_LEAST_1)}
CONVOLVED = {
    "x": (np.ones((2, 4, 5)), NO_IMAGES),
    "kernels": (
        np.ones((2, 2, 3, 3)),
        [*NO_IMAGES, np.ones((2, 1, 3, 3)), np.ones((2, 3, 3, 3)), np.ones((2, 2, 9, 3))],
    ),
    **SPREAD,
    "groups": (1, [*AT_LEAST_1, 3]),
}
WINDOW, REACH = convolution.Window(kernel=3), convolution.receptive_field([])
BOWL = {"objective": (lambda x: (float(x @ x), 2 * x), FUNCTION), "start": (np.ones(3), ARRAY)}
SAMPLE = [*ARRAY, np.ones(1), np.ones((3, 1))]
INTERVAL = intervals.estimate_mean(np.arange(3.0))
RIVALS = {"a": lambda lr, seed: lr, "b": lambda lr, seed: lr**2}
FOUND = search.tune(RIVALS, {"lr": (1.0, 2.0)}, seeds=(0,))
NETWORK = mlp.MLP(n_inputs=2, n_hidden=3, n_outputs=3)
FIELD = mean_field.MeanField(weight_variance=1.5)
WEIGHTS = NETWORK.init(np.random.default_rng(0))
POINT = [*ARRAY, np.ones(3), np.ones((1, 21)), np.full(21, np.inf)]
TWO_COLUMNS = [*MATRIX, X[:, :1], X * np.inf]
POINTS = {"n": (4, [*AT_LEAST_1, 1]), "noise": (0.1, AT_LEAST_0), "rng": (np.random.default_rng(0), GENERATOR)}
LISTS = [*MATRIX, X[:2]]
STAND_IN = (None, [bad for bad in NUMBER if bad is not None])
OF_BITS = {"scores": (X, LISTS), "relevance": (np.ones((3, 2)), [*MATRIX, X, np.eye(3, 2)]), "undefined": STAND_IN}
CUT = (None, ["ten", 1.5, -1, 0])
BITS = np.array([0, 1, 1])
CLASSES = [*ARRAY, BITS * 1.0, -BITS, BITS[:2], BITS[:, None]]
ANSWERS = {"predictions": (BITS, CLASSES), "targets": (BITS, [*ARRAY, BITS * 1.0, -BITS, BITS[:, None]])}
RATES = ANSWERS | {"average": ("macro", ["samples", None, 3]), "undefined": STAND_IN}
NUMBERS = {"predictions": (np.arange(3.0), SHAPED), "targets": (np.arange(3.0), ARRAY)}
SCORED = {"scores": (np.arange(3.0), [*ARRAY, np.ones((3, 1))]), "targets": (BITS, [*CLASSES, BITS * 2])}
BOTH_CLASSES = SCORED | {"targets": (BITS, [*CLASSES, BITS * 2, BITS * 0])}
CHANCES = {"probabilities": (BITS / 2, [*ARRAY, BITS * 2.0, -BITS * 1.0]), "targets": (BITS, [*CLASSES, BITS * 2])}
TEXT = ("a b", [5, None, ["a"]])
TOKENIZE = {"tokenize": (str.split, FUNCTION)}
SMOOTHING = {"smoothing": ("exp", ["floor", None, 3]), "effective_order": (True, [])}
LABELS = [3, None, [], [[0], [1]], np.ones(3) + 1j]
FOLDS = {"k": (2, [*AT_LEAST_1, 1]), "rng": (None, ["ten", 0])}
SPLIT = splits.Split(fold=np.array([0, 1, 0, 1]))
HALVES = splits.k_fold(2, k=2)
SPACE = selection.Space({"lr": (1.0, 2.0, 4.0)})
SCORES = [*SAMPLE, np.inf * np.ones(3)]
OVERLAP = {"n_train": (9, AT_LEAST_1), "n_test": (1, AT_LEAST_1)}
BOX = np.array([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 3.0, 5.0]])
NO_BOXES = [*MATRIX, X, BOX[:, :3], BOX[:, ::-1], BOX * 0, np.ones((0, 3))]
BOX_SCORES = [*ARRAY, np.ones(3), np.ones((2, 1))]
MASK = np.array([[True, False, False]])
MASKS = [None, "ten", [True], MASK.astype(int)]
NUMBERED = [*ARRAY, MASK, np.array([[1.0, 0, 2]]), np.array([[-1, 0, 2]]), np.array([1, 0, 2])]
IN_A_PICTURE = boxes.Objects(boxes=BOX, classes=np.array([0, 1]))
SEEN = boxes.Detections(boxes=BOX, classes=np.array([0, 1]), scores=np.array([0.9, 0.8]))
BARS = np.zeros((2, 12, 12), dtype=np.int64)
BARS[:, 3:9, 4:7] = 255
PATH = descent.descend(BOWL["objective"][0], np.ones(3), lr=0.1, n_steps=3)

LAW = scaling_laws.ScalingLaw(e=1.0, a=2.0, b=3.0, alpha=0.5, beta=1.0)
PARABOLA = scaling_laws.Parabola(n_params=1.0, loss=1.0, curvature=1.0)
SIZES = [*ARRAY, np.array([1.0, 0.0, 1.0]), np.array([1.0, -1.0, 1.0])]
GRID = [column.ravel() for column in np.meshgrid([1.0, 4.0, 16.0], [1.0, 2.0, 8.0])]
COLUMN = [*SIZES, np.ones((9, 1)), np.ones(3), np.ones(8)]
RUNS = {
    "n_params": (GRID[0], [*SIZES, np.ones((9, 1)), np.ones(9)]),
    "n_tokens": (GRID[1], [*COLUMN, np.ones(9)]),
    "losses": (LAW.loss(*GRID), COLUMN),
    "e": (None, ["ten", [1.0], np.nan, True, -1, 9.0]),
}
FITTED = scaling_fits.FittedLaw(law=LAW, resampled=(LAW, LAW), errors=np.zeros(9))

FOUR = np.arange(8.0).reshape(4, 2)
ROWS_OF_TREE = {
    "x": (FOUR, MATRIX),
    "gradients": (np.array([[1.0], [2.0], [-1.0], [0.5]]), [*MATRIX, np.ones((3, 1))]),
    "hessians": (np.ones(4), [*ARRAY, np.ones((4, 1)), np.zeros(4), np.ones(3)]),
}
TREE = trees.decision_tree(FOUR, FOUR[:, :1])
MEMBER = lambda x, targets: lambda new: np.zeros((len(new), targets.shape[1]))  # noqa: E731
TWO_FOLDS = [(np.array([0, 1]), np.array([2, 3])), (np.array([2, 3]), np.array([0, 1]))]
LEAKY = [(np.arange(4), np.array([2, 3])), (np.array([2, 3]), np.array([0, 1]))]
SPLITS = [3, None, [], TWO_FOLDS[:1], [TWO_FOLDS[0], TWO_FOLDS[0]], LEAKY]
TARGETS = {"x": (FOUR, MATRIX), "targets": (np.ones((4, 1)), [*MATRIX, np.ones((3, 1))])}
BOOSTED = ensembles.boost(FOUR, FOUR[:, 0], n_steps=2)
Y_OF_FOUR = [*ARRAY, np.ones((4, 1)), np.ones(3)]
MEASURED = {
    "model": ("line", []),
    "table": ("t", []),
    "task": ("numbers", ["ranking", 1, None]),
    "n_rows": (100, AT_LEAST_1),
    "scores": (np.ones(3), SAMPLE),
    "seconds": (1.0, AT_LEAST_0),
    "latency": (1.0, AT_LEAST_0),
    "readable": (True, []),
}
MEASUREMENT = advisor.Measurement(**{name: value for name, (value, _) in MEASURED.items()})

ARGUMENTS = {
    trees.gini: {"classes": (np.array([0, 1]), ["ten", None, [], [0.5, 1.0]])},
    trees.one_hot: {"classes": (np.array([0, 1]), ["ten", None, [], [0.5], [2], [-1]]), "n_classes": (2, AT_LEAST_1)},
    trees.best_split: {**ROWS_OF_TREE, "strength": (1.0, AT_LEAST_0), "min_rows": (1, AT_LEAST_1)},
    trees.grow_tree: {
        **ROWS_OF_TREE,
        "max_depth": (2, ["ten", 1.5, -1]),
        "strength": (1.0, AT_LEAST_0),
        "min_rows": (1, AT_LEAST_1),
        "n_candidates": (1, ["ten", 1.5, -1, 0, 3]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    trees.decision_tree: {
        **TARGETS,
        "max_depth": (2, ["ten", 1.5, -1]),
        "min_rows": (1, AT_LEAST_1),
        "n_candidates": (1, ["ten", 1.5, -1, 0, 3]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    TREE.leaf_of: {"x": (FOUR, [*MATRIX, FOUR[:, :1]])},
    TREE.predict: {"x": (FOUR, [*MATRIX, FOUR[:, :1]])},
    TREE.rules: {"names": (("a", "b"), [None, 3, "ab", ("a",)])},
    ensembles.bagging: {
        "member": (MEMBER, FUNCTION),
        **TARGETS,
        "n_models": (2, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    ensembles.forest: {
        **TARGETS,
        "n_trees": (2, AT_LEAST_1),
        "n_candidates": (1, ["ten", 1.5, -1, 0, 3]),
        "min_rows": (1, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    ensembles.boosting_step: {
        "x": (FOUR, MATRIX),
        "y": (np.ones(4), Y_OF_FOUR),
        "margins": (np.zeros(4), Y_OF_FOUR),
        "derivatives": (ensembles.squared_error_derivatives, FUNCTION),
        "max_depth": (2, ["ten", 1.5, -1]),
        "strength": (1.0, AT_LEAST_0),
    },
    ensembles.boost: {
        "x": (FOUR, MATRIX),
        "y": (np.ones(4), Y_OF_FOUR),
        "n_steps": (2, AT_LEAST_1),
        "lr": (0.3, ABOVE_0),
        "derivatives": (ensembles.squared_error_derivatives, FUNCTION),
        "max_depth": (2, ["ten", 1.5, -1]),
        "strength": (1.0, AT_LEAST_0),
        "start": (0.0, NUMBER),
    },
    BOOSTED.margins: {"x": (FOUR, [*MATRIX, FOUR[:, :1]]), "n_trees": (1, ["ten", 1.5, -1])},
    ensembles.out_of_fold: {"member": (MEMBER, FUNCTION), **TARGETS, "split": (TWO_FOLDS, SPLITS)},
    ensembles.vote: {
        "members": ([abs, abs], [None, 3, [], [3]]),
        "weights": ([0.5, 0.5], ["ten", [], [0.5], [-1.0, 2.0], [1.0, 1.0]]),
    },
    ensembles.vote_weights: {
        "predictions": (np.ones((2, 4, 1)), [*ARRAY, np.ones((2, 3, 1)), np.ones((4, 1))]),
        "targets": (np.ones((4, 1)), [*ARRAY, np.ones(4)]),
        "n_rounds": (3, AT_LEAST_1),
    },
    ensembles.stack: {
        "members": ([MEMBER], [None, 3, [], [3]]),
        "top": (MEMBER, FUNCTION),
        **TARGETS,
        "split": (TWO_FOLDS, SPLITS),
    },
    advisor.Measurement: MEASURED,
    advisor.advise: {
        "measurements": ([MEASUREMENT], [None, 3, [], ["line"]]),
        "task": ("numbers", ["ranking", 1, None, "classes"]),
        "n_rows": (100, AT_LEAST_1),
        "latency": (1.0, ["ten", None, [1.0], np.nan, True, 0, -1]),
        "seconds": (1.0, ["ten", None, [1.0], np.nan, True, 0, -1]),
        "explain": (False, []),
    },
    intervals.mean_interval: {"numbers": (np.ones(3), [*ARRAY, np.ones(1), 3.0])},
    intervals.estimate_mean: {"numbers": (np.ones(3), SAMPLE), "skewed": (True, [])},
    intervals.estimate_ratio: {"ratios": (np.ones(3), [*SAMPLE, np.zeros(3), -np.ones(3)]), "skewed": (True, [])},
    intervals.estimate_share: {"shares": (np.ones(3), [*SAMPLE, 2 * np.ones(3), -np.ones(3)])},
    intervals.estimate_by_bootstrap: {
        "numbers": (np.ones(3), SAMPLE),
        "rng": (np.random.default_rng(0), GENERATOR),
        "n_resamples": (9, AT_LEAST_1),
    },
    intervals.bootstrap_interval: {
        "metric": (np.mean, [*FUNCTION, lambda each: np.nan]),
        "columns": ([np.ones(3)], [[], [1.0], [np.ones(3), np.ones(2)], [[1.0], [1.0, 2.0]], 3, None]),
        "rng": (np.random.default_rng(0), GENERATOR),
        "n_resamples": (9, [*AT_LEAST_1, 1]),
        "groups": (None, [bad for bad in ARRAY if bad is not None] + [np.ones(3, dtype=int), BITS[:2]]),
    },
    judgement.win_rate: {"outcomes": (np.ones(3), [*SAMPLE, np.arange(3.0)])},
    judgement.bradley_terry: {
        "wins": (np.array([[0, 2], [1, 0]]), [*MATRIX, X, np.ones((2, 2)), np.eye(2)[::-1] * -1, np.eye(2)[:1]]),
        "n_rounds": (9, AT_LEAST_1),
    },
    judgement.cohen_kappa: {
        "ratings": (BITS, CLASSES),
        "others": (BITS, [*ARRAY, BITS * 1.0, -BITS, BITS[:, None]]),
        "weights": ("none", ["cubic", None, 3]),
        "undefined": STAND_IN,
    },
    metrics.confusion_matrix: ANSWERS,
    metrics.accuracy: ANSWERS,
    metrics.balanced_accuracy: ANSWERS,
    metrics.precision: RATES,
    metrics.recall: RATES,
    metrics.f1: RATES,
    metrics.matthews_correlation: ANSWERS | {"undefined": STAND_IN},
    metrics.rmse: NUMBERS,
    metrics.mean_absolute_error: NUMBERS,
    metrics.r2: NUMBERS | {"targets": (np.arange(3.0), [*ARRAY, np.ones(3)]), "undefined": STAND_IN},
    score_metrics.counts_at_thresholds: SCORED,
    score_metrics.roc_curve: BOTH_CLASSES,
    score_metrics.roc_auc: BOTH_CLASSES,
    score_metrics.precision_recall_curve: BOTH_CLASSES,
    score_metrics.average_precision: BOTH_CLASSES,
    score_metrics.log_loss: CHANCES | {"probabilities": (BITS / 2, [*ARRAY, BITS * 2.0, -BITS * 1.0, np.ones((3, 2))])},
    score_metrics.brier: CHANCES,
    score_metrics.calibration_error: CHANCES | {"n_bins": (10, AT_LEAST_1)},
    text_metrics.tokens_13a: {"text": TEXT},
    text_metrics.words: {"text": TEXT},
    text_metrics.bleu: {
        "hypotheses": (["a b"], ["a b", 5, None, [5]]),
        "references": ([["a b"]], ["a b", 5, None, [], [5], [[]], [[5]], [""], ["a", "b"]]),
        **SMOOTHING,
        **TOKENIZE,
    },
    text_metrics.sentence_bleu: {
        "hypothesis": TEXT,
        "references": ("a b", [5, None, [], [5], ""]),
        **SMOOTHING,
        **TOKENIZE,
    },
    text_metrics.rouge_n: {"hypothesis": TEXT, "reference": ("a b", [5, None, ""]), "n": (1, AT_LEAST_1), **TOKENIZE},
    text_metrics.rouge_l: {"hypothesis": TEXT, "reference": ("a b", [5, None, ""]), **TOKENIZE},
    intervals.slopes: {
        "values": (np.ones((2, 3)), [*ARRAY, np.ones(3), np.ones((2, 2))]),
        "sizes": (np.arange(3.0), [*ARRAY, np.ones(3), np.ones(1)]),
    },
    INTERVAL.margin: {"bar": (1.0, NUMBER)},
    search.tune: {
        "rivals": (RIVALS, [None, {}, {"a": abs}, {"a": 3, "b": abs}, RIVALS | {"b": lambda lr, seed: np.nan}]),
        "space": ({"lr": (1.0, 2.0)}, [None, {}, {"lr": 1.0}, {"lr": ()}, {"lr": (1.0, 1.0)}]),
        "seeds": ((0,), [None, (), (-1,), (0.5,)]),
        "conditions": ((None,), [3, (), None]),
        "limits": (None, [3, {"lr": 3}, {"lr": (1,)}, {"lr": (2, 1)}]),
        "growths": (1, COUNT),
    },
    FOUND.fresh: {"seeds": ((1,), [3, None, (0,), (-1,)])},
    splits.Split: {
        "fold": (np.array([0, 1]), [*LABELS, [0.0, 1.0], [0, 0], [1, 2], [0, 2], [-1, 0, 1]]),
        "in_time": (False, []),
    },
    splits.k_fold: {"n": (4, AT_LEAST_1), **FOLDS, "k": (2, [*AT_LEAST_1, 1, 5])},
    splits.stratified_k_fold: {"classes": (np.array([0, 1, 0, 1]), [*LABELS, [0.0, 1.0], [0, 0, 1]]), **FOLDS},
    splits.group_k_fold: {"groups": (np.array([0, 1, 0, 1]), [*LABELS, [0, 0], [0.0, np.nan, 1.0]]), **FOLDS},
    splits.time_split: {"times": (np.arange(3.0), [*LABELS, [1, 1], NAN, [True, False]]), "k": (1, AT_LEAST_1)},
    splits.repeated: {
        "split": (lambda rng: SPLIT, [*FUNCTION, lambda rng: None]),
        "n_repeats": (2, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    splits.nested: {
        "outer": (SPLIT, [None, "ten", [([0], [1])]]),
        "inner": (lambda rows: HALVES, [*FUNCTION, lambda rows: None, lambda rows: SPLIT]),
    },
    splits.leaks: {
        "train": (np.array([0, 1]), [*LABELS, [0.5], [-1]]),
        "test": (np.array([2]), [*LABELS, [0.5], [-1]]),
        "groups": (np.arange(3), [3, [], np.ones(3) + 1j, [0, 1]]),
        "times": (np.arange(3), [3, [], np.ones(3) + 1j, [0, 1]]),
    },
    validation.cross_validate: {
        "score": (lambda train, test: 1.0, [*FUNCTION, lambda train, test: None, lambda train, test: np.nan]),
        "split": (SPLIT, [None, 3, "ten", []]),
    },
    validation.corrected_interval: {"scores": (np.arange(3.0), SCORES), **OVERLAP},
    validation.corrected_paired_test: {
        "first": (np.arange(3.0), SCORES),
        "second": (np.ones(3), [*SCORES, np.ones(2)]),
        **OVERLAP,
    },
    validation.choose_within: {
        "loss": (lambda setting, train, test: 1.0, [*FUNCTION, lambda setting, train, test: None]),
        "settings": ((1, 2), [None, 3, "ten", ()]),
        "nests": (splits.nested(SPLIT, lambda rows: HALVES), [None, 3, (), [3]]),
    },
    selection.Space: {"axes": ({"lr": (1.0, 2.0)}, [None, {}, {"lr": 1.0}, {"lr": ()}, {"lr": (1.0, 1.0)}])},
    selection.minimize: {
        "loss": (lambda lr: lr, [*FUNCTION, lambda lr: None]),
        "axes": (SPACE, [None, {}, {"lr": 1.0}]),
        "strategy": (selection.grid(2), [*FUNCTION, lambda *_: -1, lambda *_: 0, lambda *_: 9]),
        "n_trials": (2, [*AT_LEAST_1, 4]),
    },
    selection.grid: {"n_trials": (2, AT_LEAST_1), "rng": (None, ["ten", 0])},
    selection.random: {"rng": (np.random.default_rng(0), GENERATOR)},
    selection.bayesian: {"rng": (np.random.default_rng(0), GENERATOR), "n_random": (2, [*AT_LEAST_1, 1])},
    selection.surrogate: {
        "space": (SPACE, [None, "ten", {"lr": (1.0,)}]),
        "places": ([0, 2], [None, 3, [], [0], [0, 3], [0, -1], [0.5, 1.0]]),
        "losses": ([1.0, 2.0], [[], [1.0], [np.nan, np.nan], [1.0, 2.0, 3.0]]),
    },
    selection.expected_improvement: {
        "mean": (np.ones(3), [*ARRAY, 3.0, np.ones((3, 1))]),
        "deviation": (np.ones(3), [*SHAPED, -np.ones(3)]),
        "best": (1.0, ["ten", None, [1.0], np.nan, np.inf]),
    },
    halving.successive_halving: {
        "loss": (lambda setting, steps: 1.0, [*FUNCTION, lambda setting, steps: None]),
        "settings": ((1, 2), [None, 3, "ten", ()]),
        "least": (1, AT_LEAST_1),
        "most": (4, [*AT_LEAST_1, 0]),
        "factor": (2, [*AT_LEAST_1, 1]),
    },
    losses.mse: {"predictions": (np.ones(3), SHAPED), **TWO},
    losses.mae: {"predictions": (np.ones(3), SHAPED), **TWO},
    losses.huber: {"predictions": (np.ones(3), SHAPED), **TWO, "delta": (1.0, ABOVE_0)},
    losses.quantile: {"predictions": (np.ones(3), SHAPED), **TWO, "q": (0.5, [*ABOVE_0, 1.0])},
    class_losses.binary_cross_entropy: {"logits": (np.ones(3), SHAPED), "targets": (np.zeros(3), [*ARRAY, [0, 1, 2]])},
    class_losses.cross_entropy: {
        "logits": (np.ones((3, 2)), [*ARRAY, np.ones(3), NAN[:, None] * [1, 1]]),
        "targets": (np.zeros(3, dtype=int), [*ARRAY, [0, 1], [0, 1, 2], [0, 1, -1], [[0], [0], [0]]]),
        "label_smoothing": (0.1, SHARE),
        "class_weights": (None, [bad for bad in ARRAY if bad is not None] + [np.ones(3), [-1.0, 1.0]]),
        "ignore_index": (-100, ["ten", None, 1.5]),
    },
    class_losses.softmax: {"logits": (np.ones(3), [*ARRAY, 1.0])},
    class_losses.kl_divergence: {
        "logits": (np.ones((3, 2)), [*ARRAY, np.ones((3, 3)), NAN[:, None] * [1, 1]]),
        "targets": (np.full((3, 2), 0.5), [NAN[:, None] * [1, 0.5], np.ones((3, 2)), [[1.5, -0.5]] * 3]),
    },
    class_losses.hinge: {"scores": (np.ones(3), SHAPED), "targets": (np.ones(3), [*ARRAY, [0, 1, 1]])},
    class_losses.focal: {
        "logits": (np.ones(3), SHAPED),
        "targets": (np.ones(3), [*ARRAY, [0, 1, -1]]),
        "gamma": (2.0, AT_LEAST_0),
        "alpha": (0.5, SHARE),
    },
    optimizers.sgd: {"lr": (0.1, RATE)},
    optimizers.momentum: {"lr": (0.1, RATE), "beta": (0.9, KEPT)},
    optimizers.nesterov: {"lr": (0.1, RATE), "beta": (0.9, KEPT)},
    optimizers.adagrad: {"lr": (0.1, RATE), "eps": (1e-8, ABOVE_0)},
    optimizers.rmsprop: {"lr": (0.1, RATE), "beta": (0.9, KEPT), "eps": (1e-8, ABOVE_0)},
    optimizers.adam: {"lr": (0.1, RATE), "betas": ((0.9, 0.999), BETAS), "eps": (1e-8, ABOVE_0)},
    optimizers.adamw: {
        "lr": (0.1, RATE),
        "betas": ((0.9, 0.999), BETAS),
        "eps": (1e-8, ABOVE_0),
        "weight_decay": (0.1, AT_LEAST_0),
    },
    optimizers.clipped: {**RULE, "max_norm": (1.0, ABOVE_0)},
    optimizers.clip_grad_norm: {"gradients": (np.ones(3), ARRAY), "max_norm": (1.0, ABOVE_0)},
    schedules.as_schedule: {"lr": (0.1, RATE)},
    schedules.constant: {"lr": (0.1, AT_LEAST_0)},
    schedules.step_decay: {"lr": (0.1, AT_LEAST_0), "step_size": (2, AT_LEAST_1), "gamma": (0.5, ABOVE_0)},
    schedules.exponential: {"lr": (0.1, AT_LEAST_0), "gamma": (0.5, ABOVE_0)},
    schedules.linear: TO_FINAL,
    schedules.cosine: TO_FINAL,
    schedules.polynomial: {**TO_FINAL, "power": (2.0, ABOVE_0)},
    schedules.cosine_restarts: {**TO_FINAL, "t_mult": (2.0, [*ABOVE_0, 0.5])},
    schedules.inverse_sqrt: {"lr": (0.1, AT_LEAST_0), "n_steps": (9, AT_LEAST_1)},
    schedules.warmup_stable_decay: {**TO_FINAL, "n_warmup_steps": (2, [*COUNT, 8]), "n_decay_steps": (2, AT_LEAST_1)},
    schedules.warmup: {"lr": (0.1, RATE), "n_steps": (9, COUNT)},
    schedules.one_cycle: {
        "lr": (0.1, ABOVE_0),
        "n_steps": (9, [*AT_LEAST_1, 1]),
        "warmup_ratio": (0.3, [*ABOVE_0, 1.0, 1 / 9]),
        "first": (0.05, ["ten", np.nan, -1, 0.2]),
        "final": (0.05, ["ten", np.nan, -1, 0.2]),
    },
    training.minibatches: {
        "n_examples": (9, AT_LEAST_1),
        "batch_size": (3, [*AT_LEAST_1, 10]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    training.train: {
        **WALK,
        **RULE,
        "n_steps": (9, COUNT),
        "batches": (None, [3, [], [np.arange(3)]]),
        "record_every": (1, AT_LEAST_1),
    },
    training.range_test: {
        **WALK,
        "optimizer": (optimizers.sgd, FUNCTION),
        "low": (1e-3, ABOVE_0),
        "high": (10.0, [*ABOVE_0, 1e-3]),
        "n_steps": (9, [*AT_LEAST_1, 1]),
        "batches": (None, [3, [], [np.arange(3)]]),
    },
    regularizers.l1: {"strength": (0.1, AT_LEAST_0)},
    regularizers.l2: {"strength": (0.1, AT_LEAST_0)},
    regularizers.elastic_net: {"strength": (0.1, AT_LEAST_0), "l1_ratio": (0.5, SHARE)},
    regularizers.soft_threshold: {"weights": (np.ones(3), ARRAY), "threshold": (0.1, AT_LEAST_0)},
    regularizers.penalized: {"objective": (PENALTY, FUNCTION), "penalty": (PENALTY, FUNCTION)},
    regularizers.proximal_descent: {
        **WALK,
        "penalty": (PENALTY, [*FUNCTION, lambda x: (0.0, x)]),
        "lr": (0.1, ABOVE_0),
        "n_steps": (9, COUNT),
    },
    regularizers.regularization_path: {
        **WALK,
        "penalty": (regularizers.l1, FUNCTION),
        "strengths": (np.array([2.0, 1.0]), [*ARRAY, np.ones((3, 1))]),
        "lr": (0.1, ABOVE_0),
        "n_steps": (9, COUNT),
    },
    autograd.Variable: {"data": (np.ones(3), ARRAY)},
    autograd.Variable([1.0, 2.0]).backward: {"gradient": (np.ones(2), [bad for bad in ARRAY if bad is not None])},
    autograd.cross_entropy_loss: {
        "logits": (autograd.Variable(X), ["ten", None, X, autograd.Variable([1.0])]),
        "y": (BITS, [*ARRAY, BITS * 1.0, -BITS, BITS * 2, BITS[:2], BITS[:, None]]),
    },
    mean_field.MeanField: {
        "activation": ("tanh", ["relu", None, 3]),
        "weight_variance": (1.0, AT_LEAST_0),
        "bias_variance": (0.1, AT_LEAST_0),
    },
    FIELD.length_map: {"q": (1.0, AT_LEAST_0)},
    FIELD.slope: {"q": (1.0, AT_LEAST_0)},
    FIELD.lengths: {"n_layers": (2, AT_LEAST_1), "of_inputs": (1.0, AT_LEAST_0)},
    FIELD.gradients: {"n_layers": (2, AT_LEAST_1), "of_inputs": (1.0, AT_LEAST_0)},
    FIELD.correlation_map: {"c": (0.5, [*NUMBER, 1.5, -1.5]), "q": (1.0, ABOVE_0)},
    mlp.MLP: {
        "n_inputs": (2, AT_LEAST_1),
        "n_hidden": (3, AT_LEAST_1),
        "n_outputs": (3, AT_LEAST_1),
        "n_layers": (1, AT_LEAST_1),
        "activation": ("tanh", ["relu", "softplus", None, 3]),
    },
    NETWORK.init: {"rng": (np.random.default_rng(0), GENERATOR)},
    NETWORK.layers: {"point": (WEIGHTS, POINT)},
    NETWORK.forward: {"point": (WEIGHTS, POINT), "x": (X, TWO_COLUMNS)},
    NETWORK.objective: {
        "x": (X, TWO_COLUMNS),
        "y": (
            np.arange(3),
            [*ARRAY, np.ones(3), np.arange(2), np.arange(3)[:, None], np.arange(3) + 1, np.arange(3) - 1],
        ),
    },
    planar.moons: POINTS,
    planar.rings: POINTS,
    planar.spiral: POINTS,
    network.init_network: {
        "n_features": (2, AT_LEAST_1),
        "n_hidden": (4, AT_LEAST_1),
        "n_classes": (3, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    network.network_logits: {"weights": (np.ones((5, 4)), [*MATRIX, np.ones((2, 4))]), "x": (X, MATRIX)},
    network.network_objective: {
        "x": (X, MATRIX),
        "y": (np.zeros(3, dtype=int), [*ARRAY, [0, 1], [[0], [0], [0]]]),
        "dropout_rate": (0.5, KEPT),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    boxes.iou: {"a": (BOX, NO_BOXES), "b": (BOX, NO_BOXES), "inclusive": (True, [])},
    boxes.generalized_iou: {"a": (BOX, NO_BOXES), "b": (BOX, NO_BOXES)},
    boxes.nms: {
        "boxes": (BOX, NO_BOXES),
        "scores": (np.array([0.9, 0.8]), BOX_SCORES),
        "threshold": (0.5, SHARE),
        "classes": (np.array([0, 1]), ["ten", [], np.ones(2), np.array([0, 1, 2]), np.array([[0], [1]])]),
    },
    boxes.checked_boxes: {"name": ("boxes", []), "value": (BOX, [])},
    boxes.checked_classes: {"name": ("classes", []), "value": (np.array([0, 1]), []), "n": (2, [])},
    boxes.best_first: {"name": ("scores", []), "value": (np.array([0.9, 0.8]), []), "n": (2, [])},
    detection_metrics.matched: {
        "boxes": (BOX, NO_BOXES),
        "scores": (np.array([0.9, 0.8]), BOX_SCORES),
        "targets": (BOX, NO_BOXES),
        "threshold": (0.5, [*ABOVE_0, 1.5]),
    },
    detection_metrics.precision_recall: {
        "hits": (np.array([True, False]), [None, "ten", [True, False], np.ones(2), np.ones((2, 1), dtype=bool)]),
        "scores": (np.array([0.9, 0.8]), BOX_SCORES),
        "n_targets": (2, AT_LEAST_1),
    },
    detection_metrics.average_precision: {
        "hits": (np.array([True, True]), [None, "ten", [True, False], np.ones(2), np.ones((2, 1), dtype=bool)]),
        "scores": (np.array([0.9, 0.8]), BOX_SCORES),
        "n_targets": (2, [*AT_LEAST_1, 1]),
        "n_points": (11, ["ten", 1.5, -1, 0, 1]),
    },
    detection_metrics.mean_average_precision: {
        "found": ([SEEN], [None, 3, [IN_A_PICTURE], [None]]),
        "truth": ([IN_A_PICTURE], [None, 3, [], [SEEN], [IN_A_PICTURE] * 2]),
        "threshold": (0.5, [*ABOVE_0, 1.5]),
        "n_points": (11, ["ten", 1.5, -1, 0, 1]),
    },
    detection_metrics.mask_iou: {
        "predictions": (MASK, [*MASKS, MASK[:, :2], ~MASK[:, 1:]]),
        "targets": (MASK, MASKS),
        "undefined": STAND_IN,
    },
    detection_metrics.object_iou: {
        "predictions": (np.array([[1, 0, 2]]), [*NUMBERED, np.array([[1, 0]])]),
        "targets": (np.array([[1, 0, 2]]), NUMBERED),
    },
    detection_metrics.found: {
        "predictions": (np.array([[1, 0, 2]]), [*NUMBERED, np.array([[1, 0]])]),
        "targets": (np.array([[1, 0, 2]]), NUMBERED),
        "threshold": (0.5, [*NUMBER, 0.4, 1]),
    },
    scenes.compose: {
        "digits": (BARS, [*ARRAY, BARS / 2, BARS[0], BARS[:, :, :9], BARS[:, :5, :5], -BARS, 2 * BARS, 0 * BARS]),
        "labels": (np.array([0, 1]), [*ARRAY, np.ones(2), np.array([0])]),
        "n": (2, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
        "size": (20, [*AT_LEAST_1, 11]),
        "most": (1, AT_LEAST_1),
        "n_scraps": (1, COUNT),
        "noise": (0.1, AT_LEAST_0),
    },
    ranking.precision_at_k: {**OF_BITS, "k": (2, AT_LEAST_1)},
    ranking.recall_at_k: {**OF_BITS, "k": (2, AT_LEAST_1)},
    ranking.hit_rate: {**OF_BITS, "k": (2, AT_LEAST_1)},
    ranking.reciprocal_rank: {**OF_BITS, "k": CUT},
    ranking.average_precision_at_k: {**OF_BITS, "k": CUT, "divide_by": ("relevant", ["all", None, 3])},
    ranking.ndcg: {
        **OF_BITS,
        "relevance": (np.ones((3, 2)), [*MATRIX, -X]),
        "k": CUT,
        "gain": ("linear", ["square", None, 3]),
    },
    regularizers.proximal: {**RULE, "operator": (lambda x: x, FUNCTION)},
    regularizers.max_norm: {"weights": (np.ones(3), ARRAY), "limit": (1.0, ABOVE_0)},
    regularizers.dropout: {
        "x": (np.ones(3), ARRAY),
        "rate": (0.5, KEPT),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    regularizers.early_stopping: {
        "losses": (np.ones(3), [*ARRAY, np.ones((3, 1))]),
        "patience": (2, AT_LEAST_1),
        "min_delta": (0.0, AT_LEAST_0),
    },
    regularizers.Penalty: {"absolute": (0.1, AT_LEAST_0), "squared": (0.1, AT_LEAST_0)},
    PENALTY.__call__: {"weights": (np.ones(3), ARRAY)},
    PENALTY.proximal_step: {"weights": (np.ones(3), ARRAY), "lr": (0.1, ABOVE_0)},
    descent.descend: {**BOWL, "lr": (0.1, ABOVE_0), "n_steps": (3, COUNT)},
    descent.max_stable_lr: {**BOWL, "n_steps": (9, AT_LEAST_1), "precision": (0.1, [*ABOVE_0, 1.0])},
    descent.finite_differences: {"objective": BOWL["objective"], "point": BOWL["start"]},
    PATH.steps_to: {"loss": (1.0, NUMBER)},
    PATH.measured_by: {"objective": BOWL["objective"]},
    linear.with_intercept: {"x": (X, MATRIX)},
    linear.linear_objective: {"x": (X, MATRIX), "y": (np.ones(3), SHAPED), "loss": (losses.mse, FUNCTION)},
    linear.least_squares: {"x": (X, MATRIX), "y": (np.ones(3), SHAPED)},
    linear.reweighted_least_squares: {
        "x": (X, MATRIX),
        "y": (np.ones(3), SHAPED),
        "loss": (losses.mae, FUNCTION),
        "n_rounds": (3, AT_LEAST_1),
    },
    linear.logistic_regression: {
        "x": (X, MATRIX),
        "y": (np.array([0, 1, 0]), [*SHAPED, [0, 1, 2], [0.5, 1, 0]]),
        "n_steps": (3, AT_LEAST_1),
    },
    linear.loss_forecast: {"x": (X, MATRIX), "y": (np.ones(3), SHAPED)},
    linear.loss_forecast(X, np.ones(3)): {"lr": (0.1, ABOVE_0), "steps": (np.arange(3), [*ARRAY, [-1], [0.5]])},
    linear.hessian_eigenvalues: {"x": (X, MATRIX)},
    augmentation.shift: {"images": (IMAGES, NO_IMAGES), "moves": (np.zeros((3, 2), dtype=int), MOVES)},
    augmentation.neighbours: {"distance": (2, COUNT)},
    augmentation.warp: {
        "images": (IMAGES, NO_IMAGES),
        "angles": (np.ones(3), SHAPED),
        "scales": (np.ones(3), [*SHAPED, np.zeros(3)]),
        "moves": (np.zeros((3, 2)), [*SHAPED, np.ones(3)]),
    },
    augmentation.augment: {
        "images": (IMAGES, NO_IMAGES),
        "rng": (np.random.default_rng(0), GENERATOR),
        "max_move": (2.0, AT_LEAST_0),
        "max_angle": (10.0, AT_LEAST_0),
        "max_scale": (1.1, [*NUMBER, 0.9]),
    },
    convolution.output_size: {"size": (5, AT_LEAST_1), "kernel": (3, [*AT_LEAST_1, 9]), **SPREAD},
    convolution.convolve: CONVOLVED,
    convolution.convolve_gradients: CONVOLVED | {"upstream": (np.ones((2, 2, 3)), [*NO_IMAGES, np.ones((2, 2, 2))])},
    convolution.Window: {"kernel": (3, AT_LEAST_1), **SPREAD},
    convolution.receptive_field: {"windows": ([WINDOW], [None, 3, "ten", [3], WINDOW])},
    REACH.of: {"place": (0, COUNT)},
    glyphs.characters: {"faces": ("Sans", ["Arial", None, 3]), "category": ("", [None, 3, "letters", "l"])},
    glyphs.latin_letters: {"faces": ("Sans", ["Arial", None, 3])},
    glyphs.draw: {
        "letters": (["a"], [None, 3, ["ab"], [3], ["\u6f22"]]),
        "face": ("Sans", ["Arial", None, 3]),
        "size": (9, [*AT_LEAST_1, 7]),
        "fill": (0.6, [*NUMBER, 0, 1.5]),
    },
    scaling_laws.ScalingLaw: {
        "e": (1.0, AT_LEAST_0),
        **{name: (1.0, ABOVE_0) for name in ("a", "b", "alpha", "beta")},
    },
    LAW.loss: {"n_params": (np.ones(3), SIZES), "n_tokens": (np.ones(3), [*SIZES, np.ones((3, 1)), np.ones(2)])},
    LAW.isoflop: {"flops": (1.0, ABOVE_0), "n_params": (np.ones(3), SIZES)},
    LAW.optimum: {"flops": (1.0, ABOVE_0)},
    PARABOLA.at: {"n_params": (np.ones(3), SIZES)},
    scaling_laws.fit_parabola: {
        "n_params": (np.array([1.0, 2.0, 4.0]), [*SIZES, np.ones(3), np.ones((3, 1))]),
        "losses": (np.array([1.0, 0.0, 1.0]), [*SHAPED, np.array([0.0, 1.0, 0.0])]),
    },
    scaling_fits.fit_law: RUNS | {"delta": (1e-3, ABOVE_0)},
    scaling_fits.resample_fit: RUNS
    | {
        "n_resamples": (2, [*AT_LEAST_1, 1]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    FITTED.interval: {"quantity": (lambda law: law.e, [*FUNCTION, lambda law: "ten", lambda law: np.nan])},
    FITTED.forecast: {
        "n_params": (1.0, ABOVE_0),
        "n_tokens": (1.0, ABOVE_0),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    scaling.standard_scaling: {"x": (X, MATRIX)},
    scaling.min_max_scaling: {"x": (X, MATRIX)},
    scaling.standard_scaling(X).transform: {"x": (X, [*ARRAY, X[:, :1]])},
    scaling.standard_scaling(X).inverse_transform: {"z": (X, [*ARRAY, X[:, :1]])},
}
CARRIERS = {
    *(descent.Descent, losses.average, regularizers.Stop, scaling.Scaling, training.RangeTest, mlp.Activation),
    *(metrics.two_rows, metrics.checked_stand_in, metrics.stand_in, score_metrics.Counts),
    *(text_metrics.Rouge, text_metrics.runs_of),
    *(trees.Question, trees.Tree, ensembles.Boosted, advisor.Advice),
    *(ensembles.squared_error_derivatives, ensembles.log_loss_derivatives),
    *(intervals.Interval, search.Tuned, search.Search, search.axis_values, search.finite_or_worst),
    *(splits.Nest, splits.Leaks, validation.PairedTest, validation.Chosen, tables.Flights, tables.Diamonds),
    *(pictures.Digits, pictures.Micrograph, boxes.Objects, boxes.Detections, detection_metrics.Found, scenes.Scenes),
    convolution.Field,
    *(selection.Trials, selection.Surrogate, halving.Round, halving.Halving),
    *(scaling_laws.Allocation, scaling_laws.Parabola, scaling_laws.positive_array, scaling_fits.FittedLaw),
}
