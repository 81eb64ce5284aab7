"""Claim D03: a U-Net with its skips, and one of equal weights without, on scenes of digits and on a micrograph.

Both nets go two steps down and have BatchNorm: without one they stay at "background everywhere". With three steps the
net without skips hardly leaves it in the steps given, and a contest with one side on the floor says little. Both learn
by Adam from the same batches for as many steps, at a learning rate that falls to 0, and both are tuned over its peak as
equals, by pictures that count neither for learning nor for the report. Then each is measured at
its best, from another start, with other batches.

- Scenes: a repetition deals the 5,000 digits out anew, to learn, to choose and to report, and composes scenes of each.
- Micrograph: repetitions turn by turn learn in the left half and report on the right, and the other way round. In the
  half to learn from, one of four strips is kept to choose by, another in each pair of turns. Batches are squares of the
  other three, turned and mirrored at random.

The nuclei are found by the same nets: an object is a connected piece of the mask, 30 pixels or more. The rival is
as old as the field: the picture blurred, cut at Otsu's threshold, and its connected pieces. How much it is blurred is
chosen in the half that the nets learn from.

Taught in: 13
"""

from collections.abc import Callable
from functools import cache, partial
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from kit.evidence.store import Experiment
from kit.learn.detection_metrics import found, mask_iou
from kit.learn.pictures import micrograph, mnist
from kit.learn.scenes import Scenes, compose
from kit.learn.search import tune
from kit.models.unet import UNet, UNetConfig

RIVALS = ("with skips", "without")
SIDE, WIDTH, DEPTH, BATCH = 64, 8, 2, 8
N_STEPS = {"scenes": 120, "micrograph": 60}
N_SCENES = (480, 40, 80)  # to learn, to choose, to report
RATES = (0.003, 0.01, 0.03)
LEAST, BLURS, STRIPS = 30, (0.0, 1.0, 2.0), 4

Pictures = Float[np.ndarray, "_ _ _"]
Masks = Bool[np.ndarray, "_ _ _"]
Batch = tuple[Tensor, Tensor]


@cache
def dealt_scenes(seed: int) -> tuple[Scenes, ...]:
    """Deal the digits out three ways, and compose scenes of each: to learn from, to choose by, to report on."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(mnist()))
    parts = order[:4000], order[4000:4500], order[4500:]
    made = (
        compose(mnist().images[part], mnist().labels[part], n=n, size=SIDE, rng=rng)
        for part, n in zip(parts, N_SCENES, strict=True)
    )
    return tuple(made)


def batch_of_scenes(scenes: Scenes, rng: np.random.Generator) -> Batch:
    """Draw a batch of whole scenes."""
    rows = rng.integers(len(scenes), size=BATCH)
    return _batch(scenes.images[rows], scenes.masks[rows])


@cache
def halves() -> tuple[tuple[Pictures, Int[np.ndarray, "height width"]], ...]:
    """Cut the micrograph into left and right, each as bright as its own mean and spread say, with its nuclei."""
    width = micrograph().image.shape[1] // 2
    made = []
    for columns in (slice(None, width), slice(width, None)):
        part = micrograph().image[:, columns].astype(np.float32)
        made.append((((part - part.mean()) / part.std())[None], micrograph().nuclei[:, columns]))
    return tuple(made)


def strips(seed: int) -> tuple[list[slice], slice]:
    """Give the rows of three strips to learn from, and of one to choose by."""
    high = micrograph().image.shape[0] // STRIPS
    every = [slice(i * high, (i + 1) * high) for i in range(STRIPS)]
    kept = every.pop(seed // 2 % STRIPS)
    return every, kept


def batch_of_squares(image: Pictures, mask: Masks, rows: list[slice], rng: np.random.Generator) -> Batch:
    """Cut squares out of strips of a picture, each turned and mirrored at random."""
    squares = []
    for _ in range(BATCH):
        strip = rows[rng.integers(len(rows))]
        top = rng.integers(strip.start, strip.stop - SIDE + 1)
        left = rng.integers(0, image.shape[2] - SIDE + 1)
        place = np.s_[0, top : top + SIDE, left : left + SIDE]
        turns, mirrored = int(rng.integers(4)), int(rng.integers(2))
        pair = [np.rot90(each[place], turns) for each in (image, mask)]
        squares.append([each[:, ::-1] if mirrored else each for each in pair])
    x, y = zip(*squares, strict=True)
    return _batch(np.stack(x), np.stack(y))


def _batch(images: Pictures, masks: Masks) -> Batch:
    return torch.from_numpy(images.copy())[:, None], torch.from_numpy(masks.copy())[:, None].float()


def trained(
    rival: str, next_batch: Callable[[np.random.Generator], Batch], *, lr: float, n_steps: int, seed: int
) -> UNet:
    """Train one of `RIVALS` by Adam, at a rate that falls to 0 along half a cosine.

    Args:
        seed: draws the start and the batches; with one seed both rivals get the same batches.
    """
    config = UNetConfig(n_outputs=1, width=WIDTH, depth=DEPTH, padded=True, normed=True, skips=rival == RIVALS[0])
    net = UNet(config, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    rng = np.random.default_rng(seed)
    for _ in range(n_steps):
        x, y = next_batch(rng)
        loss = F.binary_cross_entropy_with_logits(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    return net


def predicted(net: UNet, images: Pictures) -> Masks:
    """Say of each pixel whether it belongs to the mask: whether its chance is above a half."""
    net.eval()  # else BatchNorm would go by these pictures
    with torch.no_grad():
        return np.concatenate(
            [net(torch.from_numpy(part)[:, None])[:, 0].numpy() > 0 for part in np.split(images, _cuts(images))]
        )


def _cuts(images: Pictures) -> np.ndarray:
    return np.arange(16, len(images), 16)


def sides(
    world: str, seed: int
) -> tuple[Callable[[np.random.Generator], Batch], tuple[Pictures, Masks], tuple[Pictures, Masks]]:
    """Give what draws the batches of one repetition, and the pictures with masks to choose by and to report on."""
    if world == "scenes":
        learn, choose, report = dealt_scenes(seed)
        return partial(batch_of_scenes, learn), (choose.images, choose.masks), (report.images, report.masks)
    (image, nuclei), (other, unseen) = halves()[:: 1 - 2 * (seed % 2)]
    rows, kept = strips(seed)
    mask = nuclei[None] > 0
    learn = partial(batch_of_squares, image, mask, rows)
    return learn, (image[:, kept], mask[:, kept]), (other, unseen[None] > 0)


def contest(world: str, seed: int) -> tuple[dict[str, float], dict[str, Masks]]:
    """Tune both nets on one grid of rates, and measure each at its best.

    Returns:
        Of each of `RIVALS` the mask IoU over all pixels reported on, and its "rate"; how many have their best "at the
        edge"; the trials of each. Then the masks of each.
    """
    draw, (images, masks), (unseen, truth) = sides(world, seed)

    def loss(rival: str, *, lr: float, seed: int) -> float:
        return 1 - mask_iou(predicted(trained(rival, draw, lr=lr, n_steps=N_STEPS[world], seed=seed), images), masks)

    search = tune({rival: partial(loss, rival) for rival in RIVALS}, {"lr": RATES}, seeds=[seed], growths=1)
    (fresh,) = search.fresh([seed + 1000])
    numbers: dict[str, float] = {}
    said: dict[str, Masks] = {}
    for rival in RIVALS:
        lr = search.best[rival, None].setting["lr"]
        said[rival] = predicted(trained(rival, draw, lr=lr, n_steps=N_STEPS[world], seed=fresh), unseen)
        numbers |= {rival: mask_iou(said[rival], truth), f"{rival} rate": lr}
    numbers["at the edge"] = sum(bool(search.best[rival, None].at_edge) for rival in RIVALS)
    numbers["trials"] = len(search.losses[RIVALS[0], None])
    return numbers, said


def on_scenes(*, seed: int) -> dict[str, float]:
    """Hold the contest on scenes of digits; give its numbers."""
    return contest("scenes", seed)[0]


def on_micrograph(*, seed: int) -> dict[str, float]:
    """Hold the contest on the micrograph.

    Returns:
        Its numbers; the mask IoU of "Otsu"; and the F1 of the "nuclei" that each of the three finds.
    """
    numbers, said = contest("micrograph", seed)
    (seen, known), (other, nuclei) = halves()[:: 1 - 2 * (seed % 2)]
    blur = max(BLURS, key=lambda blur: found(pieces(by_otsu(seen[0], blur)), known).f1)
    said["Otsu"] = by_otsu(other[0], blur)[None]
    numbers["Otsu"] = mask_iou(said["Otsu"], nuclei[None] > 0)
    return numbers | {f"{way} nuclei": found(pieces(masks[0]), nuclei).f1 for way, masks in said.items()}


def otsu(image: Float[np.ndarray, "*shape"], *, n_bins: int = 256) -> float:
    """Find the threshold that sets two groups of pixels apart best: the one of largest variance between them.

        w (1 - w) (mean above - mean below)²,   with w the share of pixels below

    Source: Otsu (1979), IEEE Transactions on Systems, Man, and Cybernetics 9, 62-66.
    """
    counts, edges = np.histogram(image, bins=n_bins)
    middles = (edges[1:] + edges[:-1]) / 2
    below, sums = counts.cumsum()[:-1], (counts * middles).cumsum()[:-1]
    above = counts.sum() - below
    between = below * above * ((counts @ middles - sums) / np.maximum(above, 1) - sums / np.maximum(below, 1)) ** 2
    return float(edges[1:][between.argmax()])


def by_otsu(image: Float[np.ndarray, "height width"], blur: float) -> Bool[np.ndarray, "height width"]:
    """Blur a picture, and take what is brighter than Otsu's threshold."""
    smooth = ndimage.gaussian_filter(image, blur)
    return smooth > otsu(smooth)


def pieces(mask: Bool[np.ndarray, "height width"]) -> Int[np.ndarray, "height width"]:
    """Number the connected pieces of a mask, those of at least `LEAST` pixels; the rest becomes background."""
    numbered, _ = cast(tuple[np.ndarray, int], ndimage.label(mask))
    sizes = np.bincount(numbered.ravel())
    return np.where(sizes[numbered] >= LEAST, numbered, 0).astype(np.int64)


NUMBERS = (*RIVALS, *(f"{rival} rate" for rival in RIVALS), "at the edge", "trials")
SKIPS = Experiment(name="skips", measure=on_scenes, seeds=10, quantities=NUMBERS)
NUCLEI = Experiment(
    name="nuclei",
    measure=on_micrograph,
    seeds=10,
    quantities=(*NUMBERS, "Otsu", *(f"{way} nuclei" for way in (*RIVALS, "Otsu"))),
)
