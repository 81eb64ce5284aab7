"""Of every public function of kit.evidence, every argument: a value it takes, those it refuses."""

import inspect
import pkgutil
from importlib import import_module

import numpy as np

import kit.evidence
from kit.evidence import finetuning, labels, optimizers, penalties, reading, scaling, schedules, stochastic, store
from kit.models.heads import SequenceClassifier
from tests.learn.refusals import ARRAY, AT_LEAST_0, AT_LEAST_1, COUNT, FUNCTION

STORY_GPT = reading.story_gpt(0, d_model=8)
ENDINGS = finetuning.labelled("endings", 2, seed=0)

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
    penalties.parts: {"table": ("sparse truth", ["odd", None]), "seed": (0, [])},
    stochastic.make_table: {"n": (3, AT_LEAST_1), "seed": (0, [])},
    scaling.draw_table: {"kind": ("one unit", ["odd", None]), "seed": (0, COUNT)},
    scaling.features_as: {"way": ("raw", ["whitened", None]), "x": (np.ones((2, 1)) * [[0.0], [1.0]], [])},
    schedules.settings_of: {"family": ("cosine", ["sine"]), "n_steps": (9, AT_LEAST_1)},
    schedules.peaked: {"way": ("with", ["both"]), "lr": (0.1, AT_LEAST_0)},
    reading.small_gpt: {
        "vocab_size": (3, AT_LEAST_1),
        "n_positions": (3, AT_LEAST_1),
        "d_model": (8, [*AT_LEAST_1, 6]),
        "seed": (0, COUNT),
    },
    reading.story_gpt: {"seed": (0, COUNT), "d_model": (8, [*AT_LEAST_1, 6])},
    reading.reading_rate: {"n_steps": (51, [*COUNT, 50])},
    reading.code_bits: {"rival": ("xz", ["gzip", None]), "seed": (0, COUNT)},
    finetuning.labelled: {"task": ("endings", ["moods", None]), "n": (2, AT_LEAST_1), "seed": (0, COUNT)},
    finetuning.written: {"task": ("endings", ["moods", None]), "n": (2, AT_LEAST_1), "seed": (0, COUNT)},
    finetuning.tuned: {
        "start": (STORY_GPT, [None, 5]),
        "examples": (ENDINGS, [None, "ten"]),
        "method": ("full", ["from scratch", None]),
        "lr": (1e-3, AT_LEAST_0),
        "n_steps": (12, AT_LEAST_1),
        "rank": (1, []),
        "seed": (0, COUNT),
    },
    labels.times_needed: {
        "reached": (0.5, ["half", None, np.nan]),
        "from_scratch": ([0.4, 0.5, 0.6], [[0.4, 0.5], ["all", 0.5, 0.6]]),
        "times": ((1, 2, 4), []),
    },
    finetuning.share_right: {
        "model": (SequenceClassifier(STORY_GPT, n_classes=2, token="last"), []),
        "examples": (ENDINGS, [None, "ten"]),
    },
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
