"""Give every public function what it must refuse, without the test run's type checker to help it.

    python -m tests.house.bad_input

prints how many calls were refused by a ValueError or TypeError that names the argument, before any
part of a model had computed. Each room lists its functions in tests/<room>/refusals.py; no public
function and no argument may be missing.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from torch.nn.modules.module import register_module_forward_hook

import kit
from tests.blocks import refusals as blocks
from tests.check import refusals as check
from tests.compress import refusals as compress
from tests.evidence import refusals as evidence
from tests.explore import refusals as explore
from tests.frontier import refusals as frontier
from tests.learn import refusals as learn
from tests.models import refusals as models
from tests.recsys import refusals as recsys
from tests.scale import refusals as scale
from tests.serve import refusals as serve
from tests.text import refusals as text
from tests.train import refusals as train

ARGUMENTS: dict[Callable, dict[str, tuple[Any, list]]] = {
    **blocks.ARGUMENTS,
    **check.ARGUMENTS,
    **compress.ARGUMENTS,
    **evidence.ARGUMENTS,
    **explore.ARGUMENTS,
    **frontier.ARGUMENTS,
    **learn.ARGUMENTS,
    **models.ARGUMENTS,
    **recsys.ARGUMENTS,
    **scale.ARGUMENTS,
    **serve.ARGUMENTS,
    **text.ARGUMENTS,
    **train.ARGUMENTS,
}
# Public, with nothing to refuse: what they are given they only carry or show, or kit itself calls them.
CARRIERS = {
    *blocks.CARRIERS,
    *check.CARRIERS,
    *compress.CARRIERS,
    *evidence.CARRIERS,
    *explore.CARRIERS,
    *frontier.CARRIERS,
    *learn.CARRIERS,
    *models.CARRIERS,
    *recsys.CARRIERS,
    *scale.CARRIERS,
    *serve.CARRIERS,
    *text.CARRIERS,
    *train.CARRIERS,
}


def refusals() -> Iterator[tuple[str, str]]:
    """Make each bad call; give its description, and what is wrong with the answer ("" if nothing)."""
    computed = []
    hook = register_module_forward_hook(lambda *_: computed.append(1))
    for function, arguments in ARGUMENTS.items():
        good = {name: value for name, (value, _) in arguments.items()}
        call(function, good)
        for name, (_, refused) in arguments.items():
            for bad in refused:
                computed.clear()
                try:
                    call(function, good | {name: bad})
                    problem = "accepted"
                except (ValueError, TypeError) as error:
                    problem = "" if str(error).startswith(name) else f"does not begin with the argument: {error}"
                except Exception as error:
                    problem = f"{type(error).__name__}: {error}"
                if computed and not problem and name not in ("loss", "batch"):  # which the answer alone may show
                    problem = "refused too late: a part of a model had computed"
                yield f"{function.__qualname__}({name}={bad!r})", problem
    hook.remove()


def call(function: Callable, arguments: dict[str, Any]) -> Any:
    """Call by keyword, what the signature marks with a star by position."""
    starred = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.VAR_POSITIONAL]
    return function(*[arguments[n] for n in starred], **{n: v for n, v in arguments.items() if n not in starred})


def public_functions() -> Iterator[Callable]:
    """Find the functions and classes that each module of kit defines under a public name."""
    for found in pkgutil.walk_packages(kit.__path__, "kit."):
        module: ModuleType = import_module(found.name)
        for name, thing in vars(module).items():
            defined_here = getattr(thing, "__module__", None) == module.__name__
            if defined_here and not name.startswith("_") and (inspect.isfunction(thing) or inspect.isclass(thing)):
                yield thing


def left_out() -> list[str]:
    """List public functions that have arguments and stand in no table, and arguments that are not tried."""
    missing = []
    for function in public_functions():
        if function in CARRIERS or not inspect.signature(function).parameters:
            continue
        if function not in ARGUMENTS:
            missing.append(f"{function.__module__}.{function.__qualname__}")
        elif inspect.isfunction(function):
            untried = set(inspect.signature(function).parameters) - set(ARGUMENTS[function])
            missing += [f"{function.__module__}.{function.__qualname__}({name})" for name in sorted(untried)]
    return missing


if __name__ == "__main__":
    results = list(refusals())
    for bad_call, problem in results:
        if problem:
            print(f"{bad_call}: {problem}")
    refused = sum(not problem for _, problem in results)
    print(f"{refused} of {len(results)} bad calls to {len(ARGUMENTS)} functions refused by name")
    print(f"left out: {', '.join(left_out()) or 'none'}")
    raise SystemExit(refused < len(results) or bool(left_out()))
