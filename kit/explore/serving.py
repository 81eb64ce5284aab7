"""A view of what a token costs: a model on a machine, rows, a context; the roofline, the wait and the price.

Taught in: 26
"""

from collections.abc import Mapping, Sequence
from functools import partial

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from kit.arguments import count, instance, one_of, real
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE
from kit.models.gpt import GPT2_CONFIGS, GPT3_CONFIGS, GPTConfig
from kit.serve.roofline import SOLD, Machine, Step, cost_per_million, decode_step
from kit.text.story_tasks import WORDS

MODELS: dict[str, GPTConfig] = {
    "story GPT": GPTConfig(vocab_size=len(WORDS), n_positions=1024, n_layers=2, n_heads=4, d_model=64),
    "GPT-2 small": GPT2_CONFIGS["small"],
    "GPT-2 XL": GPT2_CONFIGS["XL"],
    "GPT-3 13B": GPT3_CONFIGS["13B"],
}
HERE = "this machine"
MEASURED_MODEL, MEASURED_CONTEXT = "GPT-2 small", 64  # what a reader's own machine is timed with, in float32
FORMATS = {"float32": 4, "bfloat16": 2, "int8": 1}
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
CONTEXTS = (16, 64, 128, 256, 512, 1024)
PRICES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
LIMIT = 0.025  # seconds from a row's token to its next, at most
QUEST_MODEL, QUEST_MACHINE, QUEST_CONTEXT = "GPT-2 XL", "A100 80GB", 1024
NEAR = 0.98  # of the most tokens a second that the limit allows
INTENSITIES = (0.1, 3000.0)


def step_of(model: str, weights: str, rows: int, context: int) -> Step:
    """Reckon the step of one of `MODELS`, with its weights in one of `FORMATS`; keys and values have 2 bytes, or 4.

    Raises:
        TypeError, ValueError: if there is no such model or format, or a number is not a whole one above 0.
    """
    one_of("model", model, tuple(MODELS))
    each = FORMATS[one_of("weights", weights, tuple(FORMATS))]
    rows, context = count("rows", rows), count("context", context)
    return decode_step(
        MODELS[model], n_rows=rows, context=context, weight_bytes_each=each, cache_bytes_each=max(each, 2)
    )


def most_within_the_limit(machine: Machine) -> float:
    """Find the most tokens a second that the quest's model makes on a machine, in time and in memory.

    Raises:
        TypeError: if `machine` is no Machine.
    """
    instance("machine", machine, Machine)
    steps = [step_of(QUEST_MODEL, weights, rows, QUEST_CONTEXT) for weights in FORMATS for rows in ROWS]
    able = [step for step in steps if step.fits(machine) and step.seconds(machine) <= LIMIT]
    return max((step.tokens_per_second(machine) for step in able), default=np.inf)


def cost_frame(
    model: str,
    machine: str,
    weights: str,
    rows: int,
    context: int,
    price: float,
    *,
    here: Machine,
    measured: Mapping[int, float],
) -> Frame:
    """Show where a setting stands under the roofline, and what wait and price come of it."""
    real("price", price, above=0)
    on = here if machine == HERE else SOLD[machine]
    step = step_of(model, weights, rows, context)
    path = [each for n in ROWS if (each := step_of(model, weights, n, context)).fits(on)]
    fits = step.fits(on)
    seconds, speed = step.seconds(on), step.tokens_per_second(on)
    cost = cost_per_million(price, speed)
    reading = step.bytes / on.bandwidth >= step.flops / on.flops
    reached = [each.flops / each.seconds(on) for each in path]
    ends = np.array([INTENSITIES[0], on.ridge, INTENSITIES[1]])
    nothing: tuple[list[float], list[float]] = ([], [])
    dot = ([step.intensity], [step.flops / seconds]) if fits else nothing
    right = ([1000 * seconds], [cost]) if fits else nothing
    curve = (
        [1000 * each.seconds(on) for each in path],
        [cost_per_million(price, each.tokens_per_second(on)) for each in path],
    )
    need = f"{step.weight_bytes / 1e9:.3g} GB of weights and {step.cache_bytes / 1e9:.3g} GB of keys and values"
    if fits:
        waits = "for the memory" if reading else "for the arithmetic"
        sentence = (
            f"{model} on {machine}, {rows} row{'s'[: rows > 1]} at a context of {context:,}: {need}. A step takes "
            f"{1000 * seconds:.3g} ms and waits {waits}: {speed:,.0f} tokens a second at most, "
            f"{cost:.3g} a million at {price:g} an hour."
        )
    else:
        sentence = f"{model} on {machine}: {need}, more than the {on.memory / 1e9:.0f} GB that it has."
    timed: tuple[list[float], list[float]] = ([], [])
    timed_bill: tuple[list[float], list[float]] = ([], [])
    if (model, machine, weights) == (MEASURED_MODEL, HERE, "float32") and rows in measured:
        bill, took = step_of(model, weights, rows, MEASURED_CONTEXT), measured[rows]
        timed = ([bill.intensity], [bill.flops / took])
        timed_bill = ([1000 * took], [cost_per_million(price, rows / took)])
        sentence += f" Measured, at {MEASURED_CONTEXT} tokens of context: {1000 * took:.3g} ms."
    asked = (model, machine, context) == (QUEST_MODEL, QUEST_MACHINE, QUEST_CONTEXT)
    return Frame(
        lines=[
            (ends, np.minimum(ends * on.bandwidth, on.flops)),
            ([each.intensity for each in path], reached),
            dot,
            curve,
            right,
            timed,
            timed_bill,
        ],
        sentence=sentence,
        quest_met=asked and fits and seconds <= LIMIT and speed >= NEAR * most_within_the_limit(on),
    )


def cost_stage() -> Stage:
    """Draw what stands still: the axes of both pictures, and the limit."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 3.9))
        roof, bill = figure.subplots(1, 2)
        roof.set(xscale="log", yscale="log", xlim=INTENSITIES, ylim=(1e9, 2e15))
        roof.set(xlabel="operations a byte", ylabel="operations a second")
        roof.set_title("Under the roof, more rows are nearly free")
        bill.set(xscale="log", yscale="log", xlim=(1e-3, 1e5), ylim=(1e-6, 1e3))
        bill.set(xlabel="milliseconds from a row's token to its next", ylabel="price of a million tokens")
        bill.set_title("Cheaper down, quicker to the left")
        bill.axvline(1000 * LIMIT, color=GREY, linestyle="--", linewidth=1)
        bill.text(1200 * LIMIT, 2e2, f"{1000 * LIMIT:g} ms", color="#555555", fontsize=9)
        lines = [
            roof.plot([], [], "-", color=GREY)[0],
            roof.plot([], [], "-", color=BLUE, linewidth=2.5)[0],
            roof.plot([], [], "o", color=ORANGE, markersize=9)[0],
            bill.plot([], [], "-", color=BLUE, linewidth=2.5)[0],
            bill.plot([], [], "o", color=ORANGE, markersize=9)[0],
            *(axes.plot([], [], "o", color=GREEN, markersize=9)[0] for axes in (roof, bill)),
        ]
        roof.text(0.03, 0.94, "● by the roof", color=ORANGE, transform=roof.transAxes, fontsize=9)
        roof.text(0.03, 0.87, "● measured here", color=GREEN, transform=roof.transAxes, fontsize=9)
    return Stage(figure=figure, lines=lines)


def cost_view(here: Machine, measured: Mapping[int, float]) -> LiveView:
    """Open the calculator: model, machine, format of the weights, rows, context, and the price of an hour.

    Args:
        here: this machine, as `this_machine` measures it.
        measured: seconds of a step of GPT-2 small's shapes in float32 on it, at 64 tokens of context, by the number
            of rows.

    Raises:
        TypeError, ValueError: if they are no Machine, and no seconds above 0.
    """
    instance("here", here, Machine)
    instance("measured", measured, Mapping)
    for n_rows, took in measured.items():
        count("measured", n_rows)
        real("measured", took, above=0)

    def choice(name: str, label: str, values: Sequence[str], start: int) -> Choice:
        return Choice(name=name, label=label, values=values, labels=values, start=start)

    def slider(name: str, label: str, values: Sequence[float], start: int) -> Slider:
        return Slider(name=name, label=label, values=values, labels=[f"{value:,}" for value in values], start=start)

    return LiveView(
        title="What does one token cost?",
        controls=[
            choice("model", "model", tuple(MODELS), 1),
            choice("machine", "machine", (HERE, *SOLD), 0),
            choice("weights", "weights", tuple(FORMATS), 0),
            slider("rows", "rows at a time", ROWS, 0),
            slider("context", "tokens of context", CONTEXTS, 2),
            slider("price", "price of an hour", PRICES, 2),
        ],
        stages=[cost_stage()],
        frame=partial(cost_frame, here=here, measured=measured),
        quest=f"GPT-2 XL on an A100, 1,024 tokens of context: the cheapest token, each within {1000 * LIMIT:g} ms",
    )
