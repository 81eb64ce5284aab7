"""DeepFM: a factorisation machine and a network over the same embeddings, added up.

    FM           w₀ + Σ w_i + Σ over i < j of v_i · v_j      pairs, and nothing above pairs
    deep part    the v_i side by side, through layers        anything, if the data pay for it
    DeepFM       both, with one set of v_i and one bias

A second bias, features of two fields under one number, or a deep part that is scored without its FM: each of these
stood in a library or in a published comparison.

Taught in: 27
"""

import math
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance
from kit.recsys.fm import FM, checked_ids, embeddings


class Layers(nn.Module):
    """The layers of the deep part: ReLU layers over a row of numbers, then one weight for each hidden unit.

        h = max(0, W h + b)   layer by layer,    z = w · h

    The last layer has no bias: the model that it belongs to has one.

    Args:
        n_inputs: numbers in a row.
        n_hidden: units of each hidden layer.

    Raises:
        TypeError, ValueError: if a count is not a whole number of at least 1, or `generator` is none.

    >>> Layers(n_inputs=4, n_hidden=3)(torch.zeros(2, 4)).shape
    torch.Size([2])
    """

    def __init__(self, *, n_inputs: int, n_hidden: int, n_layers: int = 2, generator: torch.Generator | None = None):
        super().__init__()
        n_inputs, n_hidden = count("n_inputs", n_inputs), count("n_hidden", n_hidden)
        n_layers = count("n_layers", n_layers)
        if generator is not None:
            instance("generator", generator, torch.Generator)
        widths = [n_inputs, *[n_hidden] * n_layers]
        hidden = [nn.Linear(a, b) for a, b in pairwise(widths)]
        self.hidden, self.out = nn.ModuleList(hidden), nn.Linear(n_hidden, 1, bias=False)
        for layer in (*hidden, self.out):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features), generator=generator)
        for layer in hidden:
            nn.init.zeros_(layer.bias)

    def forward(self, x: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows"]:
        """Give each row's logit, but for the model's bias."""
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)[:, 0]


class DeepPart(nn.Module):
    """The deep part on its own: embeddings side by side, through layers, and a bias.

    Args:
        n_fields: features of a row.
        n_features: of all fields together.
        d_embedding: how many numbers each feature has.

    Raises:
        TypeError, ValueError: if a count is not a whole number of at least 1, or `generator` is none.

    >>> DeepPart(n_fields=2, n_features=5, d_embedding=3)(torch.tensor([[0, 4], [1, 3]])).shape
    torch.Size([2])
    """

    def __init__(
        self,
        *,
        n_fields: int,
        n_features: int,
        d_embedding: int,
        n_hidden: int = 32,
        n_layers: int = 2,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.n_fields, self.n_features = count("n_fields", n_fields), count("n_features", n_features)
        self.embedding = embeddings(n_features, d_embedding, generator)
        self.layers = Layers(n_inputs=n_fields * d_embedding, n_hidden=n_hidden, n_layers=n_layers, generator=generator)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, ids: Int[Tensor, "rows fields"]) -> Float[Tensor, "rows"]:
        """Give each row's logit.

        Raises:
            TypeError, ValueError: if `ids` are not the features of rows, `n_fields` each.
        """
        ids = checked_ids(ids, n_fields=self.n_fields, n_features=self.n_features)
        return self.bias + self.layers(F.embedding(ids, self.embedding).flatten(1))


class DeepFM(nn.Module):
    """A factorisation machine and a deep part on one set of embeddings; their logits are added.

    Args:
        n_fields: features of a row.
        n_features: of all fields together.
        d_embedding: how many numbers each feature has, for the products and for the layers alike.
        n_hidden: units of each hidden layer.

    Raises:
        TypeError, ValueError: if a count is not a whole number of at least 1, or `generator` is none.

    Source: Guo et al. (2017), DeepFM: A factorization-machine based neural network for CTR prediction,
    arXiv:1703.04247, eqs. 1 to 4.
    Oracle: the sum of `FM` and of `DeepPart` without its bias, with the same parameters.

    >>> DeepFM(n_fields=2, n_features=5, d_embedding=3)(torch.tensor([[0, 4], [1, 3]])).shape
    torch.Size([2])
    """

    def __init__(
        self,
        *,
        n_fields: int,
        n_features: int,
        d_embedding: int,
        n_hidden: int = 32,
        n_layers: int = 2,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.fm = FM(n_fields=n_fields, n_features=n_features, d_embedding=d_embedding, generator=generator)
        self.layers = Layers(n_inputs=n_fields * d_embedding, n_hidden=n_hidden, n_layers=n_layers, generator=generator)

    def forward(self, ids: Int[Tensor, "rows fields"]) -> Float[Tensor, "rows"]:
        """Give each row's logit.

        Raises:
            TypeError, ValueError: if `ids` are not the features of rows, `n_fields` each.
        """
        ids = checked_ids(ids, n_fields=self.fm.linear.n_fields, n_features=self.fm.linear.n_features)
        return self.fm(ids) + self.layers(F.embedding(ids, self.fm.embedding).flatten(1))
