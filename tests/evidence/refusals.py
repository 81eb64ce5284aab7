"""Of every public function of kit.evidence, every argument: a value it takes, those it refuses."""

import numpy as np

from kit.evidence import __main__ as command
from kit.evidence import finetuning, reading, store
from kit.models.heads import Classifier
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_1, COUNT, FUNCTION

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
        "lr": (1e-3, ABOVE_0),
        "n_steps": (12, AT_LEAST_1),
        "rank": (1, []),
        "seed": (0, COUNT),
    },
    finetuning.share_right: {
        "model": (Classifier(STORY_GPT, n_classes=2, token="last"), []),
        "examples": (ENDINGS, [None, "ten"]),
    },
}
# `stored`, `origin` and `live` refuse what is not stored: tests/evidence/test_store.py
CARRIERS = {store.key, store.stored_lines, store.stored, store.origin, store.live} | {
    command.experiments,
    command.measure,
    command.fill,
    command.put_in_order,
    command.commit,
    command.main,
    reading.story_rows,
    finetuning.Examples,
    *(finetuning.counted_phrases, finetuning.looked_up, finetuning.score),
    *(finetuning.tried, finetuning.right, finetuning.read),
}
