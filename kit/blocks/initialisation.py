"""Initialisation: how large the first weights are, so that the first signals neither die nor explode.

Each model's page says which of these it uses. All draw from torch's global generator:
`torch.manual_seed` before the model is made, and it is the same model again.

Taught in: 17 19
"""

import torch
from torch import nn

from kit.arguments import count, instance, real


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
