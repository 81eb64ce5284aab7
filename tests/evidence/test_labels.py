"""Claim E07: labels needed from scratch are read off between the numbers tried, and settings are chosen alike."""

import numpy as np
import pytest

from kit.check.claim import settle
from kit.evidence import labels
from kit.evidence.finetuning import TASKS
from kit.evidence.labels import LABEL_TRIALS, LABELS, PRETRAINED, RIVALS, STEPS, TIMES, chosen, plateau, times_needed
from kit.evidence.store import stored


@pytest.mark.parametrize(
    ("reached", "from_scratch", "needed"),
    [
        (0.5, (0.6, 0.7, 0.8), 0.5),  # the first number does it already
        (0.9, (0.6, 0.7, 0.8), 8),  # none that was tried does
        (0.7, (0.6, 0.7, 0.8), 2),
        (0.65, (0.6, 0.7, 0.8), 1),  # half-way between a half and two on a log axis
        (0.75, (0.6, 0.7, 0.8), 4),
        (0.65, (0.6, 0.7, 0.5), 1),  # the first that reaches it counts
        (0.6, (0.5, 0.6, 0.6), 2),
    ],
)
def test_labels_needed_lie_between_the_last_that_fails_and_the_first_that_does(reached, from_scratch, needed):
    assert times_needed(reached, from_scratch, times=(0.5, 2, 8)) == pytest.approx(needed)


@pytest.mark.parametrize(("factor", "outcome"), [(4, "holds"), (1, "fails"), (2, "not shown")])
def test_a_world_of_each_kind_is_told_by_its_outcome(factor, outcome):
    """Shares rise with the logarithm of the labels; reading is worth `factor` times as many, give or take luck."""
    rng = np.random.default_rng(0)
    luck = lambda: rng.normal(scale=0.02, size=(10, 1))  # noqa: E731
    reached = 0.5 + 0.1 * np.log2(factor) + luck()[:, 0]
    scratch = 0.5 + 0.1 * np.log2(np.array(TIMES)) + np.hstack([luck() for _ in TIMES])
    ratios = [times_needed(r, s) for r, s in zip(reached, scratch.tolist(), strict=True)]
    assert settle("E07", {"E07.1": {"endings": ratios, "questions": ratios}}).outcome == outcome


@pytest.mark.parametrize("task", TASKS)
def test_every_rival_had_the_same_settings_and_those_that_decide_were_at_their_plateau(task):
    """Whether the ratio is above 2 hangs on twice the labels; eight times only bound the reading from above.

    At a plateau the longest training brings no more than chance could: two standard errors of a share of the texts.
    """
    found = chosen(task)
    assert {len(losses) for losses in found.losses.values()} == {len(labels.RATES) * len(STEPS)}
    for rival, times in RIVALS.items():
        if times < TIMES[-1]:
            assert "lr" not in found.best[rival, None].at_edge
            before, longest = plateau(task)[rival][-2:]
            assert longest - before < 2 * np.sqrt(0.25 / (LABEL_TRIALS.seeds * labels.JUDGED[task]))


@pytest.mark.parametrize("task", TASKS)
def test_the_plateau_is_that_of_the_best_rates(task):
    trials = {rival: stored(LABEL_TRIALS, "right", task=task, rival=rival).mean(axis=0) for rival in RIVALS}
    for rival, shares in plateau(task).items():
        np.testing.assert_allclose(shares, trials[rival].max(axis=0))


def test_what_counts_is_measured_with_seeds_that_did_not_choose():
    used = {labels.TRIED + seed for seed in range(LABEL_TRIALS.seeds)}
    assert not used & set(range(labels.LABEL_CONTEST.seeds))


def test_a_rival_has_its_labels(monkeypatch):
    """The pre-trained model has read; the others have not, and have so many times the labels."""
    given = []
    monkeypatch.setattr(labels, "reader", lambda seed, n_read: ("read", seed, n_read))
    monkeypatch.setattr(labels, "story_gpt", lambda seed: ("new", seed))
    monkeypatch.setattr(labels, "tuned", lambda start, examples, *_, **__: given.append((start, len(examples.ids))))
    monkeypatch.setattr(labels, "share_right", lambda *_: 0.0)
    for rival in RIVALS:
        labels.right("endings", rival, lr=1e-3, n_steps=1, seed=3)
    assert given[0] == (("read", 3, labels.STORIES_READ), LABELS["endings"])
    assert given[1:] == [(("new", 3), round(LABELS["endings"] * times)) for times in TIMES]
    assert next(iter(RIVALS)) == PRETRAINED
