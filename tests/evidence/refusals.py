"""Of every public function of kit.evidence, every argument: a value it takes, those it refuses."""

import numpy as np

from kit.evidence import __main__ as command
from kit.evidence import store
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
