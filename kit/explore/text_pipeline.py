"""A view of near-duplicates: the threshold of MinHash trades the copies that it misses for false alarms.

Taught in: 15
"""

from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from kit.arguments import real
from kit.explore.live import Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, HOUSE, ORANGE, PINK
from kit.text.corpus import standard_library
from kit.text.dedup import candidate_pairs, jaccard_matrix, minhash, shingles

LONGEST = 24_000  # bytes of a file
N_HASHES, N_BANDS = 256, 64
NEAR = 0.5  # the overlap from which two texts are near-duplicates
SHOWN = 0.25  # pairs that overlap by less, exactly and as estimated, are left out of the picture
RECALL, PRECISION = 0.95, 0.9  # what the quest asks for


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The pairs of a library that are worth a look: how far they overlap, exactly and by their signatures.

    Args:
        candidate: whether LSH would have compared the two at all.
    """

    exact: Float[np.ndarray, "pairs"]
    estimate: Float[np.ndarray, "pairs"]
    candidate: Bool[np.ndarray, "pairs"]

    def found(self, threshold: float) -> Bool[np.ndarray, "pairs"]:
        """Say which pairs are reported: those that LSH catches and whose estimate reaches the threshold."""
        return self.candidate & (self.estimate >= real("threshold", threshold, above=0, below=1))

    def scores(self, threshold: float) -> tuple[float, float]:
        """Measure recall, the share of the near-duplicates that are found, and precision, the share found rightly."""
        found, near = self.found(threshold), self.exact >= NEAR
        right = int((found & near).sum())
        return right / max(1, int(near.sum())), right / max(1, int(found.sum()))


@cache
def library_pairs() -> Pairs:
    """Compare all short files of the standard library, by brute force and by signatures."""
    texts = [document.text for document in standard_library() if document.text.strip()]
    sets = [shingles(text) for text in texts if len(text.encode()) <= LONGEST]
    signatures = np.stack([minhash(each, n_hashes=N_HASHES) for each in sets])
    exact = jaccard_matrix(sets)
    candidate = np.zeros_like(exact, dtype=bool)
    candidate[tuple(np.array(sorted(candidate_pairs(signatures, n_bands=N_BANDS))).T)] = True
    i, j = np.nonzero(np.triu((exact >= SHOWN) | candidate, k=1))
    estimate = np.mean(signatures[i] == signatures[j], axis=1)
    shown = np.maximum(exact[i, j], estimate) >= SHOWN
    return Pairs(exact=exact[i, j][shown], estimate=estimate[shown], candidate=candidate[i, j][shown])


def threshold_frame(pairs: Pairs, threshold: float) -> Frame:
    """Show what one threshold finds, what of it is no near-duplicate, and what it misses."""
    found, near = pairs.found(threshold), pairs.exact >= NEAR
    recall, precision = pairs.scores(threshold)
    groups = (found & near, found & ~near, ~found & near)
    right, wrong, missed = (int(group.sum()) for group in groups)
    return Frame(
        lines=[
            *((pairs.exact[group], pairs.estimate[group]) for group in groups),
            ([SHOWN, 1], [threshold, threshold]),
            ([threshold], [recall]),
            ([threshold], [precision]),
        ],
        sentence=(
            f"Threshold {threshold:.2f}: {right + wrong} pairs found, {wrong} of them wrongly; {missed} missed. "
            f"Recall {recall:.2f}, precision {precision:.2f}."
        ),
        quest_met=recall >= RECALL and precision >= PRECISION,
    )


def near_duplicates() -> LiveView:
    """Open the search for near-duplicates in the standard library: one slider, the threshold."""
    pairs = library_pairs()
    thresholds = np.linspace(0.3, 0.8, 51).round(2)
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9, 3.8))
        cloud, scores = figure.subplots(1, 2)
        cloud.set(xlim=(SHOWN, 1), ylim=(SHOWN, 1), title="Each dot is a pair of files")
        cloud.set(xlabel="overlap J, by brute force", ylabel="overlap, as estimated")
        cloud.axvline(NEAR, color="#666666", linestyle=":", linewidth=1.5)
        cloud.annotate("near-duplicates", (NEAR + 0.01, 0.975), color="#666666", va="top", fontsize=9)
        cloud.plot(pairs.exact, pairs.estimate, "o", color="#d0d0d0", markersize=3)
        groups = [
            *cloud.plot([], [], "o", color=GREEN, markersize=4, label="found"),
            *cloud.plot([], [], "o", color=ORANGE, markersize=4, label="found wrongly"),
            *cloud.plot([], [], "o", color=PINK, markersize=4, label="missed"),
            *cloud.plot([], [], "-", color="black", linewidth=1.5),
        ]
        cloud.legend(loc="upper left", borderaxespad=0, handlelength=1, handletextpad=0.3)
        recall, precision = np.array([pairs.scores(threshold) for threshold in thresholds]).T
        scores.set(xlim=(0.3, 0.8), ylim=(0, 1.05), xlabel="threshold", ylabel="share of pairs")
        scores.set_title("Higher: more missed, fewer wrong")
        for curve, name, color in ((recall, "recall", BLUE), (precision, "precision", ORANGE)):
            scores.plot(thresholds, curve, color=color, linewidth=1.5, label=name)
        scores.legend(loc="center right")
        for goal, color in ((RECALL, BLUE), (PRECISION, ORANGE)):
            scores.axhline(goal, color=color, linestyle="--", linewidth=0.8)
        dots = [
            *scores.plot([], [], "o", color=BLUE, markersize=8),
            *scores.plot([], [], "o", color=ORANGE, markersize=8),
        ]
    return LiveView(
        title="Near-duplicates in the standard library",
        controls=[
            Slider(
                name="threshold",
                label="threshold",
                values=thresholds.tolist(),
                labels=[f"{threshold:.2f}" for threshold in thresholds],
                start=10,
            )
        ],
        stages=[Stage(figure=figure, lines=[*groups, *dots])],
        frame=lambda threshold: threshold_frame(pairs, threshold),
        quest=f"find at least {RECALL:.0%} of the near-duplicates, with at least {PRECISION:.0%} of the finds right",
    )
