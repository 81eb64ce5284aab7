"""Of every public function of kit.explore, every argument: one value that it takes, and those that it refuses."""

import numpy as np
import torch

from kit.blocks.patterns import Pattern
from kit.explore import (
    attention,
    boxes,
    bpe,
    class_losses,
    compression,
    convolution,
    deep_nets,
    depth,
    descent,
    distributed,
    finetuning,
    first_network,
    folds,
    glossary,
    gpt,
    judging,
    live,
    losses,
    metrics,
    models,
    optimizers,
    overlay,
    precision,
    precision_recall,
    recommenders,
    regularizers,
    rnn,
    scaling_laws,
    scenes,
    schedules,
    searches,
    serving,
    show,
    speller,
    text_pipeline,
    training,
    trees,
)
from kit.models.ablation import AblationConfig, AblationGPT
from kit.models.gpt import GPT, GPTConfig
from kit.serve.roofline import SOLD
from kit.text.bpe import BPE
from kit.text.ngram import count_ngrams
from kit.text.story_tasks import WORDS
from tests.explore.test_trees import a_board
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_0, AT_LEAST_1, COUNT, GENERATOR, KEPT, NAN, NUMBER

COPIES = text_pipeline.Pairs(exact=np.array([0.9]), estimate=np.array([0.8]), candidate=np.array([True]))
BYTES = BPE(merges=())
PROBLEM = descent.line_problem("raw")
PAIRS = [np.ones(3), *(bad for bad in ARRAY if bad is not NAN)]
AT_LEAST_0_HASHED = [bad for bad in AT_LEAST_0 if bad != [1.0]]  # of a cached function
DEEP = deep_nets.DeepTraining(layers=2, gain=1.0, activation="ReLU", norm="none", lr=0.1)
TRAINING = first_network.Training(data="rings", noise=0.1, units=3, layers=1, activation="tanh", lr=1.0, decay=0.0)


def story_gpt_of(vocab_size: int, n_layers: int = 2) -> GPT:
    """Make a model of a story's words, or of another number."""
    return GPT(GPTConfig(vocab_size=vocab_size, n_positions=8, n_layers=n_layers, n_heads=2, d_model=4))


A_RUN = depth.DeepRun(depth=8, skip=True, norm=True, start="He", lr=0.1)
BOARD = a_board()
TELLER = story_gpt_of(len(WORDS))
UNTRAINED = AblationGPT(AblationConfig())
TWICE = [judging.text_pairs()[0]] * 2
SHARE = [-0.1, 1.1, np.nan, "0.5", None]

ARGUMENTS = {
    attention.trained: {"without": ("nothing", ["mind", None, 3]), "seed": (0, COUNT)},
    attention.learned: {"config": (AblationConfig(n_positions=24), [None, {}, "small"]), "seed": (0, COUNT)},
    attention.echoes: {"n_rows": (2, AT_LEAST_1), "rng": (np.random.default_rng(0), GENERATOR)},
    attention.accuracy_by_period: {"model": (UNTRAINED, [None, "ten", torch.nn.Linear(2, 2)])},
    attention.letter_ids: {"text": ("ab", [None, 5, ["a"]])},
    attention.induction_score: {
        "weights": (torch.eye(2), [None, "ten", torch.eye(3), torch.ones(2), torch.ones(1, 2, 2)]),
        "ids": (torch.tensor([1, 1]), [None, "ten", [1, 1], torch.ones(2), torch.ones(1, 2).int()]),
    },
    attention.moved: {
        "model": (UNTRAINED, [None, "ten", torch.nn.Linear(2, 2)]),
        "ids": (torch.tensor([[1, 2, 3]]), [None, "ten", torch.tensor([1, 2]), torch.ones(1, 3), torch.tensor([[99]])]),
        "place": (0, [*COUNT, 3]),
    },
    convolution.photo: {"name": ("temple", ["cat", None, 3])},
    convolution.parse_kernel: {"text": ("1", [None, 3, b"1"])},
    convolution.stack: {
        "name": ("temple", ["cat", None, 3]),
        "kernel": (np.ones((3, 3)), [None, "ten", np.ones(3), np.ones((2, 2)), np.ones((3, 1))]),
        "n_layers": (1, AT_LEAST_1),
        "stride": (1, AT_LEAST_1),
        "between": ("nothing", ["tanh", None]),
    },
    depth.DeepRun: {
        "depth": (8, [*COUNT, 9]),
        "skip": (True, [1, None]),
        "norm": (True, [1, None]),
        "start": ("He", ["he", None]),
        "lr": (0.1, ABOVE_0),
    },
    A_RUN.train_to: {"frame": (0, COUNT)},
    glossary.glossary: {"word": ("loss", [3, None, "no such word"])},
    gpt.word_ids: {"text": ("Mia ran.", [None, 5, ["a"]]), "at_most": (9, [])},
    gpt.Storyteller: {
        "model": (TELLER, [None, "GPT", torch.nn.Linear(2, 2), story_gpt_of(11)]),
        "read": ([], [None, 5, "story"]),
    },
    gpt.forward_view: {
        "model": (TELLER, [None, "GPT", torch.nn.Linear(2, 2), story_gpt_of(11), story_gpt_of(len(WORDS), 1)]),
        "read": ([], [None, 5, "story"]),
    },
    overlay.HeatMap: {
        "axes": (0, []),
        "values": (np.ones((2, 3)), [np.ones((3, 2)), np.ones(6)]),
        "rows": (("a", "b"), []),
        "columns": (("a", "b", "c"), []),
    },
    overlay.Picture: {
        "axes": (0, []),
        "colors": (np.ones((2, 3, 3)), [np.ones((2, 3, 4)), np.ones((2, 3))]),
        "smooth": (True, []),
    },
    overlay.Words: {"axes": (0, []), "texts": (["a"], [[], ["a", "b"]]), "x": ([0], []), "y": ([0], [])},
    show.show: {"functions": (descent.bowl_loss, [3, "mse", None])},
    live.Control: {
        "name": ("k", []),
        "label": ("k", []),
        "values": ((1, 2), [(), (1,), (1, 2, 3)]),
        "labels": (("1", "2"), []),
        "start": (0, [-1, 2]),
    },
    descent.bowl_loss: {"point": (np.ones(2), PAIRS)},
    descent.bowl_frame: {"lr": (0.1, ABOVE_0)},
    descent.line_problem: {"scaling": ("raw", ["log", 1, None])},
    descent.line_path: {"problem": (PROBLEM, []), "lr": (0.1, ABOVE_0), "across": (0.5, SHARE), "up": (0.5, SHARE)},
    optimizers.bowl: {"point": (np.ones(2), PAIRS)},
    optimizers.turned_bowl: {"point": (np.ones(2), PAIRS)},
    optimizers.valley: {"point": (np.ones(2), PAIRS)},
    optimizers.rules: {"beta": (0.9, KEPT)},
    optimizers.race: {"surface": ("bowl", ["ball", 1, None]), "beta": (0.9, [bad for bad in KEPT if bad != [1.0]])},
    regularizers.deal: {
        "x": (np.ones((110, 2)), []),
        "y": (np.ones(110), []),
        "n_train": (5, [*AT_LEAST_1, 10]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    folds.estimate: {
        "leak": ("days cut", ["all", None, 3]),
        "k": (2, [*COUNT, 1]),
        "repeat": (0, COUNT),
    },
    searches.search: {"way": ("grid", ["all", None, 3]), "seed": (0, COUNT)},
    searches.known: {"way": ("grid", ["all", None, 3]), "seed": (0, COUNT), "n": (3, [*AT_LEAST_1, 1, 17])},
    regularizers.noisy_diabetes: {"rng": (np.random.default_rng(0), GENERATOR)},
    regularizers.labelled_digits: {"rng": (np.random.default_rng(0), GENERATOR)},
    losses.stay_losses: {"number": (3.0, NUMBER), "longest": (5.0, NUMBER)},
    losses.tilt: {"bmi": (30.0, NUMBER), "progression": (100.0, NUMBER), "delta": (50.0, ABOVE_0)},
    class_losses.margin_losses: {"margin": (0.5, NUMBER)},
    class_losses.margin_frame: {"margin": (0.5, NUMBER)},
    judging.write_text: {
        "context": (2, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
        "n_words": (9, AT_LEAST_1),
    },
    judging.simulated_answers: {
        "pairs": (judging.text_pairs(), ["ab", 3, None, [3]]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    judging.outcomes: {
        "pairs": (judging.text_pairs()[:2], ["ab", 3, None, [3]]),
        "answers": (["left", "tie"], ["ab", 3, None, ["left"], ["left", "up"], ["left", 3]]),
    },
    judging.judged_twice: {
        "pairs": (TWICE, ["ab", 3, None, [3], TWICE[:1]]),
        "wins": (np.array([1.0, 0.5]), [*ARRAY, np.ones(3), np.array([1.0, 0.7])]),
    },
    judging.Judge: {"pairs": (TWICE, ["ab", 3, None, [3]])},
    metrics.late_forecasts: {"n_train": (20_000, [*AT_LEAST_1, 90_000]), "n_test": (20_000, AT_LEAST_1)},
    metrics.money_lost: {
        "tables": (np.array([[[6, 2], [1, 1]]]), [*ARRAY, np.ones((1, 3, 3)), np.zeros((1, 2, 2))]),
        "cost": (3, AT_LEAST_0),
    },
    first_network.examples: {"data": ("moons", ["circles", 1, None]), "noise": (0.1, AT_LEAST_0_HASHED)},
    first_network.Training: {
        "data": ("moons", ["circles", 1, None]),
        "noise": (0.1, AT_LEAST_0_HASHED),
        "lr": (0.1, ABOVE_0),
        "activation": ("tanh", ["relu", None]),
        "units": (3, []),
        "layers": (1, []),
        "decay": (0.0, []),
    },
    TRAINING.point_at: {"frame": (1, COUNT)},
    deep_nets.DeepTraining: {
        "layers": (2, []),
        "gain": (1.0, AT_LEAST_0),
        "activation": ("ReLU", ["relu", None]),
        "norm": ("none", ["group", None]),
        "lr": (0.1, ABOVE_0),
    },
    DEEP.at: {"frame": (1, COUNT)},
    schedules.drawn: {"rates": (np.ones(6), [np.zeros(6), -np.ones(6), np.ones(5), *ARRAY])},
    schedules.noisy_runs: {"lr": (0.1, [*AT_LEAST_0, lambda step: -1.0])},
    schedules.best_of: {"family": (schedules.to_zero, [3, "cosine", None])},
    schedules.to_zero: {"lr": (0.1, AT_LEAST_0)},
    COPIES.found: {"threshold": (0.5, [*ABOVE_0, 1.0])},
    COPIES.scores: {"threshold": (0.5, [*ABOVE_0, 1.0])},
    text_pipeline.threshold_frame: {"pairs": (COPIES, []), "threshold": (0.5, [*ABOVE_0, 1.0])},
    bpe.borders: {"text": ("ab", []), "pieces": ([b"a", b"b"], [[], [b"a"], [b"b", b"a"]])},
    bpe.bytes_per_token: {"bpe": (BYTES, []), "texts": (["ab"], [[], [""]])},
    bpe.spell: {"token": (b" a", ["a", 3, None])},
    precision.story_gpt: {"seed": (0, COUNT)},
    precision.story_rows: {"seed": (0, COUNT)},
    precision.gradients: {"seed": (0, COUNT)},
    precision.gpt2_memory: {
        "size": ("124M", ["7B", 124, None]),
        "batch_size": (1, AT_LEAST_1),
        "dtype": ("float32", ["float8", None]),
        "checkpoint_blocks": (True, []),
    },
    models.shares_reached: {
        "mask": (torch.ones(3, 3) > 0, ["ten", 3, None, torch.ones(2, 3) > 0]),
    },
    models.keys_kept: {"pattern": (Pattern(), []), "n_tokens": (3, AT_LEAST_1)},
    scaling_laws.short: {"number": (1.0, ["ten", None, [1.0], np.nan, np.inf, True, 0, -1])},
    compression.sides: {"seed": (0, COUNT)},
    compression.new_cnn: {"seed": (0, COUNT), "widths": ((2, 2), [None, 3, (0, 2), (2,) * 9])},
    recommenders.split_of: {"module": ("csv.py", ["no.py", 3, None])},
    recommenders.similarities_of: {
        "module": ("csv.py", ["no.py", 3, None]),
        "common": ("count less", ["less", 1, None]),
    },
    serving.step_of: {
        "model": ("GPT-2 small", ["ten", None, 3]),
        "weights": ("int8", ["ten", None, 3]),
        "rows": (2, AT_LEAST_1),
        "context": (3, AT_LEAST_1),
    },
    serving.most_within_the_limit: {"machine": (SOLD["T4"], ["ten", None, 3])},
    serving.cost_view: {
        "here": (SOLD["T4"], ["ten", None, 3]),
        "measured": ({1: 0.1}, ["ten", None, 3, {0: 0.1}, {1: 0.0}]),
    },
    recommenders.suggestions: {
        "module": ("csv.py", ["no.py", 3, None]),
        "n_neighbours": (5, AT_LEAST_1),
        "common": ("count less", ["less", 1, None]),
    },
    rnn.feeling: {
        "cell": ("LSTM", ["CNN", 1, None]),
        "gain": (0.9, AT_LEAST_0_HASHED),
        "bias": (1.5, [bad for bad in NUMBER if bad != [1.0]]),
    },
    speller.speller: {"cell": ("GRU", ["CNN", 1, None])},
    speller.dependence: {"cell": ("GRU", ["CNN", 1, None]), "place": (3, [*AT_LEAST_1, 10_000])},
    models.costs: {"model": ("GPT-3", ["GPT-5", 3, None])},
    bpe.surprisal: {
        "model": (count_ngrams([b"ab"], n=1), []),
        "ids": (b"ab", [[256], [-1], [[1]], [0.5]]),
        "rule": ("Laplace", ["Good-Turing", 1, None]),
    },
    boxes.pair_of: {
        **dict.fromkeys(("a_x", "a_y", "b_x", "b_y"), (20, COUNT)),
        **dict.fromkeys(("b_width", "b_height"), (20, AT_LEAST_1)),
        "threshold": (0.5, [*NUMBER, -0.1, 1.1]),
        "one_class": (True, []),
    },
    precision_recall.ranked: {"hit_at": (0.5, [*(bad for bad in ABOVE_0 if bad != [1.0]), 1.5])},
    trees.borders: {
        "model": ("line", ["forests", 1, None]),
        "data": ("moons", ["circles", 1, None]),
        "noise": (0.2, AT_LEAST_0_HASHED),
    },
    trees.border_frame: {
        "model": ("line", ["forests", 1, None]),
        "data": ("moons", ["circles", 1, None]),
        "noise": (0.2, AT_LEAST_0_HASHED),
        "size": (4, [*AT_LEAST_1, 5]),
    },
    trees.Board: {
        "tables": (("t",), [None, 3, "t"]),
        "rows": ((100,), [None, 3, "t"]),
        "contenders": (("a", "b"), [None, 3, "t"]),
        "scores": (np.ones((1, 1, 2, 3)), [*ARRAY, np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 1))]),
        "seconds": (np.ones((1, 1, 2, 3)), [*ARRAY, np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 1))]),
    },
    trees.standing: {"board": (BOARD, []), "table": ("gems", ["stars", 1, None]), "rows": (100, [99, None, "ten"])},
    trees.board_frame: {
        "board": (BOARD, []),
        "table": ("gems", ["stars", 1, None]),
        "rows": (100, [99, None, "ten"]),
        "contender": ("line", ["curve", 1, None]),
    },
    trees.board_stage: {"board": (BOARD, []), "table": ("gems", ["stars", 1, None])},
    training.LiveLoss: {
        "n_steps": (9, AT_LEAST_1),
        "show": (("validation",), [None, 3, "validation"]),
        "marks": (None, [3, "floor", ["floor"], {"floor": "low"}, {"floor": np.nan}]),
    },
    training.smoothed: {
        "losses": (np.ones(3), [*(bad for bad in ARRAY if bad is not NAN), np.ones((3, 1))]),
        "weight": (0.1, [*ABOVE_0, 1.5]),
    },
}
CARRIERS = {
    *(attention.Trained, attention.heads_frame, attention.switch_frame, attention.leak_frame),
    *(attention.stroke, attention.stems, attention.smooth),
    *(bpe.Library, bpe.Lengths, bpe.Surprisals, bpe.vocabulary_frame, bpe.typing_frame, bpe.order_frame, live.Text),
    *(bpe.comb, bpe.letters, bpe.steps, bpe.size_slider),
    *(
        live.Slider,
        live.Choice,
        live.Clock,
        live.Stage,
        live.Frame,
        live.Drag,
        live.Draw,
        live.Click,
        live.Handle,
        live.Grab,
        live.LiveView,
        live.close_predecessor,
        show.Source,
        glossary.Glossary,
    ),
    *(descent.LineProblem, descent.line_frame, descent.line_stage, descent.contour, descent.rate_slider),
    *(optimizers.Surface, optimizers.Race, optimizers.race_frame, optimizers.race_stage),
    *(folds.Days, folds.Estimate, folds.late_scores, folds.telling_columns, folds.weighted, folds.columns_of),
    *(folds.worth_most, folds.fold_colours, folds.folds_frame, searches.search_frame),
    *(regularizers.Split, regularizers.Path, regularizers.Run, regularizers.errors, regularizers.optima),
    *(regularizers.paths, regularizers.path_frame, regularizers.path_stage, regularizers.true_columns_error),
    *(regularizers.stopping_run, regularizers.measured_run, regularizers.stopping_frame),
    *(precision.one_part, precision.underflow_frame, precision.stairs, precision.memory_frame),
    *(losses.Tilt, losses.outlier_frame, losses.number_frame),
    *(schedules.Best, schedules.schedule_frame),
    text_pipeline.Pairs,
    *(convolution.Stack, convolution.coloured, convolution.outline, convolution.kernel_frame, depth.depth_frame),
    *(serving.cost_frame, serving.cost_stage),
    *(compression.as_tensor, compression.train, compression.trained_cnn, compression.Compressed, compression.outline),
    *(compression.compressed, compression.comb, compression.weights_frame, compression.is_small_and_good),
    *(recommenders.Suggestions, recommenders.suggestions_frame, recommenders.rows_of),
    scaling_laws.profile_frame,
    *(distributed.played, distributed.timeline_picture, distributed.kept_at, distributed.timeline_frame),
    *(distributed.rank_bill, distributed.ranks_frame),
    *(
        boxes.Pair,
        boxes.boxes_frame,
        boxes.box_line,
        boxes.tinted,
        precision_recall.Ranked,
        precision_recall.curve_frame,
    ),
    *(scenes.draw_picture, scenes.draw_boxes),
    *(rnn.Feeling, rnn.shade, rnn.memory_frame, rnn.memory_stage),
    *(speller.Dependence, speller.Speller, speller.library_symbols, speller.character, speller.reading_frame),
    speller.reading_stage,
    *(models.name_of, models.mask_frame, models.context_frame),
    *(first_network.Examples, first_network.shaded, first_network.tiles, first_network.unit_line),
    first_network.training_frame,
    *(deep_nets.Snapshot, deep_nets.edges_of, deep_nets.predicted, deep_nets.deep_frame, deep_nets.deep_stage),
    *(judging.Pair, metrics.Forecasts, metrics.threshold_frame),
    *(finetuning.Contest, finetuning.Ranks),
    *(finetuning.label_numbers, finetuning.labels_frame, finetuning.labels_stage, finetuning.labels_view),
    *(finetuning.rank_frame, finetuning.rank_view),
    *(trees.Borders, trees.Standing, trees.board_view),
    *(gpt.forward_frame, gpt.named, gpt.shown_word, gpt.box, gpt.outline, gpt.shapes, gpt.table_overlays, gpt.bars),
    overlay.box_of,
}
