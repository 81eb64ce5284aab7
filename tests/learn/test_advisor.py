import numpy as np
import pytest

from kit.learn.advisor import Measurement, advise

SECONDS = {"line": 0.1, "forest": 5.0, "network": 20.0}


def measured(means, *, task="numbers", n_rows=100, noise=0.01, n_splits=10, seed=0):
    """Make up measurements on two tables: all models share a split's luck."""
    rng = np.random.default_rng(seed)
    rows = []
    for table in ("gems", "trips"):
        luck = 0.1 * rng.normal(size=n_splits)
        for model, mean in means.items():
            scores = mean + luck + noise * rng.normal(size=n_splits)
            rows.append(
                Measurement(
                    model=model,
                    table=table,
                    task=task,
                    n_rows=n_rows,
                    scores=scores,
                    seconds=SECONDS[model],
                    latency=50.0 if model == "forest" else 1.0,
                    readable=model == "line",
                )
            )
    return rows


def names(advice):
    return [each.model for each in advice]


def test_the_cheapest_of_those_that_are_level_comes_first():
    advice = advise(measured({"line": 0.80, "forest": 0.80, "network": 0.80}), task="numbers", n_rows=100)
    assert names(advice) == ["line", "forest", "network"]
    assert all(each.level for each in advice)


def test_who_is_behind_comes_after_by_score_however_cheap():
    advice = advise(measured({"line": 0.5, "forest": 0.7, "network": 0.9}), task="numbers", n_rows=100)
    assert names(advice) == ["network", "forest", "line"]
    assert [each.level for each in advice] == [True, False, False]
    assert advice[2].behind == pytest.approx(0.4, abs=0.02)
    assert advice[2].low < advice[2].behind < advice[2].high


def test_demands_rule_out_by_name_and_the_best_is_sought_among_the_rest():
    rows = measured({"line": 0.5, "forest": 0.9, "network": 0.8})
    for demand, out in (
        ({"explain": True}, {"forest", "network"}),
        ({"latency": 10.0}, {"forest"}),
        ({"seconds": 10.0}, {"network"}),
        ({"seconds": 1.0, "explain": True}, {"forest", "network"}),
    ):
        advice = advise(rows, task="numbers", n_rows=100, **demand)
        assert {each.model for each in advice if each.against} == out
        assert not advice[0].against
        assert advice[0].behind == 0
        assert all("out, " in str(each) for each in advice if each.against)


def test_seconds_grow_with_the_rows():
    rows = measured({"line": 0.9, "forest": 0.9, "network": 0.95})
    assert names(advise(rows, task="numbers", n_rows=1_000, seconds=60.0))[0] == "line"
    assert advise(rows, task="numbers", n_rows=1_000)[0].seconds == pytest.approx(10 * SECONDS["network"])


def test_of_each_table_the_nearest_size_counts():
    rows = measured({"line": 0.9, "forest": 0.5, "network": 0.5}, n_rows=100)
    rows += measured({"line": 0.5, "forest": 0.9, "network": 0.5}, n_rows=1_000)
    assert advise(rows, task="numbers", n_rows=150)[0].model == "line"
    assert advise(rows, task="numbers", n_rows=700)[0].model == "forest"
    assert "1,000 rows" in advise(rows, task="numbers", n_rows=700)[0].evidence[0]


def test_tasks_are_kept_apart_and_an_unmeasured_one_is_refused():
    rows = measured({"line": 0.9, "forest": 0.5, "network": 0.5})
    with pytest.raises(ValueError, match="task must be one that was measured"):
        advise(rows, task="classes", n_rows=100)
    rows += measured({"line": 0.5, "forest": 0.9, "network": 0.5}, task="classes")
    assert advise(rows, task="classes", n_rows=100)[0].model == "forest"


def test_a_model_that_was_not_measured_on_a_table_is_refused():
    with pytest.raises(ValueError, match="every model on every table"):
        advise(measured({"line": 0.9, "forest": 0.5})[:-1], task="numbers", n_rows=100)


def test_every_place_has_a_line_of_evidence_for_each_table():
    for each in advise(measured({"line": 0.5, "forest": 0.7}), task="numbers", n_rows=100):
        assert [line.split(",")[0] for line in each.evidence] == ["gems", "trips"]
        assert each.model in str(each)
