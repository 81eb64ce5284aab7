import copy
import pickle

import pytest
import torch
from torch import nn

from kit.compress import int8
from kit.compress.int8 import PER, Int8Conv2d, Int8Embedding, Int8Linear, calibrate, has_kernels, quantize_layers
from kit.compress.outlier import plant_outlier
from kit.compress.quantize import dequantize, quantize, scales
from kit.compress.size import sizes
from kit.models.bert import BERT, BERTConfig
from kit.models.cnn import CNN, CNNConfig
from kit.models.gpt import GPT, GPTConfig

SMALL = {"vocab_size": 23, "n_positions": 8, "n_layers": 2, "n_heads": 2, "d_model": 8, "dropout": 0.0}


def cnn() -> CNN:
    torch.manual_seed(0)
    return CNN(CNNConfig(size=12, widths=(4, 6))).eval()


def pictures(n: int = 20) -> torch.Tensor:
    return torch.rand(n, 1, 12, 12, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def without_kernels(monkeypatch):
    monkeypatch.setattr(int8, "has_kernels", lambda: False)


@pytest.mark.parametrize("weights", PER)
@pytest.mark.parametrize("inputs", PER)
def test_bytes_and_floats_multiply_to_the_same(weights, inputs, monkeypatch):
    """Where there are no kernels, both sides are floats, and the test holds as well."""
    model, x = cnn(), pictures()
    small = quantize_layers(model, calibrate(model, [x]), weights=weights, inputs=inputs)
    by_kernel = small(x)
    monkeypatch.setattr(int8, "has_kernels", lambda: False)
    torch.testing.assert_close(by_kernel, small(x), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("without_kernels")
def test_a_linear_layer_computes_the_product_of_its_whole_numbers():
    torch.manual_seed(0)
    layer, x = nn.Linear(6, 4), torch.randn(5, 3, 6)
    small = quantize_layers(nn.Sequential(layer), {"0": x.abs().amax(dim=(0, 1))})[0]
    x8, w8 = quantize(x, scales(x)), quantize(layer.weight.detach(), scales(layer.weight, axis=0))
    product = x8.long() @ w8.long().T
    expected = product * scales(x) * scales(layer.weight, axis=0).flatten() + layer.bias
    torch.testing.assert_close(small(x), expected.detach(), rtol=1e-6, atol=1e-6)


def test_the_answers_hardly_change():
    model, x = cnn(), pictures()
    y, small = model(x), quantize_layers(model, calibrate(model, [x]))
    assert (small(x) - y).abs().max() < 0.03 * y.abs().max()
    assert isinstance(small.convs[0], Int8Conv2d)
    assert isinstance(small.head, Int8Linear)


def test_without_ranges_only_the_weights_are_bytes():
    model, x = cnn(), pictures()
    small = quantize_layers(model)
    by_hand = copy.deepcopy(model)
    for layer in (*by_hand.convs, by_hand.head):
        scale = scales(layer.weight, axis=0)
        layer.weight.data = dequantize(quantize(layer.weight.detach(), scale), scale)
    torch.testing.assert_close(small(x), by_hand(x), rtol=1e-6, atol=1e-6)


def test_int8_takes_a_quarter_of_the_bytes_and_its_scales():
    model = CNN(CNNConfig())
    x = torch.rand(2, 1, 28, 28)
    small = quantize_layers(model, calibrate(model, [x]))
    n_weights = sum(p.numel() for p in model.parameters() if p.ndim > 1)
    n_outputs = 8 + 16 + 32 + 10
    assert sizes(small).dense == n_weights + 4 * n_outputs + 4 * n_outputs + 4 * 4  # scales, biases, inputs' scales


@pytest.mark.parametrize("make", [lambda: GPT(GPTConfig(**SMALL)), lambda: BERT(BERTConfig(**SMALL))])
def test_a_tied_table_is_quantised_once(make):
    model, ids = make().eval(), torch.tensor([[1, 2, 3]])
    small = quantize_layers(model, calibrate(model, [ids]), inputs="channel")
    head = small.head if isinstance(small, GPT) else small.head.tokens
    assert isinstance(small.token_embedding, Int8Embedding)
    assert head.values is small.token_embedding.values
    assert sizes(small).dense < sizes(model).dense / 2
    assert (small(ids) - model(ids)).abs().max() < 0.1 * model(ids).abs().max() + 1e-3


def test_a_layer_that_was_never_called_keeps_its_inputs():
    model = BERT(BERTConfig(**SMALL)).eval()  # its pooler is for classifiers
    ids = torch.tensor([[1, 2, 3]])
    small = quantize_layers(model, calibrate(model, [ids]))
    assert small.pooler.input_scale is None
    states = small.encode(ids)
    torch.testing.assert_close(small.pool(states), model.pool(states), rtol=0.05, atol=0.01)


def test_calibration_finds_the_largest_of_each_channel_over_all_batches():
    model, x = cnn(), pictures()
    ranges = calibrate(model, [x[:7], x[7:]])
    assert [*ranges] == ["convs.0", "convs.1", "head"]
    torch.testing.assert_close(ranges["convs.0"], x.abs().amax(dim=(0, 2, 3)))
    seen = torch.nn.functional.max_pool2d(model.convs[0](x).relu(), 2)
    torch.testing.assert_close(ranges["convs.1"], seen.abs().amax(dim=(0, 2, 3)))


@pytest.mark.parametrize("how", [{"groups": 2}, {"dilation": 2}, {"padding": 1, "padding_mode": "circular"}])
def test_convolutions_of_another_kind_are_refused(how):
    with pytest.raises(ValueError, match="model must have convolutions of one group, undilated, padded by zeros"):
        quantize_layers(nn.Sequential(nn.Conv2d(4, 4, 3, **how)))


def test_calibration_leaves_the_model_in_its_mode_and_without_hooks():
    model = cnn().train()
    calibrate(model, [pictures(2)])
    assert model.training
    assert not any(part._forward_pre_hooks for part in model.modules())


def outlying(model: CNN, unit: int) -> CNN:
    planted = copy.deepcopy(model)
    plant_outlier(planted.convs[0], planted.convs[1], unit=unit)
    return planted


def test_a_planted_outlier_changes_no_answer():
    model, x = cnn().double(), pictures().double()
    torch.testing.assert_close(outlying(model, 1)(x), model(x), rtol=1e-12, atol=1e-12)


def test_behind_a_norm_an_outlier_changes_no_answer_either():
    model = GPT(GPTConfig(**SMALL)).double().eval()
    ids = torch.tensor([[1, 2, 3, 4]])
    before, block = model(ids), model.blocks[0]
    plant_outlier(block.feed_forward_norm, block.feed_forward.up, unit=5)
    torch.testing.assert_close(model(ids), before, rtol=1e-12, atol=1e-12)


def test_a_planted_outlier_breaks_one_scale_for_all_and_not_one_for_each_channel():
    model, x = cnn(), pictures()
    planted, y = outlying(model, 1), model(x).detach()
    ranges = calibrate(planted, [x])
    error = {
        (weights, inputs): float(
            (quantize_layers(planted, ranges, weights=weights, inputs=inputs)(x) - y).norm().detach()
        )
        for weights in PER
        for inputs in PER
    }
    untouched = float((quantize_layers(model, calibrate(model, [x]))(x) - y).norm().detach())
    assert error["channel", "channel"] < 3 * untouched
    assert min(error["tensor", "channel"], error["channel", "tensor"], error["tensor", "tensor"]) > 5 * untouched


def test_a_channel_that_is_never_used_does_not_set_the_scale_of_the_others():
    torch.manual_seed(0)
    layer, x = nn.Linear(4, 3), torch.rand(30, 4)
    x[:, 2] = 0
    model = nn.Sequential(layer)
    small = quantize_layers(model, calibrate(model, [x]), inputs="channel")
    assert (small(x) - model(x)).abs().max() < 0.02


def test_copies_and_pickles_answer_alike():
    model, x = cnn(), pictures()
    small = quantize_layers(model, calibrate(model, [x]))
    y = small(x)  # the kernels have their weights now
    assert torch.equal(copy.deepcopy(small)(x), y)
    assert torch.equal(pickle.loads(pickle.dumps(small))(x), y)
    again = quantize_layers(cnn(), calibrate(cnn(), [x]))
    again.load_state_dict(small.state_dict())
    assert torch.equal(again(x), y)


def test_in_float64_the_same_whole_numbers_are_multiplied():
    model, x = cnn(), pictures()
    small = quantize_layers(model, calibrate(model, [x]))
    y = small(x)
    torch.testing.assert_close(small.double()(x.double()).float(), y, rtol=1e-4, atol=1e-4)


def test_kernels_are_tried_once_and_told():
    assert has_kernels() in (True, False)
    assert has_kernels() is has_kernels()
