"""Factorisation machines: every feature has a weight and a few numbers, and every pair of features a product of them.

A row is made of fields, such as carrier, origin and hour, and has one feature of each. With the two fields user and
item alone, a factorisation machine is matrix factorisation with biases; with more, it learns pairs of any two
fields, also those that are rare together.

Taught in: 27
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, integer_tensor, real_tensor, several


def pair_sum(terms: Float[Tensor, "*batch features d"]) -> Float[Tensor, "*batch"]:
    """Add up the products of all pairs of features, in a time that grows with their number, not with its square.

        Σ over i < j of z_i · z_j  =  ½ (|Σ z_i|² - Σ |z_i|²),    z_i = x_i v_i

    A square of a sum holds every pair twice and every feature with itself once.

    Raises:
        TypeError: if `terms` is not a tensor of real numbers.
        ValueError: if it has fewer than two axes.

    Numerics: two large sums are taken from each other. In float32, with n features of like size that do not
    cancel, about n · 10⁻⁷ of the result is lost.
    Source: Rendle (2010), Factorization machines, ICDM, lemma 3.1.
    Oracle: the double sum over pairs.

    >>> pair_sum(torch.tensor([[1.0], [2.0], [3.0]]))  # 1·2 + 1·3 + 2·3
    tensor(11.)
    """
    if real_tensor("terms", terms).ndim < 2:
        raise ValueError(f"terms must have the axes features and d, got shape {tuple(terms.shape)}")
    return ((terms.sum(dim=-2) ** 2).sum(dim=-1) - (terms**2).sum(dim=(-2, -1))) / 2


def feature_ids(columns: Sequence[Shaped[Tensor, "rows"]], sizes: Sequence[int]) -> Int[Tensor, "rows fields"]:
    """Give the features of all fields numbers of their own: those of a field begin where those before it end.

    Without that, the first carrier and the first airport would be one feature.

    Raises:
        TypeError: if columns or sizes are none, or hold no whole numbers.
        ValueError: if there is not a size for each column, columns differ in length, or a number is not below its size.

    >>> feature_ids([torch.tensor([0, 1]), torch.tensor([0, 2])], sizes=[2, 3])
    tensor([[0, 2],
            [1, 4]])
    """
    several("columns", columns)
    several("sizes", sizes)
    if len(columns) != len(sizes) or not len(sizes):
        raise ValueError(f"sizes must be one for each of the {len(columns)} columns, got {len(sizes)}")
    placed, first = [], 0
    for column, size in zip(columns, sizes, strict=True):
        size = count("sizes", size)
        if integer_tensor("columns", column).shape != columns[0].shape or column.ndim != 1 or not len(column):
            raise ValueError(f"columns must be rows of one length, got shape {tuple(column.shape)}")
        if column.min() < 0 or column.max() >= size:
            raise ValueError(f"columns must be from 0 to {size - 1}, got {int(column.min())} to {int(column.max())}")
        placed.append(column.long() + first)
        first += size
    return torch.stack(placed, dim=1)


class Linear(nn.Module):
    """Logistic regression on features: a bias, and a weight for each.

        z = w₀ + Σ w_i,   over the features of the row

    Args:
        n_fields: features of a row.
        n_features: of all fields together.

    Raises:
        TypeError, ValueError: if a count is not a whole number of at least 1.

    Oracle: sklearn.linear_model.LogisticRegression on the features as columns of 0 and 1.

    >>> Linear(n_fields=2, n_features=5)(torch.tensor([[0, 4]])).detach()  # before training
    tensor([0.])
    """

    def __init__(self, *, n_fields: int, n_features: int):
        super().__init__()
        self.n_fields, self.n_features = count("n_fields", n_fields), count("n_features", n_features)
        self.bias = nn.Parameter(torch.zeros(()))
        self.weight = nn.Parameter(torch.zeros(self.n_features))

    def forward(self, ids: Int[Tensor, "rows fields"]) -> Float[Tensor, "rows"]:
        """Give each row's logit.

        Raises:
            TypeError, ValueError: if `ids` are not the features of rows, `n_fields` each.
        """
        ids = checked_ids(ids, n_fields=self.n_fields, n_features=self.n_features)
        return self.bias + F.embedding(ids, self.weight[:, None]).sum(dim=(1, 2))  # faster than self.weight[ids]


class FM(nn.Module):
    """A factorisation machine: logistic regression, and a product for every pair of fields.

        z = w₀ + Σ w_i + Σ over i < j of v_i · v_j,   over the features of the row

    Args:
        n_fields: features of a row.
        n_features: of all fields together.
        d_embedding: how many numbers each feature has for its products.
        generator: draws these numbers.

    Raises:
        TypeError, ValueError: if a count is not a whole number of at least 1, or `generator` is none.

    Source: Rendle (2010), Factorization machines, eq. 1.
    Oracle: the double sum over pairs; kit.recsys.mf, for the fields user and item.

    >>> FM(n_fields=2, n_features=5, d_embedding=3)(torch.tensor([[0, 4], [1, 3]])).shape
    torch.Size([2])
    """

    def __init__(self, *, n_fields: int, n_features: int, d_embedding: int, generator: torch.Generator | None = None):
        super().__init__()
        self.linear = Linear(n_fields=n_fields, n_features=n_features)
        self.embedding = embeddings(n_features, d_embedding, generator)

    def forward(self, ids: Int[Tensor, "rows fields"]) -> Float[Tensor, "rows"]:
        """Give each row's logit.

        Raises:
            TypeError, ValueError: if `ids` are not the features of rows, `n_fields` each.
        """
        ids = checked_ids(ids, n_fields=self.linear.n_fields, n_features=self.linear.n_features)
        return self.linear(ids) + pair_sum(F.embedding(ids, self.embedding))


def embeddings(n_features: int, d_embedding: int, generator: torch.Generator | None = None) -> nn.Parameter:
    """Draw small numbers for each feature: a product of two starts near 0.

    Raises:
        TypeError, ValueError: if a count is not a whole number of at least 1, or `generator` is none.
    """
    n_features, d_embedding = count("n_features", n_features), count("d_embedding", d_embedding)
    if generator is not None:
        instance("generator", generator, torch.Generator)
    return nn.Parameter(0.05 * torch.randn(n_features, d_embedding, generator=generator))


def checked_ids(ids: Int[Tensor, "rows fields"], *, n_fields: int, n_features: int) -> Int[Tensor, "rows fields"]:
    """Return `ids`, as int64, if they are features of a model, a row for each example.

    Raises:
        TypeError: if they are not a tensor of whole numbers.
        ValueError: if there is not one for each field, or one is beyond the features.
    """
    if integer_tensor("ids", ids).ndim != 2 or ids.shape[1] != n_fields or not len(ids):
        raise ValueError(f"ids must have the axes rows and {n_fields} fields, got shape {tuple(ids.shape)}")
    low, high = ids.aminmax()
    if low < 0 or high >= n_features:
        raise ValueError(f"ids must be from 0 to {n_features - 1}, got {low} to {high}")
    return ids.long()
