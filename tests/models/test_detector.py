import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kit.learn.boxes import Detections, Objects, generalized_iou, iou
from kit.models.detector import (
    Detector,
    DetectorConfig,
    GridTargets,
    assign,
    cell_boxes,
    decode,
    detection_loss,
    giou_loss,
)
from kit.models.parameters import n_params
from kit.models.yolo import CELLS, N_NUMBERS, YOLO, decode_yolo
from tests.learn.detection_agreement import random_boxes

CONFIG = DetectorConfig(n_classes=4, widths=(4, 8, 8))
OBJECTS = [
    Objects(boxes=np.array([[10.0, 22, 21, 42], [40, 24, 53, 44]]), classes=np.array([1, 3])),
    Objects(boxes=np.zeros((0, 4)), classes=np.zeros(0, dtype=int)),
]


def targets() -> GridTargets:
    return assign(OBJECTS, rows=8, columns=8, stride=8)


def saying(goal: GridTargets, config: DetectorConfig) -> torch.Tensor:
    """Write down what a net would say that is right of every cell."""
    outputs = torch.zeros(*goal.is_centre.shape, 5 + config.n_classes, dtype=torch.float64)
    outputs[..., 0] = 40 * (goal.is_centre - 0.5)
    for i, row, column in goal.is_centre.nonzero().tolist():
        left, top, right, bottom = goal.boxes[i, row, column].double()
        inside = torch.stack([(left + right) / 2 - 8 * column, (top + bottom) / 2 - 8 * row]) / 8
        sides = torch.stack([right - left, bottom - top]) / config.side
        outputs[i, row, column, 1:3], outputs[i, row, column, 3:5] = inside.logit(), sides.log()
        outputs[i, row, column, 5 + goal.classes[i, row, column]] = 30
    return outputs


def test_an_object_belongs_to_the_cell_of_its_centre():
    goal = targets()
    assert goal.is_centre.nonzero().tolist() == [[0, 4, 1], [0, 4, 5]]
    assert goal.classes[0, 4, 5] == 3
    np.testing.assert_array_equal(goal.boxes[0, 4, 1], OBJECTS[0].boxes[0])


def test_what_is_said_rightly_is_decoded_to_the_objects_and_costs_nothing():
    goal = targets()
    outputs = saying(goal, CONFIG)
    first, second = decode(outputs, CONFIG)
    order = np.argsort(first.boxes[:, 0])
    np.testing.assert_allclose(first.boxes[order], OBJECTS[0].boxes, atol=1e-9)
    assert first.classes[order].tolist() == [1, 3]
    assert len(second.boxes) == 0
    assert float(detection_loss(outputs, goal, CONFIG)) < 1e-6


def test_the_loss_adds_up_by_hand():
    goal, outputs = targets(), torch.randn(2, 8, 8, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    boxes = cell_boxes(outputs, CONFIG)
    by_hand = 0.0
    for place in np.ndindex(2, 8, 8):
        here = float(goal.is_centre[place])
        chance = torch.sigmoid(outputs[place][0])
        by_hand -= float(here * chance.log() + (1 - here) * (1 - chance).log())
        if here:
            true = goal.boxes[place].double().numpy()[None]
            by_hand += 2.0 * (1 - generalized_iou(boxes[place].numpy()[None], true)[0, 0])
            by_hand -= float(outputs[place][5:].log_softmax(0)[goal.classes[place]])
    assert float(detection_loss(outputs, goal, CONFIG)) == pytest.approx(by_hand / 2, abs=1e-9)


def test_the_loss_of_pictures_without_objects_is_finite_and_learns():
    outputs = torch.zeros(1, 8, 8, 9, requires_grad=True)
    loss = detection_loss(outputs, assign([OBJECTS[1]], rows=8, columns=8, stride=8), CONFIG)
    loss.backward()
    assert torch.isfinite(loss)
    assert (outputs.grad[..., 0] > 0).all()


def test_giou_loss_matches_the_boxes_of_numpy_and_gradcheck():
    rng = np.random.default_rng(0)
    a, b = random_boxes(rng, 30), random_boxes(rng, 30)
    loss = giou_loss(torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_allclose(loss, 1 - np.diag(generalized_iou(a, b)), atol=1e-12)
    given = torch.tensor(a[:5], requires_grad=True), torch.tensor(b[:5], requires_grad=True)
    assert torch.autograd.gradcheck(giou_loss, given)


def test_giou_loss_pulls_boxes_together_that_share_nothing():
    a = torch.tensor([[0.0, 0, 4, 4]], requires_grad=True)
    giou_loss(a, torch.tensor([[10.0, 0, 14, 4]])).sum().backward()
    assert a.grad[0, 2] < 0  # its right side should grow
    assert iou(a.detach().numpy(), np.array([[10.0, 0, 14, 4]]))[0, 0] == 0


def test_decoding_scores_by_both_chances_and_applies_nms_by_class():
    outputs = torch.full((1, 8, 8, 9), -20.0)
    for column, objectness, c in ((3, 2.0, 0), (4, 1.0, 0), (5, 0.5, 1)):
        outputs[0, 3, column, 0] = objectness
        outputs[0, 3, column, 1:5] = torch.tensor([0.0, 0.0, 0.0, 0.0])
        outputs[0, 3, column, 5 + c] = 5.0
    (found,) = decode(outputs, CONFIG, threshold=0.3)
    assert found.classes.tolist() == [0, 1]
    chance = float(torch.tensor(2.0).sigmoid() * torch.tensor([5.0, -20, -20, -20]).softmax(0)[0])
    assert found.scores[0] == pytest.approx(chance, abs=1e-6)
    assert len(decode(outputs, CONFIG, threshold=0.9)[0].boxes) == 3
    assert len(decode(outputs, CONFIG, min_score=0.0, threshold=1.0)[0].boxes) == 64


def test_it_learns_one_scene_by_heart():
    generator = torch.Generator().manual_seed(0)
    net = Detector(CONFIG, generator=generator)
    x, goal = torch.rand(2, 1, 64, 64, generator=generator), targets()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    first = float(detection_loss(net(x), goal, CONFIG).detach())
    for _ in range(60):
        optimizer.zero_grad()
        loss = detection_loss(net(x), goal, CONFIG)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.2 * first


def test_before_training_cells_say_that_nothing_is_there_of_the_typical_side():
    net = Detector(DetectorConfig(), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        outputs = net(torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1)))
    assert outputs[..., 0].sigmoid().mean() < 0.15
    sides = cell_boxes(outputs, net.config)[..., 2:] - cell_boxes(outputs, net.config)[..., :2]
    assert 10 < sides.mean() < 30


def test_yolo_has_its_published_layers_and_output():
    with torch.device("meta"):
        net = YOLO()
        assert net(torch.zeros(1, 3, 448, 448)).shape == (1, 7, 7, 30)
    assert sum(isinstance(layer, nn.Conv2d) for layer in net.modules()) == 24
    assert sum(isinstance(layer, nn.Linear) for layer in net.modules()) == 2
    assert n_params(net) == 271_703_550  # by hand: 24 kernels with biases, 50,176 x 4,096 and 4,096 x 1,470


def test_yolo_gives_98_boxes_that_lie_where_its_cells_say():
    outputs = torch.zeros(1, CELLS, CELLS, N_NUMBERS)
    outputs[0, 2, 5, 5:10] = torch.tensor([0.5, 0.25, 0.5, 0.25, 0.8])
    outputs[0, 2, 5, 10 + 7] = 0.9
    (found,) = decode_yolo(outputs, threshold=1.0)
    assert isinstance(found, Detections)
    assert len(found.boxes) == 98
    assert found.classes[0] == 7
    assert found.scores[0] == pytest.approx(0.72, abs=1e-6)
    x, y, half_width, half_height = 64 * 5.5, 64 * 2.25, 448 / 8, 448 / 32
    around = [x - half_width, y - half_height, x + half_width, y + half_height]
    np.testing.assert_allclose(found.boxes[0], around, atol=1e-4)
    assert len(decode_yolo(outputs, min_score=0.5)[0].boxes) == 1


def test_a_sigmoid_before_the_loss_is_a_second_one():
    """Twice through a sigmoid no chance is below a half: what is nowhere cannot be said."""
    outputs = torch.full((4,), -9.0)
    once, twice = (F.binary_cross_entropy_with_logits(x, torch.zeros(4)) for x in (outputs, outputs.sigmoid()))
    assert once < 1e-3
    assert twice > np.log(2)


def test_yolo_refuses_what_is_no_picture_of_its_size():
    with torch.device("meta"):
        net = YOLO()
        for images in (torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 448, 448), torch.zeros(0, 3, 448, 448)):
            with pytest.raises(ValueError, match="images must be 3 by 448 by 448"):
                net(images)
