"""A view of a trained speller: which characters its guess hangs on.

Three recurrent cells learn the characters of Python's standard library for a few seconds each, when they are first
asked for.

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

from kit.arguments import count, one_of
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.overlay import HeatMap, Words
from kit.explore.palette import BLUE, HOUSE
from kit.explore.rnn import CELLS
from kit.models.memory import connectivity
from kit.models.rnn import keep_start, orthogonal_start
from kit.text.characters import N_SYMBOLS, stretches, symbols
from kit.text.corpus import standard_library
from kit.train.loop import fit
from kit.train.objectives import next_token_loss

SAMPLE = (
    "def longest(words):\n    best = ''\n    for word in words:\n        if len(word) > len(best):\n"
    "            best = word\n    return best\n"
)
COLUMNS, N_TRAIN_STEPS, N_GUESSES = 34, 300, 5
CONTEXT = 64
NEAR, QUEST_FAR = 5, 0.25


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
class Dependence:
    """What a speller expects at a place of the sample, and how much each character before it has to do with that.

    Args:
        weights: the gradient's length by each character of the sample; 0 from the place on.
        guesses, chances: the likeliest characters there, the likeliest first.
    """

    weights: Float[np.ndarray, "characters"]
    guesses: tuple[str, ...]
    chances: tuple[float, ...]


@cache
def dependence(cell: str, place: int) -> Dependence:
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
    return Dependence(
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
    found = dependence(cell, place)
    n_rows = -(-len(SAMPLE) // COLUMNS)
    cells = np.zeros(n_rows * COLUMNS)
    cells[: len(SAMPLE)] = np.sqrt(found.weights / found.weights.max())  # so that weak ones can be seen
    where = np.arange(len(SAMPLE))
    x, y = where % COLUMNS + 0.5, where // COLUMNS + 0.5
    shown = ["⏎" if letter == "\n" else letter for letter in SAMPLE]
    grid = cells.reshape(n_rows, COLUMNS)
    row, column = place // COLUMNS, place % COLUMNS
    far = float(found.weights[: max(0, place - NEAR)].sum() / found.weights.sum())
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
            f"{truth}. ≈{far:.0%} of the gradient falls on characters further back than {NEAR}."
        ),
        quest_met=bool(far >= QUEST_FAR and found.guesses[0] == truth),
    )  # fmt: skip


def reading_stage() -> Stage:
    """Draw what stands still: the frame of the text, and the axes of the guesses."""
    n_rows = -(-len(SAMPLE) // COLUMNS)
    with matplotlib.style.context([HOUSE, {"figure.constrained_layout.use": False}]):
        figure = Figure(figsize=(9.2, 3.2))
        text = figure.add_axes((0.02, 0.08, 0.72, 0.78))
        bars = figure.add_axes((0.81, 0.2, 0.16, 0.66))
        text.set(xlim=(0, COLUMNS), ylim=(n_rows, 0), xticks=[], yticks=[])
        text.set_title("The framed one is guessed: the darker another, the more it matters")
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
        quest=f"a character that is guessed right, with a quarter of the gradient further back than {NEAR} characters",
    )
