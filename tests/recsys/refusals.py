"""Of every public function of kit.recsys, every argument: one value that it takes, and those that it refuses."""

import numpy as np
import torch

from kit.recsys import calls, clicks, deepfm, evaluation, fm, mf, neighbours
from kit.text.corpus import Document
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_0, AT_LEAST_1, COUNT, GENERATOR, NUMBER

TABLE = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
MATRIX = [*ARRAY, np.ones(3), np.ones((2, 2, 2)), np.ones((0, 3))]
ZEROS_AND_ONES = [*MATRIX, TABLE + 1, TABLE / 2]
RNG = {"rng": (np.random.default_rng(0), GENERATOR)}
WHOLE = [None, "ten", [], np.ones(2), np.array([-1, 0]), np.array([0, 99]), np.zeros((2, 2), dtype=int)]
CALLS = calls.Calls(
    files=("a", "b", "c", "d"),
    names=(("len", "open"), ("len", "open"), ("len", "open"), ("len", "open")),
    groups=np.arange(4),
)
SOURCE = "".join(f"f{i}()\n" for i in range(10))
KNOBS = {"weight": (1.0, AT_LEAST_0), "strength": (0.1, ABOVE_0)}
ITEMS = np.ones((3, 2))
MODEL = mf.BiasedFactors(
    mean=0.0, user_biases=np.zeros(2), item_biases=np.zeros(3), users=np.ones((2, 2)), items=np.ones((3, 2))
)
PAIRS = {
    "model": (MODEL, [None, "model", 3]),
    "rows": (np.array([0, 1]), [*WHOLE, np.array([0])]),
    "columns": (np.array([0, 2]), [*WHOLE, np.array([0])]),
    "targets": (np.array([1.0, 0.0]), [*ARRAY, np.ones((2, 1))]),
    "lr": (0.1, ABOVE_0),
    "strength": (0.1, AT_LEAST_0),
}
JUDGED = {
    "scores": (TABLE, [*MATRIX, np.ones((2, 2))]),
    "shown": (np.array([[1.0, 0, 0], [0, 1, 0]]), ZEROS_AND_ONES),
}
HIDDEN = {
    "scores": (TABLE, [*MATRIX, np.ones((2, 2))]),
    "shown": (np.array([[1.0, 0, 0], [0, 1, 0]]), ZEROS_AND_ONES),
    "hidden": (
        np.array([[0.0, 1, 0], [1, 0, 0]]),
        [*ZEROS_AND_ONES, np.ones((2, 2)), np.zeros((2, 3)), np.array([[1.0, 1, 0], [1, 0, 0]])],
    ),
}
IDS = torch.tensor([[0, 2], [1, 3]])
NOT_IDS = [None, "ten", [[0, 2]], IDS.float()]
TORCH_GENERATOR = {"generator": (None, ["ten", 0])}
FIELDS = {"n_fields": (2, AT_LEAST_1), "n_features": (5, AT_LEAST_1)}
EMBEDDED = FIELDS | {"d_embedding": (3, AT_LEAST_1), **TORCH_GENERATOR}
HIDDEN_LAYERS = {"n_hidden": (4, AT_LEAST_1), "n_layers": (1, AT_LEAST_1)}
LINEAR = fm.Linear(n_fields=2, n_features=5)

ARGUMENTS = {
    calls.called_names: {"source": ("len(x)", [None, 3, b"len(x)", "def f(", "x = \0"])},
    calls.calls_of: {
        "documents": (
            [Document(name="a", text=SOURCE)],
            [None, 3, "a", ["a"], [], [Document(name="a", text="def f(")], [Document(name="a", text="f()")]],
        ),
        "min_names": (5, AT_LEAST_1),
    },
    calls.library_calls: {"min_names": (200, [bad for bad in AT_LEAST_1 if not isinstance(bad, list)])},
    calls.group_folds: {
        "groups": (np.array([0, 0, 1]), [None, "ten", [], np.ones(3), np.zeros((2, 2), dtype=int)]),
        "n_folds": (2, [*AT_LEAST_1, 1, 3]),
        **RNG,
    },
    calls.leave_out: {
        "calls": (CALLS, [None, "calls", 3]),
        "train": (np.array([0, 1, 2]), WHOLE),
        "held_out": (np.array([3]), [*WHOLE, np.array([0])]),
        "share": (0.5, [*ABOVE_0, 1.0]),
        "min_files": (3, [*AT_LEAST_1, 4]),
    },
    calls.with_negatives: {
        "table": (TABLE, [*ZEROS_AND_ONES, np.zeros((2, 3)), np.array([[1.0, 1, 1], [0, 0, 1]])]),
        "n_negatives": (1, COUNT),
        **RNG,
    },
    calls.zeros_and_ones: {"name": ("table", []), "table": (TABLE, ZEROS_AND_ONES)},
    neighbours.popularity: {"table": (TABLE, ZEROS_AND_ONES)},
    neighbours.cosine_similarities: {"table": (TABLE, ZEROS_AND_ONES), "shrinkage": (1.0, AT_LEAST_0)},
    neighbours.nearest: {"similarities": (TABLE, MATRIX), "n_neighbours": (1, AT_LEAST_1)},
    neighbours.item_scores: {
        "shown": (TABLE, ZEROS_AND_ONES),
        "weights": (np.ones((3, 3)), [*MATRIX, np.ones((2, 2)), np.ones((3, 2))]),
    },
    neighbours.user_scores: {
        "shown": (TABLE, ZEROS_AND_ONES),
        "table": (TABLE, [*ZEROS_AND_ONES, np.ones((2, 2))]),
        "n_neighbours": (1, AT_LEAST_1),
        "shrinkage": (1.0, AT_LEAST_0),
    },
    neighbours.ridge_weights: {"table": (TABLE, ZEROS_AND_ONES), "strength": (0.1, ABOVE_0)},
    mf.als_objective: {
        "table": (TABLE, ZEROS_AND_ONES),
        "users": (np.ones((2, 2)), [*MATRIX, np.ones((3, 2))]),
        "items": (ITEMS, [*MATRIX, np.ones((2, 2)), np.ones((3, 1))]),
        **KNOBS,
    },
    mf.als_step: {"table": (TABLE, ZEROS_AND_ONES), "items": (ITEMS, [*MATRIX, np.ones((2, 2))]), **KNOBS},
    mf.als: {
        "table": (TABLE, ZEROS_AND_ONES),
        "n_factors": (2, AT_LEAST_1),
        "n_sweeps": (1, AT_LEAST_1),
        **KNOBS,
        **RNG,
    },
    mf.init_factors: {
        "n_users": (2, AT_LEAST_1),
        "n_items": (2, AT_LEAST_1),
        "n_factors": (2, AT_LEAST_1),
        "mean": (0.2, NUMBER),
        **RNG,
    },
    mf.sgd_step: PAIRS,
    mf.sgd: PAIRS | {"n_epochs": (1, COUNT), "batch_size": (2, AT_LEAST_1), **RNG},
    mf.fold_in: {
        "model": (MODEL, [None, "model", 3]),
        "shown": (TABLE, [*ZEROS_AND_ONES, np.array([[1.0, 0]]), np.ones((1, 3)), np.zeros((1, 3))]),
        "n_negatives": (4.0, ABOVE_0),
        "strength": (0.1, ABOVE_0),
    },
    fm.pair_sum: {"terms": (torch.ones(3, 2), [None, "ten", [[1.0]], torch.ones(3), IDS])},
    fm.feature_ids: {
        "columns": ([IDS[:, 0], IDS[:, 1]], [None, "ten", 3, [IDS[:, 0].float()] * 2, [IDS, IDS], [IDS[:, 0] + 9] * 2]),
        "sizes": ([2, 4], [None, "ten", [], [2], [0, 4], [2.5, 4]]),
    },
    fm.Linear: FIELDS,
    fm.FM: EMBEDDED,
    fm.embeddings: {"n_features": (5, AT_LEAST_1), "d_embedding": (3, AT_LEAST_1), **TORCH_GENERATOR},
    fm.checked_ids: {
        "ids": (IDS, [*NOT_IDS, IDS[0], IDS[:, :1], IDS + 9, IDS - 1, IDS[:0]]),
        "n_fields": (2, []),
        "n_features": (5, []),
    },
    deepfm.Layers: {"n_inputs": (4, AT_LEAST_1), **HIDDEN_LAYERS, **TORCH_GENERATOR},
    deepfm.DeepPart: EMBEDDED | HIDDEN_LAYERS,
    deepfm.DeepFM: EMBEDDED | HIDDEN_LAYERS,
    evaluation.competing: JUDGED,
    evaluation.top_items: JUDGED | {"k": (2, [*AT_LEAST_1, 3])},
    evaluation.full_ranks: HIDDEN,
    evaluation.sampled_ranks: HIDDEN | {"n_sampled": (4, AT_LEAST_1), **RNG},
    clicks.number_features: {
        "features": (
            np.array([[0, 1], [1, 0]]),
            [None, "ten", [], np.ones((2, 2)), np.array([0, 1]), -np.eye(2, dtype=int)],
        ),
        "train": (np.array([0, 1]), WHOLE),
        "min_rows": (1, AT_LEAST_1),
    },
    clicks.train_epoch: {
        "model": (LINEAR, [None, "FM", 3]),
        "optimizer": (torch.optim.SGD(LINEAR.parameters(), lr=0.1), [None, "SGD", 3]),
        "ids": (IDS, [None, "ten", [[0, 2]], IDS.float()]),
        "clicked": (torch.ones(2), [None, "ten", IDS[:, 0], torch.ones(3), torch.ones(2, 1)]),
        "batch_size": (2, AT_LEAST_1),
        "generator": (torch.Generator(), [None, "ten", 0]),
    },
}
CARRIERS = {calls.Calls, calls.Split, clicks.Clicks, mf.Factors, mf.BiasedFactors}
