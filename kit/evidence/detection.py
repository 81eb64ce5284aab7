"""Claim D02: how many frames a second two one-stage detectors take in; and how well the kit's own finds digits.

- Frames: a repetition composes a scene, and times both nets in turn on it, batch 1, one core: the pass, the decoding,
  and NMS by class over every box that the net can give: 64 of the kit's detector on 64 by 64 pixels, 98 of YOLO v1
  on 448 by 448. That its weights are drawn and not learned changes nothing of what the pass costs.
- Quality: a repetition deals the 5,000 digits out anew, trains the kit's detector on scenes of one part, and gives the
  mAP at an IoU of 0.5 on scenes of the other, in three readings, and with NMS that does not look at classes.

Taught in: 13
"""

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from kit.evidence.store import Experiment
from kit.learn.boxes import Detections, nms
from kit.learn.detection_metrics import mean_average_precision
from kit.learn.pictures import mnist
from kit.learn.scenes import Scenes, compose
from kit.machine import seconds_in_turn
from kit.models.detector import Detector, DetectorConfig, assign, decode, detection_loss
from kit.models.yolo import SIZE, YOLO, decode_yolo

SIDE, BATCH, N_STEPS, RATE = 64, 16, 800, 0.008
N_SCENES = (2000, 200)  # to learn, to report
NETS = ("the kit's detector", "YOLO v1's size")
READINGS = {"all points": None, "11 points": 11, "101 points": 101}


@cache
def dealt_scenes(seed: int) -> tuple[Scenes, Scenes]:
    """Deal the digits out, and compose scenes to learn from and to report on."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(mnist()))
    learn, report = (
        compose(mnist().images[part], mnist().labels[part], n=n, size=SIDE, rng=rng)
        for part, n in zip((order[:4000], order[4000:]), N_SCENES, strict=True)
    )
    return learn, report


def trained(scenes: Scenes, *, n_steps: int = N_STEPS, lr: float = RATE, seed: int) -> Detector:
    """Train the kit's detector by Adam, at a rate that falls to 0 along half a cosine."""
    config = DetectorConfig()
    detector = Detector(config, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(detector.parameters(), lr=lr)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    rng, cells = np.random.default_rng(seed), SIDE // config.stride
    for _ in range(n_steps):
        rows = rng.integers(len(scenes), size=BATCH)
        targets = assign([scenes.objects[i] for i in rows], rows=cells, columns=cells, stride=config.stride)
        loss = detection_loss(detector(as_batch(scenes.images[rows])), targets, config)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    return detector


def as_batch(images: np.ndarray) -> Tensor:
    """Give pictures the axis of channels."""
    return torch.from_numpy(images)[:, None]


def detected(detector: Detector, images: np.ndarray, *, threshold: float = 0.5) -> list[Detections]:
    """Detect in every picture."""
    with torch.no_grad():
        return decode(detector(as_batch(images)), detector.config, threshold=threshold)


def without_classes(found: list[Detections]) -> list[Detections]:
    """Apply NMS once more, and let boxes of different classes suppress each other."""
    left = [nms(each.boxes, each.scores, threshold=0.5) for each in found]
    return [
        replace(each, boxes=each.boxes[i], classes=each.classes[i], scores=each.scores[i])
        for each, i in zip(found, left, strict=True)
    ]


def quality(*, seed: int) -> dict[str, float]:
    """Train the kit's detector, and give its mAP on scenes of digits that it has not seen."""
    learn, report = dealt_scenes(seed)
    found = detected(trained(learn, seed=seed), report.images)
    numbers = {
        name: mean_average_precision(found, report.objects, n_points=points) for name, points in READINGS.items()
    }
    return numbers | {"NMS without classes": mean_average_precision(without_classes(found), report.objects)}


@cache
def nets() -> tuple[Detector, YOLO]:
    """Make both nets, once for a process."""
    generator = torch.Generator().manual_seed(0)
    return Detector(DetectorConfig(), generator=generator), YOLO(generator=generator)


def frames_a_second(*, seed: int) -> dict[str, float]:
    """Time both nets in turn on one scene, from its pixels to the boxes that NMS leaves; a first pass is not timed."""
    rng = np.random.default_rng(seed)
    image = compose(mnist().images, mnist().labels, n=1, size=SIDE, rng=rng).images
    small = as_batch(image)
    large = (
        torch.nn.functional.interpolate(small, size=(SIZE, SIZE), mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    )
    detector, yolo = nets()

    @torch.no_grad()
    def by_kit() -> list[Detections]:
        return decode(detector(small), detector.config, min_score=0.0)

    @torch.no_grad()
    def by_yolo() -> list[Detections]:
        return decode_yolo(yolo(large))

    seconds = seconds_in_turn(by_kit, by_yolo, repeats=1)
    return {name: 1 / taken for name, (taken,) in zip(NETS, seconds, strict=True)}


FRAMES = Experiment(name="frames", measure=frames_a_second, seeds=20, quantities=NETS, alone=True)
QUALITY = Experiment(name="detector_quality", measure=quality, seeds=5, quantities=(*READINGS, "NMS without classes"))
