"""Draft and verify: the greedy text is unchanged, and what is drawn has the model's own distribution."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.serve.speculative import CountedDraft, generate_with_drafts, lookup_draft, verify_drafts
from kit.train.decoding import chances_of, generate
from tests.serve.small import VOCAB, small_gpt

SEEDS = st.integers(0, 10_000)
MODEL = small_gpt()
LIKELIEST = generate(MODEL, [[1, 2, 3]], n_tokens=30)[0].tolist()


def at_random(seed: int):
    """Guess at random, but half of the time what the model will say."""
    rng = np.random.default_rng(seed)

    def draft(ids: list[int], n: int) -> list[int]:
        right = LIKELIEST[len(ids) : len(ids) + n]
        guesses = [token if rng.random() < 0.5 else int(rng.integers(VOCAB)) for token in right]
        return guesses[: rng.integers(n + 1)]

    return draft


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 6))
def test_greedy_text_is_unchanged_whatever_the_drafts_are(seed, n_draft):
    """In float64."""
    found = generate_with_drafts(MODEL, [1, 2, 3], n_tokens=30, draft=at_random(seed), n_draft=n_draft)
    assert found.ids == LIKELIEST
    assert found.n_steps + found.n_accepted >= 30
    assert found.n_accepted <= found.n_drafts


def test_right_drafts_save_steps_and_wrong_ones_cost_none():
    def right(ids: list[int], n: int) -> list[int]:
        return LIKELIEST[len(ids) : len(ids) + n]

    def wrong(ids: list[int], n: int) -> list[int]:
        return [(token + 1) % VOCAB for token in right(ids, n)]

    best = generate_with_drafts(MODEL, [1, 2, 3], n_tokens=30, draft=right, n_draft=4)
    worst = generate_with_drafts(MODEL, [1, 2, 3], n_tokens=30, draft=wrong, n_draft=4)
    assert (best.ids, worst.ids) == (LIKELIEST, LIKELIEST)
    assert (best.n_steps, worst.n_steps) == (6, 30)  # 30 tokens, five a step
    assert (best.n_accepted, worst.n_accepted) == (24, 0)


def test_a_stop_among_the_drafts_ends_the_text_there():
    stop = LIKELIEST[10]
    end = LIKELIEST.index(stop, 3) + 1

    def right(ids: list[int], n: int) -> list[int]:
        return LIKELIEST[len(ids) : len(ids) + n]

    found = generate_with_drafts(MODEL, [1, 2, 3], n_tokens=30, draft=right, n_draft=4, stop=stop)
    assert found.ids == LIKELIEST[:end]


@pytest.mark.parametrize("seed", range(2))
def test_verified_drafts_are_distributed_as_the_models_own(seed):
    """The first token of 8,000 trials: each share within 4 standard errors of p; q is another distribution."""
    generator = torch.Generator().manual_seed(seed)
    p, q = (torch.rand(2, 6, generator=generator, dtype=torch.float64).softmax(dim=-1) ** 3 for _ in range(2))
    p, q = p / p.sum(dim=-1, keepdim=True), (q / q.sum(dim=-1, keepdim=True))[:1]
    n, counts = 8_000, torch.zeros(6, dtype=torch.float64)
    second, n_second = torch.zeros(6, dtype=torch.float64), 0
    for draft in torch.multinomial(q[0], n, replacement=True, generator=generator).tolist():
        first, *after = verify_drafts([draft], p, q, generator=generator)
        counts[first] += 1
        if after:
            second[after[0]] += 1
            n_second += 1
    for found, expected, m in ((counts, p[0], n), (second, p[1], n_second)):
        errors = (expected * (1 - expected) / m).sqrt()
        assert ((found / m - expected).abs() < 4 * errors).all()
    kept = n_second / n  # the share of drafts that stay is what p and q have in common
    common = float(torch.minimum(p[0], q[0]).sum())
    assert abs(kept - common) < 4 * math.sqrt(common * (1 - common) / n)


def test_drawn_texts_have_the_chances_of_the_model():
    """The token after the first, over 800 texts, against its chances, summed over the first."""
    prompt, n = [1, 2, 3], 800
    generator = torch.Generator().manual_seed(0)
    cuts = {"temperature": 0.5, "top_k": 4}
    first = chances_of(MODEL(torch.tensor([prompt]))[0, -1], **cuts)
    expected = torch.zeros(VOCAB)
    for token in first.nonzero().flatten().tolist():
        expected += first[token] * chances_of(MODEL(torch.tensor([[*prompt, token]]))[0, -1], **cuts)
    favourite = int(first.argmax())
    second = int(chances_of(MODEL(torch.tensor([[*prompt, favourite]]))[0, -1], **cuts).argmax())
    counts = torch.zeros(VOCAB)
    for _ in range(n):
        found = generate_with_drafts(
            MODEL, prompt, n_tokens=2, draft=lambda ids, n: [favourite, second][:n], generator=generator, **cuts
        )
        counts[found.ids[-1]] += 1
    errors = (expected * (1 - expected) / n).sqrt()
    assert ((counts / n - expected).abs() <= 4 * errors).all()


def test_the_cut_of_the_cache_leaves_the_next_step_right():
    """After a wrong draft the model must not see it: the next logits are those of the text alone."""
    cache = MODEL.new_cache(20)
    MODEL(torch.tensor([[1, 2, 3, 60, 59]]), cache)  # two wrong guesses
    for layer in cache:
        layer.keep(3)
    after = MODEL(torch.tensor([[4]]), cache)[0, -1]
    torch.testing.assert_close(after, MODEL(torch.tensor([[1, 2, 3, 4]]))[0, -1], rtol=1e-12, atol=1e-12)


def test_lookup_prefers_the_longest_and_latest_match():
    text = [1, 2, 3, 9, 2, 3, 7, 1, 2, 3]
    assert lookup_draft(text, 2) == [9, 2]  # 1 2 3 stood once before; 2 3 twice, later
    assert lookup_draft(text, 2, n_match=2) == [7, 1]
    assert lookup_draft([1, 2, 3], 2) == []
    assert lookup_draft([5, 5], 3) == [5]


def test_a_counted_draft_guesses_the_commonest():
    draft = CountedDraft([[1, 2, 3], [1, 2, 4], [1, 2, 4], [0, 2, 3]], n=3)
    assert draft([1, 2], 1) == [4]
    assert draft([0, 2], 1) == [3]
    assert draft([8, 2], 1) in ([3], [4])
    assert draft([9], 2) == []


def test_prompts_that_do_not_fit_are_rejected():
    with pytest.raises(ValueError, match="n_tokens must fit 48 positions after 3 tokens, got 47"):
        generate_with_drafts(MODEL, [1, 2, 3], n_tokens=47, draft=lookup_draft)
    with pytest.raises(TypeError, match="generator must be a Generator"):
        generate_with_drafts(MODEL, [1, 2, 3], n_tokens=4, draft=lookup_draft, temperature=1.0)
