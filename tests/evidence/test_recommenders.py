import numpy as np
import pytest
import torch

from kit.evidence import clicks, recommenders
from kit.evidence.store import stored
from kit.learn.ranking import ndcg
from kit.recsys.calls import Calls, Split, library_calls
from kit.recsys.clicks import Clicks, flight_clicks
from kit.recsys.evaluation import competing, full_ranks
from kit.recsys.fm import Linear
from kit.recsys.neighbours import popularity


def test_five_folds_hold_every_file_out_once():
    calls = library_calls()
    held_out = [name for seed in range(recommenders.N_FOLDS) for name in recommenders.splits(seed)[1].files]
    assert len(set(held_out)) == len(held_out)
    assert len(held_out) > 0.99 * len(calls.files)  # a file without two known names is left out


def test_what_chooses_is_none_of_what_reports_and_near_copies_are_on_one_side():
    calls = library_calls()
    group = dict(zip(calls.files, calls.groups.tolist(), strict=True))
    for seed in (0, 7):
        choose, test = recommenders.splits(seed)
        assert not {group[name] for name in choose.files} & {group[name] for name in test.files}
        assert len(choose.train) < len(test.train)


def test_no_day_is_on_two_sides_and_ten_folds_report_on_every_day_once():
    days, reported = flight_clicks().days, []
    for seed in range(clicks.N_FOLDS):
        train, choose, test = clicks.sides(seed)[0]
        sets = [set(days[rows].tolist()) for rows in (train, choose, test)]
        assert not (sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2])
        reported += sorted(sets[2])
    assert len(reported) == len(set(reported)) == len(np.unique(days))


def world(paired: bool, monkeypatch) -> None:
    """Make 120 files of ten names, of which the later five follow from the earlier, or follow from nothing."""
    rng = np.random.default_rng(0)
    names = []
    for _ in range(120):
        first = rng.permutation(30)[:5]
        later = first + 30 if paired else 30 + rng.permutation(30)[:5]
        names.append(tuple(f"n{i}" for i in (*first, *later)))
    calls = Calls(files=tuple(f"f{i}" for i in range(120)), names=tuple(names), groups=np.arange(120))
    monkeypatch.setattr(recommenders, "library_calls", lambda: calls)
    recommenders.splits.cache_clear()


@pytest.fixture
def small_space(monkeypatch):
    monkeypatch.setattr(recommenders, "SPACE", {"size": (0, 1), "strength": (0,), "way": ("first", "second")})
    yield
    recommenders.splits.cache_clear()


@pytest.mark.parametrize("paired", [True, False])
def test_a_world_in_which_names_follow_from_names_and_one_in_which_none_does_are_told_apart(
    paired, monkeypatch, small_space
):
    world(paired, monkeypatch)
    found = recommenders.suggestions(seed=0)
    for way in recommenders.RIVALS:
        gain = found[f"{way} NDCG"] - found["popularity NDCG"]
        assert gain > 0.4 if paired else abs(gain) < 0.15, way


def test_measures_are_those_of_the_full_ranking():
    rng = np.random.default_rng(0)
    kind = rng.choice(3, size=(6, 60), p=[0.6, 0.2, 0.2])
    kind[:, 50], kind[:, 51] = 1, 2
    train = (rng.random((9, 60)) < 0.3).astype(float)
    split = Split(
        names=tuple(map(str, range(60))),
        train=train,
        shown=(kind == 1).astype(float),
        hidden=(kind == 2).astype(float),
        files=tuple("abcdef"),
    )
    scores = rng.normal(size=(6, 60))
    found = recommenders.judged(scores, split, seed=0)
    assert found["NDCG"] == ndcg(competing(scores, shown=split.shown), split.hidden, k=10).mean()
    common = set(np.argsort(-popularity(train), kind="stable")[:20].tolist())
    rare = [i for i in range(60) if i not in common]
    some = split.hidden[:, rare].any(axis=1)
    again = ndcg(competing(scores[:, rare], shown=split.shown[:, rare])[some], split.hidden[some][:, rare], k=10)
    assert found["NDCG rare"] == pytest.approx(again.mean())
    assert found["full"] == (full_ranks(scores, shown=split.shown, hidden=split.hidden) <= 10).mean()


def click_world(pairs: bool, monkeypatch) -> None:
    """Make rows whose clicks follow from pairs of two fields, or from each by itself."""
    rng = np.random.default_rng(0)
    features = rng.integers(4, size=(6_000, len(clicks.FIELDS)))
    a, b = features[:, 0], features[:, 1]
    clicked = (a + b) % 2 if pairs else (a + b > 3).astype(int)
    made = Clicks(features=features, clicked=clicked.astype(float), days=np.arange(6_000) % 60)
    monkeypatch.setattr(clicks, "flight_clicks", lambda: made)
    clicks.sides.cache_clear()
    clicks.clicked.cache_clear()


@pytest.mark.parametrize("pairs", [True, False])
def test_a_world_of_pairs_and_one_of_single_features_are_told_apart(pairs, monkeypatch):
    click_world(pairs, monkeypatch)
    monkeypatch.setattr(clicks, "N_EPOCHS", 12)
    monkeypatch.setattr(clicks, "BATCH", 128)
    area = {rival: clicks.trained(rival, 0, lr=0.03, decay=0.01, seed=0)[1] for rival in clicks.RIVALS}
    clicks.sides.cache_clear()
    clicks.clicked.cache_clear()
    gain = area["DeepFM"] - area["logistic regression"]
    assert gain > 0.3 if pairs else abs(gain) < 0.02, area


def test_a_model_that_diverged_has_no_area():
    _, ids, n_features = clicks.sides(0)
    model = Linear(n_fields=len(clicks.FIELDS), n_features=n_features)
    with torch.no_grad():
        model.weight.fill_(torch.nan)
    assert clicks.auc(model, ids, np.arange(50)) == 0


def test_what_is_stored_is_what_a_run_measures():
    found = stored(recommenders.SUGGESTIONS, "popularity NDCG")[0]
    split = recommenders.splits(0)[1]
    scores = np.tile(popularity(split.train), (len(split.shown), 1))
    np.testing.assert_allclose(recommenders.judged(scores, split, seed=1)["NDCG"], found, rtol=1e-5)
