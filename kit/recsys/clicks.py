"""Click data: rows of features from a few fields, each clicked or not. Here a row is a flight, and late is the click.

Whole days are late together. So days, not rows, are dealt out to learn, to choose and to report; and what is only
known after the door has closed, the delay at departure, is no feature.

Taught in: 27
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, integer_array, integer_tensor, real_tensor
from kit.learn.tables import flights

FIELDS = ("carrier", "origin", "destination", "hour", "month", "tail_number")


@dataclass(frozen=True, kw_only=True)
class Clicks:
    """Rows of features, one of each field, with what became of them, and on which day.

    Args:
        features: the number of the feature in its own field.
        clicked: 1 or 0.
    """

    features: Int[np.ndarray, "rows fields"]
    clicked: Float[np.ndarray, "rows"]
    days: Int[np.ndarray, "rows"]


@cache
def flight_clicks() -> Clicks:
    """Read the flights of 2013 as click data: six fields, and whether the flight arrived over 15 minutes late."""
    table = flights()
    return Clicks(
        features=np.column_stack([getattr(table, field) for field in FIELDS]),
        clicked=table.late.astype(float),
        days=table.date,
    )


def number_features(
    features: Shaped[np.ndarray, "rows fields"], train: Shaped[np.ndarray, "train"], *, min_rows: int = 20
) -> tuple[Int[Tensor, "rows fields"], int]:
    """Give each feature a number of its own over all fields, by the rows to learn from alone.

    The first number of each field stands for what is rare or new: fewer than `min_rows` of these rows have it.

    Returns:
        The numbers, a row for each; and how many features there are.

    Raises:
        TypeError: if `features` or `train` are not whole numbers.
        ValueError: if `features` is not a matrix of numbers from 0, `train` not places of its rows, or
            `min_rows` < 1.

    >>> number_features(np.array([[0, 3], [0, 3], [1, 3]]), np.array([0, 1]), min_rows=2)
    (tensor([[1, 3],
            [1, 3],
            [0, 3]]), 4)
    """
    features, train = integer_array("features", features), integer_array("train", train)
    min_rows = count("min_rows", min_rows)
    if features.ndim != 2 or features.min() < 0:
        raise ValueError(f"features must be a matrix of numbers from 0, got shape {features.shape}")
    if train.ndim != 1 or train.min() < 0 or train.max() >= len(features):
        raise ValueError(f"train must be places of the {len(features)} rows, got {train.min()} to {train.max()}")
    numbered, first = np.empty_like(features), 0
    for field, column in enumerate(features.T):
        common = np.bincount(column[train], minlength=int(column.max()) + 1) >= min_rows
        numbered[:, field] = first + (np.cumsum(common) * common)[column]
        first += 1 + int(common.sum())
    return torch.from_numpy(numbered), first


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ids: Int[Tensor, "rows fields"],
    clicked: Float[Tensor, "rows"],
    *,
    batch_size: int = 512,
    generator: torch.Generator,
) -> float:
    """Take a model through all rows once, in random order, some at a step; return the mean of the steps' losses.

    Raises:
        TypeError: if `model` or `optimizer` are none, `ids` not whole numbers, or `generator` is none.
        ValueError: if `clicked` is not a number for each row, or `batch_size` < 1.
    """
    instance("model", model, nn.Module)
    instance("optimizer", optimizer, torch.optim.Optimizer)
    if real_tensor("clicked", clicked).shape != integer_tensor("ids", ids).shape[:1]:
        raise ValueError(f"clicked must be a number for each of the {len(ids)} rows, got shape {tuple(clicked.shape)}")
    batch_size = count("batch_size", batch_size)
    instance("generator", generator, torch.Generator)
    losses = []
    for few in torch.randperm(len(ids), generator=generator).split(batch_size):
        loss = F.binary_cross_entropy_with_logits(model(ids[few]), clicked[few])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))
