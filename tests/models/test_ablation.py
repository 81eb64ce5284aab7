import pytest
import torch

from kit.models.ablation import AblationConfig, AblationGPT, Block
from kit.models.gpt import Block as GPTBlock
from kit.models.gpt import GPTConfig, PostNormBlock
from kit.models.parameters import n_params

IDS = torch.randint(26, (2, 9), generator=torch.Generator().manual_seed(0))
VARIANTS = [
    {},
    {"scale": False},
    {"position": False},
    {"residual": False},
    {"norm": "none"},
    {"norm": "post"},
    {"feed_forward": False},
    {"n_layers": 1},
]


def make(**switches):
    torch.manual_seed(0)
    return AblationGPT(AblationConfig(**switches))


@pytest.mark.parametrize("switches", VARIANTS, ids=str)
def test_without_any_part_but_the_mask_the_past_is_bit_equal_whatever_comes(switches):
    model = make(**switches)
    other = IDS.clone()
    other[:, 5:] = (other[:, 5:] + 1) % 26
    assert torch.equal(model(other)[:, :5], model(IDS)[:, :5])
    assert not torch.equal(model(other)[:, 5:], model(IDS)[:, 5:])


@pytest.mark.parametrize("mask", ["after", "never"])
def test_without_the_mask_before_softmax_the_future_leaks(mask):
    model = make(mask=mask)
    other = IDS.clone()
    other[:, 5:] = (other[:, 5:] + 1) % 26
    assert (model(other)[:, :5] != model(IDS)[:, :5]).any(dim=-1).all()


@pytest.mark.parametrize(("norm", "judge"), [("pre", GPTBlock), ("post", PostNormBlock)])
def test_the_whole_block_is_that_of_gpt_but_for_the_exact_gelu(norm, judge):
    torch.manual_seed(0)
    theirs = judge(GPTConfig(n_heads=2, d_model=32, n_layers=1, dropout=0.0)).double().eval()
    ours = Block(AblationConfig(norm=norm)).double()
    names = {
        "attention_norm": "norms.0",
        "feed_forward_norm": "norms.1",
        "attention": "attention",
        "feed_forward": "branches.1",
    }
    state = {f"{names[k.split('.')[0]]}.{k.split('.', 1)[1]}": v for k, v in theirs.state_dict().items()}
    state |= {k.replace("attention.", "branches.0.", 1): v for k, v in state.items() if k.startswith("attention.")}
    ours.load_state_dict(state)
    x = torch.randn(2, 7, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    # GPT's GELU is the tanh, which is off by up to 5e-4; what goes through it is added up over 128 features
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=5e-3)


@pytest.mark.parametrize("switches", [*VARIANTS, {"mask": "never"}], ids=str)
def test_the_weights_looked_at_are_those_that_the_model_uses(switches):
    model = make(**switches)
    weights = model.attention_weights(IDS)
    assert weights.shape == (model.config.n_layers, 2, 2, 9, 9)
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    first = model.blocks[0]
    x = model.token_embedding(IDS)
    if model.config.position:
        x = x + model.position_embedding.weight[:9]
    read = first.norms[0](x) if model.config.norm == "pre" else x
    torch.testing.assert_close(weights[0], first.attention.attention_weights(read)[0])


def test_weights_masked_after_the_softmax_fall_short_of_1():
    sums = make(mask="after").attention_weights(IDS).sum(dim=-1)
    assert (sums[..., :-1] < 1).all()
    torch.testing.assert_close(sums[..., -1], torch.ones(sums.shape[:-1]))


def test_every_parameter_of_the_whole_model_is_trained():
    model = make()
    model(IDS).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    # embeddings; for each layer two norms, four attention matrices, two of the feed-forward layer; final norm; head
    layer = 4 * 32 + 4 * 32 * 32 + 4 * 32 + 8 * 32 * 32 + 5 * 32
    assert n_params(model) == 26 * 32 + 24 * 32 + 2 * layer + 2 * 32 + 26 * 32
