import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

from kit.compress.prune import cut_units, global_masks, magnitude_mask, masks_kept, matrices, strongest, unit_norms
from kit.models.gpt import GPT, GPTConfig


def layer(*shape: int, seed: int = 0) -> nn.Module:
    module = nn.Module()
    module.weight = nn.Parameter(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)))
    return module


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.77, 0.99, 1.0])
@pytest.mark.parametrize("shape", [(7,), (5, 9), (4, 3, 3, 3)])
def test_magnitude_mask_matches_torch(shape, share):
    module = layer(*shape)
    ours = magnitude_mask(module.weight, share=share)
    torch_prune.l1_unstructured(module, "weight", amount=share)
    assert torch.equal(ours, module.weight_mask.bool())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_global_masks_match_torch(share):
    modules = [layer(5, 9), layer(4, 3, 3, 3, seed=1), layer(11, seed=2)]
    modules[1].weight.data *= 0.1  # one bar for all: this one loses more
    ours = global_masks({str(i): module.weight for i, module in enumerate(modules)}, share=share)
    torch_prune.global_unstructured(
        [(module, "weight") for module in modules], pruning_method=torch_prune.L1Unstructured, amount=share
    )
    for i, module in enumerate(modules):
        assert torch.equal(ours[str(i)], module.weight_mask.bool())


@given(st.integers(1, 40), st.floats(0, 1), st.integers(0, 99))
def test_no_weight_that_goes_is_larger_than_one_that_stays(n, share, seed):
    weight = torch.randn(n, generator=torch.Generator().manual_seed(seed))
    kept = magnitude_mask(weight, share=share)
    assert (~kept).sum() == round(share * n)
    if kept.any() and (~kept).any():
        assert weight[~kept].abs().max() <= weight[kept].abs().min()


def test_matrices_are_those_of_two_axes_and_a_tied_one_comes_once():
    model = GPT(GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4))
    found = matrices(model)
    assert "token_embedding.weight" in found
    assert "head.weight" not in found
    assert all(weight.ndim > 1 for weight in found.values())


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_pruned_weights_stay_0_while_the_others_learn(optimizer):
    torch.manual_seed(0)
    model, x, y = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1)), torch.randn(20, 6), torch.randn(20, 1)
    masks, before = global_masks(matrices(model), share=0.6), model[0].weight.detach().clone()
    extra = {"momentum": 0.9} if optimizer is torch.optim.SGD else {}
    with masks_kept(model, masks):
        steps = optimizer(model.parameters(), lr=0.05, weight_decay=0.1, **extra)
        for _ in range(20):
            loss = ((model(x) - y) ** 2).mean()
            steps.zero_grad()
            loss.backward()
            steps.step()
    for name, weight in matrices(model).items():
        assert torch.equal(weight != 0, masks[name])
    assert not torch.equal(model[0].weight[masks["0.weight"]], before[masks["0.weight"]])
    loss = model(x).sum()  # and afterwards the gradients are whole again
    model.zero_grad()
    loss.backward()
    assert (model[0].weight.grad[~masks["0.weight"]] != 0).any()


def test_a_weight_that_was_moved_all_the_same_is_told():
    model = nn.Sequential(nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()  # leaves momentum behind
    with (
        pytest.raises(ValueError, match="masks must be kept by an optimiser that begins anew"),
        masks_kept(model, global_masks(matrices(model), share=0.5)),
    ):
        optimizer.step()


def silenced(first: nn.Module, second: nn.Module, gone: list[int], per_unit: int) -> None:
    first.weight.data[gone] = 0
    first.bias.data[gone] = 0
    for unit in gone:
        second.weight.data[:, unit * per_unit : (unit + 1) * per_unit] = 0


@pytest.mark.parametrize("kind", ["linear", "convolutions", "flattened"])
def test_cut_units_computes_what_zeros_would(kind):
    torch.manual_seed(0)
    if kind == "linear":
        first, second, x = nn.Linear(5, 6), nn.Linear(6, 3), torch.randn(4, 5)
        run = lambda a, b: b(a(x).relu())  # noqa: E731
    elif kind == "convolutions":
        first, second, x = nn.Conv2d(2, 6, 3), nn.Conv2d(6, 3, 3), torch.randn(4, 2, 8, 8)
        run = lambda a, b: b(a(x).relu())  # noqa: E731
    else:
        first, second, x = nn.Conv2d(2, 6, 3), nn.Linear(6 * 9, 3), torch.randn(4, 2, 8, 8)
        run = lambda a, b: b(nn.functional.max_pool2d(a(x).relu(), 2).flatten(1))  # noqa: E731
    first, second, x = first.double(), second.double(), x.double()
    kept = strongest(unit_norms(first), n=4)
    small = cut_units(first, second, kept)
    gone = [i for i in range(6) if i not in kept.tolist()]
    silenced(first, second, gone, 9 if kind == "flattened" else 1)
    torch.testing.assert_close(run(*small), run(first, second), rtol=1e-12, atol=1e-12)
    assert len(small[0].weight) == 4
    assert "4" in repr(small[0])


def test_a_gpts_feed_forward_layers_become_smaller_and_it_still_runs():
    model = GPT(GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, dropout=0.0))
    part = model.blocks[0].feed_forward
    part.up, part.down = cut_units(part.up, part.down, torch.tensor([0, 3, 9]))
    assert model(torch.tensor([[1, 2, 3]])).shape == (1, 3, 11)


def test_unit_norms_are_those_of_rows_and_filters():
    conv = nn.Conv2d(2, 3, 3)
    expected = torch.stack([(conv.weight[i] ** 2).sum().sqrt() for i in range(3)])
    torch.testing.assert_close(unit_norms(conv), expected.detach())


def test_the_strongest_come_in_their_order():
    assert strongest(torch.tensor([3.0, 1.0, 4.0, 1.5, 9.0]), n=3).tolist() == [0, 2, 4]


def test_a_grouped_convolution_is_refused():
    with pytest.raises(ValueError, match="layer must be a convolution of one group, got 2"):
        unit_norms(nn.Conv2d(4, 4, 3, groups=2))
