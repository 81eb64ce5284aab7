"""Distillation: a small model learns from the answers of a large one, beside the labels.

    p  =  softmax(teacher / T)                        soft targets: a temperature T above 1 evens them out
    L  =  w · T² · KL(p ‖ softmax(student / T))  +  (1 - w) · cross-entropy(student, label)

The mean is taken over examples, never over classes. T² makes up for the gradient, which otherwise shrinks by it.

Source: Hinton, Vinyals and Dean (2015), arXiv:1503.02531, section 2; label smoothing, the control: Szegedy and others
(2015), arXiv:1512.00567, section 7.

Taught in: 25
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import instance, integer_tensor, matching_tensors, real, real_tensor
from kit.blocks.modes import modes_kept
from kit.text.packing import IGNORE_INDEX

Loss = Callable[[nn.Module, Any], Tensor]
"""From a model and a batch, (*inputs, targets), to a scalar: what a training loop takes."""


def soft_loss(
    logits: Float[Tensor, "examples classes"], teacher_logits: Float[Tensor, "examples classes"], *, temperature: float
) -> Float[Tensor, ""]:
    """Measure how far a student's soft answers are from its teacher's, in nats for each example, times T².

        L = T² · mean over examples of  Σ p · (log p - log q),   p = softmax(teacher / T), q = softmax(student / T)

    Its gradient at the student's logits is T · (q - p) / examples.

    Raises:
        TypeError: if either is no tensor of real numbers, or `temperature` no number.
        ValueError: if their shapes differ or are no rows of classes, there is no example, or `temperature` <= 0.

    Oracle: torch.nn.KLDivLoss(reduction="batchmean"), times T². Its default would divide by the classes too.

    >>> two = torch.tensor([[0.0, torch.tensor(3.0).log()]])  # a quarter and three quarters, against two halves
    >>> f"{soft_loss(torch.zeros(1, 2), two, temperature=1.0):.4f}"
    '0.1308'
    """
    matching_tensors("teacher_logits", teacher_logits, "logits", logits)
    if logits.ndim != 2 or not logits.numel():
        raise ValueError(f"logits must be rows of classes, got shape {tuple(logits.shape)}")
    t = real("temperature", temperature, above=0)
    wide = torch.promote_types(logits.dtype, torch.float32)  # a sum over classes loses its small terms in 16 bits
    student, teacher = ((each.to(wide) / t).log_softmax(dim=-1) for each in (logits, teacher_logits))
    return t**2 * F.kl_div(student, teacher, log_target=True, reduction="batchmean")


def distillation_loss(
    logits: Float[Tensor, "examples classes"],
    teacher_logits: Float[Tensor, "examples classes"],
    targets: Int[Tensor, "examples"],
    *,
    temperature: float = 2.0,
    weight: float = 0.5,
) -> Float[Tensor, ""]:
    """Mix what the teacher says with what the labels say.

        L = weight · soft_loss + (1 - weight) · cross-entropy

    Args:
        targets: the classes; an example whose target is IGNORE_INDEX counts in neither part.
        weight: of the teacher, from 0 to 1.

    Raises:
        TypeError, ValueError: as `soft_loss`; if `targets` are no whole numbers or not one for each example, none of
            them counts, or `weight` is not from 0 to 1.
    """
    weight = real("weight", weight, at_least=0, at_most=1)
    if integer_tensor("targets", targets).shape != real_tensor("logits", logits).shape[:1]:
        raise ValueError(f"targets must be one for each of {len(logits)} examples, got shape {tuple(targets.shape)}")
    matching_tensors("teacher_logits", teacher_logits, "logits", logits)
    counts = targets != IGNORE_INDEX
    if not counts.any():
        raise ValueError("targets must hold one that counts, got none")
    logits = logits[counts]
    soft = soft_loss(logits, teacher_logits[counts], temperature=temperature)
    hard = F.cross_entropy(logits.to(soft.dtype), targets[counts].long())
    return weight * soft + (1 - weight) * hard


def by_answers(*, temperature: float = 2.0, weight: float = 0.5) -> Loss:
    """Make the loss of a student whose batches bring the teacher's logits along: (*inputs, logits, targets).

    Where pictures stay as they are from epoch to epoch, the teacher need answer each of them only once.

    Raises:
        TypeError: if a number is none.
        ValueError: if `temperature` <= 0, or `weight` is not from 0 to 1.
    """
    temperature = real("temperature", temperature, above=0)
    weight = real("weight", weight, at_least=0, at_most=1)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        *inputs, answers, targets = batch
        logits, answers = (each.flatten(0, -2) for each in (model(*inputs), answers))
        return distillation_loss(logits, answers, targets.flatten(), temperature=temperature, weight=weight)

    return loss


def taught_by(teacher: nn.Module, *, temperature: float = 2.0, weight: float = 0.5) -> Loss:
    """Make the loss of a student whose teacher answers each batch too, in evaluation mode and without a gradient.

    Raises:
        TypeError: if `teacher` is no module, or a number none.
        ValueError: if `temperature` <= 0, or `weight` is not from 0 to 1.
    """
    instance("teacher", teacher, nn.Module)
    compare = by_answers(temperature=temperature, weight=weight)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        *inputs, targets = batch
        with torch.no_grad(), modes_kept(teacher):
            answers = teacher.eval()(*inputs)
        return compare(model, (*inputs, answers, targets))

    return loss


def smoothed(smoothing: float) -> Loss:
    """Make the control's loss: cross-entropy with a share of each label spread evenly over all classes.

    It softens targets as a teacher does, and knows nothing.

    Raises:
        TypeError, ValueError: if `smoothing` is no number from 0 to below 1.

    Oracle: torch.nn.functional.cross_entropy(label_smoothing=...).
    """
    smoothing = real("smoothing", smoothing, at_least=0, below=1)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        *inputs, targets = batch
        logits = model(*inputs).flatten(0, -2)
        return F.cross_entropy(logits, targets.flatten().long(), ignore_index=IGNORE_INDEX, label_smoothing=smoothing)

    return loss
