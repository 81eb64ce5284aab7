import copy
from typing import Any

import pytest
import torch
from torch import nn

from kit.models.gpt import GPT, GPTConfig
from kit.models.heads import SequenceClassifier
from kit.train.lora import LoRALinear, add_lora, load_adapter, merge, n_trainable, save_adapter, unmerge

CONFIG = GPTConfig(vocab_size=11, n_positions=8, n_layers=2, n_heads=2, d_model=12, dropout=0)
IDS = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
LAYERS = ("qkv", "out", "up", "down")


def gpt(dtype: torch.dtype = torch.float64) -> GPT:
    torch.manual_seed(0)
    return GPT(CONFIG).to(dtype).eval()


def trained_a_little(model: nn.Module) -> Any:
    """Move every trained number, as training would."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return model


def test_a_model_begins_bit_equal_to_what_it_was():
    model = gpt(torch.float32)
    before = model(IDS)
    assert torch.equal(add_lora(model, layers=LAYERS, rank=3)(IDS), before)


def test_the_pair_matches_its_formula():
    torch.manual_seed(0)
    base = nn.Linear(5, 4).double()
    layer = trained_a_little(LoRALinear(base, rank=2, alpha=6))
    x = torch.randn(7, 5, dtype=torch.float64)
    full = base.weight + 6 / 2 * layer.b @ layer.a
    torch.testing.assert_close(layer(x), x @ full.T + base.bias, rtol=1e-12, atol=1e-12)


def test_merged_logits_equal_unmerged():
    model = trained_a_little(add_lora(gpt(), layers=LAYERS, rank=3, alpha=8))
    before = model(IDS)
    torch.testing.assert_close(merge(model)(IDS), before, rtol=1e-12, atol=1e-12)


def test_merging_into_a_shared_matrix_leaves_the_other_layer_as_it_is():
    model = trained_a_little(add_lora(gpt(), layers=("head",), rank=3))
    before, embedding = model(IDS), model.token_embedding.weight.detach().clone()
    torch.testing.assert_close(merge(model)(IDS), before, rtol=1e-12, atol=1e-12)
    assert torch.equal(model.token_embedding.weight, embedding)
    assert torch.equal(unmerge(model)(IDS), before)


def test_pairs_for_further_layers_leave_the_first_ones_trained(tmp_path):
    model = add_lora(gpt(), layers=("qkv",), rank=2)
    first = n_trainable(model)
    add_lora(model, layers=("up",), rank=3)
    assert n_trainable(model) == first + CONFIG.n_layers * 3 * (12 + 48)
    save_adapter(trained_a_little(model), tmp_path / "both")
    twin = add_lora(add_lora(gpt(), layers=("qkv",), rank=2), layers=("up",), rank=3)
    assert torch.equal(load_adapter(twin, tmp_path / "both")(IDS), model(IDS))
    with pytest.raises(
        ValueError, match=r"^layers must name linear layers of the model, without a pair as yet, got 'qkv'"
    ):
        add_lora(model, layers=("qkv",), rank=2)
    with pytest.raises(ValueError, match=r"^layers must name .* got 'base'"):
        add_lora(model, layers=("base",), rank=2)


def test_a_head_over_an_encoder_stays_trained_and_goes_into_the_file(tmp_path):
    def classifier():
        torch.manual_seed(1)
        return add_lora(SequenceClassifier(gpt(), n_classes=2, token="last"), layers=("qkv",), rank=2).eval()

    model = classifier()
    assert n_trainable(model) == CONFIG.n_layers * 2 * (12 + 36) + 12 * 2 + 2
    save_adapter(trained_a_little(model), tmp_path / "tuned")
    assert torch.equal(load_adapter(classifier(), tmp_path / "tuned")(IDS), model(IDS))


def test_what_cannot_be_done_in_one_layer_is_done_in_none():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    with pytest.raises(ValueError, match=r"^rank must be <= 2, the layer's smaller side, got 4"):
        add_lora(model, layers=["0", "1"], rank=4)
    assert not any(isinstance(module, LoRALinear) for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_layer_that_stands_in_two_places_has_one_pair_in_both():
    shared = nn.Linear(4, 4)
    model = add_lora(nn.ModuleDict({"a": nn.Sequential(shared), "b": nn.Sequential(shared)}), layers=["0"], rank=1)
    assert model["a"][0] is model["b"][0]
    assert isinstance(model["a"][0], LoRALinear)


def test_a_merged_model_can_be_differentiated_by_its_input_but_not_trained():
    model = merge(trained_a_little(add_lora(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), layers=["0"], rank=1)))
    x = torch.randn(3, 4, requires_grad=True)
    (by_input,) = torch.autograd.grad(model(x).sum(), x)
    (before,) = torch.autograd.grad(unmerge(model)(x).sum(), x)
    torch.testing.assert_close(by_input, before)
    with pytest.raises(RuntimeError, match=r"^model must be unmerged"):
        merge(model)(x).sum().backward()


def test_unmerge_gives_back_every_bit():
    model = trained_a_little(add_lora(gpt(torch.float32), layers=LAYERS, rank=3))
    weights, before = copy.deepcopy(model.state_dict()), model(IDS)
    unmerge(merge(merge(model)))
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert torch.equal(model(IDS), before)


def test_only_the_pairs_and_a_later_head_are_trained():
    model = add_lora(gpt(torch.float32), layers=("qkv", "up"), rank=2)
    pairs = CONFIG.n_layers * 2 * ((12 + 36) + (12 + 48))
    assert n_trainable(model) == pairs
    assert n_trainable(SequenceClassifier(model, n_classes=2, token="last")) == pairs + 12 * 2 + 2
    frozen = {name: value.clone() for name, value in model.named_parameters() if not value.requires_grad}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        model(IDS).square().mean().backward()
        optimizer.step()
    assert all(torch.equal(frozen[name], value) for name, value in model.named_parameters() if name in frozen)
    assert all(layer.b.abs().sum() > 0 for layer in model.modules() if isinstance(layer, LoRALinear))


def test_gradcheck():
    layer = trained_a_little(LoRALinear(nn.Linear(4, 3).double(), rank=2, alpha=3))
    x = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, a, b: torch.func.functional_call(layer, {"a": a, "b": b}, (x,)), (x, layer.a, layer.b)
    )


def test_an_adapter_is_all_that_a_model_needs_to_become_the_tuned_one(tmp_path):
    tuned = trained_a_little(add_lora(gpt(), layers=LAYERS, rank=2))
    save_adapter(tuned, tmp_path / "adapter.pt")
    again = load_adapter(add_lora(gpt(), layers=LAYERS, rank=2), tmp_path / "adapter.pt")
    assert torch.equal(again(IDS), tuned(IDS))
    whole = sum(parameter.numel() * 8 for parameter in gpt().parameters())
    assert n_trainable(tuned) * 8 < whole / 2


def test_an_adapter_of_another_rank_is_rejected(tmp_path):
    save_adapter(add_lora(gpt(), layers=LAYERS, rank=2), tmp_path / "adapter.pt")
    with pytest.raises(ValueError, match="path must be the adapter of this model"):
        load_adapter(add_lora(gpt(), layers=LAYERS, rank=3), tmp_path / "adapter.pt")


def test_merge_rejects_a_model_without_pairs():
    with pytest.raises(ValueError, match="model must have a LoRA layer, got a GPT without"):
        merge(gpt())
