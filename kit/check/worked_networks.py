"""The way to each answer of notebooks 04 and 18, as `kit.check.worked` gives it for the others.

Taught in: every notebook
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kit.check.worked import Steps
from kit.learn.class_losses import softmax

# A network with one hidden layer ---------------------------------------------------------------------


def _count(n_inputs, n_hidden, n_outputs) -> Steps:
    hidden, last = n_hidden * (n_inputs + 1), n_outputs * (n_hidden + 1)
    return [
        ("the hidden layer: a weight for each input and a bias, for each unit", hidden),
        ("the last layer: a weight for each unit and a bias, for each logit", last),
        ("both layers", hidden + last),
    ]


def _forward(x, w1, b1, w2, b2) -> Steps:
    sums = x @ w1 + b1
    steps = [("the hidden sums, with b1", sums), ("the hidden units, tanh of these", np.tanh(sums))]
    return [*steps, ("the logits, the units times w2, with b2", np.tanh(sums) @ w2 + b2)]


def _gradient(x, y, w1, b1, w2, b2) -> Steps:
    h = np.tanh(x @ w1 + b1)
    error = (softmax(h @ w2 + b2) - np.eye(len(b2))[y]) / len(x)
    last = h.T @ error, error.sum(axis=0)
    back = error @ w2.T * (1 - h**2)
    return [
        ("the error of the logits: probabilities less 1 at each row's class, by the number of rows", error),
        ("the gradients of w2, by the hidden units, and of b2, a sum over rows", last),
        ("the error sent back through w2, times the slope of tanh, 1 - h²", back),
        (
            "the gradients of w1 and b1 from it in the same way, and then those two",
            (x.T @ back, back.sum(axis=0), *last),
        ),
    ]


def _training_loop(network, x, y, start, lr, n_steps) -> Steps:
    objective, point, losses = network.objective(x, y), start, []
    points = []
    for _ in range(n_steps):
        loss, gradient = objective(point)
        point = point - lr * gradient
        losses.append(loss)
        points.append(point)
    return [
        ("the loss at the start, recorded before the first step", losses[0]),
        ("the point after it: the start, less lr times its gradient", points[0]),
        ("the loss there, recorded before the second step", losses[1]),
        ("the point after the last step, and the losses, one a step", (point, losses)),
    ]


def _torch_loop(model, x, y, lr, n_steps) -> Steps:
    bias = list(model.parameters())[-1]
    losses, slopes, biases = [], [], []
    for _ in range(n_steps):
        model.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= lr * parameter.grad
        losses.append(loss.item())
        slopes.append(bias.grad.clone())
        biases.append(bias.detach().clone())
    return [
        ("the cross-entropy of the model's logits, recorded before the first step", losses[0]),
        ("what backward then finds, the old gradients cleared: that of the last bias", slopes[0]),
        ("what the optimiser's step makes of that bias", biases[0]),
        ("the losses, one before each step", losses),
    ]


def _fewest(accuracy, sizes, seeds, goal) -> Steps:
    means = np.array([np.mean([accuracy(n, seed) for seed in seeds]) for n in sizes])
    steps = [("each size's mean accuracy over seeds", means), ("where it is the goal or more", means >= goal)]
    return [*steps, ("the first size of these", sizes[int((means >= goal).argmax())])]


# A GPT -----------------------------------------------------------------------------------------------


def _heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(0, 1)


def _split(x, n_heads) -> Steps:
    return [
        ("the width of a head, d_model by n_heads", x.shape[-1] // n_heads),
        ("each row cut into runs of that width: time, heads, d_head", x.unflatten(-1, (n_heads, -1))),
        ("the first two axes turned: heads, time, d_head", _heads(x, n_heads)),
    ]


def _attention(x, w_qkv, b_qkv, w_out, b_out, n_heads) -> Steps:
    q, k, v = (_heads(part, n_heads) for part in (x @ w_qkv.T + b_qkv).chunk(3, dim=-1))
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
    hidden = scores.masked_fill(torch.ones_like(scores).tril() == 0, -math.inf)
    joined = (hidden.softmax(-1) @ v).transpose(0, 1).flatten(1)
    return [
        ("q, k and v, thirds of what w_qkv and b_qkv make of x, each split into heads", (q, k, v)),
        ("each head's scores by √d_head, -inf above the diagonal", hidden),
        ("softmax of each row", hidden.softmax(-1)),
        ("the values under these, the heads side by side again, a row a token", joined),
        ("the output projection of that", joined @ w_out.T + b_out),
    ]


def _linear(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])


def _block(x, weights, n_heads) -> Steps:
    read = _norm(x, weights, "attention_norm")
    w_qkv, b_qkv, w_out, b_out = (
        weights[f"attention.{name}"] for name in ("qkv.weight", "qkv.bias", "out.weight", "out.bias")
    )
    middle = x + _attention(read, w_qkv, b_qkv, w_out, b_out, n_heads)[-1][1]
    read_again = _norm(middle, weights, "feed_forward_norm")
    bent = F.gelu(_linear(read_again, weights, "feed_forward.up"), approximate="tanh")
    return [
        ("x, normalised by attention_norm", read),
        ("x and what attention makes of that", middle),
        ("this sum, normalised by feed_forward_norm", read_again),
        ("that through up, bent by GELU's tanh formula", bent),
        ("the sum, and what down makes of the bent", middle + _linear(bent, weights, "feed_forward.down")),
    ]


def _gpt(ids, weights, n_heads) -> Steps:
    x = weights["token_embedding.weight"][ids] + weights["position_embedding.weight"][: len(ids)]
    states = [x]
    for i in range(len({name.split(".")[1] for name in weights if name.startswith("blocks.")})):
        own = {name.removeprefix(f"blocks.{i}."): w for name, w in weights.items() if name.startswith(f"blocks.{i}.")}
        states.append(_block(states[-1], own, n_heads)[-1][1])
    normed = _norm(states[-1], weights, "final_norm")
    return [
        ("each token's embedding and that of its position, from 0", x),
        ("after the first block", states[1]),
        ("after the last, each with its own weights", states[-1]),
        ("normalised by final_norm", normed),
        ("the logits, a row a token, by the head", normed @ weights["head.weight"].T),
    ]


def _step(logits_of, w, ids, lr) -> Steps:
    leaf = w.clone().requires_grad_()
    loss = F.cross_entropy(logits_of(leaf)[:-1], ids[1:])
    (gradient,) = torch.autograd.grad(loss, leaf)
    return [
        ("the targets, for every place but the last: the next token", ids[1:]),
        ("the mean cross-entropy of these places' logits", loss.detach()),
        ("its gradient in w", gradient),
        ("the loss, and w less lr times the gradient", (loss.detach(), w - lr * gradient)),
    ]


def _top_p(logits, p) -> Steps:
    chances = logits.softmax(-1)
    ranked, order = chances.sort(descending=True, stable=True)
    before = ranked.cumsum(-1) - ranked
    kept = torch.zeros_like(chances).scatter(0, order, ranked * (before < p))
    return [
        ("the chances", chances),
        ("likeliest first", ranked),
        ("what those likelier hold together, for each", before),
        ("the chances where that is below p, each in its token's place, 0 elsewhere", kept),
        ("each of these by their sum", kept / kept.sum()),
    ]


def _cached(x, past_k, past_v, w_qkv, b_qkv, w_out, b_out) -> Steps:
    new = [part.view(len(past_k), 1, -1) for part in (w_qkv @ x + b_qkv).chunk(3)]
    k, v = torch.cat([past_k, new[1]], dim=1), torch.cat([past_v, new[2]], dim=1)
    shares = (new[0] @ k.transpose(1, 2) / math.sqrt(k.shape[-1])).softmax(-1)
    found = (shares @ v).flatten()
    return [
        ("the new token's q, k and v, a row a head", tuple(new)),
        ("the cache of keys and that of values, the new row last", (k, v)),
        ("softmax of the scores by √d_head, over all keys", shares),
        ("the values under these, the heads side by side", found),
        ("the output projection of that, and both caches", (w_out @ found + b_out, k, v)),
    ]


STEPS: dict[str, Callable[..., Steps]] = {
    "the number of parameters": _count,
    "the forward pass of a hidden layer": _forward,
    "the gradient of a hidden layer": _gradient,
    "a training loop": _training_loop,
    "the training loop in torch": _torch_loop,
    "an experiment: the fewest hidden units": _fewest,
    "heads split": _split,
    "causal self-attention, whole": _attention,
    "a block, whole": _block,
    "one training step": _step,
    "top-p": _top_p,
    "a cached step": _cached,
    "your GPT against the kit's": _gpt,
}
