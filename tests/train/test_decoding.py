import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from kit.train.decoding import (
    chances_of,
    column_major,
    generate,
    min_p_filter,
    penalise_repetition,
    sample,
    top_k_filter,
    top_p_filter,
)
from tests.train.small import VOCAB, rows, small_gpt

SEEDS = st.integers(0, 2**31)


def gpt():
    model = small_gpt(n_positions=64)
    nn.init.normal_(model.token_embedding.weight)  # larger logits, so that texts do not all repeat one token
    nn.init.normal_(model.position_embedding.weight)
    return model


def random_logits(seed, *shape):
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seed=SEEDS, k=st.integers(1, 25))
def test_top_k_filter_matches_transformers(seed, k):
    logits = random_logits(seed, 3, VOCAB)
    assert torch.equal(top_k_filter(logits, k), TopKLogitsWarper(k)(None, logits))


@given(seed=SEEDS, p=st.floats(0.01, 1))
def test_top_p_filter_matches_transformers(seed, p):
    logits = random_logits(seed, 3, VOCAB)
    # theirs takes 0 < p < 1 and adds up from the other end: where p falls on a sum, rounding decides
    sums = logits.softmax(dim=-1).sort(descending=True).values.cumsum(dim=-1)
    if p == 1 or (sums - p).abs().min() < 1e-12:
        return
    assert torch.equal(top_p_filter(logits, p), TopPLogitsWarper(p)(None, logits))


@given(seed=SEEDS, p=st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_that_hold_p(seed, p):
    chances = random_logits(seed, VOCAB).softmax(dim=0)
    kept = chances[top_p_filter(chances.log(), p) > -math.inf].sort().values
    assert kept.sum() >= p - 1e-12
    assert kept[1:].sum() < p + 1e-12


@given(seed=SEEDS, p=st.floats(1e-6, 1))
def test_min_p_filter_matches_transformers(seed, p):
    logits = random_logits(seed, 3, VOCAB)
    chances = logits.softmax(dim=-1)
    if (chances / chances.amax(dim=-1, keepdim=True) / p - 1).abs().min() < 1e-12:  # there rounding decides
        return
    assert torch.equal(min_p_filter(logits, p), MinPLogitsWarper(p)(None, logits))


@given(seed=SEEDS, penalty=st.floats(0.1, 10), length=st.integers(1, 30))
def test_penalise_repeats_matches_transformers(seed, penalty, length):
    logits, ids = random_logits(seed, 24, VOCAB), rows(length=length, seed=seed)
    ours, before = penalise_repetition(logits, ids, penalty), logits.clone()
    assert torch.equal(ours, RepetitionPenaltyLogitsProcessor(penalty)(ids, logits.clone()))
    assert torch.equal(logits, before)


def test_the_cuts_come_in_the_order_of_transformers():
    logits, cuts = random_logits(3, 200, VOCAB), {"top_k": 9, "top_p": 0.8, "min_p": 0.2}
    theirs = LogitsProcessorList(
        [TemperatureLogitsWarper(0.7), TopKLogitsWarper(9), TopPLogitsWarper(0.8), MinPLogitsWarper(0.2)]
    )
    kept = theirs(None, logits.float()) > -math.inf
    assert kept.sum(dim=-1).unique().numel() > 3
    generator = torch.Generator().manual_seed(0)
    drawn = torch.zeros_like(kept)
    for _ in range(200):  # the least of the kept has 1/15 of the chances or more: it stays undrawn once in 10⁵ rows
        drawn.scatter_(1, sample(logits, temperature=0.7, **cuts, generator=generator)[:, None], value=True)
    assert torch.equal(drawn, kept)


@pytest.mark.parametrize("shape", [(VOCAB,), (3, VOCAB), (2, 3, VOCAB)])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_one_row_of_logits_or_a_table_of_them_is_sampled_as_rows_are(shape, temperature):
    logits = random_logits(0, *shape)
    new = [
        sample(each, temperature=temperature, min_p=0.01, generator=torch.Generator().manual_seed(0))
        for each in (logits, logits.reshape(-1, VOCAB))
    ]
    assert new[0].shape == shape[:-1]
    assert torch.equal(new[0].flatten(), new[1])


@pytest.mark.parametrize("cache", [True, False])
def test_the_penalty_counts_the_prompt_and_all_that_was_written(cache):
    model, prompts = gpt().eval(), rows(n=2, length=5)
    ids = prompts
    for _ in range(20):
        likely = penalise_repetition(model(ids)[:, -1], ids, 1.5)
        ids = torch.cat([ids, likely.argmax(dim=-1, keepdim=True)], dim=1)
    assert torch.equal(generate(model, prompts, n_tokens=20, repetition_penalty=1.5, cache=cache), ids)
    assert not torch.equal(generate(model, prompts, n_tokens=20), ids)


def test_filters_keep_the_likeliest_whatever_they_cut():
    logits = random_logits(0, 5, VOCAB)
    for cut in (top_k_filter(logits, 1), top_p_filter(logits, 1e-9), min_p_filter(logits, 1.0)):
        assert torch.equal(cut.argmax(dim=-1), logits.argmax(dim=-1))
        assert (cut > -math.inf).sum() == 5
    assert torch.equal(top_p_filter(logits, 1.0), logits)
    assert torch.equal(top_k_filter(logits, VOCAB + 5), logits)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"temperature": 1.0}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0.5}, [16 / 30, 9 / 30, 4 / 30, 1 / 30]),  # squares of the chances
        ({"temperature": 1.0, "top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"temperature": 1.0, "top_p": 0.65}, [4 / 7, 3 / 7, 0, 0]),
        ({"temperature": 1.0, "top_k": 3, "top_p": 0.5}, [4 / 7, 3 / 7, 0, 0]),  # of the three, 4/9 < 0.5 <= 7/9
    ],
)
def test_tokens_are_drawn_as_often_as_they_should_be(settings, expected):
    n = 20_000
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log().expand(n, 4)
    drawn = sample(logits, **settings, generator=torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=4) / n
    for share, chance in zip(shares.tolist(), expected, strict=True):
        assert abs(share - chance) <= 4 * math.sqrt(chance * (1 - chance) / n)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_cache_changes_no_token(temperature):
    model, prompts = gpt(), rows(n=3, length=5)
    with_cache, without = (
        generate(
            model,
            prompts,
            n_tokens=50,
            temperature=temperature,
            generator=torch.Generator().manual_seed(0),
            cache=cache,
        )
        for cache in (True, False)
    )
    assert torch.equal(with_cache, without)
    assert with_cache.shape == (3, 55)
    assert len(with_cache.unique()) > 5


def test_greedy_is_the_likeliest_token_every_time():
    model, prompts = gpt().eval(), rows(n=2, length=5)
    ids = prompts
    for _ in range(20):
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(dim=-1)], dim=1)
    assert torch.equal(generate(model, prompts, n_tokens=20), ids)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("stop", [None, 4])
def test_prompts_of_unequal_length_decode_as_they_would_alone(cache, stop):
    model = gpt()
    prompts = [row[:n].tolist() for row, n in zip(rows(n=6, length=12), (3, 12, 1, 7, 7, 5), strict=True)]
    together = generate(model, prompts, n_tokens=30, cache=cache, stop=stop)
    for prompt, ids in zip(prompts, together, strict=True):
        (alone,) = generate(model, [prompt], n_tokens=30, cache=cache, stop=stop)
        assert torch.equal(ids, alone)
        assert ids[: len(prompt)].tolist() == prompt
        if stop is None:
            assert len(ids) == len(prompt) + 30


def test_a_row_ends_at_its_stop_and_nowhere_in_its_prompt():
    model = gpt()
    prompts = rows(n=8, length=6)
    free = generate(model, prompts, n_tokens=40)
    stop = int(free[0, 20])
    prompts[:, 2] = stop
    free = generate(model, prompts, n_tokens=40)
    assert (free[:, 6:] == stop).any()
    stopped = generate(model, prompts, n_tokens=40, stop=stop)
    lists = generate(model, list(prompts), n_tokens=40, stop=stop)
    for row, alone, listed in zip(stopped, free, lists, strict=True):
        ends = (alone[6:] == stop).nonzero()
        end = 6 + int(ends[0]) if len(ends) else 46
        assert torch.equal(row[: end + 1], alone[: end + 1])
        assert (row[end:] == stop).all()
        assert torch.equal(listed, alone[: end + 1])


def test_one_seed_gives_one_text_and_another_another():
    model, prompts = gpt(), rows(n=2, length=3)
    first, same, other = (
        generate(model, prompts, n_tokens=30, temperature=1.0, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_the_model_keeps_its_mode_and_its_gradients_and_the_ids_can_be_trained_on():
    model = small_gpt(dropout=0.5, n_positions=64)
    assert torch.equal(generate(model, rows(n=1), n_tokens=20), generate(model, rows(n=1), n_tokens=20))
    assert model.training
    model(generate(model, rows(n=1), n_tokens=5)).sum().backward()
    assert model.head.weight.grad is not None


def test_whatever_has_the_two_methods_can_be_decoded():
    class Counter:
        """Says that the next token is one more than the last; its cache counts what it has read."""

        def __call__(self, ids, cache=None):
            if cache is not None:
                cache.append(ids.shape[1])
            return nn.functional.one_hot((ids + 1) % 10, 10).double()

        def new_cache(self, n_tokens=None):
            self.read = []
            return self.read

    model = Counter()
    assert generate(model, [[3, 4], [8]], n_tokens=3)[1].tolist() == [8, 9, 0, 1]
    assert model.read == [1, 1, 1, 1]
    assert generate(model, torch.tensor([[1, 2, 3]]), n_tokens=4).tolist() == [[1, 2, 3, 4, 5, 6, 7]]
    assert model.read == [3, 1, 1, 1]


def test_chances_are_those_that_tokens_are_drawn_by():
    logits, cuts = random_logits(3, 4, VOCAB), {"temperature": 0.7, "top_k": 9, "top_p": 0.8, "min_p": 0.05}
    chances = chances_of(logits, **cuts)
    torch.testing.assert_close(chances.sum(dim=-1), torch.ones(4))
    n = 20_000
    drawn = sample(logits.expand(n, 4, VOCAB), **cuts, generator=torch.Generator().manual_seed(0))
    for row in range(4):
        shares = torch.bincount(drawn[:, row], minlength=VOCAB) / n
        # four standard errors of a share, of 4 rows and some nine tokens each: one seed in 400 would fail
        assert ((shares - chances[row]).abs() <= 4 * (chances[row] * (1 - chances[row]) / n).sqrt() + 1e-9).all()


def test_chances_at_a_temperature_of_0_are_all_the_likeliests():
    logits = random_logits(0, 2, 3, VOCAB)
    chances = chances_of(logits, temperature=0.0)
    assert torch.equal(chances.argmax(dim=-1), logits.argmax(dim=-1))
    assert torch.equal(chances.sum(dim=-1), torch.ones(2, 3))
    assert chances.unique().tolist() == [0, 1]


def test_a_model_stored_by_columns_is_the_same_model():
    model, prompts = gpt().eval(), rows(n=2, length=5)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    logits, text = model(prompts), generate(model, prompts, n_tokens=20)
    assert column_major(model) is model
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert model.blocks[0].feed_forward.up.weight.stride(0) == 1
    assert model.head.weight is model.token_embedding.weight
    torch.testing.assert_close(model(prompts), logits)
    assert torch.equal(generate(model, prompts, n_tokens=20), text)
    again = gpt()
    again.load_state_dict(model.state_dict())
    assert again.head.weight.is_contiguous()


def test_a_model_that_gives_its_last_logits_alone_is_asked_for_no_others():
    model, prompts = gpt().eval(), rows(n=2, length=5)
    torch.testing.assert_close(model.next_logits(prompts), model(prompts)[:, -1])

    class Plain:
        """The same model, without that method."""

        def __call__(self, ids, cache=None, /):
            return model(ids, cache)

        def new_cache(self, n_tokens=None):
            return model.new_cache(n_tokens)

    for cache in (True, False):
        texts = [generate(each, prompts, n_tokens=20, cache=cache) for each in (model, Plain())]
        assert torch.equal(*texts)
