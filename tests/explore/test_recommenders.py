import numpy as np
import pytest

from kit.explore.recommenders import (
    COMMON,
    MODULES,
    N_SUGGESTIONS,
    N_VOTERS,
    QUEST_MODULE,
    QUEST_RIGHT,
    SIZES,
    similarities_of,
    split_of,
    suggestions,
    suggestions_frame,
    suggestions_view,
)
from kit.recsys.calls import library_calls
from kit.recsys.neighbours import cosine_similarities, item_scores, nearest


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_learned_from_the_module_itself_or_its_near_copies(module):
    calls, split = library_calls(), split_of(module)
    own = calls.groups[calls.files.index(module)]
    assert len(split.train) == (calls.groups != own).sum()
    assert split.files == (module,)


def test_suggestions_are_the_best_scores_of_what_was_not_shown():
    found, split = suggestions("csv.py", 640, COMMON[1]), split_of("csv.py")
    weights = nearest(cosine_similarities(split.train, shrinkage=4.0), n_neighbours=640)
    scores = item_scores(split.shown, weights)[0]
    scores[split.shown[0] > 0] = -1
    np.testing.assert_allclose(found.scores, np.sort(scores)[::-1][:N_SUGGESTIONS], rtol=1e-12)
    shown = {name for name, has in zip(split.names, split.shown[0], strict=True) if has}
    assert not shown & set(found.names)
    assert set(found.voters) <= shown


def test_right_are_those_that_the_module_calls_later():
    calls, found = library_calls(), suggestions("shutil.py", 20, COMMON[1])
    names = calls.names[calls.files.index("shutil.py")]
    for name, right in zip(found.names, found.right, strict=True):
        assert right == (name in names)


@pytest.mark.parametrize("common", COMMON)
@pytest.mark.parametrize("n_neighbours", [SIZES[0], SIZES[-1]])
def test_votes_add_up_to_no_more_than_the_scores(n_neighbours, common):
    found = suggestions("socketserver.py", n_neighbours, common)
    assert (found.votes.sum(axis=1) <= found.scores + 1e-9).all()
    assert found.votes.shape[1] <= N_VOTERS
    assert (np.diff(found.votes.sum(axis=0)) <= 1e-9).all()


def test_common_names_that_count_in_full_are_suggested_more():
    split = split_of("calendar.py")
    callers = split.train.sum(axis=0)
    mean = [callers[[split.names.index(n) for n in suggestions("calendar.py", 640, c).names]].mean() for c in COMMON]
    assert mean[0] > mean[1]


def test_similarities_have_nothing_on_the_diagonal():
    for common in COMMON:
        similarities = similarities_of("csv.py", common)
        assert not np.diag(similarities).any()
        np.testing.assert_array_equal(similarities, similarities.T)


def test_a_frame_shows_a_bar_for_each_suggestion_once():
    frame = suggestions_frame("csv.py", 20, COMMON[1])
    right, wrong = frame.lines[:N_SUGGESTIONS], frame.lines[N_SUGGESTIONS:]
    assert all((len(a[0]) > 0) != (len(b[0]) > 0) for a, b in zip(right, wrong, strict=True))
    assert sum(len(bar[0]) > 0 for bar in right) == sum(suggestions("csv.py", 20, COMMON[1]).right)


def test_the_quest_is_met_by_its_module_with_common_names_that_count_less():
    view = suggestions_view()
    places = [MODULES.index(QUEST_MODULE), COMMON.index("count less")]
    met = [view.frame_at([places[0], k, places[1]]).quest_met for k in range(len(SIZES))]
    assert any(met)
    assert not all(met)
    assert not any(view.frame_at([places[0], k, 0]).quest_met for k in range(len(SIZES)))
    assert f"{QUEST_RIGHT} of 10" in view.scene["quest"]
