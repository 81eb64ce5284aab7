"""Of every public function of kit.explore, every argument: one value that it takes, and those that it refuses."""

import numpy as np

from kit.explore import descent, live, show, text_pipeline
from tests.learn.refusals import ABOVE_0, ARRAY, NAN

PAIRS = text_pipeline.Pairs(exact=np.array([0.9]), estimate=np.array([0.8]), caught=np.array([True]))
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
    PAIRS.found: {"threshold": (0.5, [*ABOVE_0, 1.0])},
    PAIRS.scores: {"threshold": (0.5, [*ABOVE_0, 1.0])},
    text_pipeline.threshold_frame: {"pairs": (PAIRS, []), "threshold": (0.5, [*ABOVE_0, 1.0])},
}
CARRIERS = {
    *(live.Slider, live.Choice, live.Stage, live.Frame, live.Drag, live.LiveView, live.close_predecessor, show.Source),
    *(descent.LineProblem, descent.line_frame, descent.line_stage, descent.contour, descent.rate_slider),
    text_pipeline.Pairs,
}
