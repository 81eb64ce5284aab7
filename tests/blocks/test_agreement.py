import pytest

from tests.blocks.agreement import BAR, CASES, differences, table


@pytest.mark.parametrize("name", CASES)
def test_block_agrees_with_its_judge_forwards_and_backwards(name):
    found = differences(CASES[name])
    assert max(found) <= BAR, found


def test_the_table_says_when_the_bar_is_broken():
    assert "within" in table({"a": (0.0, BAR), "b": (1e-16, 0.0)}).splitlines()[-1]
    for broken in (2 * BAR, float("nan")):
        assert "BEYOND" in table({"a": (0.0, broken), "b": (1e-16, 0.0)}).splitlines()[-1]
