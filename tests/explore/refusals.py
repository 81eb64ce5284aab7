"""Of every public function of kit.explore, every argument: one value that it takes, and those that it refuses."""

import numpy as np

from kit.explore import bpe, descent, live, show
from kit.text.bpe import BPE
from kit.text.ngram import count_runs
from tests.learn.refusals import ABOVE_0, ARRAY, NAN

BYTES = BPE(merges=())
PROBLEM = descent.line_problem("raw")
SHARE = [-0.1, 1.1, np.nan, "0.5", None]

ARGUMENTS = {
    show.show: {"functions": (descent.bowl_loss, [3, "mse", None])},
    live.Control: {
        "name": ("k", []),
        "label": ("k", []),
        "values": ((1, 2), [(), (1,), (1, 2, 3)]),
        "labels": (("1", "2"), []),
        "start": (0, [-1, 2]),
    },
    descent.bowl_loss: {"point": (np.ones(2), [np.ones(3), *(bad for bad in ARRAY if bad is not NAN)])},
    descent.bowl_frame: {"lr": (0.1, ABOVE_0)},
    descent.line_problem: {"scaling": ("raw", ["log", 1, None])},
    descent.line_path: {"problem": (PROBLEM, []), "lr": (0.1, ABOVE_0), "across": (0.5, SHARE), "up": (0.5, SHARE)},
    bpe.borders: {"text": ("ab", []), "pieces": ([b"a", b"b"], [[], [b"a"], [b"b", b"a"]])},
    bpe.bytes_per_token: {"bpe": (BYTES, []), "texts": (["ab"], [[], [""]])},
    bpe.spell: {"token": (b" a", ["a", 3, None])},
    bpe.surprise: {
        "model": (count_runs([b"ab"], n=1), []),
        "ids": (b"ab", [[256], [-1], [[1]], [0.5]]),
        "rule": ("Laplace", ["Good-Turing", 1, None]),
    },
}
CARRIERS = {
    *(live.Slider, live.Choice, live.Stage, live.Frame, live.Drag, live.LiveView, live.close_predecessor, show.Source),
    *(bpe.Library, bpe.Lengths, bpe.Foresight, bpe.vocabulary_frame, bpe.typing_frame, bpe.order_frame, live.Text),
    *(bpe.comb, bpe.letters, bpe.steps, bpe.size_slider),
    *(descent.LineProblem, descent.line_frame, descent.line_stage, descent.contour, descent.rate_slider),
}
