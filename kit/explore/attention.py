"""Three views of attention: the heads of a trained model, the block without each of its parts, and a leak.

All models here learn one task: rows of different letters, said again and again. They have two
layers of two heads, and 200 steps. They are on the GPU where there is one, and their numbers come back.

Taught in: 17
"""

from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from torch import Tensor

from kit.arguments import count, instance, integer_tensor, one_of, real_tensor, token_batch
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage, Text
from kit.explore.palette import BLUE, GREEN, HOUSE, ORANGE
from kit.machine import profile
from kit.models.ablation import AblationConfig, AblationGPT
from kit.text.packing import IGNORE_INDEX
from kit.text.recall import predictable, repeated
from kit.train.loop import History, fit
from kit.train.objectives import token_loss

GREY, DARK = "#8c8c8c", "#333333"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
N_LETTERS, PERIODS, BATCH, N_STEPS, LR = 24, (2, 12), 24, 200, 6e-3

PARTS: dict[str, dict] = {
    "nothing": {},
    "scale": {"scale": False},
    "mask": {"mask": "never"},
    "mask put after softmax": {"mask": "after"},
    "positions": {"position": False},
    "residuals": {"residual": False},
    "norms": {"norm": "none"},
    "norms put after sums": {"norm": "post"},
    "feed-forward": {"feed_forward": False},
}
"""What can be taken out of the block, or put elsewhere, and the switch that does it."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model without one of its parts, trained, and how good it is at predicting letters.

    Args:
        losses: of the training batches, in nats a letter.
        grad_norms: the length of the gradient at each step.
        reported: by period, the share of letters predicted where whole rows are given, as in training.
        honest: by period, that share where each letter is asked for before the later ones exist.
    """

    model: AblationGPT
    losses: Float[np.ndarray, "steps"]
    grad_norms: Float[np.ndarray, "steps"]
    reported: Float[np.ndarray, "periods"]
    honest: Float[np.ndarray, "periods"]


@cache
def trained(without: str, seed: int = 0) -> Trained:
    """Train a model without a part, once.

    Raises:
        TypeError: if `seed` is not a whole number.
        ValueError: if `without` is no key of PARTS, or `seed` < 0.
    """
    one_of("without", without, tuple(PARTS))
    model, history = learned(AblationConfig(n_positions=N_LETTERS, **PARTS[without]), seed=seed)
    reported, honest = accuracy_by_period(model)
    _, norms = history.curve("grad_norm")
    return Trained(model=model, losses=history.losses, grad_norms=norms, reported=reported, honest=honest)


def learned(config: AblationConfig, *, seed: int) -> tuple[AblationGPT, History]:
    """Make a model where this machine computes, and train it on the task; the seed settles its first weights and rows.

    Raises:
        TypeError, ValueError: if `config` is not an AblationConfig, or `seed` not a whole number of at least 0.
    """
    seed = count("seed", seed, at_least=0)

    def batches(step: int) -> tuple[Tensor, Tensor]:
        inputs, targets, _ = echoes(BATCH, rng=np.random.default_rng([seed, step]))
        return inputs, targets

    with torch.random.fork_rng(devices=[]):  # the reader's own draws stay what they were
        torch.manual_seed(seed)
        model = AblationGPT(config).to(profile().device)
        history = fit(model, token_loss, batches, n_steps=N_STEPS, lr=LR, weight_decay=0.0)
    return model, history


def echoes(n_rows: int, *, rng: np.random.Generator) -> tuple[Tensor, Tensor, np.ndarray]:
    """Draw rows of letters said again and again, their targets, and their periods.

    Raises:
        TypeError, ValueError: as `kit.text.recall.repeated`.
    """
    rows, periods = repeated(n_rows, n_tokens=N_LETTERS + 1, periods=PERIODS, rng=rng)
    return torch.from_numpy(rows[:, :-1]), torch.from_numpy(predictable(rows, periods)), periods


@torch.no_grad()
def accuracy_by_period(model: AblationGPT) -> tuple[Float[np.ndarray, "periods"], Float[np.ndarray, "periods"]]:
    """Measure the share of letters predicted, by period: with whole rows given, and letter by letter.

    Raises:
        TypeError: if `model` is not an AblationGPT.
    """
    instance("model", model, AblationGPT)
    inputs, targets, periods = echoes(512, rng=np.random.default_rng(10_000))
    there, counted = inputs.to(model.head.weight.device), targets != IGNORE_INDEX
    whole = model(there).argmax(dim=-1)
    prefixes = [model(there[:, :length])[:, -1].argmax(dim=-1) for length in range(1, N_LETTERS + 1)]
    shares = []
    for guess in (whole, torch.stack(prefixes, dim=1)):
        right = ((guess.cpu() == targets) & counted).numpy()
        of = range(PERIODS[0], PERIODS[1] + 1)
        shares.append(np.array([right[periods == p].sum() / counted.numpy()[periods == p].sum() for p in of]))
    return shares[0], shares[1]


# The heads of a trained model, on letters as you type them ------------------------------------------

EXAMPLES = ("keyboardkeyboardkeyboard", "quickquickquick", "attention", "abracadabra", "xyzzyxyzzy")
HEADS = tuple((layer, head) for layer in (0, 1) for head in (0, 1))
SIZES = (0.1, 0.3, 0.5, 0.7, 0.9)  # each dot is drawn at the size of the nearest of these weights
QUEST_SCORE, QUEST_PLACES = 0.8, 5

# capital letters in one stroke each, on a grid three wide and five high: "02" is left, in the middle
STROKES = dict(
    zip(
        LETTERS,
        (
            *("00 03 14 23 20 22 02", "00 04 14 23 12 02 12 21 10 00", "24 14 03 01 10 20", "00 04 14 23 21 10 00"),
            *("24 04 02 12 02 00 20", "24 04 02 12 02 00", "24 14 03 01 10 20 22 12", "04 00 02 22 24 20"),
            *("04 24 14 10 00 20", "24 21 10 01", "04 00 02 24 02 20", "04 00 20", "00 04 12 24 20", "00 04 20 24"),
            *("10 01 03 14 23 21 10", "00 04 14 23 12 02", "10 01 03 14 23 21 10 11 20", "00 04 14 23 12 02 12 20"),
            *("23 14 03 21 10 01", "04 24 14 10", "04 01 10 21 24", "04 10 24", "04 00 12 20 24", "04 20 12 24 00"),
            *("04 12 24 12 10", "04 24 00 20"),
        ),
        strict=True,
    )
)


def letter_ids(text: str) -> Int[Tensor, "1 letters"]:
    """Number the letters of a text, the last 24 of them; all else is left out.

    Raises:
        TypeError: if `text` is not a str.

    >>> letter_ids("A cab!")
    tensor([[0, 2, 0, 1]])
    """
    instance("text", text, str)
    letters = [LETTERS.index(letter) for letter in text.lower() if letter in LETTERS]
    return torch.tensor([letters[-N_LETTERS:]], dtype=torch.int64)


def induction_score(weights: Float[Tensor, "time time"], ids: Int[Tensor, "time"]) -> tuple[float, int]:
    """Measure how much a head looks from a letter that was there before to what followed it then.

    Returns:
        The mean of that weight over all such letters, and their number.

    Raises:
        TypeError: if `ids` are no whole numbers, or `weights` no real ones.
        ValueError: if `weights` do not have a row and a column for each of them.

    >>> induction_score(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), torch.tensor([5, 6, 5]))
    (1.0, 1)
    """
    if integer_tensor("ids", ids).ndim != 1 or not len(ids):
        raise ValueError(f"ids must be one row of letters, got shape {tuple(ids.shape)}")
    if tuple(real_tensor("weights", weights).shape) != (len(ids), len(ids)):
        raise ValueError(f"weights must be a square, {len(ids)} wide, got shape {tuple(weights.shape)}")
    before = [[j for j in range(i) if ids[j] == ids[i]] for i in range(len(ids))]
    found = [sum(float(weights[i, j + 1]) for j in places) for i, places in enumerate(before) if places]
    return (sum(found) / len(found) if found else 0.0), len(found)


def heads_frame(text: str, head: tuple[int, int]) -> Frame:
    """Show where one head looks from each letter, and what the model expects after the last."""
    ids = letter_ids(text)
    if not ids.numel():
        empty = [([], [])] * (len(SIZES) + 2 * N_LETTERS)
        return Frame(lines=[*empty, ([], [])], sentence="No letter is typed yet.")
    model = trained("nothing").model
    there = ids.to(model.head.weight.device)
    with torch.no_grad():
        chances = model(there)[0].softmax(dim=-1).cpu()
    layer, number = head
    weights = model.attention_weights(there)[layer, 0, number].cpu()
    score, n_places = induction_score(weights, ids[0])
    nearest = (weights[..., None] - torch.tensor(SIZES)).abs().argmin(dim=-1)
    dots = []
    for size in range(len(SIZES)):
        row, column = np.nonzero(((nearest == size) & (weights >= SIZES[0] / 2)).numpy())
        dots.append((column, row))
    shown = [LETTERS[int(i)] for i in ids[0]]
    top, left = ([stroke(letter, i, axis) for i, letter in enumerate(shown)] for axis in (0, 1))
    rest = [([], [])] * (N_LETTERS - len(shown))
    last, place = weights[-1].max(dim=-1)
    where = f"looks most at letter {int(place) + 1}, {shown[int(place)].upper()} (≈{float(last):.0%})"
    where = where if last > 0.5 else "gives no letter half of its attention"
    guess = int(chances[-1].argmax())
    notes = ["", *(f"≈{float(chances[i - 1, ids[0, i]]):.0%}" for i in range(1, len(shown)))]
    return Frame(
        lines=[*dots, *top, *rest, *left, *rest, stems(chances[-1].numpy())],
        sentence=f"From the last letter, {shown[-1].upper()}, this head {where}. The model expects "
        f"{LETTERS[guess].upper()} next (≈{float(chances[-1, guess]):.0%}). "
        f"Induction score of this head: ≈{score:.2f} over {n_places} letters.",
        quest_met=score >= QUEST_SCORE and n_places >= QUEST_PLACES,
        pieces=list(zip([letter.upper() for letter in shown], notes, strict=True)),
    )


def stroke(letter: str, place: int, axis: int) -> tuple[list[float], list[float]]:
    """Draw a letter above a column, or left of a row, of a picture whose rows are counted downwards."""
    points = [(int(x) * 0.25 - 0.25, 0.3 - int(y) * 0.15) for x, y in STROKES[letter].split()]
    across, down = (place, -1.1) if axis == 0 else (-1.1, place)
    return [across + x for x, _ in points], [down + y for _, y in points]


def stems(heights: Float[np.ndarray, "n"]) -> tuple[list[float], list[float]]:
    """Draw a comb: from the ground up to each height and down again."""
    x = [place for place in range(len(heights)) for _ in range(3)]
    return [float(p) for p in x], [float(y) for height in heights for y in (0, height, 0)]


def heads() -> LiveView:
    """Open a line to type letters into: where each head looks, and what the model expects next."""
    trained("nothing")
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 5.0))
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        left.set(xlim=(-1.8, N_LETTERS - 0.5), ylim=(N_LETTERS - 0.5, -1.8), aspect="equal", xticks=(), yticks=())
        left.set(xlabel="the letter looked at", ylabel="the letter that looks", title="Where this head looks")
        left.plot([-0.5, N_LETTERS - 0.5], [-0.5, N_LETTERS - 0.5], color="#dddddd", linewidth=1)
        right.set(xlim=(-0.7, 25.7), ylim=(0, 1.02), xticks=range(26), ylabel="probability")
        right.set_xticklabels(list(LETTERS.upper()), fontsize=8)
        right.set(xlabel="letter", title="What the model expects next")
        lines = [left.plot([], [], "o", color=BLUE, markersize=8.5 * size**0.5)[0] for size in SIZES]
        lines += [left.plot([], [], color=DARK, linewidth=1)[0] for _ in range(2 * N_LETTERS)]
        lines += right.plot([], [], color=ORANGE, linewidth=3)
    labels = [f"layer {layer + 1}, head {head + 1}" for layer, head in HEADS]
    return LiveView(
        title="Attention heads on letters as you type them",
        controls=[
            Text(name="text", label="your letters", values=EXAMPLES, labels=EXAMPLES),
            Choice(name="head", label="head", values=HEADS, labels=labels),
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=heads_frame,
        quest="find a head, and letters, for which its induction score is 0.8 or more over five letters or more",
    )


# The block without each of its parts ----------------------------------------------------------------


def smooth(losses: Float[np.ndarray, "steps"]) -> tuple[np.ndarray, np.ndarray]:
    """Average a run's losses over ten steps at a time.

    >>> smooth(np.arange(20.0))[1]
    array([ 4.5, 14.5])
    """
    blocks = losses.reshape(-1, 10)
    return np.arange(len(blocks)) * 10 + 5, blocks.mean(axis=1)


def switch_frame(without: str) -> Frame:
    """Show what the model learns without one of its parts."""
    run, whole = trained(without), trained("nothing")
    of = np.arange(PERIODS[0], PERIODS[1] + 1)
    ratio = run.grad_norms[0] / whole.grad_norms[0]
    what = {"nothing": "The whole block"}.get(without, f"Without {without}")
    if "put" in without:
        what = f"With {without.replace(' put', '')}"
    return Frame(
        lines=[smooth(run.losses), (of, run.reported), (of, run.honest)],
        sentence=f"{what}: loss at the end ≈{smooth(run.losses)[1][-1]:.1f}; letters predicted, as reported "
        f"≈{run.reported.mean():.0%}, and honestly ≈{run.honest.mean():.0%}. "
        f"The first gradient is ≈{ratio:.1f} times that of the whole block.",
        quest_met=bool(run.reported.mean() > 0.9 and run.honest.mean() < 0.5),
    )


def switches() -> LiveView:
    """Open the switches: nine models, each without one part, and trained when it is first chosen."""
    whole = trained("nothing")
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 3.6))
        left, right = figure.subplots(1, 2)
        left.plot(*smooth(whole.losses), color=GREY, linewidth=1.5, linestyle="--", label="the whole block")
        left.set(xlabel="step", ylabel="loss (nats a letter)", xlim=(0, N_STEPS), ylim=(0, 3.8))
        left.set(title="What it learns in 200 steps")
        left.legend(loc="lower left")
        right.set(
            xlabel="distance to look back (letters)", ylabel="letters predicted", xlim=(1.5, 12.5), ylim=(0, 1.32)
        )
        right.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
        right.set(title="How far back it can look", xticks=range(2, 13, 2))
        for i, (label, color) in enumerate(
            (("reported, whole rows given", BLUE), ("honest, letter by letter", ORANGE))
        ):
            right.annotate(label, (0.03, 0.92 - 0.09 * i), xycoords="axes fraction", color=color, weight="bold")
        lines = [
            *left.plot([], [], color=GREEN, linewidth=2.2),
            *right.plot([], [], "o-", color=BLUE, markersize=9, linewidth=2),
            *right.plot([], [], "o-", color=ORANGE, markersize=5, linewidth=2),
        ]
    labels = [part.replace(" put after softmax", " late").replace(" put after sums", " late") for part in PARTS]
    return LiveView(
        title="The block without one of its parts",
        controls=[Choice(name="without", label="without", values=tuple(PARTS), labels=labels)],
        stages=[Stage(figure=figure, lines=lines)],
        frame=switch_frame,
        quest="find the part without which the report is splendid and the model is useless",
    )


# Find the leak ------------------------------------------------------------------------------------

SUSPECTS = {"A": "nothing", "B": "norms put after sums", "C": "mask put after softmax", "D": "positions"}
PROBE = "quickquickquickquickquic"
FLOOR = 1e-9


@torch.no_grad()
def moved(model: AblationGPT, ids: Int[Tensor, "1 time"], place: int) -> Float[np.ndarray, "time"]:
    """Change the token at a place, and give the largest change of any output at every place.

    Raises:
        TypeError: if `model` is not an AblationGPT, `ids` no tokens, or `place` not a whole number.
        ValueError: if `ids` are not the model's, or `place` is not one of them.
    """
    instance("model", model, AblationGPT)
    token_batch("ids", ids, below=model.config.vocab_size, at_most=model.config.n_positions)
    if count("place", place, at_least=0) >= ids.shape[1]:
        raise ValueError(f"place must be from 0 to {ids.shape[1] - 1}, got {place}")
    ids = ids.to(model.head.weight.device)
    other = ids.clone()
    other[0, place] = (other[0, place] + 1) % model.config.vocab_size
    return (model(other) - model(ids))[0].abs().amax(dim=-1).cpu().numpy()


def leak_frame(suspect: str, place: int) -> Frame:
    """Show which outputs move when one letter is changed."""
    change = moved(trained(SUSPECTS[suspect]).model, letter_ids(PROBE), place)
    places = np.arange(1, N_LETTERS + 1)
    past = change[:place]
    found = bool(past.any())
    if found:
        verdict = f"{np.count_nonzero(past)} outputs before it move, by up to ≈{past.max():.2g}: a leak"
    else:
        verdict = "no output before it moves by a single bit"
    return Frame(
        lines=[
            ([place + 1, place + 1], [FLOOR, 100]),
            (places[:place], np.maximum(past, FLOOR)),
            (places[place:], np.maximum(change[place:], FLOOR)),
        ],
        sentence=f"Model {suspect}, letter {place + 1} changed: {verdict}.",
        quest_met=found,
    )


def leak() -> LiveView:
    """Open four models, of which one lets the future through; each is trained when it is first chosen."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8.8, 3.4))
        axes = figure.subplots()
        axes.set(xlabel="place of the output", ylabel="largest change of an output", yscale="log")
        axes.set(xlim=(0.2, N_LETTERS + 0.8), ylim=(FLOOR / 3, 300), title="One letter is changed: which outputs move?")
        axes.set_yticks([FLOOR, 1e-6, 1e-3, 1], ["none", "0.000001", "0.001", "1"])
        axes.set_xticks(range(1, N_LETTERS + 1), [f"{i + 1}\n{c.upper()}" for i, c in enumerate(PROBE)], fontsize=8)
        axes.minorticks_off()
        for i, (label, color) in enumerate((("before the change", ORANGE), ("from the change on", BLUE))):
            axes.annotate(label, (0.01, 0.9 - 0.09 * i), xycoords="axes fraction", color=color, weight="bold")
        lines = [
            *axes.plot([], [], color=GREY, linewidth=1.5),
            *axes.plot([], [], "o-", color=ORANGE, markersize=7, linewidth=1.2),
            *axes.plot([], [], "o-", color=BLUE, markersize=7, linewidth=1.2),
        ]
    places = range(N_LETTERS)
    return LiveView(
        title="Find the leak",
        controls=[
            Choice(name="suspect", label="model", values=tuple(SUSPECTS), labels=tuple(SUSPECTS)),
            Slider(name="place", label="letter changed", values=places, labels=[str(p + 1) for p in places], start=11),
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=leak_frame,
        quest="one of the four models lets the future through: change a letter, and make an output before it move",
    )
