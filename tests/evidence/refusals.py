"""Of every public function of kit.evidence, every argument: a value it takes, those it refuses."""

import numpy as np

from kit.evidence import __main__ as command
from kit.evidence import models, models_at_work, small_models, store
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
# What the contests are made of: their own measures call them, and notebook 16 shows them.
CARRIERS |= {
    small_models.rows,
    small_models.made,
    small_models.trained,
    small_models.logits,
    small_models.drawn,
    small_models.next_word_batches,
    small_models.masked_batches,
    models.by_mask,
    models.by_next_word,
    models.by_trying,
    models.hidden_word,
    models.judged,
    models.by_model,
    models.by_counts,
    models.bits_a_tale,
    models.parallel_time,
    models_at_work.text_to_text,
    models_at_work.task_batches,
    models_at_work.exact,
    models_at_work.two_tasks,
    models_at_work.bits_remembered,
    models_at_work.own_bits,
    models_at_work.far_into_a_text,
    models_at_work.bits_in_table,
    models_at_work.hidden_words,
    models_at_work.bits_of_copies,
    models_at_work.queries_keys_values,
    models_at_work.kept_megabytes,
    models_at_work.attention_time,
}
