"""Of every public function of kit.evidence, every argument: a value it takes, those it refuses."""

import inspect
import pkgutil
from importlib import import_module

import numpy as np

import kit.evidence
from kit.evidence import optimizers, schedules, store
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
CARRIERS = {store.key, store.stored_lines, store.stored, store.origin, store.live}
# What one run of an experiment calls, with the values of its factors; and the command
for found in pkgutil.iter_modules(kit.evidence.__path__, "kit.evidence."):
    module = import_module(found.name)
    if module is not store:
        CARRIERS |= {
            thing
            for thing in vars(module).values()
            if (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__module__ == module.__name__
        }
