"""A deep multilayer perceptron in torch: the network of notebook 04 with depth, width, activation and norm by choice.

    model = DeepMLP(MLPConfig(n_layers=30, norm="batch"))
    init_linear(model, scheme="He")

Each hidden layer is linear, norm, activation, in this order. The last layer gives logits and has neither.

Taught in: 11
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from kit.arguments import count, instance, one_of, real_tensor
from kit.blocks.norms import BatchNorm

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "ReLU": nn.ReLU, "sigmoid": nn.Sigmoid}
NORMS: dict[str, type[nn.Module]] = {"none": nn.Identity, "batch": BatchNorm, "layer": nn.LayerNorm}


@dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """The shape of a deep perceptron.

    Args:
        n_layers: hidden layers.
        n_hidden: units of each.
        activation: one of "tanh", "ReLU" and "sigmoid".
        norm: what stands between a layer's sums and its activation: "none", "batch" or "layer".

    Raises:
        TypeError: if a count is not a whole number.
        ValueError: if a count is below 1, or a name is unknown.
    """

    n_inputs: int = 784
    n_hidden: int = 100
    n_outputs: int = 10
    n_layers: int = 1
    activation: str = "ReLU"
    norm: str = "none"

    def __post_init__(self):
        for name in ("n_inputs", "n_hidden", "n_outputs", "n_layers"):
            count(name, getattr(self, name))
        one_of("activation", self.activation, tuple(ACTIVATIONS))
        one_of("norm", self.norm, tuple(NORMS))


class HiddenLayer(nn.Module):
    """Weigh, bring to one scale, bend: h = φ(norm(W x + b))."""

    def __init__(self, n_inputs: int, config: MLPConfig):
        super().__init__()
        self.linear = nn.Linear(n_inputs, config.n_hidden)
        self.norm = NORMS[config.norm](config.n_hidden)
        self.activation = ACTIVATIONS[config.activation]()

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n hidden"]:
        """Give the layer's units."""
        return self.activation(self.norm(self.linear(x)))


class DeepMLP(nn.Module):
    """Pass rows of numbers through hidden layers to logits.

        h = φ(norm(W x + b))     each hidden layer, from the one below it
        z = W h + b              the logits

    The weights start as torch's own; `kit.blocks.initialisation` draws others.

    Raises:
        TypeError: from a call, if `x` is not a tensor of real numbers.
        ValueError: from a call, if `x` is not a matrix with a column for each input.

    Source: Rumelhart, Hinton & Williams (1986), Nature 323, 533-536.
    Oracle: torch.nn.Sequential of the same layers.

    >>> sum(p.numel() for p in DeepMLP(MLPConfig(n_inputs=2, n_hidden=3, n_outputs=3)).parameters())
    21
    """

    def __init__(self, config: MLPConfig):
        super().__init__()
        instance("config", config, MLPConfig)
        self.config = config
        sizes = [config.n_inputs, *[config.n_hidden] * (config.n_layers - 1)]
        self.hidden = nn.ModuleList(HiddenLayer(n_in, config) for n_in in sizes)
        self.output = nn.Linear(config.n_hidden, config.n_outputs)

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        """Give the logits of each row."""
        if real_tensor("x", x).ndim != 2 or x.shape[1] != self.config.n_inputs:
            raise ValueError(f"x must have {self.config.n_inputs} columns, got shape {tuple(x.shape)}")
        for layer in self.hidden:
            x = layer(x)
        return self.output(x)
