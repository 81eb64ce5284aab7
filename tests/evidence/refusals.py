"""Of every public function of kit.evidence, every argument: a value it takes, those it refuses."""

import numpy as np

from kit.evidence import __main__ as command
from kit.evidence import attention, precision, store
from tests.learn.refusals import ARRAY, AT_LEAST_1, FUNCTION

ARGUMENTS = {
    store.Experiment: {
        "name": ("x", []),
        "measure": (lambda n, seed: {"x": 1.0}, [*FUNCTION, lambda seed: {}]),
        "factors": ({"n": (1,)}, []),
        "seeds": (1, AT_LEAST_1),
        "quantities": (("x",), [()]),
    },
    store.interval_of_the_next: {"numbers": (np.ones(3), [*ARRAY, [1.0]])},
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
# What the contests of notebooks 15 and 21 are made of: their own measures call them.
CARRIERS |= {
    attention.ablated,
    attention.first_gradient,
    attention.model_of,
    attention.by_distance,
    attention.head_scores,
    attention.best_induction,
    attention.attention_alone,
    attention.long_rows,
    attention.contest,
    attention.late_loss,
    attention.recall,
    attention.step_time,
    precision.held_out_losses,
    precision.gradients_lost,
    precision.speedup,
}
