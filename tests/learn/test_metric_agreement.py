import pytest

from tests.learn.metric_agreement import BAR, DIFFERENCES, against_sklearn


@pytest.mark.parametrize("name", DIFFERENCES)
def test_where_definitions_differ_kit_says_its_own_number(name):
    """What the library says stands beside it; `python -m tests.learn.metric_agreement` asks the library itself."""
    ours, theirs = DIFFERENCES[name].numbers
    assert DIFFERENCES[name].ours() == pytest.approx(ours, abs=BAR)
    assert abs(ours - theirs) > 0.05


@pytest.mark.filterwarnings("ignore")  # what scikit-learn thinks of one class alone
def test_every_metric_matches_sklearn_within_the_bar():
    assert {name: max(found) for name, found in against_sklearn() if max(found) > BAR} == {}
