"""Give every public function what it must refuse, without the test run's type checker to help it.

    python -m tests.house.bad_input

prints how many calls were refused by a ValueError or TypeError that names the argument.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module

import numpy as np

import kit
from kit.check.claim import settle
from kit.check.exercise import Exercise
from kit.check.ledger import gradient_ledger
from kit.check.prediction import Prediction
from kit.explore.descent import BOWL_START, bowl_loss, line_problem
from kit.explore.live import Control, Drag, Frame, LiveView, Stage
from kit.explore.show import show
from kit.files import data_file
from kit.learn.descent import Descent, descend, divergence_rate, finite_differences
from kit.learn.linear import curvatures, least_squares, linear_objective, loss_forecast, with_intercept
from kit.learn.losses import mse
from kit.learn.scaling import Scaling, range_scaling, standard_scaling
from kit.machine import matmul_speed

X, Y = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]]), np.array([1.0, 2.0, 3.0])
VECTORS = [np.array([1, np.nan, 2.0]), np.array([1, np.inf, 2.0]), np.array([]), "three", ["a", "b", "c"], None]
MATRICES = [
    np.array([[1.0, np.nan]]),
    np.zeros((0, 2)),
    np.zeros((2, 2, 2)),
    Y,
    "three",
    [["a"]],
    None,
    [[1.0], [1, 2]],
]
RATES = [0, -0.1, np.nan, np.inf, "0.1", None, True]
COUNTS = [-1, 1.5, "3", None, True]
NOT_FUNCTIONS = [None, 3, "f"]

# function: its good arguments, and for each argument what it must refuse
TABLE: dict[Callable, tuple[dict, dict]] = {
    mse: (
        {"predictions": Y, "targets": Y},
        {name: [*VECTORS[:1], *VECTORS[2:], X] for name in ("predictions", "targets")},
    ),
    descend: (
        {"objective": bowl_loss, "start": BOWL_START, "lr": 0.1, "n_steps": 3},
        {"objective": NOT_FUNCTIONS, "start": VECTORS, "lr": RATES, "n_steps": COUNTS},
    ),
    divergence_rate: (
        {"objective": bowl_loss, "start": BOWL_START, "n_steps": 9, "precision": 0.1},
        {"objective": NOT_FUNCTIONS, "start": VECTORS, "n_steps": [0, *COUNTS], "precision": [*RATES, 1]},
    ),
    finite_differences: (
        {"objective": bowl_loss, "point": BOWL_START},
        {"objective": NOT_FUNCTIONS, "point": VECTORS},
    ),
    Descent.steps_to: (
        {"self": descend(bowl_loss, BOWL_START, lr=0.1, n_steps=3), "loss": 1.0},
        {"loss": [np.nan, "1", None]},
    ),
    with_intercept: ({"x": X}, {"x": MATRICES}),
    linear_objective: (
        {"x": X, "y": Y, "loss": mse},
        {"x": MATRICES, "y": [*VECTORS, X, Y[:2]], "loss": NOT_FUNCTIONS},
    ),
    least_squares: ({"x": X, "y": Y}, {"x": MATRICES, "y": [*VECTORS, X, Y[:2]]}),
    loss_forecast: ({"x": X, "y": Y}, {"x": MATRICES, "y": [*VECTORS, X, Y[:2]]}),
    curvatures: ({"x": X}, {"x": MATRICES}),
    standard_scaling: ({"x": X}, {"x": MATRICES}),
    range_scaling: ({"x": X}, {"x": MATRICES}),
    Scaling.apply: ({"self": standard_scaling(X), "x": X}, {"x": [*VECTORS, X[:, :1]]}),
    Scaling.undo: ({"self": standard_scaling(X), "z": X}, {"z": [*VECTORS, X[:, :1]]}),
    matmul_speed: (
        {"dtype": "float32", "size": 2, "repeats": 1},
        {"dtype": ["float8", 32, None], "size": [0, *COUNTS], "repeats": [0, *COUNTS]},
    ),
    data_file: ({"name": "claims.csv"}, {"name": ["missing.csv", "", "../README.md/x"]}),
    line_problem: ({"scaling": "raw"}, {"scaling": ["log", 1, None]}),
    show: ({"functions": mse}, {"functions": [3, "mse", None]}),
    settle: (
        {"claim": "B01", "parts": {"x": True}, "number": "1", "seeds": 1, "spread": "0"},
        {"claim": ["Z1", None], "parts": [{}], "seeds": [0, *COUNTS]},
    ),
    gradient_ledger: (
        {"ours": {"w": Y}, "theirs": {"w": Y}, "rtol": 1e-6},
        {"theirs": [{"v": Y}, {}], "rtol": RATES},
    ),
    Prediction: (
        {"notebook": "00", "question": "?", "options": ("a", "b")},
        {"options": [(), ("a",)]},
    ),
    Control: (
        {"name": "k", "label": "k", "values": (1, 2), "labels": ("1", "2"), "start": 0},
        {"values": [(), (1,), (1, 2, 3)], "start": [-1, 2]},
    ),
}

# Public, and with nothing to refuse: they take no argument that can be wrong, or only carry what they are given.
CARRIERS = {Descent, Scaling, Frame, Stage, Drag, LiveView, Exercise}


def refusals() -> Iterator[tuple[str, str, object, str]]:
    """Make each bad call; give function, argument, value, and what is wrong with the answer ("" if nothing)."""
    for call, (good, bad) in TABLE.items():
        call(*good.values()) if "functions" in good else call(**good)
        for argument, values in bad.items():
            for value in values:
                arguments = good | {argument: value}
                try:
                    call(*arguments.values()) if "functions" in good else call(**arguments)
                    problem = "accepted"
                except (ValueError, TypeError) as error:
                    problem = "" if argument in str(error) else f"does not name the argument: {error}"
                except Exception as error:
                    problem = f"{type(error).__name__}: {error}"
                yield call.__qualname__, argument, value, problem


def unlisted() -> list[str]:
    """List public functions and classes of the learner's rooms that the table does not try."""
    known = {f"{each.__module__}.{each.__qualname__.split('.')[0]}" for each in [*TABLE, *CARRIERS]}
    found = []
    for module in pkgutil.walk_packages(kit.__path__, "kit."):
        if module.name.startswith("kit.learn."):
            for name, thing in vars(import_module(module.name)).items():
                public = inspect.isfunction(thing) or inspect.isclass(thing)
                if public and not name.startswith("_") and thing.__module__ == module.name:
                    found += [] if f"{module.name}.{name}" in known else [f"{module.name}.{name}"]
    return found


if __name__ == "__main__":
    results = list(refusals())
    for name, argument, value, problem in results:
        if problem:
            print(f"{name}({argument}={value!r}): {problem}")
    refused = sum(not problem for *_, problem in results)
    print(f"{refused} of {len(results)} bad calls to {len(TABLE)} functions refused by name")
    print(f"public functions of kit.learn not tried: {', '.join(unlisted()) or 'none'}")
    raise SystemExit(refused < len(results) or bool(unlisted()))
