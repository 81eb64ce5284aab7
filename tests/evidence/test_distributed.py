import json
from pathlib import Path

import pytest

from kit.evidence import distributed
from kit.evidence.store import stored

LINE = {"weights": 2.0, "gradients": 3.0, "optimizer": 8.0}


@pytest.fixture
def found(monkeypatch):
    """Answer in the place of torchrun, and note what was asked."""
    asked = []

    def answer(module, *arguments, n_ranks, timeout):
        asked.append((module, n_ranks, *arguments[2:]))
        ways = arguments[arguments.index("--strategies") + 1 :]
        lines = [
            {
                "strategy": way,
                "gradients": 10.0**-k,
                "bytes": [{p: n / 2 for p, n in LINE.items()}, {p: n / 4 for p, n in LINE.items()}],
                "bytes of one": LINE,
            }
            for k, way in enumerate(ways)
        ]
        Path(arguments[1]).write_text(json.dumps(lines), encoding="utf-8")

    monkeypatch.setattr(distributed, "torchrun", answer)
    return asked


def test_each_way_has_the_difference_of_its_own_strategy(found):
    assert distributed.same_step(seed=4) == {"data": 1.0, "tensor": 0.1, "pipeline": 0.01}
    assert found == [("kit.scale.agree", 2, "--seeds", "4", "--strategies", "data", "tensor", "1F1B")]


def test_shares_are_those_of_the_fullest_and_the_emptiest_rank(found):
    measured = distributed.kept_bytes(n_ranks=4, seed=0)
    assert {measured[f"{part} most"] for part in LINE} == {0.5}
    assert {measured[f"{part} least"] for part in LINE} == {0.25}
    assert (measured["tensor"], measured["pipeline"]) == (0.5, 0.5)
    assert found[0][1] == 4


def test_rows_a_second_count_the_rows_of_all_workers(monkeypatch):
    asked = []

    def answer(module, out, seed, *, n_ranks, timeout):
        asked.append(n_ranks)
        Path(out).write_text("2.0", encoding="utf-8")

    monkeypatch.setattr(distributed, "torchrun", answer)
    measured = distributed.pace(seed=0)
    assert measured["two"] == 2 * measured["one"] == 2 * distributed.ROWS * distributed.TIMED / 2
    distributed.pace(seed=1)
    assert asked == [2, 1, 1, 2]


def test_what_is_stored_says_that_ten_digits_agree():
    for way in distributed.WAYS:
        assert stored(distributed.SAME_STEP, way).max() < 1e-10
