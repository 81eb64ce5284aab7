import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kit.blocks.positions import rotary_angles
from kit.models.palm import PaLM, PaLMConfig, SelfAttention

SIZES = {"vocab_size": 50, "n_positions": 300, "n_layers": 2, "n_heads": 4, "d_model": 24, "d_head": 6}


def model(*, serial: bool = False, dtype: torch.dtype = torch.float64) -> PaLM:
    torch.manual_seed(0)
    return PaLM(PaLMConfig(**SIZES, serial=serial)).to(dtype).eval()


def tokens(n_rows: int, n_tokens: int) -> torch.Tensor:
    return torch.randint(SIZES["vocab_size"], (n_rows, n_tokens), generator=torch.Generator().manual_seed(1))


def test_cache_holds_one_head():
    palm = model()
    cache = palm.new_cache(8)
    palm(tokens(2, 5), cache)
    k, v = cache[0].append(torch.zeros(2, 1, 1, 6).double(), torch.zeros(2, 1, 1, 6).double())
    assert k.shape == v.shape == (2, 1, 6, 6)


@given(shift=st.integers(0, 100), seed=st.integers(0, 2**31 - 1))
def test_attention_depends_on_distances_alone(shift, seed):
    torch.manual_seed(seed)
    layer = SelfAttention(PaLMConfig(**SIZES)).double()
    x = torch.randn(1, 8, SIZES["d_model"], dtype=torch.float64)
    near, far = (rotary_angles(start + torch.arange(8), width=SIZES["d_head"]) for start in (0, shift))
    # angles are float32: up to 108 they are off by 108 · 2⁻²⁴ < 1e-5, and outputs of order 1 by as much
    torch.testing.assert_close(layer(x, near), layer(x, far), rtol=1e-4, atol=1e-4)


def test_first_logits_are_as_spread_as_the_paper_wants():
    torch.manual_seed(0)
    palm = PaLM(PaLMConfig(vocab_size=2000, n_layers=1, n_heads=4, d_model=256, d_head=64))
    ids = torch.arange(0, 2000, 20)[None]
    logits = palm(ids).detach()
    others = logits[0, torch.arange(100), (ids[0] + 7) % 2000]  # its own token answers its own embedding
    assert others.std().item() == pytest.approx(1, abs=0.3)  # 100 draws: 4 standard errors of 1 / √200


def test_every_parameter_learns():
    palm = model()
    palm(tokens(2, 9)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in palm.parameters())
    assert not [name for name, _ in palm.named_parameters() if "bias" in name]


def test_config_rejects_what_makes_no_model():
    with pytest.raises(ValueError, match="d_head must be even"):
        PaLMConfig(d_head=7)
    with pytest.raises(ValueError, match="n_layers must be >= 1"):
        PaLMConfig(n_layers=0)


def test_forward_rejects_more_tokens_than_positions():
    with pytest.raises(ValueError, match="ids must be at most 300 tokens long, got 301"):
        model()(tokens(1, 301))
