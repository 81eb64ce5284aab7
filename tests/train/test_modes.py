"""Whoever asks a model something leaves it as it was: each part in its mode, and frozen where it was."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from kit.blocks.modes import modes_kept
from kit.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from kit.models.heads import SequenceClassifier
from kit.models.longformer import Longformer, LongformerConfig, extend_positions
from kit.models.t5 import T5, T5Config
from kit.train.activation_checkpointing import checkpointed
from kit.train.decoding import generate
from kit.train.loop import backward, fit
from kit.train.lora import add_lora, merge, unmerge
from kit.train.measured import measure_bytes, measure_flops
from kit.train.objectives import accuracy, mean_loss, next_token_loss, token_loss
from tests.train.small import VOCAB, rows, small_batches, small_gpt

PAIR = rows()[:4, :-1], rows()[:4, 1:]
SOURCE = rows()[:4]


def t5() -> T5:
    return T5(T5Config(vocab_size=VOCAB, n_layers=2, n_heads=2, d_model=8, d_head=4, d_ff=16, dropout=0.5))


def encoder_decoder() -> EncoderDecoder:
    config = EncoderDecoderConfig(vocab_size=VOCAB, n_layers=2, n_heads=2, d_model=8, d_ff=16, dropout=0.5)
    return EncoderDecoder(config)


def longformer() -> Longformer:
    sizes = {"vocab_size": VOCAB, "n_positions": 16, "window": 2, "n_layers": 2, "n_heads": 2, "d_model": 8}
    return Longformer(LongformerConfig(**sizes))


def gpt() -> nn.Module:
    return small_gpt(dropout=0.5)


def enter(context: Callable) -> None:
    with context():
        pass


ASKED: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "mean_loss": (gpt, lambda model: mean_loss(model, token_loss, [PAIR])),
    "accuracy": (gpt, lambda model: mean_loss(model, accuracy, [PAIR])),
    "backward": (gpt, lambda model: backward(model, token_loss, PAIR)),
    "generate": (gpt, lambda model: generate(model, SOURCE, n_tokens=3)),
    "generate without a cache": (gpt, lambda model: generate(model, SOURCE, n_tokens=3, cache=False)),
    "T5.condition_on": (t5, lambda model: model.condition_on(SOURCE)),
    "EncoderDecoder.condition_on": (encoder_decoder, lambda model: model.condition_on(SOURCE)),
    "generate, T5": (t5, lambda model: generate(model.condition_on(SOURCE), SOURCE[:, :1], n_tokens=3)),
    "SequenceClassifier": (gpt, lambda model: SequenceClassifier(model, n_classes=2, token="last")(SOURCE)),
    "extend_positions": (longformer, lambda model: extend_positions(model, n_positions=20)),
    "measure_bytes": (
        gpt,
        lambda model: measure_bytes(model, token_loss, PAIR, torch.optim.SGD(model.parameters(), lr=0.1)),
    ),
    "measure_flops": (gpt, lambda model: measure_flops(model, token_loss, PAIR)),
    "checkpointed": (gpt, lambda model: enter(lambda: checkpointed(model))),
    "merge and unmerge": (
        lambda: add_lora(small_gpt(dropout=0.5), layers=["qkv"], rank=1),
        lambda model: unmerge(merge(model)),
    ),
}


def mixed(model: nn.Module, *, training: bool) -> nn.Module:
    """Put every other part in the other mode, and freeze every other tensor."""
    model.train(training)
    for part in list(model.modules())[1::2]:
        part.training = not training
    for parameter in list(model.parameters())[1::2]:
        parameter.requires_grad_(False)
    return model


def state_of(model: nn.Module) -> dict[str, Any]:
    modes = {name: part.training for name, part in model.named_modules()}
    return modes | {f"{name} wants a gradient": p.requires_grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ASKED)
def test_every_part_is_left_in_its_mode_and_frozen_where_it_was(name, training):
    make, ask = ASKED[name]
    torch.manual_seed(0)
    model = mixed(make(), training=training)
    before = state_of(model)
    result = ask(model)
    assert state_of(model) == before
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    if isinstance(result, Longformer):
        assert state_of(result) == before


def test_fit_trains_with_what_is_frozen_in_evaluation_mode_inside_a_model_in_training():
    model, seen = small_gpt(dropout=0.5), []
    model.blocks[0].eval()

    def loss(model, batch):
        seen.append((model.training, model.blocks[0].training, model.blocks[1].training))
        return next_token_loss(model, batch)

    fit(
        model, loss, small_batches(), n_steps=2, evaluate=lambda m: {"mode": float(m.eval().training)}, evaluate_every=1
    )
    assert seen == [(True, False, True)] * 2
    fit(model, loss, small_batches(), n_steps=1)  # now all of it is in evaluation mode, as fit left it
    assert seen[-1] == (True, True, True)


@pytest.mark.parametrize("make", [t5, encoder_decoder])
def test_a_source_is_read_without_dropout_whatever_the_mode(make):
    torch.manual_seed(0)
    model = make()
    one, two = model.condition_on(SOURCE), model.condition_on(SOURCE)
    assert model.training
    assert not torch.equal(model(SOURCE, SOURCE), model(SOURCE, SOURCE))  # and in training there is dropout
    model.eval()
    assert torch.equal(one(SOURCE), two(SOURCE))
    assert torch.equal(one(SOURCE), model(SOURCE, SOURCE))
    start = SOURCE[:, :1]
    texts = [generate(model.train().condition_on(SOURCE), start, n_tokens=5) for _ in range(3)]
    assert torch.equal(texts[0], texts[1])
    assert torch.equal(texts[0], texts[2])


def test_gradients_that_were_there_before_do_not_count():
    model, same = small_gpt(), small_gpt()
    next_token_loss(model, rows(seed=3)).backward()
    settings = {"n_steps": 2, "lr": 0.01}
    fit(model, next_token_loss, small_batches(), **settings)
    evaluate = lambda m: {"loss of others": next_token_loss(m, rows(seed=4)).backward() or 1.0}  # noqa: E731
    fit(same, next_token_loss, small_batches(), **settings, evaluate=evaluate, evaluate_every=1)
    for one, two in zip(model.parameters(), same.parameters(), strict=True):
        assert torch.equal(one, two)
        assert one.grad is None


def test_checkpointed_twice_is_refused_and_leaves_the_outer_one():
    model = small_gpt()
    with checkpointed(model):
        inside = model.blocks[0].forward
        with pytest.raises(ValueError, match=r"^model must not be checkpointed already"), checkpointed(model):
            pass
        assert model.blocks[0].forward is inside
    assert "forward" not in vars(model.blocks[0])


def test_a_part_that_acts_on_a_change_of_mode_is_told_of_it():
    class Merging(nn.Linear):
        """Merges in evaluation mode, and not by its attribute."""

        def train(self, mode=True):
            self.merged = not mode
            return super().train(mode)

    model = Merging(2, 2).train()
    with modes_kept(model):
        model.eval()
    assert model.merged is False
