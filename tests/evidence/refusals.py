"""Of every public function of kit.evidence, every argument: a value it takes, those it refuses."""

import numpy as np

from kit.evidence import __main__ as command
from kit.evidence import optimizers, regularizers, schedules, store
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_1, FUNCTION

ARGUMENTS = {
    store.Experiment: {
        "name": ("x", []),
        "measure": (lambda n, seed: {"x": 1.0}, [*FUNCTION, lambda seed: {}]),
        "factors": ({"n": (1,)}, []),
        "seeds": (1, AT_LEAST_1),
        "quantities": (("x",), [()]),
    },
    store.interval_of_the_next: {"numbers": (np.ones(3), [*ARRAY, [1.0]])},
    optimizers.set_up: {"task": ("tumours, scaled", ["tumours"])},
    optimizers.make_table: {"n": (3, AT_LEAST_1), "seed": (0, [])},
    schedules.settings_of: {"family": ("cosine", ["sine"]), "n_steps": (9, AT_LEAST_1)},
    schedules.peaked: {"way": ("with", ["both"]), "lr": (0.1, ABOVE_0)},
}
# `stored`, `origin` and `live` refuse what is not stored: tests/evidence/test_store.py
CARRIERS = {store.key, store.stored_lines, store.stored, store.origin, store.live} | {
    command.experiments,
    command.measure,
    command.fill,
    command.put_in_order,
    command.commit,
    command.main,
}
# What one run of an experiment calls, with the values of its factors
CARRIERS |= {
    optimizers.Task,
    optimizers.steps_needed,
    optimizers.full_batch,
    optimizers.stochastic,
    optimizers.examples_touched,
    optimizers.seconds_taken,
    optimizers.shortest,
    regularizers.training,
    regularizers.measured,
    regularizers.one_run,
    schedules.noisy_losses,
    schedules.losses_on_the_way,
    schedules.quiet_loss,
    schedules.split_layers,
    schedules.deep_start,
    schedules.deep_objective,
    schedules.silent_share,
    schedules.training,
    schedules.loss_at_the_end,
}
