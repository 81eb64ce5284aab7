import dataclasses
import io
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from kit.train import amp
from kit.train.amp import LossScaler, Precision, native_formats, precision
from kit.train.underflow import out_of_range, recorded_gradients
from tests.train.scaler import OPTIMIZERS, pair


@pytest.mark.parametrize("clip", [False, True], ids=["plain", "clipped"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_loss_scaler_matches_torch_step_for_step(name, clip):
    ours, theirs = pair(name, clip=clip, n_steps=120)  # python -m tests.train.scaler makes 1,000
    assert ours.scales == theirs.scales
    assert ours.skipped == theirs.skipped
    assert len(set(ours.scales)) > 2
    for key, weight in ours.weights.items():
        assert torch.equal(weight, theirs.weights[key])


@given(
    st.floats(1e-30, 1e30),
    st.floats(1.01, 1e6),
    st.floats(0.8, 0.99),  # so that 60 overflows leave a scale: below 1e-38 ours says that it is not its doing
    st.integers(1, 3),
    st.lists(st.booleans(), max_size=60),
)
def test_the_scale_matches_torch_for_any_constants(scale, growth, backoff, growth_interval, overflows):
    ours = LossScaler(init_scale=scale, growth_factor=growth, backoff_factor=backoff, growth_interval=growth_interval)
    theirs = torch.amp.GradScaler("cpu", scale, growth, backoff, growth_interval)
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for scaler in (ours, theirs):
        scaler.scale(torch.ones(()))
        for overflow in overflows:
            weight.grad = torch.tensor([torch.inf if overflow else 1.0])
            scaler.step(optimizer)
            scaler.update()
    assert ours.get_scale() == theirs.get_scale()


def test_a_state_of_either_scaler_goes_into_the_other():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    theirs = torch.amp.GradScaler("cpu", growth_interval=3)
    for gradient in (1.0, torch.inf, 1.0, 1.0):
        theirs.scale(torch.ones(()))
        weight.grad = torch.tensor([gradient])
        theirs.step(optimizer)
        theirs.update()
    ours = LossScaler()
    ours.load_state_dict(theirs.state_dict())
    assert ours.state_dict() == theirs.state_dict()
    again = torch.amp.GradScaler("cpu")
    again.load_state_dict(ours.state_dict())
    again.scale(torch.ones(()))
    for scaler in (ours, again):
        weight.grad = torch.ones(1)
        scaler.step(optimizer)
        scaler.update()
    assert ours.get_scale() == again.get_scale() == 2.0**16


def test_a_scale_cancels_when_no_gradient_overflows():
    torch.manual_seed(0)
    model, x = nn.Linear(4, 3), torch.randn(5, 4)
    plain = torch.autograd.grad(model(x).square().mean(), list(model.parameters()))
    scaler, optimizer = LossScaler(init_scale=2.0**10), torch.optim.SGD(model.parameters(), lr=1.0)
    scaler.scale(model(x).square().mean()).backward()
    scaler.unscale_(optimizer)
    for parameter, gradient in zip(model.parameters(), plain, strict=True):
        assert torch.equal(parameter.grad, gradient)  # a power of 2 moves the exponent alone


def test_unscaling_twice_and_updating_without_a_step_are_refused():
    weight = nn.Parameter(torch.zeros(1))
    optimizer, scaler = torch.optim.SGD([weight], lr=0.1), LossScaler()
    weight.grad = torch.ones(1)
    with pytest.raises(RuntimeError, match="update was called before step"):
        scaler.update()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="unscale_ was called twice"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="step was called twice"):
        scaler.step(optimizer)


@pytest.mark.parametrize(
    ("flags", "formats"),
    [
        ("flags : fpu sse2 avx512f avx512_bf16", ("float32", "bfloat16")),
        ("flags : fpu amx_bf16 amx_tile avx512_fp16", ("float32", "bfloat16", "float16")),
        ("Features : fp asimd bf16", ("float32", "bfloat16")),
        ("flags : fpu sse2 avx2 avx512f", ("float32",)),  # torch would take bfloat16 there, and be slow
    ],
)
def test_a_cpu_has_the_formats_that_its_instruction_sets_name(monkeypatch, flags, formats):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"sse2": True, "l2_cache_size": 1}, raising=False)
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: f"processor : 0\n{flags}\n")
    assert native_formats("cpu") == formats
    assert precision("cpu").dtype == ("bfloat16" if "bfloat16" in formats else "float32")


def test_torch_is_asked_where_there_is_no_cpuinfo(monkeypatch):
    def missing(path, encoding):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_fp16": False}, raising=False)
    assert native_formats("cpu") == ("float32", "bfloat16")


@pytest.mark.parametrize(
    ("gpu", "capability", "dtype", "scaled"),
    [
        ("H200", (9, 0), "bfloat16", False),
        ("A100", (8, 0), "bfloat16", False),
        ("T4", (7, 5), "float16", True),
        ("V100", (7, 0), "float16", True),
        ("GTX 1080", (6, 1), "float32", False),
    ],
)
def test_a_gpu_gets_the_format_that_it_has_units_for(monkeypatch, gpu, capability, dtype, scaled):
    def is_bf16_supported(including_emulation=True):
        return including_emulation or capability >= (8, 0)

    class Nothing:
        def __init__(self, device): ...
        def __enter__(self): ...
        def __exit__(self, *error): ...

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "device", Nothing)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_bf16_supported)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    chosen = precision("cuda")
    assert (chosen.dtype, chosen.scaled, chosen.emulated) == (dtype, scaled, False)
    if capability < (8, 0):
        with pytest.raises(ValueError, match=r"dtype must be native on this cuda, .* got bfloat16"):
            precision("cuda", "bfloat16")
        assert precision("cuda", "bfloat16", emulate=True).emulated


def test_other_devices_get_float32():
    assert precision("mps").dtype == "float32"
    assert isinstance(precision("cpu", "float32").autocast(), type(amp.nullcontext()))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_autocast_multiplies_in_the_format_and_keeps_the_weights(dtype):
    layer = nn.Linear(3, 2)
    with precision("cpu", dtype, emulate=True).autocast():
        y = layer(torch.ones(1, 3))
    y.float().sum().backward()
    assert y.dtype == getattr(torch, dtype)
    assert layer.weight.dtype == layer.weight.grad.dtype == torch.float32


def test_only_float16_gets_a_scaler_that_scales():
    for chosen in (precision("cpu", "float32"), precision("cpu", "bfloat16", emulate=True)):
        assert chosen.scaler().scale(torch.ones(())).item() == 1
    scaled = precision("cpu", "float16", emulate=True)
    assert scaled.scaler().scale(torch.ones(())).item() == 2.0**16
    assert not dataclasses.replace(scaled, scaled=False).scaler().is_enabled()


def test_nothing_deprecated_is_used():
    assert "torch.cuda.amp" not in Path(amp.__file__).read_text(encoding="utf-8")


@given(st.integers(-30, 20))
def test_fate_of_a_power_of_two_in_float16(k):
    found = out_of_range(torch.tensor([2.0**k]), "float16")
    assert found.underflow == (k <= -25)  # half of the smallest number rounds to the even one, 0
    assert found.subnormal == (-25 < k < -14)
    assert found.overflow == (k >= 16)


def test_a_scale_moves_the_range():
    tiny = torch.tensor([2.0**-30, 2.0**-20, 1.0])
    assert out_of_range(tiny, "float16").underflow == pytest.approx(1 / 3)
    assert out_of_range(tiny, "float16", scale=2.0**10).underflow == 0
    assert out_of_range(tiny, "float16", scale=2.0**20).overflow == pytest.approx(1 / 3)
    assert out_of_range(tiny, "bfloat16") == out_of_range(tiny, "float32")


def test_watched_sees_the_gradients_that_autograd_gives():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = torch.randn(5, 3), torch.randint(2, (5,))
    hidden = model[0](x)
    bent = model[1](hidden)
    logits = model[2](bent)
    expected = torch.autograd.grad(F.cross_entropy(logits, y), [bent, logits, hidden, *model.parameters()])
    with recorded_gradients(model) as recorded:
        F.cross_entropy(model(x), y).backward()
    assert recorded.flatten().shape == torch.cat([gradient.flatten() for gradient in expected]).shape
    torch.testing.assert_close(
        recorded.flatten().sort().values, torch.cat([g.flatten() for g in expected]).sort().values
    )
    assert not model[0]._backward_hooks


def test_precision_refuses_what_is_no_format():
    with pytest.raises(ValueError, match="dtype must be one of float32, bfloat16, float16; got 'float8'"):
        Precision(device="cpu", dtype="float8")


def test_a_scalers_state_can_be_saved(tmp_path):
    file = io.BytesIO()
    torch.save(LossScaler().state_dict(), file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == LossScaler().state_dict()
