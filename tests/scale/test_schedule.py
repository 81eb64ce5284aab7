import re
from itertools import pairwise

import pytest

from kit.scale.schedule import (
    Action,
    bubble,
    gpipe,
    most_in_flight,
    one_f_one_b,
    orders,
    predicted_bubble,
    timeline,
)

SIZES = [(p, m) for p in (1, 2, 3, 4, 8) for m in (1, 2, 4, 8, 16)]


@pytest.mark.parametrize(("p", "m"), SIZES)
@pytest.mark.parametrize("schedule", ["GPipe", "1F1B"])
@pytest.mark.parametrize("backward", [1, 2])
def test_the_bubble_counted_is_the_bubble_predicted(schedule, p, m, backward):
    found = bubble(timeline(orders(schedule, n_stages=p, n_micro=m), forward=1, backward=backward))
    wanted = predicted_bubble(n_stages=p, n_micro=m)
    assert found.of_ideal == pytest.approx(wanted.of_ideal, abs=1e-12)
    assert found.of_total == pytest.approx(wanted.of_total, abs=1e-12)


def test_megatrons_and_gpipes_bubble_differ():
    found = predicted_bubble(n_stages=4, n_micro=8)
    assert found.of_ideal == 0.375
    assert round(found.of_total, 3) == 0.273


@pytest.mark.parametrize(("p", "m"), SIZES)
@pytest.mark.parametrize("order", [gpipe, one_f_one_b])
def test_every_micro_batch_goes_forward_once_and_back_once_later(order, p, m):
    for stage in range(p):
        actions = order(stage, n_stages=p, n_micro=m)
        assert sorted(actions) == sorted(Action(kind, k) for kind in "FB" for k in range(m))
        assert all(actions.index(Action("F", k)) < actions.index(Action("B", k)) for k in range(m))


@pytest.mark.parametrize(("p", "m"), SIZES)
def test_gpipe_keeps_all_micro_batches_and_1f1b_as_many_as_stages_follow(p, m):
    for stage in range(p):
        assert most_in_flight(gpipe(stage, n_stages=p, n_micro=m)) == m
        assert most_in_flight(one_f_one_b(stage, n_stages=p, n_micro=m)) == min(p - stage, m)


@pytest.mark.parametrize(("p", "m"), [(2, 4), (4, 8), (3, 3)])
@pytest.mark.parametrize("schedule", ["GPipe", "1F1B"])
def test_orders_are_those_that_torch_draws(schedule, p, m):
    drawn = pytest.importorskip("torch.distributed.pipelining._schedule_visualizer", reason="torch keeps it private")
    pictured = drawn.get_schedule_ops(schedule, pp_degree=p, num_microbatches=m)
    if schedule == "1F1B":
        pictured = pictured[:1]  # torch 2.13 draws later stages with a micro-batch more than there are
    for ours, row in zip(orders(schedule, n_stages=p, n_micro=m), pictured, strict=False):
        seen = [re.fullmatch(r"\d+([FB])(\d+)", str(each)) for each in row if each is not None]
        assert [Action(each[1], int(each[2])) for each in seen if each] == ours


def test_no_piece_of_work_begins_before_its_input_is_there():
    spans = {(s.stage, s.kind, s.micro): s for s in timeline(orders("1F1B", n_stages=3, n_micro=5))}
    for (stage, kind, micro), span in spans.items():
        before = (stage - 1, "F", micro) if kind == "F" else (stage + 1, "B", micro)
        if before in spans:
            assert span.start >= spans[before].end
        if kind == "B":
            assert span.start >= spans[stage, "F", micro].end


def test_a_stage_does_one_thing_at_a_time():
    spans = timeline(orders("GPipe", n_stages=4, n_micro=3))
    for stage in range(4):
        own = sorted((span.start, span.end) for span in spans if span.stage == stage)
        assert all(end <= start for (_, end), (start, _) in pairwise(own))


def test_orders_that_wait_for_each_other_are_refused():
    stuck = [[Action("B", 0), Action("F", 0)], [Action("F", 0), Action("B", 0)]]
    with pytest.raises(ValueError, match="stages must have orders that can be played, got stage 0 waiting at B0"):
        timeline(stuck)
