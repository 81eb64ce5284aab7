"""What goes wrong is told: before any work is done where it can be known, and never by a number that is none."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kit.text.packing import IGNORE_INDEX
from kit.train import checkpoint
from kit.train.amp import LossScaler, precision
from kit.train.batches import epochs, on_device
from kit.train.decoding import generate, min_p_filter, sample, top_k_filter, top_p_filter
from kit.train.loop import backward, fit
from kit.train.lora import add_lora, merge
from kit.train.objectives import accuracy, mean_loss, n_targets, next_token_loss, token_loss
from tests.train.small import VOCAB, rows, small_batches, small_gpt


@pytest.mark.parametrize(
    ("lr", "sentence"),
    [
        (lambda step: math.nan if step == 3 else 0.01, r"ValueError: lr\(3\) must be finite, got nan"),
        (lambda step: 0.01 * (1 - step / 5), r"ValueError: lr\(11\) must be >= 0, got -0\.01"),
        (lambda step: 0.01 * (1 - step / 10) ** 0.5, r"TypeError: lr\(11\) must be a real number, got complex"),
        (1e39, r"ValueError: lr\(0\) must be < 3\.4.*e\+38, got 1e\+39"),
    ],
)
def test_a_rate_that_is_none_ends_the_run_with_finite_weights_and_an_error(tmp_path, lr, sentence):
    model = small_gpt()
    with pytest.raises((ValueError, TypeError)) as caught:
        fit(model, next_token_loss, small_batches(), n_steps=12, lr=lr, checkpoint=tmp_path / "x", checkpoint_every=2)
    assert re.match(sentence, f"{caught.type.__name__}: {caught.value}")
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    if (tmp_path / "x").exists():
        assert all(w.isfinite().all() for w in checkpoint.load(tmp_path / "x")["model"].values())


@pytest.mark.parametrize("n_steps", [1, 3])
def test_weights_that_a_step_makes_infinite_are_told_and_not_saved(tmp_path, n_steps):
    """The decay, lr · weight_decay · weight, overflows in the step itself."""
    model = nn.Linear(2, 1, bias=False)
    nn.init.constant_(model.weight, -1e38)

    def loss(model, batch):
        return (1e-6 * model.weight).sum() + 0 * batch.sum()

    history = fit(model, loss, lambda step: torch.ones(4, 2), n_steps=n_steps, lr=3e38, checkpoint=tmp_path / "x")
    assert history.diverged
    assert not (tmp_path / "x").exists()


def as_dict(batch: tuple, targets: str) -> dict:
    return {"ids": batch[0], targets: batch[1]}


@pytest.mark.parametrize("name", ["targets", "labels"])
@pytest.mark.parametrize("accumulate", [1, 2, 3])
def test_a_dict_of_targets_weighs_as_a_tuple_does(name, accumulate):
    targets = rows(n=6)[:, 1:].masked_fill(
        torch.arange(8) >= torch.tensor([[8], [1], [3], [0], [8], [2]]), IGNORE_INDEX
    )
    batch = rows(n=6)[:, :-1], targets
    one, two = small_gpt(dtype=torch.float64), small_gpt(dtype=torch.float64)
    losses = [backward(one, token_loss, batch), backward(two, token_loss, as_dict(batch, name), accumulate=accumulate)]
    torch.testing.assert_close(*losses, rtol=1e-12, atol=1e-12)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-12, atol=1e-12)
    whole = rows(n=6)[:, :-1], rows(n=6)[:, 1:]
    for measure in (token_loss, accuracy):
        pairs = mean_loss(one, measure, [batch, whole])
        assert mean_loss(one, measure, [as_dict(batch, name), as_dict(whole, name)]) == pairs


def test_targets_under_another_name_are_refused_where_some_do_not_count():
    x = rows()
    assert n_targets({"x": x, "y": x}) == len(x)
    with pytest.raises(ValueError, match=r"^batch must call its targets 'targets' or 'labels', got 'y'"):
        n_targets({"x": x, "y": x.masked_fill(x == 3, IGNORE_INDEX)})


def plain_cross_entropy(model, batch):
    """As most people write it: NaN where there is no target."""
    return F.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten(), ignore_index=IGNORE_INDEX)


@pytest.mark.parametrize("loss", [token_loss, plain_cross_entropy])
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_batch_without_targets_moves_nothing_and_the_run_goes_on(loss, accumulate, scaled):
    x, y = rows()[:4, :-1], rows()[:4, 1:]
    empty = torch.full_like(y, IGNORE_INDEX)
    seen = []
    settings = {"accumulate": accumulate, "precision": precision("cpu", "float16", emulate=True) if scaled else None}
    model = small_gpt()
    history = fit(
        model,
        loss,
        lambda step: (x, empty if step == 1 else y),
        n_steps=3,
        monitors=[lambda record: seen.append(model.head.weight.detach().clone())],
        **settings,
    )
    assert not history.diverged
    assert history.losses[1] == 0
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])
    half = torch.cat([y[:2], empty[:2]])  # one of two parts without
    assert math.isfinite(backward(model, loss, (x, half), accumulate=accumulate))
    right = mean_loss(model, loss, [(x, y)])
    assert mean_loss(model, loss, [(x, empty), (x, y)]) == pytest.approx(right, rel=1e-12)
    with pytest.raises(ValueError, match=r"^batches must hold a target, got 2 without"):
        mean_loss(model, loss, [(x, empty)] * 2)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (None, "evaluate must return a dict of numbers, got NoneType None"),
        ([1.0], r"evaluate must return a dict of numbers, got list \[1\.0\]"),
        ({"loss": 1.0}, "evaluate must return names that the record has not, got 'loss'"),
        ({"step": 77}, "evaluate must return names that the record has not, got 'step'"),
        ({"text": "moo"}, "evaluate must return numbers under names, got str 'moo' as 'text'"),
        (
            {"losses": torch.ones(2)},
            "evaluate must return numbers under names, got Tensor of torch.float32 as 'losses'",
        ),
        ({1: 1.0}, "evaluate must return numbers under names, got float 1.0 as 1"),
    ],
)
def test_what_is_no_measurement_is_refused(found, sentence):
    with pytest.raises((TypeError, ValueError), match=f"^{sentence}$"):
        fit(small_gpt(), next_token_loss, small_batches(), n_steps=1, evaluate=lambda model: found)


def test_training_a_merged_model_says_what_to_do():
    model = merge(add_lora(small_gpt(), layers=["qkv"], rank=1))
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with pytest.raises(RuntimeError, match=r"^model must be unmerged before it is trained: unmerge\(model\)"):
        fit(model, next_token_loss, small_batches(), n_steps=1)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 1.0, "generator": torch.Generator()}], ids=["greedy", "drawn"]
)
def test_logits_that_are_none_are_refused(bad, settings):
    with pytest.raises(ValueError, match=r"^logits must have a finite largest in each row, got (nan|inf)"):
        sample(torch.tensor([[0.0, 1.0], [0.0, bad]]), **settings)
    with pytest.raises(ValueError, match=r"^logits must have a finite largest in each row, got -inf"):
        sample(torch.full((3,), -math.inf), **settings)


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-38, 1e-45, 1e-300])
def test_a_temperature_near_0_takes_the_likeliest(temperature):
    logits = torch.tensor([[0.0, 20.0, 10.0], [3e38, -3e38, 0.0]])
    drawn = sample(logits, temperature=temperature, generator=torch.Generator())
    assert drawn.tolist() == [1, 0]


@pytest.mark.parametrize("cut", [top_k_filter, top_p_filter, min_p_filter], ids=lambda cut: cut.__name__)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_filter_cuts_a_large_vocabulary_in_any_dtype_as_in_float64(cut, dtype):
    logits = (3 * torch.randn(50_257, generator=torch.Generator().manual_seed(0))).to(dtype)
    how: Any = {top_k_filter: 1000}.get(cut, 0.9 if cut is top_p_filter else 0.001)
    ours, exact = cut(logits, how) > -math.inf, cut(logits.double(), how) > -math.inf
    # sums of 50,257 chances in float32 are off by 1e-6: among chances near 1e-6 of each other, some tokens
    assert (ours != exact).sum() <= (3 if cut is top_p_filter else 0)
    assert ours.sum() > 100
    if cut is top_p_filter:
        assert torch.equal(cut(logits, 1.0), logits)


def test_a_text_that_will_not_fit_is_refused_before_the_first_token():
    model, asked = small_gpt(n_positions=8), []
    model.register_forward_hook(lambda *_: asked.append(1))
    refused: list[tuple[Callable, str]] = [
        (lambda: generate(model, [[1, 2, 3]], n_tokens=7), r"n_tokens must be <= 6, for 8 positions and a prompt of 3"),
        (lambda: generate(model, [[1] * 9], n_tokens=1), "prompts must be at most 8 tokens long, got 9"),
        (lambda: generate(model, [[1], [2, 3, VOCAB]], n_tokens=1), f"prompts must be from 0 to {VOCAB - 1}, got"),
        (lambda: generate(model, [[1]], n_tokens=3, stop=VOCAB), f"stop must be < {VOCAB}, the number of tokens"),
    ]
    for call, sentence in refused:
        with pytest.raises(ValueError, match=f"^{sentence}"):
            call()
    assert not asked
    assert generate(model, [[1, 2, 3]], n_tokens=6)[0].shape == (9,)  # the ninth is never read


def gradient(value: float) -> tuple[nn.Parameter, torch.optim.Optimizer]:
    parameter = nn.Parameter(torch.ones(1))
    parameter.grad = torch.tensor([value])
    return parameter, torch.optim.SGD([parameter], lr=1.0)


@pytest.mark.parametrize("values", [(8.0, 8.0), (8.0, math.inf), (math.nan, 8.0), (math.inf, -math.inf)])
def test_two_optimisers_under_one_scaler_do_as_under_torch_s(values):
    found = []
    for scaler in (LossScaler(init_scale=8.0), torch.amp.GradScaler("cpu", init_scale=8.0)):
        scaler.scale(torch.ones(()))
        pairs = [gradient(value) for value in values]
        for _, optimizer in pairs:
            scaler.step(optimizer)
        with pytest.raises(RuntimeError, match="step"):
            scaler.step(pairs[0][1])
        scaler.update()
        found.append((scaler.get_scale(), [parameter.item() for parameter, _ in pairs]))
    assert found[0] == found[1]


def test_a_scale_that_has_nowhere_to_fall_to_is_told():
    scaler, (_, optimizer) = LossScaler(), gradient(math.inf)
    with pytest.raises(RuntimeError, match=r"gradients overflow at a scale of .*: it is not the scale's doing"):  # noqa: PT012
        for _ in range(300):
            scaler.step(optimizer)
            scaler.update()
    assert 0 < scaler.get_scale() < 1e-44


def test_more_parts_than_rows_are_told_by_the_name_of_the_argument():
    with pytest.raises(ValueError, match=r"^accumulate must be <= the number of rows, 24, got 25"):
        fit(small_gpt(), next_token_loss, lambda step: rows(), n_steps=1, accumulate=25)
    with pytest.raises(ValueError, match=r"^batch must have as many rows in each tensor, got \[24, 3\]"):
        backward(small_gpt(), token_loss, (rows(), rows()[:3]), accumulate=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.int16, np.int32])
def test_tokens_of_any_whole_dtype_are_dealt_out_as_the_same_batches(dtype):
    """Of those that a model takes; bytes stay bytes, as those of pictures must."""
    table, model = rows().numpy(), small_gpt()
    expected, batch = epochs(table, batch_size=4)(5), epochs(table.astype(dtype), batch_size=4)(5)
    assert torch.equal(batch.long(), expected)
    if dtype is not np.uint8:
        assert torch.equal(model(batch), model(expected))
        assert torch.equal(*(on_device(np.asarray(each), "cpu").long() for each in (table, table.astype(dtype))))
