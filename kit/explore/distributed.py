"""Two views of distributed training: the timeline of a pipeline, and what each rank keeps and sends.

Taught in: 24
"""

import dataclasses
from functools import cache

import matplotlib.style
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import Picture, Words
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK, SKY
from kit.explore.precision import KEEP
from kit.models.gpt import GPT2_CONFIGS, GPT3_CONFIGS, GPTConfig
from kit.scale.memory import bytes_sent, sharded_bill
from kit.scale.schedule import Action, Bubble, Span, bubble, most_in_flight, orders, predicted_bubble, timeline
from kit.train.budget import MemoryBreakdown, training_bytes

# The timeline --------------------------------------------------------------------------------------

STAGES, MICROS = (1, 2, 3, 4, 6), (1, 2, 4, 6, 8, 12)
MOMENTS = tuple(range(0, 101, 4))  # percent of the whole time
SCHEDULES = ("GPipe", "1F1B")
BACKWARD = 2  # a backward pass takes as long as two forward passes
LONGEST = (max(MICROS) + max(STAGES) - 1) * (1 + BACKWARD)
QUEST_STAGES, QUEST_IDLE, QUEST_KEPT = 4, 0.2, 4
MARGIN = 6  # units of time left of 0, where the stages' names stand
IDLE, BEYOND = "#e3e3e3", "#ffffff"
COLORS = {"F": (BLUE, SKY), "B": (ORANGE, "#e69f00")}  # of even and odd micro-batches


@cache
def played(schedule: str, n_stages: int, n_micro: int) -> tuple[list[list[Action]], list[Span], Bubble]:
    """Play a schedule through; give the orders, the timeline, and the idle time that was counted in it."""
    stages = orders(schedule, n_stages=n_stages, n_micro=n_micro)
    spans = timeline(stages, forward=1, backward=BACKWARD)
    return stages, spans, bubble(spans)


def timeline_picture(spans: list[Span], n_stages: int, moment: float) -> np.ndarray:
    """Colour a cell for each stage and unit of time: work that has begun by a moment, idle time, and what is beyond."""
    end = int(max(span.end for span in spans))
    colors = np.empty((n_stages, MARGIN + LONGEST, 3))
    colors[:] = to_rgb(BEYOND)
    time = colors[:, MARGIN:]
    time[:, : min(end, round(moment))] = to_rgb(IDLE)
    for stage, kind, micro, start, stop in spans:
        if start < moment:
            time[stage, int(start) : int(min(stop, np.ceil(moment)))] = to_rgb(COLORS[kind][micro % 2])
    return colors


def kept_at(spans: list[Span], n_stages: int, moment: float) -> list[int]:
    """Count the micro-batches that each stage keeps at a moment: gone forward, and not yet back."""
    kept = [0] * n_stages
    for stage, kind, _, start, stop in spans:
        kept[stage] += int(start < moment) if kind == "F" else -int(stop <= moment)
    return kept


def timeline_frame(schedule: str, n_stages: int, n_micro: int, moment: int) -> Frame:
    """Show a schedule up to a moment, what the stages keep then, and how the idle time compares."""
    stages, spans, idle = played(schedule, n_stages, n_micro)
    now = moment / 100 * max(span.end for span in spans)
    begun = [span for span in spans if span.start < now]
    height = max(STAGES) / n_stages
    middle = [max(STAGES) - (stage + 0.5) * height for stage in range(n_stages)]
    most = [most_in_flight(order) for order in stages]
    kept = kept_at(spans, n_stages, now)
    bars = np.array([point for y, n in zip(middle, kept, strict=True) for point in ((0, y), (n, y), (0, y))])
    curve = [100 * predicted_bubble(n_stages=n_stages, n_micro=m).of_total for m in range(1, max(MICROS) + 1)]
    numbers = [span for span in begun if span.end <= now]
    numbered = Words(
        axes=0,
        x=[(span.start + span.end) / 2 for span in numbers],
        y=[middle[span.stage] for span in numbers],
        texts=[str(span.micro + 1) for span in numbers],
        align="center",
        size=7,
        color="#ffffff",
    )
    texts = [f"stage {k + 1}" for k in range(n_stages)]
    names = Words(axes=0, x=[-0.6] * n_stages, y=middle, texts=texts, align="right")
    return Frame(
        lines=[
            ([now, now], [0, max(STAGES)]),
            (bars[:, 0], bars[:, 1]),
            (most, middle),
            (range(1, max(MICROS) + 1), curve),
            (n_micro, 100 * idle.of_total),
        ],
        overlays=[Picture(axes=0, colors=timeline_picture(spans, n_stages, now), smooth=False), numbered, names],
        sentence=f"{schedule}, {n_stages} stage{'s'[: n_stages > 1]}, {n_micro} micro-batch"
        f"{'es'[: 2 * (n_micro > 1)]}: {idle.of_total:.1%} of the whole time is idle, or {idle.of_ideal:.1%} of the "
        f"work's own. The first stage keeps up to {most[0]} at once, now {kept[0]}.",
        quest_met=n_stages >= QUEST_STAGES and idle.of_total <= QUEST_IDLE and max(most) <= QUEST_KEPT,
    )


def pipeline_timeline() -> LiveView:
    """Open the timeline of a pipeline: schedule, stages, micro-batches, and the moment up to which it is drawn."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.6, 3.9))
        grid = figure.add_gridspec(2, 2, width_ratios=[3.4, 1])
        time, kept, idle = (figure.add_subplot(grid[place]) for place in ((slice(None), 0), (0, 1), (1, 1)))
        time.set(xlim=(-MARGIN, LONGEST), ylim=(0, max(STAGES)), yticks=[], xticks=range(0, LONGEST, 10))
        time.set(xlabel="time, in forward passes of a micro-batch")
        time.set_title("blue: forward, orange: backward, grey: idle")
        time.grid(visible=False)
        kept.set(xlim=(0, max(MICROS) + 0.5), ylim=(0, max(STAGES)), yticks=[], xlabel="kept now; dot: at most")
        idle.set(xlim=(0, max(MICROS) + 0.5), ylim=(0, 100), xlabel="micro-batches", ylabel="idle, %")
        lines = [
            *time.plot([], [], color="#000000", linewidth=1.5),
            *kept.plot([], [], color=GREEN, linewidth=5, solid_capstyle="butt"),
            *kept.plot([], [], "o", color=GREEN, markersize=6),
            *idle.plot([], [], color=GREY, linewidth=2),
            *idle.plot([], [], "o", color=PINK, markersize=8),
        ]
    return LiveView(
        title="The timeline of a pipeline",
        controls=[
            Choice(name="schedule", label="schedule", values=SCHEDULES, labels=SCHEDULES),
            Slider(name="n_stages", label="stages", values=STAGES, labels=[str(p) for p in STAGES], start=3),
            Slider(name="n_micro", label="micro-batches", values=MICROS, labels=[str(m) for m in MICROS], start=2),
            Slider(
                name="moment",
                label="played",
                values=MOMENTS,
                labels=[f"{percent}%" for percent in MOMENTS],
                start=len(MOMENTS) - 1,
                play=True,
            ),
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=timeline_frame,
        quest=f"on {QUEST_STAGES} stages or more, be idle for a fifth of the time at most, and let no stage keep more "
        f"than {QUEST_KEPT} micro-batches",
    )


# What each rank keeps and sends ----------------------------------------------------------------------

MODELS: dict[str, GPTConfig] = {
    "GPT-2 124M": GPT2_CONFIGS["small"],
    "GPT-2 1.6B": GPT2_CONFIGS["XL"],
    "GPT-3 6.7B": GPT3_CONFIGS["6.7B"],
    "GPT-3 13B": GPT3_CONFIGS["13B"],
    "GPT-3 175B": GPT3_CONFIGS["175B"],
}
RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
ZERO = ("none", "1", "2", "3")
CARD_GB, QUEST_MODEL, QUEST_RANKS = 80, "GPT-3 13B", 8
PARTS = {"weights": BLUE, "gradients": ORANGE, "optimizer": GREEN, "copies": PINK, "activations": SKY}
TIME = 2048  # tokens a row


@cache
def rank_bill(model: str, n_ranks: int, stage: int, checkpoint_blocks: bool) -> MemoryBreakdown:
    """Reckon what one rank keeps, with a row of its own: products in bfloat16, everything else in float32."""
    config = dataclasses.replace(MODELS[model], dropout=0.0)
    time = min(TIME, config.n_positions)
    whole = training_bytes(config, batch_size=1, time=time, dtype="bfloat16", checkpoint_blocks=checkpoint_blocks)
    return sharded_bill(whole, n_ranks=n_ranks, stage=stage, n_blocks=config.n_layers)


def ranks_frame(model: str, n_ranks: int, stage: str, keep: str) -> Frame:
    """Show what a rank keeps at each of ZeRO's stages, and what it sends in a step."""
    chosen, again = ZERO.index(stage), keep != KEEP[0]
    bills = [rank_bill(model, n_ranks, each, again) for each in range(4)]
    one = rank_bill(model, 1, 0, False)
    sent = [bytes_sent(one.gradients, n_ranks=n_ranks, stage=each) for each in range(4)]
    lines, ends = [], [0.0] * 4
    for part in PARTS:
        for each, bill in enumerate(bills):
            end = ends[each] + 100 * getattr(bill, part) / one.total
            lines.append(([ends[each], end], [3 - each] * 2))
            ends[each] = end
    card = min(100 * CARD_GB * 1e9 / one.total, 104)  # beyond the picture's edge where all fits easily
    total, fits = bills[chosen].total / 1e9, bills[chosen].total / 1e9 <= CARD_GB
    way = f"ZeRO {chosen}" if chosen else "without ZeRO"
    parts = ", ".join(f"{part} {getattr(bills[chosen], part) / 1e9:.1f}" for part in PARTS)
    texts = [f"{bill.total / 1e9:,.1f} GB" for bill in bills]
    return Frame(
        lines=[
            *lines,
            (ends[chosen] + 1.5, 3 - chosen),
            ([card, card], [-0.5, 3.8]),
            *(([0, each / one.gradients], [3 - k] * 2) for k, each in enumerate(sent)),
        ],
        overlays=[
            Words(axes=0, x=[0.5] * 4, y=[3 - k + 0.36 for k in range(4)], texts=texts),
            Words(axes=0, x=[card + 0.6], y=[-0.4], texts=[f"{CARD_GB} GB" if card < 100 else ""]),
        ],
        sentence=f"{model} on {n_ranks} rank{'s'[: n_ranks > 1]}, {way}: {total:,.1f} GB a rank ({parts}); "
        f"a rank sends {sent[chosen] / 1e9:,.1f} GB a step. {'Fits' if fits else 'Does not fit'} {CARD_GB} GB.",
        quest_met=fits and model == QUEST_MODEL and n_ranks <= QUEST_RANKS,
    )


def ranks_memory() -> LiveView:
    """Open the bill of a rank: model, ranks, ZeRO's stage, and what is kept for the backward pass."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.6, 3.4))
        kept, sent = figure.subplots(1, 2, width_ratios=[2.6, 1])
        kept.set(xlim=(0, 104), ylim=(-0.5, 3.8), xlabel="kept by a rank, in % of what one process keeps")
        kept.set(yticks=range(4), yticklabels=["ZeRO 3", "ZeRO 2", "ZeRO 1", "none"])
        for i, (part, color) in enumerate(PARTS.items()):
            kept.annotate("■", (0.19 * i, 1.05), xycoords="axes fraction", color=color, size=12)
            kept.annotate(part, (0.03 + 0.19 * i, 1.06), xycoords="axes fraction", size=8)
        sent.set(xlim=(0, 3.1), ylim=(-0.5, 3.8), yticks=range(4), yticklabels=[], xlabel="sent, in gradients' bytes")
        lines = [
            kept.plot([], [], color=color, linewidth=13, solid_capstyle="butt")[0]
            for color in PARTS.values()
            for _ in range(4)
        ]
        lines += kept.plot([], [], "o", color="#000000", markersize=7)
        lines += kept.plot([], [], color="#000000", linewidth=1.4)
        lines += [sent.plot([], [], color=GREY, linewidth=13, solid_capstyle="butt")[0] for _ in range(4)]
    return LiveView(
        title="What a rank keeps and sends",
        controls=[
            Choice(name="model", label="model", values=tuple(MODELS), labels=tuple(MODELS), start=3),
            Slider(name="n_ranks", label="ranks", values=RANKS, labels=[str(w) for w in RANKS], start=3),
            Choice(name="stage", label="ZeRO", values=ZERO, labels=ZERO),
            Choice(name="keep", label="kept for the backward pass", values=KEEP, labels=KEEP),
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=ranks_frame,
        quest=f"fit {QUEST_MODEL} into {CARD_GB} GB a rank, on {QUEST_RANKS} ranks at most",
    )
