"""Mixed precision: matrix products in 16 bits, everything that must not be lost in 32.

                 exponent   fraction   smallest above 0   largest
    float32      8 bits     23 bits    1e-45              3e38
    bfloat16     8 bits      7 bits    9e-41              3e38
    float16      5 bits     10 bits    6e-8               65504

The weights, their gradients and the optimiser's state stay float32. bfloat16 has float32's range.
float16 has not: small gradients become 0, so the loss is multiplied by a scale before the backward
pass, and the gradients are divided by it before they are used.

    precision("cuda").autocast()     what the forward pass runs under
    precision("cuda").scaler()       torch.amp.GradScaler, idle where no scale is needed
    LossScaler()                     the same scaler, written to be read

Source: Micikevicius et al. (2017), arXiv:1710.03740, for the float32 copy and the scale.

Taught in: 22
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from kit.arguments import count, instance, one_of, real, real_tensor, shown

FORMATS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class Precision:
    """What a model is trained in: a number format, and whether its loss is scaled.

    Args:
        device: "cpu", "cuda", or any other name that torch gives a device.
        dtype: of matrix products: "float32", "bfloat16" or "float16".
        scaled: whether the loss is multiplied by a scale; float16 needs it.
        emulated: whether the device computes the format by way of another, which is slow.

    Raises:
        ValueError: if `dtype` is none of the three.
    """

    device: str
    dtype: str
    scaled: bool = False
    emulated: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no format."""
        one_of("dtype", self.dtype, FORMATS)

    def autocast(self) -> AbstractContextManager:
        """Give what the forward pass and the loss run under; the backward pass needs nothing."""
        if self.dtype == "float32":
            return nullcontext()
        return torch.amp.autocast(self.device, dtype=getattr(torch, self.dtype))

    def scaler(self) -> torch.amp.GradScaler:
        """Make a scaler; where no scale is needed it hands everything on untouched."""
        return torch.amp.GradScaler(self.device, enabled=self.scaled)


def precision(device: torch.device | str, dtype: str | None = None, *, emulate: bool = False) -> Precision:
    """Choose the format for a device: the one asked for, or the fastest that it really has.

    bfloat16 where it is native, for it needs no scale; else float16 with a scale on a GPU with
    float16 units, such as a T4; else float32.

    Args:
        dtype: one of the three formats, or None for the kit's choice.
        emulate: take `dtype` even where the device computes it by way of another format. Its
            numbers are then right, and its speed says nothing.

    Raises:
        ValueError: if `dtype` is no format, or not native here and not to be emulated, or the
            device is not there.

    >>> precision("cpu", "float32")
    Precision(device='cpu', dtype='float32', scaled=False, emulated=False)
    """
    kind, native = _device(device).type, native_formats(device)
    if dtype is None:
        on_gpu = "float16" if kind == "cuda" and "float16" in native else "float32"
        dtype = "bfloat16" if "bfloat16" in native else on_gpu
    elif one_of("dtype", dtype, FORMATS) not in native and not emulate:
        rule = f"dtype must be native on this {kind}, {' or '.join(native)}"
        raise ValueError(f"{rule}, got {dtype}; emulate=True takes it all the same")
    return Precision(device=kind, dtype=dtype, scaled=dtype == "float16", emulated=dtype not in native)


def native_formats(device: torch.device | str) -> tuple[str, ...]:
    """List the formats that a device multiplies matrices in by hardware of its own.

    A GPU has bfloat16 from Ampere on (A100, RTX 30), and units for float16 from Volta on (V100,
    T4). A CPU has bfloat16 by AVX512-BF16 or AMX on x86, or by the BF16 extension on Arm, and
    float16 by AVX512-FP16 or AMX-FP16.

    Raises:
        ValueError: if torch knows no such device, or it is one of CUDA's and torch sees none.
    """
    device = _device(device)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ValueError(f"device must be there, got {device} where torch sees no GPU")
        with torch.cuda.device(torch.cuda.current_device() if device.index is None else device.index):
            bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
            float16 = bool(torch.version.hip) or torch.cuda.get_device_capability() >= (7, 0)
    elif device.type == "cpu":
        abilities = _cpu_abilities()
        bfloat16 = bool(abilities & {"avx512_bf16", "amx_bf16", "bf16", "arm_bf16"})
        float16 = bool(abilities & {"avx512_fp16", "amx_fp16"})
    else:
        bfloat16 = float16 = False  # others are not looked at: they get float32
    return ("float32", *(["bfloat16"] if bfloat16 else []), *(["float16"] if float16 else []))


def _device(device: torch.device | str) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device must be one that torch knows, got {shown(device)}") from None


def _cpu_abilities() -> set[str]:
    """Ask torch, where it is new enough to answer, and Linux, for the names of the CPU's instruction sets."""
    ask = getattr(torch.cpu, "get_capabilities", dict)
    found = {name for name, has in ask().items() if has is True}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # macOS and Windows
        return found
    return found.union(*(line.split(":")[1].split() for line in lines if line.startswith(("flags", "Features"))))


class LossScaler:
    """Keep float16's gradients in range: scale the loss, unscale the gradients, skip what overflowed.

        loss · scale → backward → gradients / scale        exact: the scale is a power of 2
        a gradient is inf or NaN:  skip the step,  scale ← scale · backoff_factor
        growth_interval steps went well:    scale ← scale · growth_factor

    So the scale climbs until gradients overflow, steps back, and stays near the top of the range.
    It is used as `torch.amp.GradScaler` is, and a state of either goes into the other.

    Args:
        init_scale: the scale to begin with.
        growth_factor: what the scale is multiplied by after so many good steps; above 1.
        backoff_factor: what it is multiplied by after an overflow; below 1.
        growth_interval: how many steps in a row must go well before the scale grows.

    Raises:
        TypeError, ValueError: if one of them is out of these bounds.

    Numerics: torch keeps the scale in float32, and does not let it grow to infinity; so it is here.
    It would let it fall to 0; here that is an error.
    Source: Micikevicius et al. (2017), arXiv:1710.03740, section 3.2.
    Oracle: torch.amp.GradScaler.

    >>> scaler = LossScaler(init_scale=8.0)
    >>> scaler.scale(torch.tensor(0.5))
    tensor(4.)
    """

    def __init__(
        self,
        *,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
    ):
        self._scale = real("init_scale", _single(real("init_scale", init_scale)), above=0)
        self.growth_factor, self.backoff_factor = (
            real("growth_factor", growth_factor, above=1),
            real("backoff_factor", backoff_factor, above=0, below=1),
        )
        self.growth_interval, self.growth_tracker, self.n_skipped = count("growth_interval", growth_interval), 0, 0
        self._finite: dict[torch.optim.Optimizer, bool] = {}  # of this step's gradients, once they are unscaled
        self._stepped: set[torch.optim.Optimizer] = set()

    def get_scale(self) -> float:
        """Give the scale of the next loss."""
        return self._scale

    def scale(self, loss: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Multiply the loss, and with it every gradient of the backward pass."""
        return real_tensor("loss", loss) * self._scale

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        """Divide the gradients by the scale, and note whether all are finite. Clip them after this, not before.

        Raises:
            TypeError: if `optimizer` is none.
            RuntimeError: if this step's gradients are unscaled already.
        """
        instance("optimizer", optimizer, torch.optim.Optimizer)
        if optimizer in self._finite:
            raise RuntimeError("unscale_ was called twice in one step: the gradients are unscaled already")
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        self._finite[optimizer] = all(bool(gradient.isfinite().all()) for gradient in gradients)
        for gradient in gradients:
            gradient.div_(gradient.new_tensor(self._scale))  # 1 / scale would overflow below 3e-39

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Let the optimiser step, unless one of its gradients overflowed.

        Raises:
            TypeError: if `optimizer` is none.
            RuntimeError: if it has made its step since the last update.
        """
        instance("optimizer", optimizer, torch.optim.Optimizer)
        if optimizer in self._stepped:
            raise RuntimeError("step was called twice for an optimiser without an update")
        if optimizer not in self._finite:
            self.unscale_(optimizer)
        self._stepped.add(optimizer)
        if self._finite[optimizer]:
            optimizer.step()

    def update(self) -> None:
        """Set the scale of the next step: down after any overflow, up after `growth_interval` good steps.

        Raises:
            RuntimeError: if there was no step to learn from, or the scale has nowhere to fall to.
        """
        if not self._finite:
            raise RuntimeError("update was called before step: there are no gradients to judge the scale by")
        if all(self._finite.values()):
            self.growth_tracker += 1
            if self.growth_tracker == self.growth_interval:
                grown = _single(self._scale * self.growth_factor)
                self._scale, self.growth_tracker = grown if grown < float("inf") else self._scale, 0
        else:
            lower = _single(self._scale * self.backoff_factor)
            if lower == 0:
                raise RuntimeError(
                    f"gradients overflow at a scale of {self._scale:g}, too: it is not the scale's doing"
                )
            self._scale, self.growth_tracker = lower, 0
            self.n_skipped += 1
        self._finite.clear()
        self._stepped.clear()

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint must hold, under the names of torch.amp.GradScaler."""
        return {
            "scale": self._scale,
            "growth_factor": self.growth_factor,
            "backoff_factor": self.backoff_factor,
            "growth_interval": self.growth_interval,
            "_growth_tracker": self.growth_tracker,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of this scaler, or of torch.amp.GradScaler.

        Raises:
            TypeError: if `state` is no dictionary.
            ValueError: if it lacks a part, as that of an idle scaler does, or one is out of bounds.
        """
        instance("state", state, dict)
        if lacking := self.state_dict().keys() - state.keys():
            found = "one without it" if state else "that of an idle scaler"
            raise ValueError(f"state must have {min(lacking)}, got {found}")
        scale = real("state['scale']", state["scale"], above=0)
        growth_factor = real("state['growth_factor']", state["growth_factor"], above=1)
        backoff_factor = real("state['backoff_factor']", state["backoff_factor"], above=0, below=1)
        growth_interval = count("state['growth_interval']", state["growth_interval"])
        self.growth_tracker = count("state['_growth_tracker']", state["_growth_tracker"], at_least=0)
        self._scale, self.growth_factor, self.backoff_factor, self.growth_interval = (
            scale,
            growth_factor,
            backoff_factor,
            growth_interval,
        )
        self._finite.clear()
        self._stepped.clear()


def _single(number: float) -> float:
    """Round to float32."""
    return torch.tensor(number, dtype=torch.float32).item()
