"""Of every public function of kit.explore, every argument: one value that it takes, and those that it refuses."""

import numpy as np

from kit.explore import descent, live, losses, show
from tests.learn.refusals import ABOVE_0, ARRAY, NAN, NUMBER

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
    losses.tilt: {"bmi": (30.0, NUMBER), "progression": (100.0, NUMBER), "delta": (50.0, ABOVE_0)},
    losses.margin_losses: {"margin": (0.5, NUMBER)},
    losses.margin_frame: {"margin": (0.5, NUMBER)},
}
CARRIERS = {
    *(live.Slider, live.Choice, live.Stage, live.Frame, live.Drag, live.LiveView, live.close_predecessor, show.Source),
    *(descent.LineProblem, descent.line_frame, descent.line_stage, descent.contour, descent.rate_slider),
    *(losses.Tilt, losses.outlier_frame),
}
