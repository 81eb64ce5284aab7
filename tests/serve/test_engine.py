"""The engine: every request ends once, in one of the ways that there are, whatever happens to the others."""

import queue
import threading

import pytest
import torch

from kit.serve.engine import FAILED, GONE, LATE, LENGTH, STOP, Engine, FullError, Request
from kit.serve.rows import Rows
from kit.train.decoding import generate
from tests.serve.small import VOCAB, WAIT, SlowRows, small_gpt


class Asked:
    """A request, and what has come of it."""

    def __init__(self, prompt, n_tokens=8, **settings):
        self.ids, self.end, self.events = [], "", queue.Queue()
        deliver = lambda token, end: self.events.put((token, end))  # noqa: E731
        self.request = Request(prompt=prompt, n_tokens=n_tokens, deliver=deliver, **settings)

    def wait(self) -> str:
        while not self.end:
            token, self.end = self.events.get(timeout=WAIT)
            self.ids += [] if token is None else [token]
        return self.end


@pytest.fixture
def engine():
    rows = SlowRows(small_gpt(), n_rows=3)
    engine = Engine(rows, n_waiting=20)
    yield engine
    engine.close()
    assert not engine.alive


def test_every_text_is_the_greedy_one_of_its_prompt_alone(engine):
    asked = [Asked([i, i + 1, i + 2][: 1 + i % 3], n_tokens=3 + i) for i in range(15)]
    for each in asked:
        engine.submit(each.request)
    for i, each in enumerate(asked):
        assert each.wait() == LENGTH
        prompt = list(each.request.prompt)
        assert prompt + each.ids == generate(small_gpt(), [prompt], n_tokens=3 + i)[0].tolist()
    assert engine.ends == {LENGTH: 15}
    assert engine.n_tokens == sum(3 + i for i in range(15))
    assert (engine.active, engine.waiting) == (0, 0)


def test_a_seed_settles_a_drawn_text_whoever_is_beside_it(engine):
    alone = Asked([1, 2], n_tokens=12, temperature=1.0, seed=7)
    engine.submit(alone.request)
    alone.wait()
    crowd = [Asked([i], n_tokens=5 + i, temperature=1.0, seed=i) for i in range(5)]
    again = Asked([1, 2], n_tokens=12, temperature=1.0, seed=7)
    for each in (*crowd[:3], again, *crowd[3:]):
        engine.submit(each.request)
    assert again.wait() == LENGTH
    assert again.ids == alone.ids


def test_a_stop_ends_a_text(engine):
    text = generate(small_gpt(), [[1, 2, 3]], n_tokens=20)[0].tolist()
    asked = Asked([1, 2, 3], n_tokens=20, stop=text[9])
    engine.submit(asked.request)
    assert asked.wait() == STOP
    assert asked.ids == text[3 : text.index(text[9], 3) + 1]


def test_a_full_queue_is_said_at_once():
    rows = SlowRows(small_gpt(), n_rows=1)
    rows.seconds = 0.05
    engine = Engine(rows, n_waiting=2)
    try:
        asked, refused = [Asked([1], n_tokens=10) for _ in range(12)], 0
        for each in asked:
            try:
                engine.submit(each.request)
            except FullError:
                each.end = "refused"
                refused += 1
        assert refused >= 9  # one at work, two waiting
        assert all(each.wait() in (LENGTH, "refused") for each in asked)
        assert engine.n_accepted == 12 - refused
        assert engine.n_refused == refused
    finally:
        engine.close()


def test_a_cancelled_request_frees_its_row_and_its_place_in_the_queue():
    rows = SlowRows(small_gpt(), n_rows=1)
    rows.seconds = 0.02
    engine = Engine(rows)
    try:
        working, waiting, last = (Asked([i], n_tokens=40) for i in range(3))
        for each in (working, waiting, last):
            engine.submit(each.request)
        assert working.events.get(timeout=WAIT)[0] is not None
        working.request.cancelled = waiting.request.cancelled = True
        assert (working.wait(), waiting.wait(), last.wait()) == (GONE, GONE, LENGTH)
        assert len(working.ids) < 40
        assert waiting.ids == []
    finally:
        engine.close()


def test_a_late_request_is_let_go():
    now = [0.0]
    rows = SlowRows(small_gpt(), n_rows=1)
    rows.seconds = 0.02
    engine = Engine(rows, clock=lambda: now[0])
    try:
        working, waiting = Asked([1], n_tokens=40, seconds=5.0), Asked([2], n_tokens=40, seconds=3.0)
        for each in (working, waiting):
            engine.submit(each.request)
        assert working.events.get(timeout=WAIT)[0] is not None
        now[0] = 4.0
        assert waiting.wait() == LATE
        assert waiting.ids == []
        now[0] = 6.0
        assert working.wait() == LATE
    finally:
        engine.close()


class Breaking(Rows):
    """Rows that fail on token 13, at the prompt or at a step."""

    def begin(self, prompt):
        logits = super().begin(prompt)
        if 13 in prompt.tolist():
            raise RuntimeError("13 in a prompt")
        return logits

    def step(self, tokens):
        if self.broken:
            self.broken = False
            raise RuntimeError("a step failed")
        return super().step(tokens)

    broken = False


def test_a_failure_of_the_model_ends_those_it_met_and_the_next_are_answered():
    rows = Breaking(small_gpt(), n_rows=2)
    engine = Engine(rows)
    try:
        bad, good = Asked([13]), Asked([1, 2])
        for each in (bad, good):
            engine.submit(each.request)
        assert (bad.wait(), good.wait()) == (FAILED, LENGTH)
        rows.broken = True
        met = Asked([3])
        engine.submit(met.request)
        assert met.wait() == FAILED
        after = Asked([1, 2])
        engine.submit(after.request)
        assert after.wait() == LENGTH
        assert after.ids == good.ids
        assert len(rows) == 0
    finally:
        engine.close()


def test_closing_ends_what_is_under_way_and_refuses_the_rest():
    rows = SlowRows(small_gpt(), n_rows=1)
    rows.seconds = 0.02
    engine = Engine(rows)
    asked = [Asked([1], n_tokens=40) for _ in range(3)]
    for each in asked:
        engine.submit(each.request)
    engine.close()
    assert [each.wait() for each in asked] == [GONE] * 3
    with pytest.raises(FullError, match="closed"):
        engine.submit(Asked([1]).request)


def test_whoever_delivers_badly_harms_nobody(engine):
    def deliver(token, end):
        raise RuntimeError("the pipe is broken")

    bad = Request(prompt=[1], n_tokens=30, deliver=deliver)
    engine.submit(bad)
    good = Asked([1, 2])
    engine.submit(good.request)
    assert good.wait() == LENGTH


def test_many_threads_may_submit(engine):
    asked = [[Asked([1 + i], n_tokens=3) for i in range(4)] for _ in range(5)]

    def submit(some):
        for each in some:
            while True:
                try:
                    engine.submit(each.request)
                    break
                except FullError:
                    threading.Event().wait(0.01)

    threads = [threading.Thread(target=submit, args=(some,)) for some in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert all(each.wait() == LENGTH for some in asked for each in some)
    assert engine.ends[LENGTH] == 20


def test_tokens_of_a_request_are_below_the_vocabulary(engine):
    asked = Asked([VOCAB])  # the engine knows no vocabulary: the model refuses it
    engine.submit(asked.request)
    assert asked.wait() == FAILED


def test_no_gradient_is_kept(engine):
    assert all(p.grad is None for p in engine.texts.model.parameters())
    assert torch.is_grad_enabled()
