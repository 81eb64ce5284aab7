"""YOLO v1 at its published size: 24 convolutions, two full layers, a grid of 7 by 7 cells with two boxes each.

It is here for its size: what one pass costs. Its weights are drawn, not learned.

Taught in: 13
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kit.arguments import real, real_tensor
from kit.blocks.initialisation import init_he
from kit.learn.boxes import Detections
from kit.models.detector import kept

SIZE, CELLS, N_BOXES, N_CLASSES = 448, 7, 2, 20
N_NUMBERS = 5 * N_BOXES + N_CLASSES
# kernel, channels and stride of each convolution; None is a pooling of 2 by 2
LAYERS: tuple[tuple[int, int, int] | None, ...] = (
    *((7, 64, 2), None),
    *((3, 192, 1), None),
    *((1, 128, 1), (3, 256, 1), (1, 256, 1), (3, 512, 1), None),
    *(*4 * ((1, 256, 1), (3, 512, 1)), (1, 512, 1), (3, 1024, 1), None),
    *(*2 * ((1, 512, 1), (3, 1024, 1)), (3, 1024, 1), (3, 1024, 2)),
    *((3, 1024, 1), (3, 1024, 1)),
)


class YOLO(nn.Module):
    """Give 30 numbers for each of 7 by 7 cells: two boxes with their confidence, and the chances of 20 classes.

    Args:
        generator: draws the weights.

    Raises:
        TypeError: if `generator` is none.

    Source: Redmon and others (2016), arXiv:1506.02640, figure 3 and section 2.1.
    """

    def __init__(self, *, generator: torch.Generator | None = None):
        super().__init__()
        layers: list[nn.Module] = []
        n_in = 3
        for layer in LAYERS:
            if layer is None:
                layers.append(nn.MaxPool2d(2))
                continue
            side, n_out, stride = layer
            layers += [nn.Conv2d(n_in, n_out, side, stride=stride, padding=side // 2), nn.LeakyReLU(0.1)]
            n_in = n_out
        layers += [nn.Flatten(), nn.Linear(CELLS**2 * n_in, 4096), nn.LeakyReLU(0.1)]
        self.layers = nn.Sequential(*layers, nn.Linear(4096, CELLS**2 * N_NUMBERS))
        init_he(self, generator=generator)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch 7 7 30"]:
        """Give the numbers of every cell.

        Raises:
            TypeError: if `images` are not a tensor of real numbers.
            ValueError: if they are not 448 by 448 pixels in three colours.
        """
        if real_tensor("images", images).shape[1:] != (3, SIZE, SIZE) or not len(images):
            raise ValueError(f"images must be 3 by {SIZE} by {SIZE}, a batch of them, got {tuple(images.shape)}")
        return self.layers(images).view(len(images), CELLS, CELLS, N_NUMBERS)


def decode_yolo(
    outputs: Float[Tensor, "batch rows columns n"], *, min_score: float = 0.0, threshold: float = 0.5
) -> list[Detections]:
    """Turn the cells into detections: 98 boxes a picture, each with its likeliest class, after NMS.

    A box is x and y in its cell, and the roots of width and height as shares of the picture. Numbers that were never
    learned may be anything: chances are cut to 0 to 1, and sides are kept to one pixel or more.

    Args:
        min_score: the score from which on a box counts.
        threshold: the IoU up to which two of one class stay.

    Raises:
        TypeError, ValueError: if `outputs` are not those of YOLO, or one of the two is not a number from 0 to 1.
    """
    if real_tensor("outputs", outputs).shape[1:] != (CELLS, CELLS, N_NUMBERS) or not len(outputs):
        raise ValueError(f"outputs must be a batch of {CELLS} by {CELLS} by {N_NUMBERS}, got {tuple(outputs.shape)}")
    min_score = real("min_score", min_score, at_least=0, at_most=1)
    threshold = real("threshold", threshold, at_least=0, at_most=1)
    of_boxes = outputs[..., : 5 * N_BOXES].unflatten(-1, (N_BOXES, 5))
    chance, classes = outputs[..., 5 * N_BOXES :].max(dim=-1)
    scores = of_boxes[..., 4].clamp(0, 1) * chance.clamp(0, 1)[..., None]
    cells = torch.arange(CELLS, device=outputs.device, dtype=outputs.dtype)
    corner = torch.stack(torch.meshgrid(cells, cells, indexing="xy"), dim=-1)
    centres = (corner[:, :, None] + of_boxes[..., :2]) * (SIZE / CELLS)
    halves = (of_boxes[..., 2:4] ** 2 * SIZE / 2).clamp(min=0.5)
    boxes = torch.cat([centres - halves, centres + halves], dim=-1).flatten(1, 3)
    named = classes[..., None].expand(-1, -1, -1, N_BOXES).flatten(1, 3)
    return [
        kept(*(part.detach().cpu().numpy() for part in each), min_score=min_score, threshold=threshold)
        for each in zip(boxes.double(), scores.flatten(1, 3).double(), named, strict=True)
    ]
