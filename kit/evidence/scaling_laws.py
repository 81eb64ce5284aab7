"""The runs behind notebook 23: a story GPT of several sizes, trained on several budgets, and one run forecast.

The text are the short tales of `kit.text.story_tasks`, whose entropy is known: it is the law's E. Every tale is
drawn anew, so that a run reads no token twice, and D counts the tokens that it was asked for.

A size is a width of a GPT with two layers and two heads; N counts all parameters, the embeddings once. A budget is
C = 6 N D. Each budget has five widths, and the middle one moves up by one as the budget grows 2.5-fold: the best
size is near the middle of every profile, which keeps parabolas honest. A pilot with other seeds placed the first.

The rate falls with the width, and with the tokens: trials of three widths at two lengths, with other seeds than those
that count, give both powers. (A first try tuned each width at one short length; what it chose was too high for long
runs, by up to a tenth of the loss.) A tenth of the steps is warm-up, then it falls along a cosine to 0, in every run
to its own end.

The loss is measured on tales that no run reads. It is the model's less the grammar's own on the same tokens, plus
the entropy: what those tales owe to chance drops out.

The design, written down before the runs: fit the law to the profiles with E known, by `fit_law`; forecast from it
the run of `LARGEST`, at four times the largest budget, with the 95% interval of `FittedLaw.forecast`; then make
that run, and look.

Taught in: 23
"""

import math
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int

from kit.evidence.store import Experiment, stored
from kit.learn.scaling_fits import FittedLaw, resample_fit
from kit.learn.scaling_laws import OPERATIONS
from kit.learn.schedules import cosine, warmup
from kit.machine import profile
from kit.models.gpt import GPT, GPTConfig
from kit.models.parameters import n_params, on_meta
from kit.text.grammar import tokens
from kit.text.packing import group_by_length
from kit.text.story_tasks import TALES
from kit.train.loop import fit
from kit.train.objectives import mean_loss, next_token_loss

END, N_POSITIONS = 0, 97  # the line end is the first word of all; no tale is longer
ENTROPY = TALES.bits_per_token * math.log(2)  # nats a token
WIDTHS = (8, 12, 16, 24, 32, 48, 64, 96)
BUDGETS = (20_000_000_000, 50_000_000_000, 125_000_000_000, 312_500_000_000)
PLACES = (0, 1, 2, 3, 4)  # of a width in the profile of a budget
RATES = (0.008, 0.016, 0.032, 0.064, 0.128)
TRIAL_WIDTHS, TRIAL_TOKENS = (8, 24, 64), (120_000, 360_000)
BATCH, N_JUDGED = 8, 600
BETAS = (0.9, 0.98)  # a batch of few tokens wants a longer memory of squares than large ones do
TUNED_WITH, COUNTED_WITH, JUDGED_WITH = 1_000, 500, 23_000  # added to seeds; and the seed of the tales that judge

_IDS = {word: i for i, word in enumerate(TALES.words)}


def config_of(width: int) -> GPTConfig:
    """Give the sizes of the story GPT of a width."""
    return GPTConfig(
        vocab_size=len(TALES.words),
        n_positions=N_POSITIONS,
        n_layers=2,
        n_heads=2,
        d_model=width,
        dropout=0.0,
        init_std=width**-0.5,
    )


@cache
def size_of(width: int) -> int:
    """Count the parameters of the story GPT of a width."""
    return n_params(on_meta(GPT, config_of(width)))


def draw_tales(n: int, *, rng: np.random.Generator) -> list[Int[np.ndarray, "_"]]:
    """Draw fresh tales, as ids behind a line end."""
    tales = (tokens(TALES.write(rng=rng)) for _ in range(n))
    return [np.array([END, *map(_IDS.__getitem__, tale)]) for tale in tales]


@cache
def judges() -> tuple[list[tuple[torch.Tensor, torch.Tensor]], float]:
    """Give batches of tales that no run reads, and what the grammar itself pays for a token of them, in nats."""
    rng = np.random.default_rng(JUDGED_WITH)
    bits = np.concatenate([TALES.surprisal(TALES.write(rng=rng)) for _ in range(N_JUDGED)])
    rng = np.random.default_rng(JUDGED_WITH)  # the same tales once more
    batches = group_by_length(draw_tales(N_JUDGED, rng=rng), batch_size=50, fill=END, rng=rng)
    return [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches], float(bits.mean()) * math.log(2)


def loss_of(model: GPT) -> float:
    """Measure a model's loss on the tales that judge, less what the grammar pays there, plus the entropy."""
    batches, paid = judges()
    return mean_loss(model, next_token_loss, batches) - paid + ENTROPY


def trained(width: int, n_tokens: float, *, lr: float, seed: int) -> tuple[GPT, int]:
    """Train a story GPT on about so many fresh tokens; give it, and how many there were."""
    rng = np.random.default_rng([seed, width])
    tales = draw_tales(max(BATCH, round(n_tokens / TALES.tokens_per_story)), rng=rng)
    batches = group_by_length(tales, batch_size=BATCH, fill=END, rng=rng)
    n_steps = len(batches)
    n_warmup = max(1, n_steps // 10)
    schedule = warmup(cosine(lr, n_steps=n_steps - n_warmup), n_steps=n_warmup)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPT(config_of(width)).to(profile().device)
    fit(model, next_token_loss, lambda step: batches[step], n_steps=n_steps, lr=schedule, betas=BETAS)
    return model, sum(len(tale) - 1 for tale in tales)


def rate_trial(*, width: int, tokens: int, lr: float, seed: int) -> dict[str, float]:
    """Try a rate, with seeds of its own."""
    model, _ = trained(width, tokens, lr=lr, seed=TUNED_WITH + seed)
    return {"loss": loss_of(model)}


TRIALS = Experiment(
    name="story_rates",
    measure=rate_trial,
    factors={"width": TRIAL_WIDTHS, "tokens": TRIAL_TOKENS, "lr": RATES},
    seeds=1,
    quantities=("loss",),
)
"""Which rate suits which width, for how long."""


@cache
def best_rates() -> Float[np.ndarray, "widths tokens"]:
    """Give the best rate of each width and length in the trials, between the rates tried.

    It is the lowest point of the parabola through the lowest loss and its two neighbours, on logarithms.
    """
    losses, x = np.log(stored(TRIALS, "loss").mean(axis=0)), np.log(RATES)
    best = np.zeros(losses.shape[:2])
    for place in np.ndindex(*best.shape):
        at = int(losses[place].argmin().clip(1, len(x) - 2))
        near = slice(at - 1, at + 2)
        square, slope, _ = np.polyfit(x[near], losses[place][near], 2)
        best[place] = np.clip(-slope / (2 * square), x[at - 1], x[at + 1]) if square > 0 else x[losses[place].argmin()]
    return np.exp(best)


@cache
def rate_powers() -> tuple[float, float, float]:
    """Fit the best rates by a power of the width and one of the tokens; give the factor and both powers."""
    width, tokens = (each.ravel() for each in np.meshgrid(TRIAL_WIDTHS, TRIAL_TOKENS, indexing="ij"))
    columns = np.stack([np.ones(len(width)), np.log(width), np.log(tokens)], axis=1)
    factor, *powers = np.linalg.lstsq(columns, np.log(best_rates()).ravel(), rcond=None)[0].tolist()
    return math.exp(factor), *powers


def rate_of(width: int, n_tokens: float) -> float:
    """Give the rate for a width and a length, by the powers that the trials show."""
    factor, of_width, of_tokens = rate_powers()
    return factor * width**of_width * n_tokens**of_tokens


def run(width: int, flops: float, *, seed: int) -> dict[str, float]:
    """Spend a budget on a width.

    Returns:
        Its "n_params", "n_tokens", "lr", and "loss" in nats a token.
    """
    wanted = flops / (OPERATIONS * size_of(width))
    lr = rate_of(width, wanted)
    model, n_tokens = trained(width, wanted, lr=lr, seed=COUNTED_WITH + seed)
    return {"n_params": size_of(width), "n_tokens": n_tokens, "lr": lr, "loss": loss_of(model)}


QUANTITIES = ("n_params", "n_tokens", "lr", "loss")


def profile_run(*, flops: int, place: int, seed: int) -> dict[str, float]:
    """Train the model at a place, from the smallest, of the profile of a budget."""
    return run(WIDTHS[BUDGETS.index(flops) + place], flops, seed=seed)


PROFILES = Experiment(
    name="story_profiles",
    measure=profile_run,
    factors={"flops": BUDGETS, "place": PLACES},
    seeds=1,
    quantities=QUANTITIES,
)
"""What the law is fitted to: five sizes for each of four budgets."""


def once_more(*, place: int, seed: int) -> dict[str, float]:
    """Make a run of the smallest budget once more, with another seed's weights and tales."""
    return profile_run(flops=BUDGETS[0], place=place, seed=seed)


NOISE = Experiment(name="story_noise", measure=once_more, factors={"place": (0, 4)}, seeds=3, quantities=QUANTITIES)
"""How far apart three runs are that differ by chance alone, from the smallest model on."""


def columns() -> tuple[Float[np.ndarray, "runs"], Float[np.ndarray, "runs"], Float[np.ndarray, "runs"]]:
    """Give the sizes, tokens and losses of all profiles."""
    n, d, losses = (stored(PROFILES, name).ravel() for name in ("n_params", "n_tokens", "loss"))
    return n, d, losses


@cache
def fitted(*, known: bool) -> FittedLaw:
    """Fit the law to the profiles, with E known from the grammar, or free."""
    return resample_fit(*columns(), e=ENTROPY if known else None, rng=np.random.default_rng(0))


LARGEST_WIDTH, LARGEST_BUDGET = 64, 4 * BUDGETS[-1]
FORECAST = (0.3256, 0.3430, 0.3849)
"""The lower end, the estimate and the upper end of its loss, from the fit with E known: written before it was made."""


def largest_run(*, seed: int) -> dict[str, float]:
    """Make the run that was forecast: four times the largest budget of the profiles."""
    return run(LARGEST_WIDTH, LARGEST_BUDGET, seed=seed)


LARGEST = Experiment(name="story_largest", measure=largest_run, seeds=1, quantities=QUANTITIES)
"""The run that is forecast from all others."""
