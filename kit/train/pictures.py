"""Train a network on labelled pictures, by SGD with momentum; the training pictures, and they alone, are augmented.

    fit_pictures(model, images, labels, n_steps=300, lr=0.1, rng=rng, augment=partial(augment, max_move=2.0))
    accuracy(model, test_images, test_labels)

The recipe is that of the ResNet paper: momentum 0.9, weight decay 0.0001; here the rate falls by a cosine.

Taught in: 12
"""

import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from kit.arguments import count, function, instance, integer_array, real, real_array, shown
from kit.blocks.modes import modes_kept
from kit.learn.pictures import mnist
from kit.learn.schedules import cosine
from kit.learn.training import minibatches

Pictures = Float[np.ndarray, "n height width"]
Augment = Callable[..., Pictures]
"""From pictures, and a generator as `rng`, to as many pictures, moved by chance."""


@cache
def digits(size: int = 28) -> tuple[Pictures, Int[np.ndarray, "n"]]:
    """Give the 5,000 digits of MNIST in grey values from 0 to 1, made smaller by averaging, and their labels.

    Args:
        size: 28, 14 or 7 pixels a side.

    Raises:
        ValueError: if `size` is another.

    >>> digits(14)[0].shape
    (5000, 14, 14)
    """
    if size not in (28, 14, 7):
        raise ValueError(f"size must be 28, 14 or 7, got {shown(size)}")
    by = 28 // size
    images = mnist().images.reshape(-1, size, by, size, by).mean(axis=(2, 4)) / 255
    images.setflags(write=False)
    return images, mnist().labels


def as_batch(images: Pictures, model: nn.Module) -> Float[Tensor, "n 1 height width"]:
    """Bring pictures of one channel to where a model is, in its dtype.

    Raises:
        TypeError, ValueError: if `images` is no array of pictures, or `model` no module.
    """
    images = real_array("images", images, ndim=3)
    instance("model", model, nn.Module)
    weight = next(model.parameters())
    return torch.tensor(images, dtype=weight.dtype, device=weight.device).unsqueeze(1)


def steps(
    model: nn.Module,
    images: Pictures,
    labels: Shaped[np.ndarray, "n"],
    *,
    n_steps: int,
    lr: float,
    rng: np.random.Generator,
    batch_size: int = 50,
    momentum: float = 0.9,
    weight_decay: float = 1e-4,
    augment: Augment | None = None,
) -> Iterator[float]:
    """Train step by step: each value asked for takes one step, and is the loss of its batch before it.

    Args:
        lr: the highest rate, with which training begins.
        rng: draws the batches, and the moves of an augmentation.
        augment: is given each batch's pictures, and draws them anew; None leaves them as they are.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind or out of range, or there is not a label for
            each picture.
    """
    images, labels = real_array("images", images, ndim=3), integer_array("labels", labels)
    if labels.shape != (len(images),):
        raise ValueError(f"labels must be one for each of {len(images)} pictures, got shape {labels.shape}")
    n_steps, lr = count("n_steps", n_steps), real("lr", lr, at_least=0)
    instance("model", model, nn.Module)
    batches = minibatches(len(images), batch_size=batch_size, rng=rng)
    momentum = real("momentum", momentum, at_least=0, below=1)
    weight_decay = real("weight_decay", weight_decay, at_least=0)
    if augment is not None:
        function("augment", augment)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)
    rate = cosine(lr, n_steps=n_steps)

    def go() -> Iterator[float]:
        for step in range(n_steps):
            rows = next(batches)
            batch = images[rows] if augment is None else augment(images[rows], rng=rng)
            model.train()
            optimizer.param_groups[0]["lr"] = rate(step)
            x = as_batch(batch, model)
            loss = F.cross_entropy(model(x), torch.tensor(labels[rows], device=x.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.item()

    return go()  # the checks above run now; those of a generator would wait for its first value


def fit_pictures(
    model: nn.Module,
    images: Pictures,
    labels: Shaped[np.ndarray, "n"],
    *,
    n_steps: int,
    lr: float,
    rng: np.random.Generator,
    batch_size: int = 50,
    momentum: float = 0.9,
    weight_decay: float = 1e-4,
    augment: Augment | None = None,
) -> Float[np.ndarray, "steps"]:
    """Take all the steps of `steps`, or those up to a loss that is not finite; leave the model in evaluation mode.

    Returns:
        The loss of each step.

    Raises:
        TypeError, ValueError: as `steps`.
    """
    how = {"momentum": momentum, "weight_decay": weight_decay, "augment": augment, "batch_size": batch_size}
    losses = []
    for loss in steps(model, images, labels, n_steps=n_steps, lr=lr, rng=rng, **how):  # type: ignore[arg-type]
        losses.append(loss)
        if not math.isfinite(loss):
            break
    model.eval()
    return np.array(losses)


@torch.no_grad()
def predict(model: nn.Module, images: Pictures, *, batch_size: int = 500) -> Int[np.ndarray, "n"]:
    """Give the class of the highest logit for each picture, in evaluation mode.

    Raises:
        TypeError, ValueError: if `images` is no array of pictures, `model` no module, or `batch_size` < 1.
    """
    instance("model", model, nn.Module)
    images, batch_size = real_array("images", images, ndim=3), count("batch_size", batch_size)
    parts = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
    with modes_kept(model):
        model.eval()
        classes = [model(as_batch(part, model)).argmax(dim=1) for part in parts]
    return torch.cat(classes).cpu().numpy()


def gradient_norms(model: nn.Module, images: Pictures, labels: Shaped[np.ndarray, "n"]) -> dict[str, float]:
    """Measure the length of the loss's gradient at the weights of each convolution and linear layer, in their order.

    Raises:
        TypeError, ValueError: if `model` is no module, or there are not pictures with a label each.
    """
    instance("model", model, nn.Module)
    images, labels = real_array("images", images, ndim=3), integer_array("labels", labels)
    if labels.shape != (len(images),):
        raise ValueError(f"labels must be one for each of {len(images)} pictures, got shape {labels.shape}")
    layers = {name: part for name, part in model.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)}
    batch = as_batch(images, model)
    with torch.enable_grad():
        loss = F.cross_entropy(model(batch), torch.tensor(labels, device=batch.device))
        gradients = torch.autograd.grad(loss, [layer.weight for layer in layers.values()])
    return {name: float(gradient.double().norm()) for name, gradient in zip(layers, gradients, strict=True)}
