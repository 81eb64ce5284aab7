"""Two views of fine-tuning: accuracy against the number of labels, and the rank that LoRA needs.

Both show what the contests of kit.evidence.finetuning have measured, a dot for each repetition.

Taught in: 21
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, PINK

COLORS = {"from scratch": ORANGE, "full": BLUE, "LoRA": GREEN, "head alone": PINK, "cheap baseline": GREY}


# What labels are worth ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Measured accuracies on one task.

    Args:
        labels: the numbers of labels tried, rising.
        scores: for each method of `COLORS`, or some of them, a row a seed, a column a number of labels.
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

    def times_saved(self, n_labels: int) -> float:
        """Give how many times as many labels scratch needs, or at least needs, as far as was tried."""
        return min(self.needed("from scratch", self.at("full", n_labels)), self.labels[-1]) / n_labels


def label_numbers(contest: Contest) -> list[int]:
    """Make the slider's row of numbers of labels, evenly spaced by factors."""
    return sorted({round(n) for n in np.geomspace(contest.labels[0], contest.labels[-1], 25)})


def labels_frame(contests: Sequence[Contest], *, task: int, n_labels: int) -> Frame:
    """Show each method at a number of labels, and how many it takes to do as well from scratch."""
    contest = contests[task]
    reached, most = contest.at("full", n_labels), contest.labels[-1]
    needed, saved = contest.needed("from scratch", reached), contest.times_saved(n_labels)
    if np.isfinite(needed):
        answer = f"{round(needed):,} labels from scratch, {saved:.1f} times as many"
    elif n_labels < most:
        answer = f"more than {most:,} labels from scratch, over {saved:.1f} times as many"
    else:
        answer = f"more labels from scratch than the {most:,} that were tried"
    return Frame(
        lines=[
            ([n_labels, n_labels], [0, 1]),
            ([n_labels, needed if np.isfinite(needed) else 1.4 * most], [reached, reached]),
            *(([n_labels], [contest.at(method, n_labels)]) for method in contest.scores),
        ],
        sentence=f"With {n_labels:,} labels the pre-trained model gets {reached:.0%} right, one from scratch "
        f"{contest.at('from scratch', n_labels):.0%}. To do as well takes {answer}.",
        quest_met=saved >= 0.95 * max(contest.times_saved(n) for n in label_numbers(contest)),
        stage=task,
    )


def labels_stage(contest: Contest) -> Stage:
    """Draw the learning curves: a line for each method, a dot for each seed."""
    most, seeds = contest.labels[-1], len(next(iter(contest.scores.values())))
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8, 4))
        axes = figure.subplots()
        for method in sorted(contest.scores, key=lambda name: -contest.at(name, most)):  # the legend's order
            axes.plot(contest.labels, contest.scores[method].mean(axis=0), color=COLORS[method], label=method)
        for i, (method, scores) in enumerate(contest.scores.items()):
            shift = 1.02 ** (i - len(contest.scores) / 2 + 0.75)  # beside one another, and clear of the moving line
            axes.plot(np.array(contest.labels) * shift, scores.T, ".", color=COLORS[method], markersize=4, alpha=0.5)
        axes.axvspan(most, 2 * most, color="#f2f2f2")
        axes.text(1.41 * most, 0.02, "not tried", color="#666666", ha="center")
        axes.set(xscale="log", xlabel="number of labelled texts", ylabel="share right, unseen texts", ylim=(0, 1.02))
        axes.set(xlim=(contest.labels[0] * 0.85, 2 * most))
        axes.set_xticks(contest.labels, [f"{n:,}" for n in contest.labels])
        axes.minorticks_off()
        axes.set_title(f"{contest.task.capitalize()}: what labels are worth, {seeds} repetitions each")
        figure.legend(loc="outside right upper")
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
        """Find the first rank that is not behind the best one by two standard errors, seed by seed."""
        best = self.scores[:, np.argmax(self.scores.mean(axis=0))]
        behind = best[:, None] - self.scores
        return int(np.argmax(behind.mean(axis=0) <= 2 * behind.std(axis=0, ddof=1) / np.sqrt(len(behind))))


def rank_frame(found: Ranks, rank: int) -> Frame:
    """Show what a rank trains, and what it reaches."""
    i = list(found.ranks).index(rank)
    mean, full = found.scores[:, i].mean(), found.full_scores.mean()
    return Frame(
        lines=[([found.trained[i], found.trained[i]], [0, mean]), ([found.trained[i]], [mean])],
        sentence=f"Rank {rank} trains {found.trained[i]:,} numbers, {found.trained[i] / found.full_trained:.1%} of the "
        f"model, and gets {mean:.0%} right; training all of it, {full:.0%}.",
        quest_met=i == found.enough,
    )


def rank_view(found: Ranks) -> LiveView:
    """Open LoRA's ranks: numbers trained against the share right."""
    means = found.scores.mean(axis=0)
    best = int(np.argmax(means))
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8, 3.8))
        axes = figure.subplots()
        axes.plot(found.trained, means, color=GREEN, label="LoRA, mean and repetitions")
        beside = 0.95 * np.array(found.trained)  # clear of the moving line
        axes.plot(beside, found.scores.T, ".", color=GREEN, alpha=0.5)
        axes.axhline(found.full_scores.mean(), color=BLUE, linestyle="--", label="all trained, mean and repetitions")
        axes.plot([found.full_trained] * len(found.full_scores), found.full_scores, ".", color=BLUE, alpha=0.5)
        axes.set(xscale="log", xlabel="numbers trained", ylabel="share right, unseen texts", ylim=(0, 1.02))
        axes.set(xlim=(0.8 * found.trained[0], 1.4 * found.full_trained))
        names = [f"{n:,}\nrank {rank}" for n, rank in zip(found.trained, found.ranks, strict=True)]
        axes.set_xticks([*found.trained, found.full_trained], [*names, f"{found.full_trained:,}\nall"])
        axes.minorticks_off()
        share, full = found.trained[best] / found.full_trained, found.full_scores.mean()
        axes.set_title(f"{share:.1%} of the numbers trained: {means[best]:.0%} right; everything trained: {full:.0%}")
        figure.legend(loc="outside lower center", ncols=2)
        lines = [
            *axes.plot([], [], "-", color=GREY, linewidth=1),
            *axes.plot([], [], "o", color=GREEN, markersize=8),
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
        quest="find the smallest rank that two standard errors cannot tell from the best",
    )
