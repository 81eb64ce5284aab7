"""What notebook 10 makes of its stored contests, on contests that are made up here."""

import numpy as np
import pytest

from kit.evidence import contest_board
from kit.evidence.contest import CONTEST, MODELS, ROWS, TOGETHER
from kit.evidence.contest_tables import PARTS, REAL
from kit.learn.advisor import advise

N_SPLITS = 10


@pytest.fixture(autouse=True)
def _made_up(monkeypatch):
    """Let every score be that of its model and split, and every second that of its model."""
    place = {name: k for k, name in enumerate((*MODELS, *TOGETHER))}
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.normal(size=(len(place), N_SPLITS, len(REAL), len(ROWS)))

    def stored(experiment, quantity, **fixed):
        name, what = quantity.rsplit(" ", 1) if " " in quantity else ("", quantity)
        if quantity in ("train", "test"):
            return np.full(N_SPLITS, {"train": 150.0, "test": 50.0}[quantity])
        seconds = {"search": 10.0 * (place.get(name, 0) + 1), "fit": place.get(name, 0) + 1.0, "row": 3.0}
        full = (
            0.5 + 0.1 * place[name] + noise[place[name]] if what == "score" else np.full(noise.shape[1:], seconds[what])
        )
        if fixed and experiment is not CONTEST:
            return full[:, 0, 0]
        if fixed:
            return full[:, REAL.index(fixed["table"]), ROWS.index(fixed["rows"])]
        return full if experiment is CONTEST else full[:, 0, 0]

    monkeypatch.setattr(contest_board, "stored", stored)
    monkeypatch.setattr(contest_board, "is_stored", lambda experiment: True)


def test_the_board_pays_for_all_members_where_they_are_put_together():
    board = contest_board.contest_board()
    assert board.scores.shape == (len(REAL), len(ROWS), len(MODELS) + len(TOGETHER), N_SPLITS)
    np.testing.assert_allclose(board.scores.mean(axis=(0, 1, 3)), 0.5 + 0.1 * np.arange(8), atol=0.01)
    np.testing.assert_allclose(board.seconds[..., : len(MODELS), 0], np.broadcast_to(11 * np.arange(1, 6), (4, 2, 5)))
    np.testing.assert_allclose(board.seconds[..., len(MODELS) :, :], 11 * 15)


def test_the_advisor_is_handed_every_model_on_every_table():
    found = contest_board.measurements()
    assert len(found) == len(MODELS) * (len(REAL) * len(ROWS) + len(PARTS))
    assert {m.table for m in found if m.task == "numbers"} == {
        "diamonds", "patients", *(part for part in PARTS if part.startswith("diamonds"))
    }  # fmt: skip
    assert {m.model for m in found if m.readable} == {"linear", "tree"}
    assert advise(found, task="classes", n_rows=400)[0].model == MODELS[-1]
    assert advise(found, task="classes", n_rows=400, explain=True)[0].model == "tree"


def test_the_simplest_is_compared_with_the_best_split_by_split():
    pair = contest_board.simplest_against_best(next(iter(PARTS)))
    assert pair.difference.estimate == pytest.approx(0.4, abs=0.02)
    assert pair.p_value < 0.05
    with pytest.raises(ValueError, match="table must be one of"):
        contest_board.simplest_against_best("moons")
