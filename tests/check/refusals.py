"""Of every public function of kit.check and the ground floor, every argument: a value it takes, those it refuses."""

import time

import numpy as np

from kit import arguments, files, machine
from kit.check import (
    answers,
    card,
    claim,
    course,
    deadline,
    exercise,
    gpt_steps,
    ledger,
    prediction,
    progress,
    sentences,
    strips,
    wording,
    worked,
)
from kit.check import attention as attention_exercises
from kit.check import deep_nets as deep_net_exercises
from kit.check import descent as descent_exercises
from kit.check import first_network as network_exercises
from kit.check import models as model_exercises
from kit.check import models_at_work as work_exercises
from kit.check import optimizers as optimizer_exercises
from kit.check import precision as precision_exercises
from kit.check import regularizers as regularizers_exercises
from kit.check import schedules as schedule_exercises
from kit.check import selection as selection_exercises
from kit.check import trees as tree_exercises
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_0, AT_LEAST_1

ROW = sentences.sentences()["A01"][0]
ONE = {"w": np.ones(3)}

ARGUMENTS = {
    files.data_file: {"name": ("claims.csv", ["missing.csv", "", "../README.md/x"])},
    machine.matmul_speed: {
        "dtype": ("float32", ["float8", 32, None]),
        "size": (2, AT_LEAST_1),
        "repeats": (1, AT_LEAST_1),
    },
    machine.seconds_in_turn: {
        "works": (int, ["ten", None, 3]),
        "repeats": (1, AT_LEAST_1),
        "clock": (time.process_time, ["wall", None]),
    },
    claim.settle: {
        "claim": ("E05", ["Z1", None, 5]),
        "evidence": (
            {"E05.1": [0.0]},
            [None, [], {}, {"E05.1": 1.0}, {"E05.1": ["a"]}, {"E05.1": [0.0], "E05.2": [0.0]}],
        ),
        "scope": ("this processor", [None, 3]),
        "fewer": ("", [None, True]),
    },
    claim.finding: {"text": ("seen", [None, 3, "", " "])},
    sentences.judge: {
        "sentence": (ROW, [None, "B01.1"]),
        "case": ("", []),
        "numbers": (np.arange(3.0), [*ARRAY, np.ones(1), 3.0]),
    },
    sentences.together: {"outcomes": (["holds"], [[], ["true"], [True]])},
    sentences.Lacking: {"what": ("a GPU", [None, 3])},
    ledger.gradient_ledger: {
        "ours": (ONE, []),
        "theirs": (ONE, [{"v": np.ones(3)}, {}]),
        "rtol": (1e-6, ABOVE_0),
    },
    prediction.Prediction: {
        "notebook": ("00", []),
        "question": ("?", []),
        "options": (("a", "b"), [(), ("a",)]),
        "borders": ((1.0,), [(1.0, 2.0), ("x",), (float("nan"),)]),
    },
    optimizer_exercises.suspect: {"lr": (0.1, AT_LEAST_0)},
    course.course_map: {"seconds": (None, [{}, {"00": 1.0}])},
}
CARRIERS = {
    *(precision_exercises.shares, precision_exercises.total, precision_exercises.spread, precision_exercises.bend),
    *(arguments.real_array, arguments.matching, arguments.real, arguments.count, arguments.function, arguments.one_of),
    *(arguments.unchecked_array, arguments.integer_array, arguments.instance, arguments.token_ids),
    *(arguments.several, arguments.real_tensor, arguments.integer_tensor, arguments.matching_tensors),
    arguments.all_finite,
    gpt_steps.normal,
    *(arguments.token_batch, arguments.token_flags, arguments.token_numbers, arguments.shown, files.write_whole),
    *(
        card.Card,
        claim.Verdict,
        sentences.Sentence,
        sentences.Result,
        strips.strips,
        strips.picture,
        exercise.Verdict,
        exercise.Mistake,
        exercise.Exercise,
        exercise.forget,
        *(answers.as_array, answers.frozen, answers.unusable, answers.same, answers.differ, answers.difference),
        *(wording.is_tensor, wording.numbers_of, wording.numbers_shown, wording.describe, wording.names_of),
        *(wording.case_shown, wording.argument, worked.way_to, deadline.deadline, deadline.OutOfTime),
        ledger.Ledger,
        machine.Profile,
    ),
    *(progress.record, progress.events, course.CourseMap, descent_exercises.bisect, descent_exercises.Threshold),
    *(optimizer_exercises.LinearLoss, optimizer_exercises.Named),
    selection_exercises.Shrunk,
    *(regularizers_exercises.Trials, regularizers_exercises.first_rise, regularizers_exercises.rises_in_a_row),
    attention_exercises.Suspect,
    *(network_exercises.Accuracies, deep_net_exercises.Accuracies),
    schedule_exercises.Runs,
    *(tree_exercises.line, tree_exercises.nearest),
    *(model_exercises.Layer, model_exercises.Norm, model_exercises.Judged, work_exercises.WithGradient),
}
