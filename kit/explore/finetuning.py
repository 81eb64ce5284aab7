"""Two views of fine-tuning: what labels are worth from scratch, and the rank that LoRA needs.

Both show what the contests of kit.evidence have measured, a dot for each repetition.

Taught in: 21
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from kit.explore.live import Choice, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE

SCRATCH, CHEAP = "from scratch", "cheap baseline"
COLORS = {SCRATCH: ORANGE, CHEAP: GREY}


# What labels are worth ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Measured shares right on one task, of a model that has read and of rivals that have not.

    Args:
        n_labels: how many the pre-trained model had, and `reached` what it got right, a seed each.
        labels: of each rival of `COLORS`, the numbers of labels tried, rising.
        scores: of each rival a row a seed, a column a number of labels.
    """

    task: str
    n_labels: int
    reached: Float[np.ndarray, "seeds"]
    labels: Mapping[str, Sequence[int]]
    scores: Mapping[str, Float[np.ndarray, "seeds numbers"]]

    def at(self, rival: str, n_labels: float) -> float:
        """Give a rival's mean at any number of labels, straight between those measured on a log axis."""
        return float(np.interp(np.log(n_labels), np.log(self.labels[rival]), self.scores[rival].mean(axis=0)))

    def caught_up(self) -> int:
        """Give the first of `label_numbers` with which the one from scratch is level in the mean; else the last."""
        numbers = label_numbers(self)
        return next((n for n in numbers if self.at(SCRATCH, n) >= self.reached.mean()), numbers[-1])


def label_numbers(contest: Contest) -> list[int]:
    """Make the slider's row of numbers of labels, evenly spaced by factors."""
    tried = contest.labels[SCRATCH]
    return sorted({round(n) for n in np.geomspace(tried[0], tried[-1], 25)})


def labels_frame(contests: Sequence[Contest], *, task: int, place: int) -> Frame:
    """Show the rivals at a number of labels, beside what the pre-trained model reached with its own."""
    contest = contests[task]
    n_labels = label_numbers(contest)[place]
    shares = {rival: contest.at(rival, n_labels) for rival in contest.scores}
    return Frame(
        lines=[([n_labels, n_labels], [0, 1]), *(([n_labels], [share]) for share in shares.values())],
        sentence=f"From scratch, {n_labels:,} labels make {shares[SCRATCH]:.0%} right. The pre-trained model got "
        f"{contest.reached.mean():.0%} right with {contest.n_labels:,}: "
        f"{n_labels / contest.n_labels:.1f} times its labels.",
        quest_met=n_labels == contest.caught_up(),
        stage=task,
    )


def labels_stage(contest: Contest) -> Stage:
    """Draw what the rivals got right by their labels, a dot for each seed, and the pre-trained model's level."""
    tried = sorted({n for labels in contest.labels.values() for n in labels})
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8, 4))
        axes = figure.subplots()
        mean, seeds = contest.reached.mean(), len(contest.reached)
        axes.axhline(mean, color=BLUE, linestyle="--", label=f"pre-trained, {contest.n_labels:,} labels")
        axes.plot([contest.n_labels] * seeds, contest.reached, ".", color=BLUE, markersize=5, alpha=0.5)
        for rival, scores in contest.scores.items():
            labels = np.array(contest.labels[rival])
            axes.plot(labels, scores.mean(axis=0), color=COLORS[rival], label=rival)
            shift = 0.96 if rival == SCRATCH else 1.04  # beside one another, and clear of the moving line
            axes.plot(labels * shift, scores.T, ".", color=COLORS[rival], markersize=5, alpha=0.5)
        axes.set(xscale="log", xlabel="number of labelled texts", ylabel="share right, unseen texts", ylim=(0, 1.02))
        axes.set(xlim=(tried[0] * 0.85, tried[-1] / 0.85))
        axes.set_xticks(tried, [f"{n:,}" for n in tried])
        axes.minorticks_off()
        axes.set_title(f"{contest.task.capitalize()}: what labels are worth, {seeds} repetitions each")
        figure.legend(loc="outside right upper")
        lines = [
            *axes.plot([], [], "-", color=GREY, linewidth=1),
            *(axes.plot([], [], "o", color=COLORS[rival], markersize=8)[0] for rival in contest.scores),
        ]
    return Stage(figure=figure, lines=lines)


def labels_view(contests: Sequence[Contest]) -> LiveView:
    """Open what labels are worth in measured contests, which tried the same multiples of labels."""
    numbers = label_numbers(contests[0])
    return LiveView(
        title="What labels are worth from scratch",
        controls=[
            Choice(name="task", label="task", values=range(len(contests)), labels=[each.task for each in contests]),
            Slider(
                name="place",
                label="times the labels",
                values=list(range(len(numbers))),
                labels=[f"{n / contests[0].n_labels:.2g}" for n in numbers],
                start=0,
            ),
        ],
        stages=[labels_stage(contest) for contest in contests],
        frame=lambda task, place: labels_frame(contests, task=task, place=place),
        quest="find where the model from scratch has caught up; if it never does, go as far as was tried",
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
