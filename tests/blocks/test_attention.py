import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from kit.blocks.attention import (
    KVCache,
    attention,
    attention_weights,
    causal_mask,
    document_mask,
    padding_and_document_mask,
    padding_mask,
    plain_attention,
    window_mask,
)

SEEDS = st.integers(0, 10_000)
TIMES = st.integers(1, 12)
FORMS = pytest.mark.parametrize("form", [plain_attention, attention])


def draw(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def qkv(seed, time=6, *, heads=2, d_head=4):
    return draw(seed, *[(2, heads, time, d_head)] * 3)


@given(SEEDS, TIMES)
def test_the_weights_of_a_query_sum_to_1(seed, time):
    q, k, _ = qkv(seed, time)
    weights = attention_weights(3 * q, k, mask=causal_mask(time))
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, time, dtype=torch.float64), rtol=1e-12, atol=0)


@FORMS
@given(SEEDS, TIMES, st.data())
def test_causal_mask_ignores_the_future(form, seed, time, data):
    now = data.draw(st.integers(0, time - 1))
    q, k, v = qkv(seed, time)
    before = form(q, k, v, mask=causal_mask(time))
    k[:, :, now + 1 :], v[:, :, now + 1 :] = 1e6, -1e6
    assert torch.equal(form(q, k, v, mask=causal_mask(time))[:, :, : now + 1], before[:, :, : now + 1])


@given(SEEDS, TIMES, st.integers(0, 5))
def test_causal_attention_is_that_of_the_mask(seed, time, n_cached):
    q, k, v = qkv(seed, time + n_cached)
    q = q[:, :, n_cached:]
    torch.testing.assert_close(
        attention(q, k, v, causal=True),
        plain_attention(q, k, v, mask=causal_mask(time, time + n_cached)),
        rtol=1e-12,
        atol=1e-12,
    )


@FORMS
@given(SEEDS)
def test_each_output_lies_between_the_values(form, seed):
    q, k, v = qkv(seed)
    y = form(5 * q, k, v)
    assert (y <= v.amax(dim=2, keepdim=True) + 1e-12).all()
    assert (y >= v.amin(dim=2, keepdim=True) - 1e-12).all()


@FORMS
@given(SEEDS)
def test_without_positions_the_order_of_the_keys_does_not_matter(form, seed):
    q, k, v = qkv(seed)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(form(q, k[:, :, order], v[:, :, order]), form(q, k, v), rtol=1e-12, atol=1e-12)


@FORMS
@given(SEEDS, st.sampled_from([1, 2, 3]))
def test_grouped_heads_equal_repeated_heads(form, seed, kv_heads):
    q, k, v = draw(seed, (2, 6, 5, 4), (2, kv_heads, 5, 4), (2, kv_heads, 5, 3))
    repeated = [x.repeat_interleave(6 // kv_heads, dim=1) for x in (k, v)]
    torch.testing.assert_close(form(q, k, v), form(q, *repeated), rtol=1e-12, atol=1e-12)


@FORMS
@pytest.mark.parametrize("bias", [None, torch.ones(1, 2, 6, 6, dtype=torch.float64)])
def test_a_query_that_may_look_nowhere_gives_zeros_and_finite_gradients(form, bias):
    q, k, v = (x.requires_grad_() for x in qkv(0))
    mask = torch.ones(6, 6, dtype=torch.bool)
    mask[2] = False
    y = form(q, k, v, mask=mask, bias=bias)
    assert (y[:, :, 2] == 0).all()
    assert (y[:, :, 3] != 0).all()
    gradients = torch.autograd.grad(y.square().sum(), (q, k, v))
    assert all(g.isfinite().all() for g in gradients)
    assert (gradients[0][:, :, 2] == 0).all()


@FORMS
def test_scores_that_overflow_exp_give_no_nan(form):
    q, k, v = (x.float() for x in qkv(0))
    y = form(1000 * q, 1000 * k, v)
    best = (q @ k.mT).argmax(dim=-1)
    torch.testing.assert_close(y, v.gather(2, best[..., None].expand(-1, -1, -1, 4)))


@FORMS
def test_the_scale_is_that_of_the_width_unless_it_is_given(form):
    q, k, v = qkv(0, d_head=16)
    torch.testing.assert_close(form(q, k, v), form(q, k, v, scale=0.25), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(form(q, k, v), form(q, k, v, scale=1.0))


@FORMS
def test_a_bias_that_grows_chooses_its_key(form):
    q, k, v = qkv(0)
    bias = torch.zeros(6, 6, dtype=torch.float64)
    bias[:, 4] = 1e4
    torch.testing.assert_close(form(q, k, v, bias=bias), v[:, :, 4:5].expand_as(v), rtol=1e-12, atol=1e-12)


@FORMS
def test_attention_gradcheck(form):
    inputs = [x[:1, :, :3].requires_grad_() for x in qkv(0)]
    bias = draw(1, (1, 2, 3, 3))[0].requires_grad_()
    masked = lambda q, k, v, bias: form(q, k, v, mask=causal_mask(3), bias=bias)  # noqa: E731
    assert gradcheck(masked, [*inputs, bias])


def test_dropout_keeps_the_mean_and_drops_its_share():
    torch.manual_seed(0)
    q, k, v = (torch.ones(1, 1, n, 1, dtype=torch.float64) for n in (1, 10_000, 10_000))
    # the sum of 10,000 draws of 0 or 1/0.75, over 10,000: a standard error of √(1/3) / 100
    assert abs(attention(q, k, v, dropout=0.25).item() - 1) < 5 * math.sqrt(1 / 3) / 100
    assert attention(q, k, v).item() == pytest.approx(1, abs=1e-12)


@given(st.integers(1, 9), st.integers(0, 9))
def test_masks_say_what_their_sentences_say(n, window):
    causal, near = causal_mask(n, n + 3), window_mask(n, window=window)
    numbers = torch.arange(n) // 3
    documents = document_mask(numbers[None])[0, 0]
    for i in range(n):
        for j in range(n + 3):
            assert causal[i, j] == (j <= i + 3)
        for j in range(n):
            assert near[i, j] == (abs(i - j) <= window)
            assert documents[i, j] == (i // 3 == j // 3)
    of_two_texts = document_mask(numbers[None], torch.tensor([[0, 1, 1]]))[0, 0]
    assert of_two_texts.tolist() == [[i // 3 == number for number in (0, 1, 1)] for i in range(n)]


def test_the_masks_of_padding_and_of_documents_are_joined_and_either_stands_alone():
    ids = torch.tensor([[7, 8, 9, 0, 0], [7, 8, 9, 10, 11]])
    present, documents = ids != 0, torch.tensor([[0, 1, 1, 1, 2], [0, 0, 0, 1, 1]])
    joined = padding_and_document_mask(ids, present, documents)
    assert torch.equal(joined, padding_mask(present) & document_mask(documents))
    assert torch.equal(padding_and_document_mask(ids, present), padding_mask(present))
    assert torch.equal(padding_and_document_mask(ids, None, documents), document_mask(documents))
    assert padding_and_document_mask(ids) is None


@FORMS
def test_padding_changes_nothing_for_the_tokens_that_are_there(form):
    q, k, v = qkv(0)
    present = torch.tensor([[True] * 4 + [False] * 2] * 2)
    padded = form(q, k, v, mask=padding_mask(present))[:, :, :4]
    torch.testing.assert_close(padded, form(*(x[:, :, :4] for x in (q, k, v))), rtol=1e-12, atol=1e-12)


@FORMS
def test_documents_packed_into_a_row_attend_as_if_alone(form):
    q, k, v = qkv(0)
    mask = causal_mask(6) & document_mask(torch.tensor([[0, 0, 1, 1, 1, 2]] * 2))
    packed = form(q, k, v, mask=mask)[:, :, 2:5]
    alone = form(*(x[:, :, 2:5] for x in (q, k, v)), mask=causal_mask(3))
    torch.testing.assert_close(packed, alone, rtol=1e-12, atol=1e-12)


@settings(max_examples=50)
@given(SEEDS, st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_a_cache_filled_in_any_steps_gives_what_one_pass_gives(seed, steps):
    time = sum(steps)
    q, k, v = qkv(seed, time)
    whole = attention(q, k, v, causal=True)
    cache, parts, past = KVCache(time), [], 0
    for n in steps:
        now = slice(past, past + n)
        keys, values = cache.append(k[:, :, now], v[:, :, now])
        parts.append(attention(q[:, :, now], keys, values, causal=True))
        past += n
    assert len(cache) == time
    assert torch.equal(keys, k)
    assert torch.equal(values, v)
    torch.testing.assert_close(torch.cat(parts, dim=2), whole, rtol=1e-12, atol=1e-12)


def test_a_cache_that_keeps_some_goes_on_as_if_the_rest_had_never_been():
    _, k, v = qkv(0)
    cache = KVCache(6)
    cache.append(k, v)
    cache.keep(2)
    assert len(cache) == 2
    keys, values = cache.append(k[:, :, 2:5], v[:, :, 2:5])
    assert torch.equal(keys, k[:, :, :5])
    assert torch.equal(values, v[:, :, :5])
    assert all(map(torch.equal, cache.held, (keys, values)))
    with pytest.raises(ValueError, match="n_tokens must be <= 5, the tokens that are held, got 6"):
        cache.keep(6)


def test_a_full_cache_refuses_more():
    cache = KVCache(2)
    cache.append(*[torch.zeros(1, 1, 2, 4)] * 2)
    with pytest.raises(ValueError, match="k must fit a cache of 2 tokens, got number 3"):
        cache.append(*[torch.zeros(1, 1, 1, 4)] * 2)


def test_causal_attention_rejects_fewer_keys_than_queries():
    q, k, v = qkv(0)
    with pytest.raises(ValueError, match="k must hold a key for each of 6 queries where causal, got 3"):
        attention(q, k[:, :, :3], v[:, :, :3], causal=True)


def test_causal_attention_rejects_a_second_mask():
    q, k, v = qkv(0)
    for second in ({"mask": causal_mask(6)}, {"bias": torch.zeros(6, 6, dtype=torch.float64)}):
        with pytest.raises(ValueError, match="causal must be False beside a mask or a bias"):
            attention(q, k, v, causal=True, **second)


def test_a_batch_of_masks_is_never_taken_for_one_a_head():
    q, k, v = qkv(0)  # a batch of two, and two heads
    masks = torch.ones(2, 6, 6, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"mask must fit the scores, \(2, 2, 6, 6\), in its 2 or 4 axes"):
        attention(q, k, v, mask=masks)
