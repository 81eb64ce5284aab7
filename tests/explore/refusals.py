"""Of every public function of kit.explore, every argument: one value that it takes, and those that it refuses."""

import numpy as np

from kit.explore import descent, live, schedules, show
from tests.learn.refusals import ABOVE_0, ARRAY, NAN

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
    schedules.drawn: {"rates": (np.ones(6), [np.zeros(6), -np.ones(6), np.ones(5), *ARRAY])},
    schedules.noisy_runs: {"lr": (0.1, [*ABOVE_0, lambda step: -1.0])},
    schedules.best_of: {"family": (schedules.to_zero, [3, "cosine", None])},
    schedules.to_zero: {"lr": (0.1, ABOVE_0)},
}
CARRIERS = {
    *(
        live.Slider,
        live.Choice,
        live.Stage,
        live.Frame,
        live.Drag,
        live.Draw,
        live.LiveView,
        live.close_predecessor,
        show.Source,
    ),
    *(descent.LineProblem, descent.line_frame, descent.line_stage, descent.contour, descent.rate_slider),
    *(schedules.Best, schedules.schedule_frame),
}
