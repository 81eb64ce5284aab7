"""Two views of memory: the gradient from a cell's last state to every earlier input, and what a trained speller reads.

Taught in: 14
"""

from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from torch import Tensor, nn

from kit.arguments import count, one_of, real
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import HeatMap, Words
from kit.explore.palette import BLUE, GREY, HOUSE, ORANGE
from kit.models.memory import connectivity, step_factor
from kit.models.rnn import GRU, LSTM, RNN, Recurrent, keep_start, orthogonal_start
from kit.text.characters import N_SYMBOLS, stretches, symbols
from kit.text.corpus import standard_library
from kit.train.loop import fit
from kit.train.objectives import next_token_loss

CELLS: dict[str, type[Recurrent]] = {"plain RNN": RNN, "GRU": GRU, "LSTM": LSTM}

# A fresh cell -------------------------------------------------------------------------------------

LONGEST, ROWS, WIDTH, D_INPUT = 100, 16, 32, 4
GAINS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5)
BIASES = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
FLOOR, ROOF = 1e-8, 1e4
QUEST_LEAST, QUEST_MOST = 0.01, 10.0


@dataclass(frozen=True, kw_only=True)
class Feeling:
    """How a cell's last state depends on the input so many steps earlier.

    Args:
        by_lag: the gradient's length at lags 0 to 100, that at lag 0 being 1.
        factor: the forecast of what a step back does to it.
    """

    by_lag: Float[np.ndarray, "lags"]
    factor: float


@cache
def feeling(cell: str, gain: float, bias: float) -> Feeling:
    """Make a cell with a gain and a bias, let it read random rows, and follow the gradient back.

    Raises:
        TypeError, ValueError: if `cell` is not one of "plain RNN", "GRU" and "LSTM", `gain` < 0, or `bias` is none.
    """
    one_of("cell", cell, tuple(CELLS))
    gain, bias = real("gain", gain, at_least=0), real("bias", bias)
    generator = torch.Generator().manual_seed(0)
    made = CELLS[cell](D_INPUT, WIDTH, generator=generator).double()
    orthogonal_start(made, gain=gain, generator=generator)
    if cell != "plain RNN":
        keep_start(made, bias)
    x = torch.randn(ROWS, LONGEST + 1, D_INPUT, generator=generator, dtype=torch.float64)
    by_place = connectivity(lambda rows: made(rows)[1][0], x, generator=generator).numpy()
    return Feeling(by_lag=by_place[::-1] / by_place[-1], factor=step_factor(made, x))


def shade(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Give the darkness of each value by its order of size: 0 at a millionth and below, 1 at 1 and above.

    >>> shade(np.array([1e-7, 1e-3, 1.0]))
    array([0. , 0.5, 1. ])
    """
    return np.clip(1 + np.log10(np.maximum(values, 1e-12)) / 6, 0, 1)


def memory_frame(cell: str, gain: float, bias: float, lag: int) -> Frame:
    """Show the gradient by lag, beside its forecast, and the strip of all inputs."""
    found = feeling(cell, gain, bias)
    lags = np.arange(LONGEST + 1)
    measured, forecast = found.by_lag, found.factor**lags
    here, told = measured[lag], float(forecast[lag])
    strip = shade(measured[::-1])[None]
    arrow = LONGEST - lag + 0.5
    what = "exploded" if measured.max() > QUEST_MOST else "vanished" if measured[-1] < QUEST_LEAST else "carried"
    dial = f"gain {gain:g}" if cell == "plain RNN" else f"gain {gain:g}, bias {bias:g}"
    return Frame(
        lines=[
            ([arrow, arrow], [-0.1, 1.1]),
            (lags, np.clip(measured, FLOOR / 10, ROOF * 10)),
            (lags, np.clip(forecast, FLOOR / 10, ROOF * 10)),
            ([lag, lag], [FLOOR, ROOF]),
            ([lag], [float(np.clip(here, FLOOR, ROOF))]),
        ],
        overlays=[HeatMap(axes=0, values=strip, rows=["gradient"], columns=[f"{k} back" for k in lags[::-1]], limit=1)],
        sentence=(
            f"{cell}, {dial}. Of the gradient to the newest input, ≈{here:.2g} arrives {lag} step{'s'[: lag > 1]} "
            f"back; forecast ≈{found.factor:.3g} a step, so ≈{told:.2g}. Over 100 steps it has {what}."
        ),
        quest_met=cell == "plain RNN" and bool(measured[-1] >= QUEST_LEAST and measured.max() <= QUEST_MOST),
    )


def memory_stage() -> Stage:
    """Draw what stands still: the strip's frame, and the axes of the gradient by lag."""
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9.2, 4.4))
        strip = figure.add_axes((0.1, 0.8, 0.87, 0.09))
        axes = figure.add_axes((0.1, 0.12, 0.87, 0.52))
        strip.set(xlim=(0, LONGEST + 1), ylim=(0, 1), yticks=[])
        strip.set_xticks(np.arange(0, LONGEST + 1, 20) + 0.5, [str(k) for k in range(LONGEST, -1, -20)])
        strip.set_title("Each input of the row, the newest on the right: the darker, the more of the gradient arrives")
        strip.set_xlabel("steps back")
        strip.grid(visible=False)
        axes.set(xlim=(0, LONGEST), ylim=(FLOOR, ROOF), yscale="log", xlabel="lag (steps back)")
        axes.set_ylabel("gradient, by the newest's")
        axes.set_yticks([1e-8, 1e-6, 1e-4, 1e-2, 1, 1e2, 1e4])
        axes.minorticks_off()
        for x, text, color in ((0.02, "measured", BLUE), (0.14, "forecast", ORANGE)):
            axes.annotate(text, (x, 0.06), xycoords="axes fraction", color=color, weight="bold")
        lines = [
            *strip.plot([], [], color="#222222", linewidth=2),
            *axes.plot([], [], color=BLUE, linewidth=2.4),
            *axes.plot([], [], color=ORANGE, linewidth=2),
            *axes.plot([], [], color=GREY, linewidth=1.2),
            *axes.plot([], [], "o", color=BLUE, markersize=8),
        ]
    return Stage(figure=figure, lines=lines)


def memory_view() -> LiveView:
    """Open the strip: a cell, the gain of its recurrent weights, the bias of the gate that keeps, and a lag."""
    lags = range(1, LONGEST + 1)
    return LiveView(
        title="How far back does it feel?",
        controls=[
            Choice(name="cell", label="cell", values=tuple(CELLS), labels=tuple(CELLS)),
            Slider(name="gain", label="gain of W", values=GAINS, labels=[f"{g:g}" for g in GAINS], start=3),
            Slider(name="bias", label="keeping bias", values=BIASES, labels=[f"{b:g}" for b in BIASES], start=2),
            Slider(name="lag", label="lag", values=lags, labels=[str(k) for k in lags], start=29),
        ],
        stages=[memory_stage()],
        frame=memory_frame,
        quest="a plain RNN in which, 100 steps back, a hundredth of the gradient arrives, and nowhere more than "
        "ten times of it",
    )


# A trained speller --------------------------------------------------------------------------------

SAMPLE = (
    "def longest(words):\n    best = ''\n    for word in words:\n        if len(word) > len(best):\n"
    "            best = word\n    return best\n"
)
COLUMNS, N_TRAIN_STEPS, N_GUESSES = 34, 300, 5
CONTEXT = 64


class Speller(nn.Module):
    """Characters in, logits of the next one out: an embedding, a recurrent cell, and a head."""

    def __init__(self, cell: str, width: int = 64):
        super().__init__()
        self.embedding, self.cell = nn.Embedding(N_SYMBOLS, width // 2), CELLS[cell](width // 2, width)
        self.head = nn.Linear(width, N_SYMBOLS)

    def forward(self, ids: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time symbols"]:
        return self.head(self.cell(self.embedding(ids))[0])


@cache
def library_symbols() -> Int[np.ndarray, "characters"]:
    """Read a million characters of the standard library, files in a random order."""
    documents = standard_library()
    order = np.random.default_rng(0).permutation(len(documents))
    texts, n = [], 0
    for i in order:
        texts.append(symbols(documents[i].text))
        n += len(texts[-1])
        if n > 1_000_000:
            break
    return np.concatenate(texts)[:1_000_000]


@cache
def speller(cell: str) -> Speller:
    """Train a speller on the standard library, in a few seconds.

    Raises:
        ValueError: if `cell` is not one of "plain RNN", "GRU" and "LSTM".
    """
    one_of("cell", cell, tuple(CELLS))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Speller(cell)
    orthogonal_start(model.cell, generator=torch.Generator().manual_seed(0))
    if cell != "plain RNN":
        keep_start(model.cell, 1.0)

    def batch(step: int) -> Tensor:
        rng = np.random.default_rng([0, step])
        return torch.from_numpy(stretches(library_symbols(), 32, length=CONTEXT + 1, rng=rng))

    fit(model, next_token_loss, batch, n_steps=N_TRAIN_STEPS, lr=3e-3 if cell == "plain RNN" else 1e-2)
    return model


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a speller expects at a place of the sample, and how much each character before it has to do with that.

    Args:
        weights: the gradient's length by each character of the sample; 0 from the place on.
        guesses, chances: the likeliest characters there, the likeliest first.
    """

    weights: Float[np.ndarray, "characters"]
    guesses: tuple[str, ...]
    chances: tuple[float, ...]


@cache
def look(cell: str, place: int) -> Look:
    """Let a trained speller read the sample up to a place, and follow its guess back.

    Raises:
        TypeError, ValueError: if there is no such cell, or `place` is not from 1 to the sample's last.
    """
    model = speller(cell)
    if count("place", place) >= len(SAMPLE):
        raise ValueError(f"place must be at most {len(SAMPLE) - 1}, got {place}")
    ids = torch.from_numpy(symbols(SAMPLE[:place]))[None]
    with torch.no_grad():
        rows = model.embedding(ids).expand(32, -1, -1)
        chances = model(ids)[0, -1].softmax(dim=-1)
    generator = torch.Generator().manual_seed(0)
    by_place = connectivity(lambda x: model.head(model.cell(x)[1][0]), rows, generator=generator)
    top = chances.topk(N_GUESSES)
    weights = np.zeros(len(SAMPLE))
    weights[:place] = by_place.numpy()
    return Look(
        weights=weights,
        guesses=tuple(character(int(i)) for i in top.indices),
        chances=tuple(float(p) for p in top.values),
    )


def character(symbol: int) -> str:
    """Write a symbol so that it can be seen.

    >>> character(0), character(1), character(66)
    ('⏎', '␣', 'a')
    """
    return "⏎" if symbol == 0 else "␣" if symbol == 1 else chr(symbol + 31) if symbol < N_SYMBOLS - 1 else "?"


def reading_frame(cell: str, place: int) -> Frame:
    """Show the sample, shaded by what the guess at a place has to do with each character."""
    found = look(cell, place)
    n_rows = -(-len(SAMPLE) // COLUMNS)
    cells = np.zeros(n_rows * COLUMNS)
    strongest = found.weights.max()
    cells[: len(SAMPLE)] = found.weights / strongest
    where = np.arange(len(SAMPLE))
    x, y = where % COLUMNS + 0.5, where // COLUMNS + 0.5
    shown = ["⏎" if letter == "\n" else letter for letter in SAMPLE]
    grid = cells.reshape(n_rows, COLUMNS)
    row, column = place // COLUMNS, place % COLUMNS
    share = found.weights**2 / (found.weights**2).sum()
    near = float(share[max(0, place - 5) : place].sum())
    truth = character(int(symbols(SAMPLE[place])[0]))
    heights = np.arange(N_GUESSES)
    return Frame(
        lines=[
            ([column, column + 1, column + 1, column, column], [row, row, row + 1, row + 1, row]),
            *(([0, p], [h, h]) for p, h in zip(found.chances, heights, strict=True)),
        ],
        overlays=[
            HeatMap(axes=0, values=grid, rows=[f"line {i + 1}" for i in range(n_rows)],
                    columns=[f"column {i + 1}" for i in range(COLUMNS)], limit=1),
            Words(axes=0, x=x.tolist(), y=y.tolist(), texts=shown, align="center", size=9, color="#111111"),
            Words(axes=1, x=[-0.04] * N_GUESSES, y=heights.tolist(), texts=found.guesses, align="right", size=10),
        ],
        sentence=(
            f"{cell}, character {place + 1}: it expects {found.guesses[0]} (≈{found.chances[0]:.0%}), and there stands "
            f"{truth}. ≈{near:.0%} of the squared gradient falls on the five characters before."
        ),
        quest_met=bool(near < 0.5 and found.guesses[0] == truth),
    )  # fmt: skip


def reading_stage() -> Stage:
    """Draw what stands still: the frame of the text, and the axes of the guesses."""
    n_rows = -(-len(SAMPLE) // COLUMNS)
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9.2, 3.2))
        text = figure.add_axes((0.02, 0.08, 0.72, 0.78))
        bars = figure.add_axes((0.81, 0.2, 0.17, 0.66))
        text.set(xlim=(0, COLUMNS), ylim=(n_rows, 0), xticks=[], yticks=[])
        text.set_title("The framed character is guessed: the darker another, the more it has to do with the guess")
        bars.set(xlim=(0, 1), ylim=(N_GUESSES - 0.5, -0.5), xticks=(0, 0.5, 1), yticks=[], xlabel="chance")
        bars.set_title("It expects")
        for axes in (text, bars):
            axes.grid(visible=False)
        lines = [
            *text.plot([], [], color=BLUE, linewidth=2),
            *(bars.plot([], [], color=BLUE, linewidth=12, solid_capstyle="butt")[0] for _ in range(N_GUESSES)),
        ]
    return Stage(figure=figure, lines=lines)


def reading_view() -> LiveView:
    """Open the text: a trained cell, and the character that it guesses."""
    places = range(1, len(SAMPLE))
    return LiveView(
        title="What does it look back at?",
        controls=[
            Choice(name="cell", label="cell", values=tuple(CELLS), labels=tuple(CELLS), start=2),
            Slider(name="place", label="character", values=places, labels=[str(p + 1) for p in places], start=119),
        ],
        stages=[reading_stage()],
        frame=reading_frame,
        quest="a character that is guessed right, and more than half of the squared gradient falls on characters "
        "further back than five",
    )
