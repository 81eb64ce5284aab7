"""Two views of fine-tuning: accuracy against the number of labels, and the rank that LoRA needs.

The numbers come from a small GPT that has read stories, or has read nothing, and is then tuned on
few labelled texts. What is trained of it is the method.

Taught in: 17
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.style
import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure
from torch import Tensor, nn

from kit.arguments import count, instance, one_of
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK
from kit.learn.schedules import cosine, warm_up
from kit.models.gpt import GPT, GPTConfig
from kit.models.heads import Classifier, SpanFinder, best_span
from kit.text.packing import pad
from kit.text.story_tasks import END, WORDS, encode, write_endings, write_questions
from kit.train.batches import epochs, on_device
from kit.train.loop import fit
from kit.train.lora import add_lora
from kit.train.objectives import token_loss

TASKS = ("endings", "questions")
METHODS = ("from scratch", "full", "LoRA", "head alone")
COLORS = {"from scratch": ORANGE, "full": BLUE, "LoRA": GREEN, "head alone": PINK, "cheap baseline": GREY}
MATRICES = ("qkv", "out", "up", "down")
RANK = 4


def story_gpt(seed: int, *, d_model: int = 64) -> GPT:
    """Make a small GPT over the words of the stories, which has read nothing yet.

    Raises:
        TypeError, ValueError: if a number is not a whole number, `seed` < 0, or `d_model` not a multiple of 4.
    """
    d_model = count("d_model", d_model)
    if d_model % 4:
        raise ValueError(f"d_model must be a multiple of 4, the number of heads, got {d_model}")
    torch.manual_seed(count("seed", seed, at_least=0))
    config = GPTConfig(
        vocab_size=len(WORDS),
        n_positions=1024,
        n_layers=2,
        n_heads=4,
        d_model=d_model,
        dropout=0.0,
        init_std=d_model**-0.5,
    )
    return GPT(config)


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Labelled texts, a row each.

    Args:
        allowed: true for the tokens that are text; of a question, for those of the story alone.
        targets: 1 for a happy ending, 0 for a sad one; of a question, the first and last place of the answer.
    """

    task: str
    ids: Int[Tensor, "rows time"]
    allowed: Bool[Tensor, "rows time"]
    targets: Int[Tensor, "rows *two"]


def labelled(task: str, n: int, *, seed: int) -> Examples:
    """Write labelled texts of one of `TASKS`. A question stands before its story, so that who reads on knows it.

    Raises:
        TypeError, ValueError: if `task` is not one of `TASKS`, or a number is not a whole number.
    """
    one_of("task", task, TASKS)
    n, rng = count("n", n), np.random.default_rng(count("seed", seed, at_least=0))
    if task == "endings":
        endings = write_endings(n, rng=rng)
        rows, before = [np.append(END, encode(ending.text)) for ending in endings], [1] * n
        targets = [ending.happy for ending in endings]
    else:
        questions = write_questions(n, rng=rng)
        asked = [np.concatenate([[END], encode(question.text), [END]]) for question in questions]
        rows = [np.append(ask, encode(question.story)) for ask, question in zip(asked, questions, strict=True)]
        before = [len(ask) for ask in asked]
        targets = [[b + q.first, b + q.last] for b, q in zip(before, questions, strict=True)]
    ids, present = pad(rows, fill=END)
    allowed = present & ((np.arange(ids.shape[1]) >= np.array(before)[:, None]) | (task == "endings"))
    return Examples(
        task=task, ids=torch.from_numpy(ids), allowed=torch.from_numpy(allowed), targets=torch.tensor(targets).long()
    )


def tuned(
    start: GPT,
    examples: Examples,
    method: str,
    *,
    lr: float,
    n_steps: int = 120,
    batch_size: int = 8,
    rank: int = RANK,
    seed: int,
) -> nn.Module:
    """Put a new head on a model, and train what the method trains; `start` stays as it is.

    Args:
        method: "full" and "from scratch" train everything, and differ in `start` alone.

    Raises:
        TypeError, ValueError: if `start` or `examples` is of another kind, or `method` not one of `METHODS`.
    """
    instance("start", start, GPT)
    instance("examples", examples, Examples)
    one_of("method", method, METHODS)
    n_climb = min(10, count("n_steps", n_steps) - 1)
    torch.manual_seed(count("seed", seed, at_least=0))
    encoder = GPT(start.config).to(start.token_embedding.weight.device)
    encoder.load_state_dict(start.state_dict())
    if method == "LoRA":
        add_lora(encoder, layers=MATRICES, rank=rank, alpha=2 * rank)
    elif method == "head alone":
        encoder.requires_grad_(requires_grad=False)
    endings = examples.task == "endings"
    model = Classifier(encoder, n_classes=2, token="last", dropout=0) if endings else SpanFinder(encoder)
    rows = (examples.ids, examples.allowed, examples.targets)
    fit(
        model,
        token_loss,
        epochs(*rows, batch_size=batch_size, seed=seed),
        n_steps=n_steps,
        lr=warm_up(cosine(lr, n_steps=n_steps - n_climb), n_steps=n_climb),
        weight_decay=0.01,
    )
    return model


@torch.no_grad()
def share_right(model: nn.Module, examples: Examples) -> float:
    """Give the share of texts whose class is right, or whose answer is right in every word.

    Raises:
        TypeError: if `examples` is of another kind.
    """
    instance("examples", examples, Examples)
    device = next(model.parameters()).device
    right = []
    for rows in torch.arange(len(examples.ids)).split(100):
        ids, allowed, targets = on_device((examples.ids[rows], examples.allowed[rows], examples.targets[rows]), device)
        if examples.task == "endings":
            right += (model(ids, allowed).argmax(dim=1) == targets).tolist()
            continue
        first, last = best_span(*model(ids, allowed).unbind(dim=1))
        for row, i, j, (a, b) in zip(ids, first, last, targets.tolist(), strict=True):
            right.append(row[i : j + 1].tolist() == row[a : b + 1].tolist())
    return float(np.mean(right))


# What labels are worth ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Measured accuracies on one task.

    Args:
        labels: the numbers of labels tried, rising.
        scores: for each method a row a seed, a column a number of labels.
    """

    task: str
    labels: Sequence[int]
    scores: Mapping[str, Float[np.ndarray, "seeds numbers"]]

    def at(self, method: str, n_labels: float) -> float:
        """Give a method's mean accuracy at any number of labels, straight between those measured on a log axis."""
        return float(np.interp(np.log(n_labels), np.log(self.labels), self.scores[method].mean(axis=0)))

    def needed(self, method: str, accuracy: float) -> float:
        """Give the labels that a method needs for a mean accuracy; infinity where it never got there."""
        means = np.maximum.accumulate(self.scores[method].mean(axis=0))
        if accuracy > means[-1]:
            return np.inf
        return float(np.exp(np.interp(accuracy, means, np.log(self.labels))))


def label_numbers(contest: Contest) -> list[int]:
    """Make the slider's row of numbers of labels, evenly spaced by factors."""
    return sorted({round(n) for n in np.geomspace(contest.labels[0], contest.labels[-1], 25)})


def labels_frame(contests: Sequence[Contest], *, task: int, n_labels: int) -> Frame:
    """Show each method at a number of labels, and how many it takes to do as well from scratch."""
    contest = contests[task]
    reached = contest.at("full", n_labels)
    needed = contest.needed("from scratch", reached)
    known = np.isfinite(needed)
    proved = _proved(contest, n_labels)
    wanted = f"{round(needed):,}, {proved:.1f}" if known else f"over {contest.labels[-1]:,}, more than {proved:.1f}"
    return Frame(
        lines=[
            ([n_labels, n_labels], [0, 1.1]),
            ([n_labels, needed if known else 2 * contest.labels[-1]], [reached, reached]),
            *(([n_labels], [contest.at(method, n_labels)]) for method in contest.scores),
        ],
        sentence=f"With {n_labels:,} labels the pre-trained model gets {reached:.0%} right, one from scratch "
        f"{contest.at('from scratch', n_labels):.0%}. To do as well, from scratch takes {wanted} times as many.",
        quest_met=proved >= 0.95 * max(_proved(contest, n) for n in label_numbers(contest)),
        stage=task,
    )


def _proved(contest: Contest, n_labels: int) -> float:
    """Give how many times as many labels scratch needs, or at least needs, as far as was tried."""
    return min(contest.needed("from scratch", contest.at("full", n_labels)), contest.labels[-1]) / n_labels


def labels_stage(contest: Contest) -> Stage:
    """Draw the learning curves: a line for each method, a dot for each seed."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8, 4))
        axes = figure.subplots()
        for method, scores in contest.scores.items():
            axes.plot(contest.labels, scores.mean(axis=0), color=COLORS[method], label=method)
            for row in scores:
                axes.plot(contest.labels, row, ".", color=COLORS[method], markersize=4, alpha=0.6)
        axes.set(xscale="log", xlabel="number of labelled texts", ylabel="share right, unseen texts", ylim=(0, 1.02))
        axes.set(xlim=(contest.labels[0] * 0.85, contest.labels[-1] * 1.18))
        axes.set_xticks(contest.labels, [f"{n:,}" for n in contest.labels])
        axes.minorticks_off()
        axes.set_title(f"{contest.task.capitalize()}: what labels are worth, five seeds each")
        axes.legend(loc="lower right", ncols=2)
        lines = [
            *axes.plot([], [], "-", color=GREY, linewidth=1),
            *axes.plot([], [], "-", color=ORANGE, linewidth=2.5),
            *(axes.plot([], [], "o", color=COLORS[method], markersize=8)[0] for method in contest.scores),
        ]
    return Stage(figure=figure, lines=lines)


def labels_view(contests: Sequence[Contest]) -> LiveView:
    """Open the learning curves of measured contests, which tried the same numbers of labels and methods."""
    numbers = label_numbers(contests[0])
    return LiveView(
        title="What labels are worth",
        controls=[
            Choice(name="task", label="task", values=range(len(contests)), labels=[each.task for each in contests]),
            Slider(
                name="n_labels",
                label="labels",
                values=numbers,
                labels=[f"{n:,}" for n in numbers],
                start=len(numbers) - 1,
            ),
        ],
        stages=[labels_stage(contest) for contest in contests],
        frame=lambda task, n_labels: labels_frame(contests, task=task, n_labels=n_labels),
        quest="find where pre-training is proved to save the most labels",
    )


# The rank that LoRA needs ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Measured accuracies of LoRA by rank, beside training everything.

    Args:
        ranks: those tried, rising.
        trained: the numbers trained at each rank.
        scores: a row a seed, a column a rank.
        full_trained: the numbers that full fine-tuning trains, and `full_scores` what it reaches, a seed each.
    """

    ranks: Sequence[int]
    trained: Sequence[int]
    scores: Float[np.ndarray, "seeds ranks"]
    full_trained: int
    full_scores: Float[np.ndarray, "seeds"]

    @property
    def enough(self) -> int:
        """Find the first rank whose mean is within two standard errors of that of full fine-tuning; else the best."""
        means, n = self.scores.mean(axis=0), len(self.full_scores)
        spread = (self.scores.var(axis=0, ddof=1) + self.full_scores.var(ddof=1)) / n
        close = means >= self.full_scores.mean() - 2 * np.sqrt(spread)
        return int(np.argmax(close)) if close.any() else int(np.argmax(means))


def rank_frame(found: Ranks, rank: int) -> Frame:
    """Show what a rank trains, and what it reaches."""
    i = list(found.ranks).index(rank)
    mean, full = found.scores[:, i].mean(), found.full_scores.mean()
    return Frame(
        lines=[
            ([found.trained[i]] * len(found.scores), found.scores[:, i]),
            ([found.trained[i], found.trained[i]], [0, mean]),
        ],
        sentence=f"Rank {rank} trains {found.trained[i]:,} numbers, {found.trained[i] / found.full_trained:.1%} of the "
        f"model, and gets {mean:.0%} right; training all of it, {full:.0%}.",
        quest_met=i == found.enough,
    )


def rank_view(found: Ranks) -> LiveView:
    """Open LoRA's ranks: numbers trained against the share right."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8, 3.8))
        axes = figure.subplots()
        axes.plot(found.trained, found.scores.mean(axis=0), "-", color=GREEN, label="LoRA, mean of the seeds")
        axes.axhline(found.full_scores.mean(), color=BLUE, linestyle="--", label="everything trained")
        axes.set(xscale="log", xlabel="numbers trained", ylabel="share right, unseen texts", ylim=(0, 1.02))
        axes.set_xticks(
            found.trained, [f"{n:,}\nrank {rank}" for n, rank in zip(found.trained, found.ranks, strict=True)]
        )
        axes.minorticks_off()
        axes.set_title("A small rank does nearly all that training everything does")
        axes.legend(loc="lower right")
        lines = [
            *axes.plot([], [], "o", color=GREEN, markersize=7),
            *axes.plot([], [], "-", color=GREY, linewidth=1),
        ]
    return LiveView(
        title="The rank that LoRA needs",
        controls=[
            Slider(
                name="rank",
                label="rank",
                values=list(found.ranks),
                labels=[str(rank) for rank in found.ranks],
                start=len(found.ranks) - 1,
            )
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=lambda rank: rank_frame(found, rank),
        quest="find the smallest rank that two standard errors cannot tell from training everything",
    )
