from tests.learn.agreement import BAR, differences, table


def test_everything_that_torch_computes_too_agrees_with_it():
    rows = differences()
    assert all(difference <= BAR for *_, difference in rows), table(rows)
