import numpy as np
import pytest
import torch
from torch import nn

from kit.evidence import detection, segmentation
from kit.evidence.segmentation import (
    BATCH,
    LEAST,
    RIVALS,
    SIDE,
    STRIPS,
    batch_of_squares,
    by_otsu,
    halves,
    otsu,
    pieces,
    sides,
    strips,
    trained,
)
from kit.learn.detection_metrics import found
from kit.learn.pictures import micrograph


@pytest.fixture
def small(monkeypatch):
    """Make every training two steps long, and every set of scenes small."""
    monkeypatch.setattr(segmentation, "N_STEPS", {"scenes": 2, "micrograph": 2})
    monkeypatch.setattr(segmentation, "N_SCENES", (8, 4, 4))
    monkeypatch.setattr(segmentation, "RATES", (0.001, 0.01))
    monkeypatch.setattr(detection, "N_SCENES", (20, 6))
    for cached in (segmentation.dealt_scenes, detection.dealt_scenes):
        cached.cache_clear()
    yield
    for cached in (segmentation.dealt_scenes, detection.dealt_scenes):
        cached.cache_clear()


@pytest.mark.parametrize("experiment", [segmentation.SKIPS, segmentation.NUCLEI], ids=lambda each: each.name)
def test_a_repetition_gives_every_quantity(experiment, small):
    numbers = experiment.measure(seed=3)
    assert set(numbers) == set(experiment.quantities)
    assert all(0 <= numbers[rival] <= 1 for rival in RIVALS)
    assert numbers.get("Otsu", 1) > 0.3


def test_halves_share_no_pixel_and_turns_change_places():
    assert sum(part.shape[2] for part, _ in halves()) == micrograph().image.shape[1]
    for part, nuclei in halves():
        assert part.shape[1:] == nuclei.shape
        assert (abs(part.mean()), part.std()) == pytest.approx((0, 1), abs=1e-3)
    reported = [sides("micrograph", seed)[2][0] for seed in (0, 1, 2)]
    np.testing.assert_array_equal(reported[0], halves()[1][0])
    np.testing.assert_array_equal(reported[1], halves()[0][0])
    np.testing.assert_array_equal(reported[2], reported[0])


@pytest.mark.parametrize("seed", range(2 * STRIPS))
def test_squares_are_cut_from_the_strips_that_do_not_choose(seed):
    every, kept = strips(seed)
    assert sorted([*every, kept], key=lambda s: s.start)[kept.start // (kept.stop - kept.start)] == kept
    heights = np.broadcast_to(np.arange(512, dtype=np.float32)[None, :, None], (1, 512, 256)).copy()
    x, y = batch_of_squares(heights, heights > 200, every, np.random.default_rng(seed))
    assert x.shape == y.shape == (BATCH, 1, SIDE, SIDE)
    seen = set(x.unique().int().tolist())
    assert not seen & set(range(kept.start, kept.stop))
    assert torch.equal(y > 0, x > 200)  # picture and mask are turned alike


def test_all_turns_and_mirrors_are_drawn():
    image = np.arange(512 * 256, dtype=np.float32).reshape(1, 512, 256)
    rng, ways = np.random.default_rng(0), set()
    for _ in range(30):
        x, _ = batch_of_squares(image, image > 0, strips(0)[0], rng)
        across, down = x[:, 0, 0, 1] - x[:, 0, 0, 0], x[:, 0, 1, 0] - x[:, 0, 0, 0]
        ways |= set(zip(across.tolist(), down.tolist(), strict=True))
    assert len(ways) == 8


def test_both_rivals_learn_from_the_same_batches_with_the_same_number_of_weights(monkeypatch):
    drawn: dict[str, list] = {rival: [] for rival in RIVALS}

    def draw(rng):
        drawn[rival].append(rng.random())
        return torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)

    for rival in RIVALS:
        trained(rival, draw, lr=0.001, n_steps=3, seed=5)
    assert drawn[RIVALS[0]] == drawn[RIVALS[1]]
    assert len(drawn[RIVALS[0]]) == 3


def test_training_ends_lower_than_it_began():
    draw, _, _ = sides("micrograph", 0)
    rng = np.random.default_rng(1)
    x, y = draw(rng)
    losses = []
    for n_steps in (1, 25):
        net = trained("with skips", draw, lr=0.003, n_steps=n_steps, seed=0)
        with torch.no_grad():
            losses.append(float(nn.functional.binary_cross_entropy_with_logits(net(x), y)))
    assert losses[1] < 0.7 * losses[0]


def test_otsu_is_the_threshold_of_largest_variance_between_groups():
    rng = np.random.default_rng(0)
    image = np.concatenate([rng.normal(20, 5, 900), rng.normal(90, 20, 300)])
    cut = otsu(image)

    def between(t: float) -> float:
        low, high = image[image <= t], image[image > t]
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2

    tried = np.linspace(image.min() + 1, image.max() - 1, 1000)
    best = max(tried, key=between)
    assert between(cut) > 0.995 * between(best)
    assert abs(cut - best) < 4
    assert 0 < otsu(np.array([0.0, 0.0, 1.0, 1.0])) <= 1


def test_small_pieces_are_background_and_others_are_numbered():
    mask = np.zeros((20, 20), dtype=bool)
    mask[1:7, 1:7] = mask[10:12, 10:12] = mask[8:16, 1:8] = True
    numbered = pieces(mask)
    assert len(np.unique(numbered)) == 3
    assert not numbered[10:12, 10:12].any()
    assert (numbered > 0).sum() == 36 + 56 >= 2 * LEAST


def test_otsu_finds_nuclei_and_merges_those_that_touch():
    for image, nuclei in halves():
        counted = found(pieces(by_otsu(image[0], 1.0)), nuclei)
        assert counted.hits + counted.missed == len(np.unique(nuclei)) - 1
        assert counted.hits > 0.25 * (counted.hits + counted.missed)
        assert counted.missed > counted.made_up > 0


def test_frames_are_timed_from_pixels_to_boxes(monkeypatch):
    class Still(nn.Module):
        def forward(self, images):
            assert images.shape == (1, 3, 448, 448)
            return torch.rand(1, 7, 7, 30)

    monkeypatch.setattr(detection, "nets", lambda: (detection.Detector(detection.DetectorConfig()), Still()))
    numbers = detection.frames_a_second(seed=0)
    assert set(numbers) == set(detection.FRAMES.quantities)
    assert min(numbers.values()) > 0


def test_quality_gives_three_readings_and_nms_without_classes_never_adds(small, monkeypatch):
    monkeypatch.setattr(detection, "trained", lambda scenes, seed: detection.Detector(detection.DetectorConfig()))
    numbers = detection.quality(seed=0)
    assert set(numbers) == set(detection.QUALITY.quantities)
    assert all(0 <= value <= 1 for value in numbers.values())


def test_nms_without_classes_keeps_the_better_of_two_classes():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10.0]])
    both = detection.Detections(boxes=boxes, classes=np.array([3, 7]), scores=np.array([0.8, 0.9]))
    (left,) = detection.without_classes([both])
    assert left.classes.tolist() == [7]
