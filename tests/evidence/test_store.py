"""Stored experiments: run once, resumed, read back as arrays, and held against what is measured here."""

from concurrent.futures import Future

import numpy as np
import pytest
from scipy import stats

from kit.evidence import __main__ as command
from kit.evidence import store
from kit.evidence.store import Experiment, interval_of_the_next, live, origin, stored, stored_lines


def noisy(method: str, n: int, seed: int) -> dict[str, float]:
    rng = np.random.default_rng([seed, n, len(method)])
    return {"right": n / 100 + 0.01 * rng.normal(), "steps": float(n)}


@pytest.fixture
def contest(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "DATA", tmp_path)
    (tmp_path / "measured").mkdir()
    return Experiment(
        name="contest",
        measure=noisy,
        factors={"method": ("full", "head"), "n": (32, 64, 128)},
        seeds=4,
        quantities=("right", "steps"),
    )


@pytest.fixture
def filled(contest, monkeypatch):
    monkeypatch.setattr(command, "experiments", lambda: {"contest": contest})
    monkeypatch.setattr(command, "ProcessPoolExecutor", Here)
    assert command.fill(contest, workers=1) == 24
    return contest


class Here:
    """A pool that runs at once, in this process; the real one is tried by test_command.py."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


def test_what_is_stored_comes_back_as_an_axis_for_each_factor(filled):
    right = stored(filled, "right")
    assert right.shape == (4, 2, 3)
    assert right[3, 1, 2] == pytest.approx(noisy("head", 128, 3)["right"], rel=1e-5)
    assert stored(filled, "right", method="head").tolist() == right[:, 1].tolist()
    assert stored(filled, "steps", method="full", n=64).tolist() == [64] * 4
    assert "24 runs" in origin(filled)


def test_a_run_that_is_stored_is_not_run_again(filled):
    lines = filled.path.read_text().splitlines()
    assert command.fill(filled, workers=1) == 0
    filled.path.write_text("\n".join(lines[:-5]) + "\n")  # stopped five runs before the end
    assert command.fill(filled, workers=1) == 5
    assert filled.path.read_text().splitlines() == lines


def test_lines_stand_in_the_order_of_the_runs_however_they_ended(filled):
    header, *lines = filled.path.read_text().splitlines()
    filled.path.write_text("\n".join([header, *reversed(lines)]) + "\n")
    command.put_in_order(filled)
    assert filled.path.read_text().splitlines() == [header, *lines]


def test_a_missing_run_is_named_with_the_command_that_makes_it(filled):
    lines = filled.path.read_text().splitlines()
    filled.path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(ValueError, match=r"python run.py evidence contest; 1 are missing.*head.*128"):
        stored(filled, "right")


def test_a_repetition_run_here_agrees_with_its_like(filled):
    card = live(filled, seed=2, method="full", n=64)
    assert "agrees with" in card.heading
    assert "inside" in card.lines[0]


def test_a_repetition_of_changed_code_does_not(filled, monkeypatch):
    worse = Experiment(**{**vars(filled), "measure": lambda method, n, seed: {"right": 0.9, "steps": n}})
    card = live(worse, method="full", n=64)
    assert "differs from" in card.heading
    assert "OUTSIDE" in card.lines[0]
    assert "inside" in card.lines[1]


def test_the_interval_of_the_next_covers_it():
    rng, inside = np.random.default_rng(0), 0
    for _ in range(4000):
        *before, new = rng.normal(loc=0, size=6)
        low, high = interval_of_the_next(before)
        inside += low <= new <= high
    assert abs(inside / 4000 - 0.99) < 4 * np.sqrt(0.99 * 0.01 / 4000)


def test_the_interval_is_the_textbooks():
    low, high = interval_of_the_next([1.0, 2.0, 4.0])
    half = stats.t.ppf(0.995, 2) * np.std([1, 2, 4], ddof=1) * np.sqrt(4 / 3)
    assert (low, high) == pytest.approx((7 / 3 - half, 7 / 3 + half))


def test_a_measure_that_does_not_take_its_factors_is_refused():
    with pytest.raises(ValueError, match="measure must take method, seed; got method, n, seed"):
        Experiment(name="x", measure=noisy, factors={"method": ("full",)}, seeds=1, quantities=("right",))


def test_every_experiment_of_the_kit_is_stored_whole():
    for experiment in command.experiments().values():
        there = stored_lines(experiment)
        missing = [run for run in experiment.runs() if store.key(run) not in there]
        assert not missing, f"python run.py evidence {experiment.name}"


def test_fresh_draws_have_seeds_and_a_file_of_their_own(filled, monkeypatch):
    old = filled.path.read_text()
    monkeypatch.setenv(store.FIRST_SEED, "7000")
    assert command.fill(filled, workers=1) == 24
    assert stored(filled, "right")[2, 0, 0] == pytest.approx(noisy("full", 32, 7002)["right"], rel=1e-5)
    assert "seeds from 7000" in str(filled.path)
    monkeypatch.delenv(store.FIRST_SEED)
    assert filled.path.read_text() == old


def test_an_experiment_that_the_clock_decides_runs_alone(contest, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "experiments", lambda: {"contest": contest})
    monkeypatch.setattr(command, "ProcessPoolExecutor", lambda workers, **_: asked.append(workers) or Here())
    for alone in (True, False):
        command.fill(Experiment(**{**vars(contest), "alone": alone}), workers=2)
        contest.path.unlink()
    assert asked == [1, 2]
