"""The forward pass as a picture: every table between a typed text and the next word, and the text written on.

    forward_view(model, read=stories)     a GPT over the words of the stories, and what it has read

Taught in: 18
"""

import math
from collections.abc import Collection
from functools import lru_cache, partial
from typing import Any

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Int
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from kit.arguments import instance, several
from kit.explore.live import Choice, Click, Frame, LiveView, Slider, Stage, Text
from kit.explore.overlay import HeatMap, Words
from kit.explore.palette import BLUE, GREY, HOUSE, ORANGE
from kit.models.forward_pass import HEADS, LAYER, STAGES, ForwardPass, forward_pass
from kit.models.gpt import GPT
from kit.text.grammar import tokens
from kit.text.story_tasks import END, TALES, WORDS, decode
from kit.train.decoding import chances_of, generate

EXAMPLES = (
    "Once upon a time there was a brave child named Mia, who lived by the sea.",
    "Long ago, near the woods, lived a quiet child called Tom. Every Sunday he would take a red",
    "This is the story of a tiny child.",
    "One rainy morning the lantern was gone. At last she met a friendly owl. She ran to the mill, and there was the",
)
TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
TOP_K = (1, 2, 3, 5, 10, 20, 50, None)
TOP_P = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
DRAWS = tuple(range(1, 21))
N_WRITTEN = 90
N_BARS, LEAST = 8, 0.01  # how many words the bars show, and of what chance at least
MOST_LABELS = 26  # rows whose word can be read
HALF = 0.5  # of a story must be the model's own, for its quest

# row and place of each stage in the diagram, and what is written on its box
PLACES: dict[str, tuple[int, float, str]] = {
    "ids": (0, 0.5, "ids"),
    "token": (1, 0.27, "token"),
    "position": (1, 0.73, "position"),
    "x": (2, 0.5, "x = token + position"),
    "norm": (3, 0.5, "norm"),
    "q": (4, 0.19, "q"),
    "k": (4, 0.5, "k"),
    "v": (4, 0.81, "v"),
    "scores": (5, 0.19, "scores"),
    "masked": (5, 0.5, "masked"),
    "weights": (5, 0.81, "weights"),
    "mixed": (6, 0.27, "mixed"),
    "joined": (6, 0.73, "joined"),
    "out": (7, 0.5, "out"),
    "x + attention": (8, 0.5, "x + out"),
    "second norm": (9, 0.5, "norm"),
    "up": (10, 0.27, "up"),
    "down": (10, 0.73, "down"),
    "x + feed-forward": (11, 0.5, "x + down"),
    "final norm": (12, 0.5, "norm"),
    "logits": (13, 0.27, "logits"),
    "chances": (13, 0.73, "chances"),
}
WIDTHS = {1: 0.56, 2: 0.42, 3: 0.29}  # of a box, by how many stand in its row


def word_ids(text: str, *, at_most: int) -> tuple[Int[Tensor, "tokens"], list[str]]:
    """Number the words of a text behind a line end, the first `at_most` tokens; give those that are no story's words.

    Raises:
        TypeError: if `text` is not a str.

    >>> word_ids("Mia, um", at_most=9)[1]
    ['um']
    """
    instance("text", text, str)
    known, words = {word: i for i, word in enumerate(WORDS)}, tokens(text)
    ids = [END, *(known[word] for word in words if word in known)]
    return torch.tensor(ids[:at_most]), [word for word in words if word not in known]


class Storyteller:
    """A GPT over the words of the stories, what it has read, and what it writes.

    Args:
        read: the stories that it was trained on.

    Raises:
        TypeError: if `model` is not a GPT, or `read` no collection.
        ValueError: if `model` is not over `WORDS`.
    """

    def __init__(self, model: GPT, read: Collection[str]):
        instance("model", model, GPT)
        several("read", read)
        if model.config.vocab_size != len(WORDS):
            raise ValueError(f"model must be over the {len(WORDS)} words of the stories, got {model.config.vocab_size}")
        self.model, self.read = model, {story.strip() for story in read}
        self.passed = lru_cache(maxsize=16)(self._passed)
        self.written = lru_cache(maxsize=64)(self._written)

    def _passed(self, ids: tuple[int, ...]) -> ForwardPass:
        return forward_pass(self.model, torch.tensor(ids))

    def _written(
        self, ids: tuple[int, ...], temperature: float, top_k: int | None, top_p: float, draw: int
    ) -> tuple[int, ...]:
        """Write on until the story ends, or there is no room left."""
        room = min(N_WRITTEN, self.model.config.n_positions - len(ids))
        if room < 1 or (len(ids) > 1 and ids[-1] == END):
            return ()
        (row,) = generate(
            self.model,
            [list(ids)],
            n_tokens=room,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            generator=torch.Generator().manual_seed(draw),
            stop=END,
        )
        return tuple(row[len(ids) :].tolist())

    def judged(self, ids: tuple[int, ...], n_typed: int) -> tuple[str, bool]:
        """Say of a finished story whether it is right and new, and whether both are so and the story is the model's."""
        story = decode(np.array(ids[1:]))
        if not TALES.can_write(story):
            return "The story is finished, and not right: the grammar cannot have told it", False
        if story.strip() in self.read:
            return "The story is finished and right, but one that it has read", False
        if ids == ids[:n_typed] + self.written(ids[:n_typed], 0.0, None, 1.0, DRAWS[0]):
            return "The story is finished and right, but the one that it always tells at a temperature of 0", False
        own = len(ids) - n_typed >= HALF * len(ids)
        return "The story is finished, right and new" + ("" if own else ", but mostly yours"), own


def forward_frame(
    teller: Storyteller,
    *,
    text: str,
    stage: str,
    layer: int,
    head: int,
    temperature: float,
    top_k: int | None,
    top_p: float,
    draw: int,
    written: int,
) -> Frame:
    """Show one stage of the forward pass as a table of colours, and the next word's chances."""
    typed, unknown = word_ids(text, at_most=teller.model.config.n_positions)
    begun = tuple(typed.tolist())
    ids = begun + (teller.written(begun, temperature, top_k, top_p, draw)[:written] if written else ())
    words = [shown_word(i) for i in ids]
    passed = teller.passed(ids)
    table = passed.table(stage, layer=layer, head=head).numpy()
    raw = passed.table("logits")[-1]
    own, cut = raw.softmax(dim=-1), chances_of(raw, temperature=temperature, top_k=top_k, top_p=top_p)
    finished = len(ids) > 1 and ids[-1] == END
    verdict, met = teller.judged(ids, len(begun)) if finished else ("", False)
    likeliest = int(own.argmax())
    sentences = [
        f"{named(stage, layer, head)}: {table.shape[0]} × {table.shape[1]}",
        verdict
        or f"The likeliest next word is {shown_word(likeliest)} (≈{float(own[likeliest]):.0%}), and "
        f"{int((cut > 0).sum())} of {len(WORDS)} words may be drawn",
    ]
    sentences += [f"Left out, for no story has them: {', '.join(unknown)}"] if unknown else []
    lines, labels = bars(own, cut, n_most=0 if finished else N_BARS)
    return Frame(
        lines=[outline(stage), *lines],
        sentence=". ".join(sentences) + ".",
        quest_met=met,
        pieces=[(word, str(i)) for word, i in zip(words, ids, strict=True)],
        overlays=[
            *shapes(passed, layer, head),
            *table_overlays(table, stage, words, named(stage, layer, head)),
            *labels,
        ],
    )


def named(stage: str, layer: int, head: int) -> str:
    """Name a stage, with its layer and head where it has them."""
    where = [f"layer {layer + 1}"] if stage in LAYER else []
    where += [f"head {head + 1}"] if stage in HEADS else []
    return ", ".join([stage[0].upper() + stage[1:] if len(stage) > 1 else stage, *where])


def shown_word(i: int) -> str:
    """Show a word as itself, and the line end by its sign."""
    return "⏎" if i == END else WORDS[i]


def box(stage: str) -> tuple[float, float, float, float]:
    """Place a stage's box in the diagram: left, bottom, width and height."""
    row, middle, _ = PLACES[stage]
    width = WIDTHS[sum(other == row for other, *_ in PLACES.values())]
    return middle - width / 2, -row - 0.39, width, 0.78


def outline(stage: str) -> tuple[list[float], list[float]]:
    """Draw the line around a stage's box."""
    x, y, width, height = box(stage)
    return [x, x + width, x + width, x, x], [y, y, y + height, y + height, y]


def shapes(passed: ForwardPass, layer: int, head: int) -> list[Words]:
    """Write each stage's shape into its box."""
    tables = [passed.table(stage, layer=layer, head=head) for stage in STAGES]
    texts = [f"{len(table)}" if table.shape[1] == 1 else f"{len(table)} × {table.shape[1]}" for table in tables]
    places = [PLACES[stage] for stage in STAGES]
    return [Words(axes=0, x=[x for _, x, _ in places], y=[-row - 0.2 for row, *_ in places], texts=texts,
                  align="center", size=7, color="#555555")]  # fmt: skip


def table_overlays(table: np.ndarray, stage: str, words: list[str], name: str) -> list[Any]:
    """Lay a table out as a heat map under its name, with its words beside it, and above where its columns are words."""
    by_word = stage in ("scores", "masked", "weights")
    rows = [f"{i + 1} {word}" for i, word in enumerate(words)]
    columns = rows if by_word else [f"column {j + 1}" for j in range(table.shape[1])]
    if stage in ("logits", "chances"):
        columns = [shown_word(j) for j in range(len(WORDS))]
    heat = HeatMap(axes=1, values=table, rows=rows, columns=columns, limit=1.0 if stage == "weights" else None)
    full = "1" if stage == "weights" else f"≈{heat.furthest:.2g}"
    every = math.ceil(len(words) / MOST_LABELS)
    at = [i for i in range(len(words)) if (len(words) - 1 - i) % every == 0]
    middles, texts = [(i + 0.5) / len(words) for i in at], [words[i] for i in at]
    title = Words(axes=1, x=[0], y=[-0.2], texts=[f"{name}; full colour at {full}"], size=9)
    overlays = [heat, title, Words(axes=1, x=[-0.012] * len(at), y=middles, texts=texts, align="right", size=7)]
    if by_word:
        overlays.append(Words(axes=1, x=middles, y=[-0.02] * len(at), texts=texts, size=7, upright=True))
    return overlays


def bars(
    own: Tensor, cut: Tensor, *, n_most: int = N_BARS
) -> tuple[list[tuple[list[float], list[float]]], list[Words]]:
    """Draw the likeliest next words: the model's chance above, what the settings make of it below."""
    order = own.argsort(descending=True, stable=True)[:n_most].tolist()
    shown = [i for i in order if max(own[i], cut[i]) >= LEAST]
    lines = [
        ([0.0, float(of[i])], [row + up, row + up]) if of[i] > 0 else ([], [])
        for of, up in ((own, -0.18), (cut, 0.18))
        for row, i in enumerate(shown)
    ]
    n_missing = N_BARS - len(shown)
    n = len(shown)
    lines = [*lines[:n], *[([], [])] * n_missing, *lines[n:], *[([], [])] * n_missing]
    look = {"axes": 2, "y": list(range(n)), "size": 8}
    names = Words(x=[-0.015] * n, texts=[shown_word(i) for i in shown], align="right", **look)
    ends = [float(max(own[i], cut[i])) + 0.015 for i in shown]
    return lines, [names, Words(x=ends, texts=[f"≈{float(cut[i]):.0%}" for i in shown], **look)]


def forward_stage() -> Stage:
    """Draw what stands still: the boxes, their ways, and the axes of table and bars."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 6.6))
        figure.set_layout_engine("none")  # the axes stand where they are put
        diagram = figure.add_axes((0.01, 0.01, 0.38, 0.98))
        heat = figure.add_axes((0.5, 0.39, 0.485, 0.49))
        below = figure.add_axes((0.5, 0.075, 0.4, 0.225))
        diagram.set(xlim=(-0.08, 1), ylim=(-13.5, 0.5))
        diagram.axis("off")
        diagram.add_patch(Rectangle((-0.06, -11.47), 1.05, 8.94, facecolor="#f4f4f4", edgecolor="#d0d0d0", zorder=0))
        diagram.text(0.965, -7, "in each layer", rotation=270, ha="center", va="center", size=8, color="#777777")
        for row in range(13):
            diagram.plot([0.5, 0.5], [-row - 0.39, -row - 0.61], color=GREY, linewidth=1)
        for top, bottom in ((2, 8), (8, 11)):  # the stream goes round each branch
            way = ([0.22, -0.035, -0.035, 0.22], [-top, -top, -bottom, -bottom])
            diagram.plot(*way, color=BLUE, linewidth=2.5, zorder=0.5)
        for stage in STAGES:
            left, bottom, width, height = box(stage)
            color = "#e3eef6" if stage in ("x", "x + attention", "x + feed-forward") else "#ffffff"
            diagram.add_patch(Rectangle((left, bottom), width, height, facecolor=color, edgecolor="#999999", zorder=1))
            row, middle, name = PLACES[stage]
            diagram.text(middle, -row + 0.17, name, ha="center", va="center", size=8, zorder=2)
        heat.set(xlim=(0, 1), ylim=(1, 0), xticks=(), yticks=())
        below.set(xlim=(0, 1), ylim=(N_BARS - 0.4, -0.6), yticks=(), xticks=(0, 0.5, 1))
        below.set_xticklabels(["0%", "50%", "100%"], fontsize=8)
        below.set_title("Next word: grey, the model's chance; orange, as it is drawn", fontsize=9, loc="left")
        for axes in (heat, below):
            axes.grid(visible=False)
        lines = diagram.plot([], [], color=ORANGE, linewidth=3)
        for color in (GREY, ORANGE):
            lines += [below.plot([], [], color=color, linewidth=4.5, solid_capstyle="butt")[0] for _ in range(N_BARS)]
    return Stage(figure=figure, lines=lines)


def forward_view(model: GPT, *, read: Collection[str]) -> LiveView:
    """Open a line to type into: each stage of the forward pass as a table, the next word, and the text written on.

    Args:
        model: over the words of `kit.text.story_tasks`, on the CPU.
        read: the stories that it was trained on, which are not new.

    Raises:
        TypeError: if `model` is not a GPT, or `read` no collection.
        ValueError: if `model` is not over `WORDS`, or has a single layer or head: there is nothing to choose.
    """
    teller = Storyteller(model, read)
    if min(model.config.n_layers, model.config.n_heads) < 2:
        sizes = f"{model.config.n_layers} and {model.config.n_heads}"
        raise ValueError(f"model must have layers and heads to choose from, two of each or more, got {sizes}")
    layers, heads = range(model.config.n_layers), range(model.config.n_heads)
    return LiveView(
        title="The forward pass of a GPT",
        controls=[
            Text(name="text", label="your text", values=EXAMPLES, labels=EXAMPLES),
            Slider(name="stage", label="stage", values=STAGES, labels=STAGES, start=STAGES.index("weights"), play=True),
            Choice(name="layer", label="layer", values=layers, labels=[str(i + 1) for i in layers]),
            Choice(name="head", label="head", values=heads, labels=[str(i + 1) for i in heads]),
            Slider(
                name="temperature",
                label="temperature",
                values=TEMPERATURES,
                labels=[f"{t:g}" for t in TEMPERATURES],
                start=TEMPERATURES.index(1.0),
            ),
            Slider(
                name="top_k",
                label="top-k",
                values=TOP_K,
                labels=["all" if k is None else str(k) for k in TOP_K],
                start=len(TOP_K) - 1,
            ),
            Slider(name="top_p", label="top-p", values=TOP_P, labels=[f"{p:g}" for p in TOP_P], start=len(TOP_P) - 1),
            Slider(name="draw", label="draw", values=DRAWS, labels=[str(d) for d in DRAWS]),
            Slider(
                name="written",
                label="words written",
                values=range(N_WRITTEN + 1),
                labels=[str(n) for n in range(N_WRITTEN + 1)],
                play=True,
            ),
        ],
        stages=[forward_stage()],
        frame=partial(forward_frame, teller),
        quest="find the settings at which it tells a story that is right and new, more than half of it its own",
        drag=Click(axes=0, control="stage", boxes=[box(stage) for stage in STAGES]),
    )
