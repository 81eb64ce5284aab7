"""A one-stage detector: one pass over the picture, and for every cell of a grid an answer to "is a centre here?".

Each cell gives one row of numbers:

    objectness      a logit: does the centre of an object lie in this cell?
    x, y            where in the cell, as logits: 0 is its left or top edge, 1 its right or bottom
    width, height   logarithms of the sides, in units of `side`
    classes         a logit for each

Learned are the cells that hold a centre, in full, and of all others the objectness alone.

Taught in: 13
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, instance, matching_tensors, real, real_tensor, several
from kit.blocks.initialisation import init_he
from kit.learn.boxes import Detections, Objects, checked_boxes, checked_classes, nms
from kit.models.cnn import pictures

FURTHEST = 4.0  # of a logarithm of a side from 0: e⁴ is 55 times `side`; a box never shrinks to nothing


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """The size of a detector.

    Args:
        n_classes: of objects.
        n_channels: of the picture.
        widths: channels after each step; each step halves both axes, so that a cell has 2^steps pixels a side.
        side: of a typical box, in pixels: where the logarithms are 0.

    Raises:
        TypeError, ValueError: if a size is not a whole number of at least 1, `widths` is empty, or `side` <= 0.
    """

    n_classes: int = 10
    n_channels: int = 1
    widths: tuple[int, ...] = (16, 32, 64)
    side: float = 18.0

    def __post_init__(self):
        several("widths", self.widths)
        if not len(self.widths):
            raise ValueError("widths must hold a step, got none")
        for name, sizes in (
            ("n_classes", [self.n_classes]),
            ("n_channels", [self.n_channels]),
            ("widths", self.widths),
        ):
            for size in sizes:
                count(name, size)
        real("side", self.side, above=0)

    @property
    def stride(self) -> int:
        """Give the pixels of a cell's side."""
        return 2 ** len(self.widths)


class Detector(nn.Module):
    """Give a row of numbers for each cell of the grid.

    Args:
        generator: draws the weights, by He's rule.

    Raises:
        TypeError: if `config` is no DetectorConfig, or `generator` none.

    Source: Redmon and others (2016), arXiv:1506.02640, for the grid and its cells; Redmon & Farhadi (2017),
        arXiv:1612.08242, for sides as logarithms.

    >>> Detector(DetectorConfig())(torch.zeros(1, 1, 64, 64)).shape
    torch.Size([1, 8, 8, 15])
    """

    def __init__(self, config: DetectorConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        instance("config", config, DetectorConfig)
        self.config = config
        layers: list[nn.Module] = []
        n_in = config.n_channels
        for n_out in config.widths:
            layers += [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1), nn.ReLU()]
            layers += [nn.Conv2d(n_out, n_out, 3, padding=1), nn.ReLU()]
            n_in = n_out
        self.layers = nn.Sequential(*layers)
        self.head = nn.Conv2d(n_in, 5 + config.n_classes, 1)
        init_he(self, generator=generator)
        with torch.no_grad():
            self.head.weight *= 0.1  # begin near "anything, of the typical side, in the middle of the cell"
        # and most cells hold no centre
        self.head.bias = nn.Parameter(torch.tensor([-3.0] + (4 + config.n_classes) * [0.0]))

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch rows columns n"]:
        """Give objectness, box and classes of every cell, as logits and logarithms.

        Raises:
            TypeError: if `images` are not a tensor of real numbers.
            ValueError: if they have other channels, or sides that cells do not fill evenly.
        """
        config = self.config
        pictures("images", images, config.n_channels)
        if images.shape[2] % config.stride or images.shape[3] % config.stride:
            raise ValueError(f"images must have sides of whole cells of {config.stride}, got {tuple(images.shape)}")
        return self.head(self.layers(images)).permute(0, 2, 3, 1)


@dataclass(frozen=True, kw_only=True)
class GridTargets:
    """What the cells should say: which hold a centre, and of those the box and the class."""

    is_centre: Float[Tensor, "batch rows columns"]
    boxes: Float[Tensor, "batch rows columns 4"]
    classes: Shaped[Tensor, "batch rows columns"]


def assign(objects: Sequence[Objects], *, rows: int, columns: int, stride: int) -> GridTargets:
    """Give each object to the cell in which its centre lies; of two in one cell the later has it.

    Raises:
        TypeError, ValueError: if `objects` are none, a size is not a whole number of at least 1, or a centre lies
            outside of the grid.
    """
    several("objects", objects)
    rows, columns, stride = count("rows", rows), count("columns", columns), count("stride", stride)
    shape = (len(objects), rows, columns)
    is_centre, boxes, classes = np.zeros(shape), np.zeros((*shape, 4)), np.zeros(shape, dtype=np.int64)
    for i, each in enumerate(objects):
        instance("objects", each, Objects)
        own = checked_boxes("objects", each.boxes)
        column, row = (((own[:, :2] + own[:, 2:]) / 2) // stride).astype(np.int64).T
        if len(own) and (min(row.min(), column.min()) < 0 or row.max() >= rows or column.max() >= columns):
            raise ValueError(f"objects must have their centres in {rows} by {columns} cells of {stride} pixels")
        is_centre[i, row, column], boxes[i, row, column] = 1, own
        classes[i, row, column] = checked_classes("objects", each.classes, len(own))
    return GridTargets(
        is_centre=torch.from_numpy(is_centre).float(),
        boxes=torch.from_numpy(boxes).float(),
        classes=torch.from_numpy(classes),
    )


def cell_boxes(
    outputs: Float[Tensor, "batch rows columns n"], config: DetectorConfig
) -> Float[Tensor, "batch rows columns 4"]:
    """Turn what cells say of their boxes into left, top, right and bottom in pixels.

    Raises:
        TypeError, ValueError: if `outputs` are not those of a detector of this configuration.
    """
    outputs = _checked(outputs, config)
    rows, columns = outputs.shape[1:3]
    down = torch.arange(rows, device=outputs.device, dtype=outputs.dtype)[:, None].expand(rows, columns)
    across = torch.arange(columns, device=outputs.device, dtype=outputs.dtype)[None].expand(rows, columns)
    centres = config.stride * (torch.stack([across, down], dim=-1) + outputs[..., 1:3].sigmoid())
    sides = config.side * outputs[..., 3:5].clamp(-FURTHEST, FURTHEST).exp()
    return torch.cat([centres - sides / 2, centres + sides / 2], dim=-1)


def giou_loss(a: Float[Tensor, "*n 4"], b: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n"]:
    """Measure how far each box is from its partner: 1 - GIoU, from 0 to 2.

    Raises:
        TypeError, ValueError: if they are not real numbers of one shape.

    Oracle: kit.learn.boxes.generalized_iou, torchvision.ops.generalized_box_iou_loss.
    """
    matching_tensors("a", a, "b", b)
    areas = [(each[..., 2:] - each[..., :2]).prod(dim=-1) for each in (a, b)]
    sides = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    shared = sides.clamp(min=0).prod(dim=-1)
    together = areas[0] + areas[1] - shared
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(dim=-1)
    return 1 - shared / together + (hull - together) / hull


def detection_loss(
    outputs: Float[Tensor, "batch rows columns n"],
    targets: GridTargets,
    config: DetectorConfig,
    *,
    box_weight: float = 2.0,
) -> Float[Tensor, ""]:
    """Add up what cells say wrongly, for each object: is a centre here, where is its box, what is it.

        (Σ over all cells of BCE(objectness) + Σ over centres of (weight · (1 - GIoU) + CE(classes))) / centres

    Args:
        box_weight: what a box counts.

    Raises:
        TypeError, ValueError: if `outputs` are not those of a detector of this configuration, `targets` not those of
            its grid, or `box_weight` < 0.

    Numerics: both entropies start from logits; a sigmoid of the objectness before would be a second one.
    """
    outputs = _checked(outputs, config)
    instance("targets", targets, GridTargets)
    if targets.is_centre.shape != outputs.shape[:3]:
        raise ValueError(f"targets must have the grid {tuple(outputs.shape[:3])}, got {tuple(targets.is_centre.shape)}")
    box_weight = real("box_weight", box_weight, at_least=0)
    is_centre = targets.is_centre.to(outputs)
    here = is_centre > 0
    found = F.binary_cross_entropy_with_logits(outputs[..., 0], is_centre, reduction="sum")
    where = giou_loss(cell_boxes(outputs, config)[here], targets.boxes.to(outputs)[here]).sum()
    what = F.cross_entropy(outputs[..., 5:][here], targets.classes.to(outputs.device)[here], reduction="sum")
    return (found + box_weight * where + what) / is_centre.sum().clamp(min=1)


def decode(
    outputs: Float[Tensor, "batch rows columns n"],
    config: DetectorConfig,
    *,
    min_score: float = 0.05,
    threshold: float = 0.5,
) -> list[Detections]:
    """Turn what cells say into detections: the likeliest class of each, scored by the chance of both, after NMS.

        score = sigmoid(objectness) · max softmax(classes)

    Args:
        min_score: the score from which on a cell counts. The lower, the longer the list, and the higher the mAP.
        threshold: the IoU up to which two of one class stay.

    Raises:
        TypeError, ValueError: if `outputs` are not those of a detector of this configuration, or one of the two
            numbers is not from 0 to 1.
    """
    outputs = _checked(outputs, config)
    min_score = real("min_score", min_score, at_least=0, at_most=1)
    threshold = real("threshold", threshold, at_least=0, at_most=1)
    chance, classes = outputs[..., 5:].softmax(dim=-1).max(dim=-1)
    scores = outputs[..., 0].sigmoid() * chance
    parts = [part.detach().flatten(1, 2).double().cpu() for part in (cell_boxes(outputs, config), scores[..., None])]
    return [
        kept(boxes.numpy(), scores[:, 0].numpy(), of.flatten().numpy(), min_score=min_score, threshold=threshold)
        for boxes, scores, of in zip(*parts, classes.cpu(), strict=True)
    ]


def kept(
    boxes: Float[np.ndarray, "n 4"],
    scores: Float[np.ndarray, "n"],
    classes: Shaped[np.ndarray, "n"],
    *,
    min_score: float,
    threshold: float,
) -> Detections:
    """Keep what is scored high enough, and of that what NMS leaves, the best first.

    Raises:
        TypeError, ValueError: as `kit.learn.boxes.nms` does, or if `min_score` is no number.
    """
    classes = checked_classes("classes", classes, len(boxes))
    enough = np.flatnonzero(scores >= real("min_score", min_score))
    boxes, scores, classes = boxes[enough], scores[enough], classes[enough]
    left = nms(boxes, scores, threshold=threshold, classes=classes)
    return Detections(boxes=boxes[left], classes=classes[left], scores=scores[left])


def _checked(outputs: Tensor, config: DetectorConfig) -> Tensor:
    instance("config", config, DetectorConfig)
    n = 5 + config.n_classes
    if real_tensor("outputs", outputs).ndim != 4 or outputs.shape[3] != n or not len(outputs):
        raise ValueError(f"outputs must have batch, rows, columns and {n} numbers, got shape {tuple(outputs.shape)}")
    return outputs
