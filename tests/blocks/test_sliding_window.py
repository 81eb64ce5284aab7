import torch
from hypothesis import given
from hypothesis import strategies as st

from kit.blocks.attention import document_mask, plain_attention, window_mask
from kit.blocks.sliding_window import SMALLEST_CHUNK, global_indices, window_attention

TOKENS = st.sampled_from([1, 2, SMALLEST_CHUNK - 1, SMALLEST_CHUNK, SMALLEST_CHUNK + 1, 70, 129])
WINDOWS = st.sampled_from([0, 1, 5, SMALLEST_CHUNK, 40, 200])


def drawn(n_tokens: int, seed: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(2, 3, n_tokens, 4, dtype=torch.float64, generator=generator) for _ in range(3))


def flags(n_tokens: int, share: float, seed: int) -> torch.Tensor:
    return torch.rand(2, n_tokens, generator=torch.Generator().manual_seed(seed)) < share


@given(
    n_tokens=TOKENS,
    window=WINDOWS,
    present=st.sampled_from([None, 0.0, 0.8]),
    is_global=st.sampled_from([None, 0.0, 0.1, 1.0]),
    documents=st.sampled_from([None, 0.05, 0.3]),
    seed=st.integers(0, 99),
)
def test_window_attention_matches_dense_attention_under_a_mask(n_tokens, window, present, is_global, documents, seed):
    q, k, v = drawn(n_tokens, seed)
    present = None if present is None else flags(n_tokens, present, seed)
    is_global = None if is_global is None else flags(n_tokens, is_global, seed + 1)
    mask = window_mask(n_tokens, window=window)[None, None].expand(2, 1, -1, -1)
    if is_global is not None:
        mask = mask | is_global[:, None, None, :]
    if present is not None:
        mask = mask & present[:, None, None, :]
    if documents is not None:
        documents = flags(n_tokens, documents, seed + 2).cumsum(dim=1)
        mask = mask & document_mask(documents)
    ours = window_attention(q, k, v, window=window, present=present, is_global=is_global, documents=documents)
    torch.testing.assert_close(ours, plain_attention(q, k, v, mask=mask), rtol=1e-12, atol=1e-12)


def test_window_attention_has_the_gradients_of_dense_attention():
    inputs = drawn(70, 0)
    present, is_global = flags(70, 0.8, 1), flags(70, 0.05, 2)
    mask = (window_mask(70, window=40) | is_global[:, None, None, :]) & present[:, None, None, :]
    answers = []
    for attend in (
        lambda q, k, v: window_attention(q, k, v, window=40, present=present, is_global=is_global),
        lambda q, k, v: plain_attention(q, k, v, mask=mask),
    ):
        leaves = [x.clone().requires_grad_() for x in inputs]
        attend(*leaves).square().sum().backward()
        answers.append([leaf.grad for leaf in leaves])
    for ours, theirs in zip(*answers, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@given(n_tokens=TOKENS, window=WINDOWS, place=st.integers(0, 128), seed=st.integers(0, 99))
def test_what_is_outside_the_window_moves_no_bit(n_tokens, window, place, seed):
    q, k, v = drawn(n_tokens, seed)
    place %= n_tokens
    before = window_attention(q, k, v, window=window)
    k[:, :, place] += 1
    v[:, :, place] -= 1
    after = window_attention(q, k, v, window=window)
    far = (torch.arange(n_tokens) - place).abs() > window
    assert torch.equal(before[:, :, far], after[:, :, far])
    assert (before[:, :, ~far] != after[:, :, ~far]).any(dim=-1).all()


def test_a_global_token_is_seen_from_everywhere():
    q, k, v = drawn(200, 0)
    is_global = torch.zeros(2, 200, dtype=torch.bool)
    is_global[:, 100] = True
    before = window_attention(q, k, v, window=2, is_global=is_global)
    v[:, :, 100] += 1
    after = window_attention(q, k, v, window=2, is_global=is_global)
    assert (before != after).all()


def test_no_tensor_grows_with_the_square_of_the_tokens():
    largest = {}
    for n_tokens in (512, 1024, 2048):
        q, k, v = (torch.zeros(1, 1, n_tokens, 4, requires_grad=True) for _ in range(3))
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x, saved=saved: saved.append(x.numel()) or x, lambda x: x):
            window_attention(q, k, v, window=64)
        largest[n_tokens] = max(saved)
    assert largest[2048] == 2 * largest[1024] == 4 * largest[512]


def test_global_places_fills_up_the_shorter_row():
    places, real = global_indices(torch.tensor([[False, True, False, True], [True, False, False, False]]))
    assert places[real].tolist() == [1, 3, 0]
    assert real.tolist() == [[True, True], [True, False]]
