"""Initialisation: how large the first weights are, so that the first signals neither die nor explode.

Each model's page says which of these it uses. Without a `generator` all draw from torch's global one:
`torch.manual_seed` before the model is made, and it is the same model again.

A layer with n inputs adds up n products. If each weight has the variance σ²/n, its sums have σ² times the mean square
of what comes in. `gain` is σ, and a deep network needs the one at which neither sums nor gradients change from
layer to layer: 1 for tanh near 0, √2 for ReLU, which silences half.

Taught in: 11 17 19
"""

import math

import torch
from torch import nn

from kit.arguments import count, instance, one_of, real

SCHEMES = ("torch", "Xavier", "He", "orthogonal", "zero")


@torch.no_grad()
def init_normal(model: nn.Module, *, std: float) -> None:
    """Draw every weight of linear and embedding layers from a normal distribution; biases begin at 0.

    Args:
        std: 0.02 in GPT and BERT, near 1/√d_model for d_model = 2,500, whatever the width.

    Raises:
        TypeError: if `model` is not a module, or `std` not a number.
        ValueError: if `std` <= 0.

    Source: Radford et al. (2018), Improving language understanding by generative pre-training, section 4.1.
    """
    instance("model", model, nn.Module)
    std = real("std", std, above=0)
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Embedding):
            layer.weight.normal_(std=std)
        if isinstance(layer, nn.Linear) and layer.bias is not None:
            layer.bias.zero_()


@torch.no_grad()
def scale_residual_weights(*layers: nn.Linear, n_residuals: int) -> None:
    """Divide the weights of the layers that write into the residual stream by √n_residuals.

    The stream is a sum of that many independent terms, whose variances add up. After this, its
    variance does not grow with depth.

    Args:
        n_residuals: how many layers write into it: twice the number of blocks.

    Raises:
        TypeError: if a layer is not linear, or `n_residuals` not a whole number.
        ValueError: if `n_residuals` < 1.

    Source: Radford et al. (2019), Language models are unsupervised multitask learners, section 2.3.
    """
    scale = count("n_residuals", n_residuals) ** -0.5
    for layer in layers:
        instance("layers", layer, nn.Linear)
        layer.weight.mul_(scale)


@torch.no_grad()
def init_he(model: nn.Module, *, generator: torch.Generator | None = None) -> None:
    """Draw every convolution and linear layer so that squares keep their mean through ReLUs; biases begin at 0.

        variance of a weight: 2 / fan_in

    ReLU halves the mean square of what passes, and the 2 makes up for it. The windows of an up-convolution do not
    overlap: each of its pixels is fed by one place alone.

    Raises:
        TypeError: if `model` is not a module, or `generator` none.

    Source: He, Zhang, Ren & Sun (2015), arXiv:1502.01852, eq. 10.
    Oracle: torch.nn.init.kaiming_normal_.
    """
    instance("model", model, nn.Module)
    if generator is not None:
        instance("generator", generator, torch.Generator)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = len(layer.weight) if isinstance(layer, nn.ConvTranspose2d) else layer.weight[0].numel()
            layer.weight.normal_(std=(2 / fan_in) ** 0.5, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()


@torch.no_grad()
def init_linear(model: nn.Module, *, scheme: str, gain: float = 1.0, generator: torch.Generator | None = None) -> None:
    """Draw every linear layer of a model anew, by one of the schemes that have a name.

        torch         uniform, variance 1 / (3 n_in); the biases alike     what `nn.Linear` starts with
        Xavier        normal, variance 2 / (n_in + n_out)
        He            normal, variance 2 / n_in
        orthogonal    a random rotation: no vector changes its length, if n_in = n_out
        zero          all weights 0

    The biases start at 0, but for torch's.

    Args:
        gain: what every drawn weight is multiplied by.

    Raises:
        TypeError: if `model` is not a module, or `gain` not a number.
        ValueError: if `scheme` is none of `SCHEMES`, or `gain` < 0.

    Source: Glorot & Bengio (2010), AISTATS, eq. 12; He et al. (2015), arXiv:1502.01852, section 2.2; Saxe, McClelland &
    Ganguli (2014), arXiv:1312.6120. Torch's own: pytorch/pytorch#15314.
    Oracle: torch.nn.init, in distribution.

    >>> layer = nn.Linear(3, 3)
    >>> init_linear(layer, scheme="orthogonal")
    >>> torch.allclose(layer.weight @ layer.weight.T, torch.eye(3), atol=1e-5)
    True
    """
    instance("model", model, nn.Module)
    one_of("scheme", scheme, SCHEMES)
    gain = real("gain", gain, at_least=0)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            if scheme == "torch":
                layer.weight.uniform_(-bound, bound, generator=generator)
            elif scheme == "orthogonal":
                wide = torch.promote_types(layer.weight.dtype, torch.float32)  # no matrix of half precision is factored
                drawn = torch.empty_like(layer.weight, dtype=wide)
                layer.weight.copy_(nn.init.orthogonal_(drawn, generator=generator))
            else:
                mean_size = (layer.in_features + layer.out_features) / 2
                std = {"Xavier": mean_size**-0.5, "He": math.sqrt(2) * bound, "zero": 0.0}[scheme]
                layer.weight.normal_(generator=generator).mul_(std)
            layer.weight.mul_(gain)
            if layer.bias is not None:
                layer.bias.zero_() if scheme != "torch" else layer.bias.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def init_gaussian(
    model: nn.Module,
    *,
    weight_variance: float,
    bias_variance: float = 0.0,
    generator: torch.Generator | None = None,
) -> None:
    """Draw every linear layer as mean-field theory does.

        W ~ N(0, σ_w² / n_in),    b ~ N(0, σ_b²)

    Args:
        weight_variance: σ_w², the variance of the weights times the number of inputs.
        bias_variance: σ_b².

    Raises:
        TypeError: if `model` is not a module, or a variance not a number.
        ValueError: if a variance is negative.

    Source: Poole et al. (2016), arXiv:1606.05340, section 2.
    """
    instance("model", model, nn.Module)
    weight_std = math.sqrt(real("weight_variance", weight_variance, at_least=0))
    bias_std = math.sqrt(real("bias_variance", bias_variance, at_least=0))
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            layer.weight.normal_(generator=generator).mul_(weight_std / math.sqrt(layer.in_features))
            if layer.bias is not None:
                layer.bias.normal_(generator=generator).mul_(bias_std)
