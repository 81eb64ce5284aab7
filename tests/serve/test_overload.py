"""Twice the capacity for some seconds, a server in a process of its own: nothing lost, nothing answered twice."""

from tests.serve.overload import N_ROWS, N_WAITING, run


def test_at_twice_its_capacity_every_request_is_answered_or_refused_once():
    outcome = run(seconds=4)
    found = outcome.tally
    assert (found.lost, found.twice, found.others) == (0, 0, 0)
    assert found.answered + found.refused == len(outcome.timings)
    assert found.answered >= min(N_ROWS + N_WAITING, len(outcome.timings))  # at once in, whatever the machine does
    assert "refused by 503" in outcome.shown()
