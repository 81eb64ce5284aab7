import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from kit.blocks.attention import attention, causal_mask, window_mask
from kit.blocks.patterns import DIRECTIONS, Pattern, receptive_field

# as dictionaries: the run's type checker draws random numbers, which Hypothesis forbids inside a strategy
sizes = {name: st.integers(0, 9) for name in ("prefix", "n_global", "n_padding")}
sizes |= {name: st.integers(1, 9) for name in ("segment", "n_documents")} | {"window": st.none() | st.integers(0, 9)}
patterns = st.fixed_dictionaries({"direction": st.sampled_from(DIRECTIONS), **sizes})


@given(patterns, st.integers(1, 24))
def test_n_pairs_is_the_sum_of_the_mask(pattern, n_tokens):
    pattern = Pattern(**pattern)
    assert pattern.n_pairs(n_tokens) == pattern.mask(n_tokens).sum()


@given(patterns.filter(lambda p: p["direction"] in ("causal", "segments")), st.integers(1, 24))
def test_a_causal_pattern_sees_no_future_whatever_else_it_is(pattern, n_tokens):
    assert not Pattern(**pattern).mask(n_tokens).triu(1).any()


def test_patterns_match_the_masks_they_are_made_of():
    assert torch.equal(Pattern(direction="causal").mask(7), causal_mask(7))
    assert torch.equal(Pattern(window=2).mask(7), window_mask(7, window=2))
    prefix = Pattern(direction="prefix", prefix=3).mask(5)
    assert prefix[:3, :3].all()
    assert torch.equal(prefix[3:], causal_mask(5)[3:])


def test_segments_see_all_of_their_own_past_and_of_the_segment_before():
    mask = Pattern(direction="segments", segment=2).mask(6).int()
    assert mask.tolist()[4:] == [[0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1]]


def test_a_global_token_sees_all_and_is_seen_by_all():
    mask = Pattern(window=0, n_global=1).mask(5)
    assert mask[0].all()
    assert mask[:, 0].all()
    assert mask.sum() == 5 + 4 + 4


@given(patterns, st.integers(1, 3))
def test_reach_is_where_gradients_flow_through_layers_of_attention(pattern, n_layers):
    mask = Pattern(**pattern).mask(9)
    x = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = x
    for _ in range(n_layers):
        seen = y[None, None]
        y = y + attention(seen, seen, seen, mask=mask, scale=0.1)[0, 0].nan_to_num()
    # a query that sees nothing has no gradient through attention, and keeps itself
    moved = torch.stack([grad(y[i].sum(), x, retain_graph=True)[0].nan_to_num().abs().sum(dim=1) > 0 for i in range(9)])
    assert torch.equal(moved | torch.eye(9, dtype=torch.bool), receptive_field(mask, n_layers=n_layers))


@given(patterns)
def test_reach_never_shrinks_with_depth(pattern):
    mask = Pattern(**pattern).mask(12)
    assert (receptive_field(mask, n_layers=3) >= receptive_field(mask, n_layers=2)).all()
