"""The exercises of notebook 21: packing, loss masking, LoRA and its merge, two heads, and the labels saved.

Taught in: 21
"""

import numpy as np

from kit.check.exercise import Exercise, Mistake
from kit.text.packing import IGNORE_INDEX, pack


def _masked(ids: np.ndarray, n_prompt: int, *, first: int, last: int = IGNORE_INDEX) -> np.ndarray:
    """Give the next tokens as targets, those before the place `first` ignored, the last one as given."""
    targets = np.append(ids[1:], last)
    targets[: max(0, first)] = IGNORE_INDEX
    return targets


answer_targets = Exercise(
    notebook="21",
    name="learn the answer alone",
    solution=lambda ids, n_prompt: _masked(ids, n_prompt, first=n_prompt - 1),
    cases=((np.array([7, 3, 9, 4, 5, 2]), 3), (np.array([8, 6, 1, 1, 4]), 1)),
    mistakes=(
        Mistake(
            hint="The first token of the answer is never learned. Its guess is made at the last token of the "
            "prompt, place n_prompt - 1.",
            answer=lambda ids, n_prompt: _masked(ids, n_prompt, first=n_prompt),
        ),
        Mistake(
            hint="Each token is its own target, so the model learns to repeat what it reads. The target is the next.",
            answer=lambda ids, n_prompt: np.where(np.arange(len(ids)) < n_prompt, IGNORE_INDEX, ids),
        ),
        Mistake(
            hint="Nothing is ignored but the last place: the model also learns to write prompts.",
            answer=lambda ids, n_prompt: _masked(ids, n_prompt, first=0),
        ),
        Mistake(
            hint="The last token has no next. Its target is IGNORE_INDEX, not the first token: np.roll goes round.",
            answer=lambda ids, n_prompt: _masked(ids, n_prompt, first=n_prompt - 1, last=int(ids[0])),
        ),
        Mistake(
            hint="0 is the id of a word, and would be learned. What is not to be learned gets IGNORE_INDEX, -100.",
            answer=lambda ids, n_prompt: np.maximum(_masked(ids, n_prompt, first=n_prompt - 1), 0),
        ),
        Mistake(
            hint="You ignore the answer and learn the prompt. It is the other way round.",
            answer=lambda ids, n_prompt: np.append(
                np.where(np.arange(1, len(ids)) < n_prompt, ids[1:], IGNORE_INDEX), -100
            ),
        ),
    ),
)


def _rows(documents: tuple[list[int], ...], length: int, end: int, *, ends: str = "after", last: str = "filled"):
    """Pack as learners do: the end token after each, between, or nowhere; the last row filled or dropped."""
    stream = [token for document in documents for token in ([*document] if ends == "none" else [*document, end])]
    stream = stream[:-1] if ends == "between" else stream
    n_rows = {"dropped": 0, "one more": 1}.get(last, len(stream) % length > 0) + len(stream) // length
    stream = (stream + [end] * length)[: n_rows * length]
    return np.array(stream).reshape(n_rows, length)


def _a_row_each(documents: tuple[list[int], ...], length: int, end: int) -> np.ndarray:
    return np.array([([*document, end] + [end] * length)[:length] for document in documents])


packing = Exercise(
    notebook="21",
    name="pack rows",
    solution=lambda documents, length, end: pack(documents, length=length, end=end),
    cases=(
        (([5, 6, 7], [8], [9, 4, 3, 2]), 4, 0),
        (([1, 2], [3, 4, 5]), 3, 9),
        (([5, 6, 7], [4]), 6, 0),
        (([1, 2],), 3, 7),
    ),
    mistakes=(
        Mistake(
            hint="No end tokens: where one document stops and the next begins, nobody can tell.",
            answer=lambda documents, length, end: _rows(documents, length, end, ends="none"),
        ),
        Mistake(
            hint="Where the last row is full, you added one of end tokens alone. Fill up by -len(stream) % length.",
            answer=lambda documents, length, end: _rows(documents, length, end, last="one more"),
        ),
        Mistake(
            hint="The last row is lost, and what stood in it is never learned. Fill it up with end tokens.",
            answer=lambda documents, length, end: _rows(documents, length, end, last="dropped"),
        ),
        Mistake(
            hint="You gave each document a row of its own: long ones are cut off, short ones mostly filling. "
            "Chain them first, then cut.",
            answer=_a_row_each,
        ),
    ),
)


def _lora(x, w, a, b, alpha, *, scale=None):
    return x @ w.T + (alpha / len(a) if scale is None else scale) * (x @ a.T) @ b.T


_rng = np.random.default_rng(0)
_W, _A, _B, _X = (_rng.normal(size=shape) for shape in ((4, 6), (2, 6), (4, 2), (3, 6)))
_SQUARE = tuple(_rng.normal(size=shape) for shape in ((5, 3), (3, 3), (1, 3), (3, 1)))

lora_forward = Exercise(
    notebook="21",
    name="LoRA, forward",
    solution=_lora,
    cases=((_X, _W, _A, _B, 6.0), (*_SQUARE, 2.0), (_X, _W, _A, _B, 3.0)),
    mistakes=(
        Mistake(
            hint="The scale is missing: multiply what the pair adds by alpha / r, where r is the number of rows of a.",
            answer=lambda x, w, a, b, alpha: _lora(x, w, a, b, alpha, scale=1),
        ),
        Mistake(
            hint="You scaled by alpha alone. Divide it by r, or the learning rate would have to change with the rank.",
            answer=lambda x, w, a, b, alpha: _lora(x, w, a, b, alpha, scale=alpha),
        ),
        Mistake(
            hint="The scale is upside down: alpha / r, not r / alpha.",
            answer=lambda x, w, a, b, alpha: _lora(x, w, a, b, alpha, scale=len(a) / alpha),
        ),
        Mistake(
            hint="That is the pair alone. The frozen matrix works on: add x @ w.T.",
            answer=lambda x, w, a, b, alpha: alpha / len(a) * (x @ a.T) @ b.T,
        ),
        Mistake(
            hint="You scaled the frozen matrix too. Only what the pair adds is scaled.",
            answer=lambda x, w, a, b, alpha: alpha / len(a) * _lora(x, w, a, b, alpha, scale=1),
        ),
        Mistake(
            hint="You divided by the width of the input. r is the rank, the number of rows of a.",
            answer=lambda x, w, a, b, alpha: _lora(x, w, a, b, alpha, scale=alpha / x.shape[1]),
        ),
    ),
)

lora_merge = Exercise(
    notebook="21",
    name="LoRA, merged",
    solution=lambda w, a, b, alpha: w + alpha / len(a) * b @ a,
    cases=((_W, _A, _B, 6.0), (_SQUARE[1], _SQUARE[2], _SQUARE[3], 2.0), (_W, _A, _B, 3.0)),
    mistakes=(
        Mistake(
            hint="The scale is missing: alpha / r, as in the forward pass.",
            answer=lambda w, a, b, alpha: w + b @ a,
        ),
        Mistake(
            hint="That is what is added. The merged matrix is w plus it.",
            answer=lambda w, a, b, alpha: alpha / len(a) * b @ a,
        ),
        Mistake(
            hint="You subtracted: that takes a merged pair out again.",
            answer=lambda w, a, b, alpha: w - alpha / len(a) * b @ a,
        ),
        Mistake(
            hint="You scaled w as well. Brackets: w + (alpha / r) · (b @ a).",
            answer=lambda w, a, b, alpha: alpha / len(a) * (w + b @ a),
        ),
        Mistake(
            hint="You scaled by alpha alone. Divide it by r.",
            answer=lambda w, a, b, alpha: w + alpha * b @ a,
        ),
    ),
)

_STATES = np.random.default_rng(1).normal(size=(3, 5, 2))
_PRESENT = np.arange(5) < np.array([[2], [5], [3]])

last_states = Exercise(
    notebook="21",
    name="the state to classify by",
    solution=lambda states, present: states[np.arange(len(states)), present.sum(axis=1) - 1],
    cases=((_STATES, _PRESENT), (_STATES[:2] * 3, _PRESENT[[2, 0]])),
    mistakes=(
        Mistake(
            hint="In short texts that is the state of the padding. Take the last real token: present.sum(axis=1) - 1.",
            answer=lambda states, present: states[:, -1],
        ),
        Mistake(
            hint="The first token has seen nothing but itself, for no token sees the future. The last real one has "
            "seen all. Reading the first is right in BERT, which looks both ways.",
            answer=lambda states, present: states[:, 0],
        ),
        Mistake(
            hint="A mean over the row also averages the padding, and most tokens have not seen the end.",
            answer=lambda states, present: states.mean(axis=1),
        ),
        Mistake(
            hint="A mean over the real tokens is a choice that people make, but here read the one token that has "
            "seen the whole text: the last real one.",
            answer=lambda states, present: (
                (states * present[:, :, None]).sum(axis=1) / present.sum(axis=1, keepdims=True)
            ),
        ),
        Mistake(
            hint="One place too early: the last of n tokens is at n - 1.",
            answer=lambda states, present: states[np.arange(len(states)), present.sum(axis=1) - 2],
        ),
    ),
)


def _best_span(start: np.ndarray, end: np.ndarray, *, at_least=0, combine=np.add, latest=False) -> np.ndarray:
    n = len(start)
    scores = combine(start[:, None], end[None, :])
    scores = np.where(np.arange(n)[None, :] - np.arange(n)[:, None] >= at_least, scores, -np.inf)
    place = scores.size - 1 - scores.ravel()[::-1].argmax() if latest else scores.argmax()
    return np.array(np.unravel_index(place, scores.shape))


def _from(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    i = int(start.argmax())
    return np.array([i, i + int(end[i:].argmax())])


def _back_from(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    j = int(end.argmax())
    return np.array([int(start[: j + 1].argmax()), j])


best_span = Exercise(
    notebook="21",
    name="the best span",
    solution=_best_span,
    cases=(
        # the best start stands after the best end; neither may be kept
        (np.array([1.0, 0.5, 2.0, 4.0, -9.0]), np.array([0.0, 4.5, 0.0, -5.0, -8.0])),
        (np.array([-1.0, 2.5, 3.0, 0.0]), np.array([0.5, -1.0, 2.0, 1.0])),
        (np.array([0.5, 6.0, 0.0]), np.array([9.0, 1.0, 4.0])),
        (np.array([-3.0, -2.0, -5.0]), np.array([-4.0, -1.0, -2.0])),
        # three pairs have the largest sum
        (np.array([0.0, 2.0, 1.0, 2.0]), np.array([0.0, -1.0, 0.0, 0.0])),
    ),
    mistakes=(
        Mistake(
            hint="The answer may end before it starts. Choose the pair together, with j >= i.",
            answer=lambda start, end: np.array([start.argmax(), end.argmax()]),
        ),
        Mistake(
            hint="You kept the best start, and looked for an end after it. A slightly worse start may have a much "
            "better end: choose the pair.",
            answer=_from,
        ),
        Mistake(
            hint="You kept the best end, and looked for a start before it. Choose the pair together.",
            answer=_back_from,
        ),
        Mistake(
            hint="An answer may be one token long: the end may equal the start, j >= i.",
            answer=lambda start, end: _best_span(start, end, at_least=1),
        ),
        Mistake(
            hint="Your best begins at 0, and no sum may be above that. Begin at -infinity, or with the first pair.",
            answer=lambda start, end: (
                _best_span(start, end) * (start[(best := _best_span(start, end))[0]] + end[best[1]] > 0)
            ),
        ),
        Mistake(
            hint="The two were swapped where they are not in order. The swapped pair is the best of nothing.",
            answer=lambda start, end: np.sort(np.array([start.argmax(), end.argmax()])),
        ),
        Mistake(
            hint="Several pairs have the largest sum. Of those the answer is the one that begins first, and then the "
            "one that ends first: a later pair must be better to take its place.",
            answer=lambda start, end: _best_span(start, end, latest=True),
        ),
        Mistake(
            hint="Logits are added: they are logarithms, and the product of two negative ones would be large.",
            answer=lambda start, end: _best_span(start, end, combine=np.multiply),
        ),
    ),
)


def _saved(labels, scratch, pretrained, *, target=None, per_label=None) -> float:
    target = scratch.mean(axis=0)[-1] if target is None else target
    means = pretrained.mean(axis=0) if per_label is None else per_label
    return float(labels[-1] / labels[int(np.argmax(means >= target))])


_LABELS = np.array([16, 32, 64, 128, 256, 512])
_NOISE = np.random.default_rng(2).normal(size=(2, 5, 6)) * 0.03
_SCRATCH = np.array([0.50, 0.51, 0.54, 0.57, 0.62, 0.80]) + _NOISE[0]
_PRETRAINED = np.array([0.52, 0.62, 0.70, 0.78, 0.93, 0.98]) + _NOISE[1]

labels_saved = Exercise(
    notebook="21",
    name="an experiment: labels saved",
    solution=_saved,
    cases=(
        (_LABELS, _SCRATCH, _PRETRAINED),
        (np.array([8, 32, 128]), _SCRATCH[:, [0, 2, 4]], _PRETRAINED[:, [0, 1, 4]]),
        # just as high is high enough, and the ratio is no whole number
        (
            np.array([10, 15, 20, 50]),
            np.array([[0.25, 0.5, 0.5, 0.75], [0.25, 0.5, 0.5, 0.25]]),
            np.array([[0.25, 0.5, 1.0, 1.0]] * 2),
        ),
        # a lucky seed reaches the target early, an unlucky one late
        (
            np.array([1, 2, 4, 8]),
            np.array([[0.1, 0.2, 0.3, 0.5]] * 2),
            np.array([[0.2, 0.25, 0.45, 0.9], [0.2, 0.55, 0.67, 0.9]]),
        ),
    ),
    mistakes=(
        Mistake(
            hint="Your target is a mean over all numbers of labels. Take the last column alone: the most labels.",
            answer=lambda labels, scratch, pretrained: _saved(labels, scratch, pretrained, target=scratch.mean()),
        ),
        Mistake(
            hint="You judge by the luckiest seed. Take the mean over the seeds, the rows.",
            answer=lambda labels, scratch, pretrained: _saved(
                labels, scratch, pretrained, target=scratch.max(axis=0)[-1], per_label=pretrained.max(axis=0)
            ),
        ),
        Mistake(
            hint="You took the number of labels whose mean lies nearest to the target. The smallest with which it is "
            "at least as high is asked for.",
            answer=lambda labels, scratch, pretrained: float(
                labels[-1] / labels[int(np.abs(pretrained.mean(axis=0) - scratch.mean(axis=0)[-1]).argmin())]
            ),
        ),
        Mistake(
            hint="You went by the worst seed. Take the mean over the seeds, the rows.",
            answer=lambda labels, scratch, pretrained: _saved(
                labels, scratch, pretrained, target=scratch.min(axis=0)[-1], per_label=pretrained.min(axis=0)
            ),
        ),
        Mistake(
            hint="The target is a mean, but you went by the worst pre-trained seed. Take means on both sides.",
            answer=lambda labels, scratch, pretrained: _saved(
                labels, scratch, pretrained, per_label=pretrained.min(axis=0)
            ),
        ),
        Mistake(
            hint="The target is a mean, but you let the luckiest pre-trained seed reach it. Take means on both sides.",
            answer=lambda labels, scratch, pretrained: _saved(
                labels, scratch, pretrained, per_label=pretrained.max(axis=0)
            ),
        ),
        Mistake(
            hint="A mean just as high as that from scratch is high enough: at least, >=.",
            answer=lambda labels, scratch, pretrained: float(
                labels[-1] / labels[int(np.argmax(pretrained.mean(axis=0) > scratch.mean(axis=0)[-1]))]
            ),
        ),
        Mistake(
            hint="// throws away what is left over. How many times fewer need not be a whole number: /.",
            answer=lambda labels, scratch, pretrained: float(_saved(labels, scratch, pretrained) // 1),
        ),
        Mistake(
            hint="That is the number of labels that the pre-trained model needs. Divide the largest number by it.",
            answer=lambda labels, scratch, pretrained: float(labels[-1]) / _saved(labels, scratch, pretrained),
        ),
        Mistake(
            hint="That is a difference of labels. How many times fewer is a ratio.",
            answer=lambda labels, scratch, pretrained: (
                float(labels[-1]) - float(labels[-1]) / _saved(labels, scratch, pretrained)
            ),
        ),
        Mistake(
            hint="You compared the two at equal numbers of labels. Hold the accuracy fixed, and compare the labels.",
            answer=lambda labels, scratch, pretrained: float(pretrained.mean(axis=0)[-1] / scratch.mean(axis=0)[-1]),
        ),
        Mistake(
            hint="The ratio is upside down: it should be above 1 if labels are saved.",
            answer=lambda labels, scratch, pretrained: 1 / _saved(labels, scratch, pretrained),
        ),
    ),
)

EXERCISES = (answer_targets, packing, lora_forward, lora_merge, last_states, best_span, labels_saved)
