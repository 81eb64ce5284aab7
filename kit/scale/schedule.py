"""Schedules of a pipeline: in which order a stage takes its micro-batches, and what that costs in idle time.

    GPipe   all forward passes, then all backward passes
    1F1B    as soon as a stage can, one forward pass and one backward pass in turn

p stages, m micro-batches. Either way the first stage waits at the end for the others and the last one at the start:

    bubble = (p - 1) / m              of the time that the work alone would take
           = (p - 1) / (m + p - 1)    of the whole time

Source: Huang et al. (2019), arXiv:1811.06965, for GPipe and the second fraction; Narayanan et al. (2021),
arXiv:2104.04473, section 2.2, for 1F1B and the first.

Taught in: 24
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kit.arguments import count, one_of, real


class Action(NamedTuple):
    """One piece of work: the pass, "F" or "B", and the number of the micro-batch."""

    kind: str
    micro: int


class Span(NamedTuple):
    """A piece of work in time."""

    stage: int
    kind: str
    micro: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """The idle time of a pipeline, as a share of the whole time and of the time that the work alone takes."""

    of_total: float
    of_ideal: float


def gpipe(stage: int, *, n_stages: int, n_micro: int) -> list[Action]:
    """Give a stage's order: every micro-batch forward, then every one backward.

    Raises:
        TypeError, ValueError: if a number is not a whole one in its range.

    >>> [f"{kind}{micro}" for kind, micro in gpipe(0, n_stages=2, n_micro=2)]
    ['F0', 'F1', 'B0', 'B1']
    """
    _check(stage, n_stages, n_micro)
    return [Action(kind, micro) for kind in "FB" for micro in range(n_micro)]


def one_f_one_b(stage: int, *, n_stages: int, n_micro: int) -> list[Action]:
    """Give a stage's order: as many forward passes as stages follow it, then one and one in turn, then the rest.

    So no stage keeps more micro-batches than it has stages from itself to the end, however many there are.

    Raises:
        TypeError, ValueError: if a number is not a whole one in its range.

    >>> [f"{kind}{micro}" for kind, micro in one_f_one_b(0, n_stages=2, n_micro=3)]
    ['F0', 'F1', 'B0', 'F2', 'B1', 'B2']
    """
    _check(stage, n_stages, n_micro)
    ahead = min(n_stages - 1 - stage, n_micro)
    order = [Action("F", micro) for micro in range(ahead)]
    for micro in range(n_micro):
        if micro + ahead < n_micro:
            order.append(Action("F", micro + ahead))
        order.append(Action("B", micro))
    return order


ORDERS: dict[str, Callable[..., list[Action]]] = {"GPipe": gpipe, "1F1B": one_f_one_b}


def orders(schedule: str, *, n_stages: int, n_micro: int) -> list[list[Action]]:
    """Give the order of every stage.

    Raises:
        TypeError, ValueError: if `schedule` is unknown, or a number not a whole one above 0.
    """
    order = ORDERS[one_of("schedule", schedule, tuple(ORDERS))]
    return [order(stage, n_stages=n_stages, n_micro=n_micro) for stage in range(count("n_stages", n_stages))]


def timeline(stages: Sequence[Sequence[Action]], *, forward: float = 1.0, backward: float = 2.0) -> list[Span]:
    """Play the orders of all stages through: each piece begins when its stage is free and its input is there.

    A forward pass needs that of the stage before; a backward pass that of the stage after and its own forward pass.

    Args:
        forward, backward: how long a pass of one micro-batch through one stage takes.

    Raises:
        TypeError, ValueError: if a time is not above 0, or the orders wait for each other for ever.
    """
    lasts = {"F": real("forward", forward, above=0), "B": real("backward", backward, above=0)}
    ended: dict[tuple[int, str, int], float] = {}
    free, done, spans = [0.0] * len(stages), [0] * len(stages), []
    while len(spans) < sum(map(len, stages)):
        before = len(spans)
        for stage, order in enumerate(stages):
            while done[stage] < len(order):
                kind, micro = order[done[stage]]
                needs = [(stage - 1, "F", micro)] if kind == "F" else [(stage + 1, "B", micro), (stage, "F", micro)]
                needs = [need for need in needs if 0 <= need[0] < len(stages)]
                if not all(need in ended for need in needs):
                    break
                start = max([free[stage], *(ended[need] for need in needs)])
                free[stage] = ended[stage, kind, micro] = start + lasts[kind]
                spans.append(Span(stage, kind, micro, start, free[stage]))
                done[stage] += 1
        if len(spans) == before:
            waiting = {stage: order[done[stage]] for stage, order in enumerate(stages) if done[stage] < len(order)}
            stage, (kind, micro) = min(waiting.items())
            raise ValueError(f"stages must have orders that can be played, got stage {stage} waiting at {kind}{micro}")
    return spans


def bubble(spans: Sequence[Span]) -> Bubble:
    """Count the idle time between the first piece of work and the last, on all stages together.

    Raises:
        ValueError: if there is no work.
    """
    if not spans:
        raise ValueError("spans must be one or more, got none")
    n_stages = 1 + max(span.stage for span in spans)
    whole = n_stages * (max(span.end for span in spans) - min(span.start for span in spans))
    busy = sum(span.end - span.start for span in spans)
    return Bubble(of_total=(whole - busy) / whole, of_ideal=(whole - busy) / busy)


def predicted_bubble(*, n_stages: int, n_micro: int) -> Bubble:
    """Reckon the idle time of GPipe and 1F1B.

        (p - 1) / (m + p - 1)    of the whole time
        (p - 1) / m              of the time that the work alone takes

    Raises:
        TypeError, ValueError: if a number is not a whole one above 0.

    Oracle: `bubble` of `timeline`.

    >>> predicted_bubble(n_stages=4, n_micro=8).of_ideal
    0.375
    """
    p, m = count("n_stages", n_stages), count("n_micro", n_micro)
    return Bubble(of_total=(p - 1) / (m + p - 1), of_ideal=(p - 1) / m)


def most_in_flight(order: Sequence[Action]) -> int:
    """Count the micro-batches that a stage keeps at once, at most: gone forward and not yet back.

    >>> most_in_flight(gpipe(0, n_stages=4, n_micro=8)), most_in_flight(one_f_one_b(0, n_stages=4, n_micro=8))
    (8, 4)
    """
    kept = most = 0
    for kind, _ in order:
        kept += 1 if kind == "F" else -1
        most = max(most, kept)
    return most


def _check(stage: int, n_stages: int, n_micro: int) -> None:
    count("n_micro", n_micro)
    if count("stage", stage, at_least=0) >= count("n_stages", n_stages):
        raise ValueError(f"stage must be below n_stages, {n_stages}, got {stage}")
