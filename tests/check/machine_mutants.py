"""Exercise checks against every small change that a machine can make to a right answer.

    python -m tests.check.machine_mutants          prints a table: killed, equivalent, alive
    python -m tests.check.machine_mutants NAME     for exercises whose number and name hold NAME

Each folded solution is changed at one place at a time: a number, a comparison, an operator, a statement, the order
of two arguments, an axis, a reduction, what is returned. A change that the check accepts is alive, unless
`equivalents.csv` says in a sentence why no check could tell it from the solution.
"""

import ast
import copy
import csv
import difflib
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import kit.check.exercise
from kit.check.course import EXERCISES
from kit.check.exercise import CORRECT, Exercise
from tests.check.mutants import attempt, learners_names, solutions

COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Pow, ast.Mod)
OPPOSITES: dict[type, type] = {ast.And: ast.Or, ast.Is: ast.IsNot, ast.In: ast.NotIn, ast.BitAnd: ast.BitOr}
OPPOSITES |= {after: before for before, after in OPPOSITES.items()}
REDUCTIONS = {"min": "max", "argmin": "argmax", "minimum": "maximum", "sum": "mean", "all": "any", "tril": "triu"}
REDUCTIONS |= {"floor": "ceil", "sin": "cos", "log1p": "log"}
REDUCTIONS |= {after: before for before, after in REDUCTIONS.items()}
SYMMETRIC = ("min", "max", "minimum", "maximum")  # their arguments have no order
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Break, ast.Return)
LIMIT = 2.0  # seconds; an endless loop takes all of them, and no solution a quarter


def _operators(node: ast.AST) -> Iterator[ast.AST]:
    """Change a comparison, an operator or a connective."""
    match node:
        case ast.Compare(ops=[op]):
            kinds = [each for each in COMPARISONS if isinstance(op, COMPARISONS) and not isinstance(op, each)]
            for kind in kinds or [OPPOSITES[type(op)]]:
                yield ast.Compare(node.left, [kind()], node.comparators)
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            kinds = [each for each in OPERATORS if isinstance(op, OPERATORS) and not isinstance(op, each)]
            for kind in kinds or [OPPOSITES[type(op)]] if type(op) in (*OPERATORS, *OPPOSITES) else []:
                changed = copy.copy(node)
                changed.op = kind()
                yield changed
        case ast.BoolOp(op=op):
            yield ast.BoolOp(OPPOSITES[type(op)](), node.values)
            yield from node.values
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.If() | ast.While() | ast.IfExp():
            changed = copy.copy(node)
            changed.test = ast.UnaryOp(ast.Not(), node.test)
            yield changed


def _values(node: ast.AST) -> Iterator[ast.AST]:
    """Change a number, a name of a reduction, a call's arguments, an axis, or a border of a slice."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value) | float(value))):
            yield from (ast.Constant(each) for each in (1 - value, -1 - value))
        case ast.Constant(value=int(value) | float(value)):
            yield from (ast.Constant(each) for each in (value + 1, value - 1, -value))
        case ast.Name(id=name) if name in REDUCTIONS:
            yield ast.Name(REDUCTIONS[name])
        case ast.Attribute(attr=name) if name in REDUCTIONS:
            yield ast.Attribute(node.value, REDUCTIONS[name])
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in SYMMETRIC:
            return
        case ast.Call(args=args):
            for i in range(len(args) - 1):
                yield ast.Call(node.func, [*args[:i], args[i + 1], args[i], *args[i + 2 :]], node.keywords)
        case ast.keyword(arg="axis" | "dim" as name):
            yield from (ast.keyword(name, ast.Constant(axis)) for axis in (None, 0, 1, -1))
        case ast.Slice(lower=lower, upper=upper, step=step):
            yield ast.Slice(None, upper, step)
            yield ast.Slice(lower, None, step)
            yield ast.Slice(lower, upper, None)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Drop a statement, or return nothing."""
    if isinstance(node, SIMPLE):
        yield ast.Pass()
    if isinstance(node, ast.Return):
        yield ast.Return(ast.Constant(None))


def mutants(source: str) -> list[str]:
    """Change a source at each of its places in every way; each result once, without those that change nothing."""
    tree = ast.parse(source)
    found = dict.fromkeys([ast.unparse(tree)])
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            children = value if isinstance(value, list) else [value]
            for i, child in enumerate(children):
                if not isinstance(child, ast.AST) or isinstance(child, ast.Import | ast.ImportFrom):
                    continue
                for changed in (*_operators(child), *_values(child), *_statements(child)):
                    setattr(
                        parent, field, [*children[:i], changed, *children[i + 1 :]] if value is children else changed
                    )
                    found[ast.unparse(ast.fix_missing_locations(tree))] = None
                setattr(parent, field, value)
    return list(found)[1:]


def difference(source: str, mutant: str) -> str:
    """Name a mutant by the line that it changes: before -> after.

    >>> difference("def f(x):\\n    return x", "def f(x):\\n    return -x")
    'return x -> return -x'
    """
    lines = [ast.unparse(ast.parse(source)).split("\n"), mutant.split("\n")]
    changed = [line for line in difflib.ndiff(*lines) if line[0] in "-+"]
    sides = [" / ".join(line[2:].strip() for line in changed if line[0] == sign) for sign in "-+"]
    return " -> ".join(sides)


def equivalents() -> dict[tuple[str, str], str]:
    """Read what no check could tell from the solution: by exercise and difference, the reason."""
    with Path(__file__).with_name("equivalents.csv").open(newline="", encoding="utf-8") as file:
        return {(row["exercise"], row["mutant"]): row["reason"] for row in csv.DictReader(file)}


@dataclass
class Row:
    """What became of an exercise's mutants."""

    killed: int
    equivalent: list[str]
    alive: list[str]


def without_hints(exercise: Exercise) -> Exercise:
    """Judge as the exercise does, but look for no hint, and reckon what is expected once."""
    known = [exercise.solution(*copy.deepcopy(case)) for case in exercise.cases]
    answers = iter(())

    def solution(*_: object) -> object:
        nonlocal answers
        value = next(answers, None)
        if value is None:
            answers = iter(known)
            value = next(answers)
        return copy.deepcopy(value)

    return replace(exercise, mistakes=(), solution=solution)


class _Bounded(ast.NodeTransformer):
    """Let no power of whole numbers grow without end: nothing stops Python while it computes one."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return _call_power(node.left, node.right) if isinstance(node.op, ast.Pow) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.Assign([node.target], _call_power(read, node.value))


def _call_power(base: ast.expr, exponent: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("_power", ast.Load()), [base, exponent], [])


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent * base.bit_length() > 100_000:
        raise OverflowError("a power too large to write down")
    return base**exponent


def killed(exercise: Exercise, mutant: str) -> bool:
    """Tell whether a check turns a mutant down, or the mutant cannot even be defined."""
    with redirect_stdout(StringIO()), patch.object(kit.check.exercise, "SECONDS", LIMIT):
        try:
            learners_names(exercise.notebook)["_power"] = _power
            made = attempt(
                ast.unparse(ast.fix_missing_locations(_Bounded().visit(ast.parse(mutant)))), exercise.notebook
            )
        except Exception:
            return True
        return exercise(made).outcome != CORRECT


def judge(exercise: Exercise, source: str) -> Row:
    """Run every mutant of a solution through the check."""
    row, reasons, bare = Row(0, [], []), equivalents(), without_hints(exercise)
    for mutant in mutants(source):
        if killed(bare, mutant):
            row.killed += 1
        else:
            named = difference(source, mutant)
            (row.equivalent if (exercise.name, named) in reasons else row.alive).append(named)
    return row


def numbered() -> list[tuple[Exercise, str]]:
    """List each exercise that asks for a function, with the notebook's solution."""
    pairs = [(e, s) for n, exercises in EXERCISES.items() for e, s in zip(exercises, solutions(n), strict=True)]
    return [(exercise, source) for exercise, source in pairs if exercise.cases[0]]


def main(part: str) -> None:
    os.environ["KIT_PROGRESS"] = "memory"
    total, used = Row(0, [], []), set()
    print(f"{'exercise':54} killed  equivalent  alive")
    for exercise, source in numbered():
        if part not in f"{exercise.notebook} {exercise.name}":
            continue
        row = judge(exercise, source)
        used |= {(exercise.name, named) for named in row.equivalent}
        print(f"{exercise.notebook} {exercise.name:51} {row.killed:6} {len(row.equivalent):11} {len(row.alive):6}")
        for named in row.alive:
            print(f"     alive: {named}")
        total = Row(total.killed + row.killed, total.equivalent + row.equivalent, total.alive + row.alive)
    print(f"{'all':54} {total.killed:6} {len(total.equivalent):11} {len(total.alive):6}")
    for name, named in () if part else equivalents().keys() - used:
        print(f"in equivalents.csv, and no mutant that stays alive: {name}: {named}")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
