import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kit.compress.distill import distillation_loss, smoothed, soft_loss, taught_by
from kit.text.packing import IGNORE_INDEX


def logits(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("t", [0.5, 1.0, 4.0])
def test_soft_loss_matches_its_closed_form(t):
    student, teacher = logits(5, 7), logits(5, 7, seed=1)
    p, q = (teacher / t).softmax(1), (student / t).softmax(1)
    expected = t**2 * (p * (p.log() - q.log())).sum() / 5
    torch.testing.assert_close(soft_loss(student, teacher, temperature=t), expected, rtol=1e-12, atol=1e-12)


def test_soft_loss_matches_torch_and_its_default_is_smaller_by_the_number_of_classes():
    student, teacher = logits(5, 7), logits(5, 7, seed=1)
    given = (student / 2).log_softmax(1), (teacher / 2).softmax(1)
    ours = soft_loss(student, teacher, temperature=2.0)
    torch.testing.assert_close(ours, 4 * nn.KLDivLoss(reduction="batchmean")(*given), rtol=1e-12, atol=1e-12)
    per_number = 4 * (given[1] * (given[1].log() - given[0])).sum() / (5 * 7)  # what reduction="mean" does
    torch.testing.assert_close(ours, 7 * per_number, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("t", [1.0, 3.0])
def test_the_gradient_is_t_times_the_gap_of_the_chances(t):
    student, teacher = logits(4, 3).requires_grad_(), logits(4, 3, seed=1)
    soft_loss(student, teacher, temperature=t).backward()
    expected = t * ((student / t).softmax(1) - (teacher / t).softmax(1)) / 4
    torch.testing.assert_close(student.grad, expected.detach(), rtol=1e-12, atol=1e-12)


def test_t_squared_keeps_the_gradient_where_it_is_at_high_temperatures():
    """Hinton's limit: the mean gap of logits that are centred, over the number of classes."""
    student, teacher = logits(1, 5).requires_grad_(), logits(1, 5, seed=1)
    soft_loss(student, teacher, temperature=1e4).backward()
    gap = student - teacher
    torch.testing.assert_close(student.grad, ((gap - gap.mean()) / 5).detach(), rtol=1e-3, atol=1e-5)


def test_soft_loss_gradcheck():
    teacher = logits(3, 4, seed=1)
    assert torch.autograd.gradcheck(lambda x: soft_loss(x, teacher, temperature=2.0), logits(3, 4).requires_grad_())


def test_a_student_that_agrees_pays_nothing_and_others_pay():
    same = logits(4, 6)
    assert abs(soft_loss(same, same + 3.0, temperature=2.0)) < 1e-12  # logits may all be moved alike
    assert soft_loss(same, -same, temperature=2.0) > 0


def test_distillation_loss_mixes_by_its_weight_and_ignores_what_does_not_count():
    student, teacher, targets = (
        logits(6, 4),
        logits(6, 4, seed=1),
        torch.tensor([0, 3, IGNORE_INDEX, 1, 2, IGNORE_INDEX]),
    )
    counts = targets != IGNORE_INDEX
    soft = soft_loss(student[counts], teacher[counts], temperature=3.0)
    hard = F.cross_entropy(student[counts], targets[counts])
    for weight in (0.0, 0.3, 1.0):
        found = distillation_loss(student, teacher, targets, temperature=3.0, weight=weight)
        torch.testing.assert_close(found, weight * soft + (1 - weight) * hard, rtol=1e-12, atol=1e-12)


def test_float16_logits_are_summed_in_float32():
    assert soft_loss(logits(2, 3).half(), logits(2, 3, seed=1).half(), temperature=1.0).dtype == torch.float32


class Words(nn.Module):
    """Gives each of some words logits, with dropout in training."""

    def __init__(self, seed: int):
        super().__init__()
        self.table = nn.Embedding(9, 9)
        self.table.weight.data = logits(9, 9, seed=seed)
        self.dropout = nn.Dropout(0.5)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.table(ids))


def test_a_teacher_answers_in_evaluation_mode_is_left_as_it_was_and_learns_nothing():
    student, teacher = Words(0).eval(), Words(1).train()
    ids, targets = torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, IGNORE_INDEX]])
    loss = taught_by(teacher, temperature=2.0, weight=0.5)(student, (ids, targets))
    expected = distillation_loss(student(ids)[0], teacher.eval()(ids)[0], targets[0], temperature=2.0, weight=0.5)
    torch.testing.assert_close(loss, expected)
    teacher.train()
    taught_by(teacher)(student, (ids, targets)).backward()
    assert teacher.training
    assert teacher.table.weight.grad is None
    assert student.table.weight.grad is not None


def test_smoothed_matches_torch_and_spreads_a_share_over_all_classes():
    model, ids, targets = Words(0).eval(), torch.tensor([[1, 2]]), torch.tensor([[2, IGNORE_INDEX]])
    found = smoothed(0.2)(model, (ids, targets))
    chances = model(ids)[0, 0].log_softmax(0)
    torch.testing.assert_close(found, -0.8 * chances[2] - 0.2 * chances.mean(), rtol=1e-12, atol=1e-12)
    plain = smoothed(0.0)(model, (ids, targets)).item()
    assert math.isclose(plain, -chances[2].item(), rel_tol=1e-12)
