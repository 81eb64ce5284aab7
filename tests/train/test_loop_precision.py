"""The training loop under each precision: what is scaled, unscaled, clipped, skipped and saved."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kit.train.amp import Precision, precision
from kit.train.loop import adamw, fit

BFLOAT16 = precision("cpu", "bfloat16", emulate=True)
SCALED = precision("cpu", "float16", emulate=True)
UNSCALED = dataclasses.replace(SCALED, scaled=False)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def loss(model, batch):
    x, y = batch
    return F.cross_entropy(model(x).float(), y)


def batches(step):
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(16, 4, generator=generator)
    return x, x[:, :3].argmax(dim=1)


def overflowing_at(*steps, factor=1e37):
    """Make batches' losses so steep at these steps that their scaled gradients overflow."""

    def steep_loss(model, batch):
        x, y, steep = batch
        return loss(model, (x, y)) + steep[0] * model[2].weight.pow(2).mean()

    def steep_batches(step):
        return (*batches(step), torch.full((16,), factor if step in steps else 0.0))

    return steep_loss, steep_batches


@pytest.mark.parametrize("chosen", [BFLOAT16, SCALED], ids=["bfloat16", "float16"])
def test_a_run_matches_the_loop_written_by_hand(chosen):
    model, twin = network(), network()
    history = fit(model, loss, batches, n_steps=20, lr=0.01, clip=0.5, precision=chosen)
    optimizer = adamw(twin)
    scaler = torch.amp.GradScaler("cpu", enabled=chosen.scaled)
    losses = []
    for step in range(20):
        for group in optimizer.param_groups:
            group["lr"] = 0.01
        with torch.amp.autocast("cpu", dtype=getattr(torch, chosen.dtype)):
            value = loss(twin, batches(step))
        scaler.scale(value).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        losses.append(value.item())
    np.testing.assert_allclose(history.losses, losses, rtol=1e-6)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs)  # the norm's sum goes through the weights in another order


def test_an_overflow_skips_its_step_halves_the_scale_and_is_recorded():
    steep_loss, steep_batches = overflowing_at(3, 4)
    heard = []
    history = fit(
        network(), steep_loss, steep_batches, n_steps=8, lr=0.01, precision=SCALED, monitors=[heard.append]
    )  # fmt: skip
    assert history.curve("skipped")[1].tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    scales = history.curve("scale")[1]
    assert (scales / scales[0]).tolist() == [1, 1, 1, 1, 0.5, 0.25, 0.25, 0.25]
    assert not history.diverged
    assert [record["skipped"] for record in heard] == history.curve("skipped")[1].tolist()


def test_a_skipped_step_leaves_the_weights_and_the_optimiser_as_they_were():
    def final(*steps):
        model = network()
        steep_loss, steep_batches = overflowing_at(*steps)
        fit(model, steep_loss, lambda step: steep_batches(min(step, 3)), n_steps=3 + len(steps), precision=SCALED)
        return model

    with_overflow, without = final(3), final()
    for ours, theirs in zip(with_overflow.parameters(), without.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_gradient_is_unscaled_before_it_is_clipped():
    norms = [
        fit(network(), loss, batches, n_steps=1, clip=0.1, precision=chosen).curve("grad_norm")[1][0]
        for chosen in (None, SCALED)
    ]
    assert norms[1] == pytest.approx(norms[0], rel=1e-2)  # float16 has 11 bits; scaled, it would be 65,536 times


def test_without_a_scale_a_gradient_that_overflows_ends_the_run():
    steep_loss, steep_batches = overflowing_at(3, factor=1e37)
    scaled = fit(network(), steep_loss, steep_batches, n_steps=8, clip=None, precision=SCALED)
    unscaled = fit(
        network(), lambda *a: 65536 * steep_loss(*a), steep_batches, n_steps=8, clip=None, precision=UNSCALED
    )
    assert len(scaled.records) == 8
    assert unscaled.diverged
    assert len(unscaled.records) == 4


def test_a_gradient_that_overflows_at_any_scale_ends_the_run():
    def hopeless(model, batch):
        return loss(model, batch) + 0 * model[0].weight.sqrt().sum()  # the root of a negative weight is NaN

    assert fit(network(), hopeless, batches, n_steps=5, precision=SCALED).diverged

    class Endless(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * torch.inf

    def endless(model, batch):
        return Endless.apply(loss(model, batch))

    history = fit(network(), endless, batches, n_steps=100, precision=SCALED)
    assert history.diverged
    assert history.curve("skipped")[1].sum() == 17  # 65,536 is halved 17 times until it is below 1


@pytest.mark.parametrize("stop", [2, 4, 5, 9])
def test_a_resumed_run_goes_on_with_the_scale_that_it_had(tmp_path, stop):
    steep_loss, steep_batches = overflowing_at(3, 4, 7)
    options = {"lr": 0.01, "precision": SCALED, "checkpoint_every": 1}
    whole_model, model = network(), network()
    whole = fit(whole_model, steep_loss, steep_batches, n_steps=12, **options)
    fit(model, steep_loss, steep_batches, n_steps=stop, checkpoint=tmp_path / "run", **options)
    again = network(1)
    resumed = fit(again, steep_loss, steep_batches, n_steps=12, checkpoint=tmp_path / "run", **options)
    assert resumed.losses.tolist() == whole.losses.tolist()
    assert resumed.curve("scale")[1].tolist() == whole.curve("scale")[1].tolist()
    for ours, theirs in zip(again.parameters(), whole_model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("accumulate", [2, 4])
def test_accumulation_under_a_scale_gives_the_gradient_of_the_whole_batch(accumulate):
    norms = [
        fit(network(), loss, batches, n_steps=1, precision=SCALED, accumulate=n).curve("grad_norm")[1][0]
        for n in (1, accumulate)
    ]
    assert norms[1] == pytest.approx(norms[0], rel=2e-3)  # float16 has 11 bits


def test_a_precision_of_another_device_is_refused():
    with pytest.raises(ValueError, match="precision must be for the model's device, cpu, got cuda"):
        fit(network(), loss, batches, n_steps=1, precision=Precision(device="cuda", dtype="float32"))


def test_without_a_precision_nothing_is_scaled_or_recorded():
    history = fit(network(), loss, batches, n_steps=2)
    assert "scale" not in history.records[0]
    assert np.isfinite(history.losses).all()
