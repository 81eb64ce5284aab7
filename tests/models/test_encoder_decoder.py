"""What both encoder-decoders must show.

test_decoders.py has causality and cache, agreement.py the blocks, hugging_face.py the whole.
"""

import pytest
import torch

from kit.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from kit.models.t5 import T5, T5Config
from kit.train.decoding import generate

SIZES = {"vocab_size": 31, "n_layers": 2, "n_heads": 2, "d_model": 16, "d_ff": 32, "dropout": 0.0}
MODELS = {
    "T5": lambda: T5(T5Config(**SIZES, d_head=4)),
    "encoder-decoder": lambda: EncoderDecoder(EncoderDecoderConfig(**SIZES)),
}
SOURCE = torch.tensor([[5, 6, 7, 8], [9, 8, 7, 6]])
TARGET = torch.tensor([[0, 3, 4, 2, 6], [0, 6, 2, 4, 3]])


@pytest.fixture(params=MODELS)
def model(request) -> T5 | EncoderDecoder:
    torch.manual_seed(0)
    return MODELS[request.param]().double().eval()


def test_the_source_read_once_gives_the_same_logits(model):
    assert torch.equal(model.condition_on(SOURCE)(TARGET), model(SOURCE, TARGET))


def test_every_token_of_the_source_moves_every_logit(model):
    logits = model(SOURCE, TARGET)
    for i in range(SOURCE.shape[1]):
        changed = SOURCE.clone()
        changed[:, i] = 20
        assert (model(changed, TARGET) != logits).any(dim=-1).all()


def test_the_encoder_sees_both_ways(model):
    states = model.encode(SOURCE)
    for i in (0, 3):
        changed = SOURCE.clone()
        changed[:, i] = 20
        assert (model.encode(changed) != states).any(dim=-1).all()


def test_what_fills_up_a_source_changes_nothing(model):
    filled = torch.cat([SOURCE, torch.tensor([[0, 0], [1, 2]])], dim=1)
    present = torch.arange(6).expand(2, 6) < 4
    torch.testing.assert_close(model(filled, TARGET, present), model(SOURCE, TARGET), rtol=1e-12, atol=1e-12)


def test_reading_the_source_leaves_every_mode_as_it_was(model):
    model.train()
    model.encoder_blocks.eval()
    model(SOURCE, TARGET)
    model.condition_on(SOURCE)
    assert model.training
    assert model.decoder_blocks.training
    assert not model.encoder_blocks.training
    model.eval().condition_on(SOURCE)
    assert not any(part.training for part in model.modules())


@pytest.mark.parametrize("cache", [True, False])
def test_generate_continues_each_target_given_its_source(model, cache):
    given = model.condition_on(SOURCE)
    ids = generate(given, torch.tensor([[0], [0]]), n_tokens=20, cache=cache)
    assert torch.equal(ids[:, 1:], given(ids[:, :-1]).argmax(dim=-1))


def test_every_parameter_learns(model):
    model(SOURCE, TARGET).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_t5_knows_distances_and_no_positions():
    """With a table of zeros the order of the source is lost altogether: shuffled tokens have shuffled states."""
    torch.manual_seed(0)
    t5 = MODELS["T5"]().double().eval()
    shuffled = SOURCE[:, [2, 0, 3, 1]]
    assert not torch.allclose(t5.encode(shuffled), t5.encode(SOURCE)[:, [2, 0, 3, 1]])
    torch.nn.init.zeros_(t5.encoder_bias.weight)
    torch.testing.assert_close(t5.encode(shuffled), t5.encode(SOURCE)[:, [2, 0, 3, 1]], rtol=1e-12, atol=1e-12)


def test_a_new_t5_gives_logits_of_spread_near_1():
    torch.manual_seed(0)
    t5 = T5(T5Config(vocab_size=100, n_layers=2, n_heads=4, d_model=64, d_head=16, d_ff=256)).eval()
    logits = t5(torch.randint(100, (4, 20)), torch.randint(100, (4, 20)))
    assert 0.8 < logits.std().item() < 1.25
