"""Ways to tune a model that has read, two tasks to tune it for, and what the ways come to in notebook 21.

    TUNING_RATES     two settings of each method, on texts that do not count later
    TUNING_LABELS    each method with 32, 128 and 512 labels, on both tasks, all with the same number of steps
    TUNING_READING   what a model needs for an unseen story, by how much it has read
    AFTER_READING    full tuning with the most labels, by how much the model has read

What labels are worth beside a model that has read nothing: `kit.evidence.labels`.

A repetition draws anew whatever can be drawn: what is read, the first weights, the labels, the head,
the order, and the texts that judge.

Taught in: 21
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Int
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import Tensor, nn

from kit.arguments import count, instance, one_of
from kit.evidence.reading import reader, story_rows
from kit.evidence.store import Experiment, stored
from kit.learn.schedules import cosine, warmup
from kit.models.gpt import GPT
from kit.models.heads import QuestionAnswering, SequenceClassifier, best_span
from kit.text.ngram import count_ngrams
from kit.text.packing import group_by_length, pad
from kit.text.stories import STORIES
from kit.text.story_tasks import END, WORDS, Ending, Question, encode, write_endings, write_questions
from kit.train.batches import epochs, on_device
from kit.train.loop import fit
from kit.train.lora import add_lora
from kit.train.objectives import mean_loss, token_loss

TASKS = ("questions", "endings")
LABELS = (32, 128, 512)
N_READ = (1_000, 2_000, 4_000, 8_000)
"""How many stories a model reads; where nothing is said, the most."""

SETTINGS = {"full": (1.5e-3, 4e-3), "LoRA": (4e-3, 1e-2), "head alone": (1e-2, 4e-2)}
"""The two learning rates that a method may choose from."""
RANKS = {1: "LoRA of rank 1", 4: "LoRA", 16: "LoRA of rank 16"}
METHODS = ("full", *RANKS.values(), "head alone")

MATRICES = ("qkv", "out", "up", "down")
N_STEPS, BATCHES = {"endings": 100, "questions": 60}, {"endings": 16, "questions": 8}


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Labelled texts, a row each.

    Args:
        allowed: true for the tokens that are text; of a question, for those of the story alone.
        targets: 1 for a happy ending, 0 for a sad one; of a question, the first and last place of the answer.
    """

    task: str
    ids: Int[Tensor, "rows time"]
    allowed: Bool[Tensor, "rows time"]
    targets: Int[Tensor, "rows *two"]


def labelled(task: str, n: int, *, seed: int) -> Examples:
    """Write labelled texts of one of `TASKS`. A question stands before its story, so that who reads on knows it.

    Raises:
        TypeError, ValueError: if `task` is not one of `TASKS`, or a number is not a whole number.
    """
    texts = written(task, n, seed=seed)
    if task == "endings":
        rows, before = [np.append(END, encode(ending.text)) for ending in texts], [1] * n
        targets = [ending.happy for ending in texts]
    else:
        asked = [np.concatenate([[END], encode(question.text), [END]]) for question in texts]
        rows = [np.append(ask, encode(question.story)) for ask, question in zip(asked, texts, strict=True)]
        before = [len(ask) for ask in asked]
        targets = [[b + q.first, b + q.last] for b, q in zip(before, texts, strict=True)]
    ids, present = pad(rows, fill=END)
    allowed = present & ((np.arange(ids.shape[1]) >= np.array(before)[:, None]) | (task == "endings"))
    return Examples(
        task=task, ids=torch.from_numpy(ids), allowed=torch.from_numpy(allowed), targets=torch.tensor(targets).long()
    )


def written(task: str, n: int, *, seed: int) -> list:
    """Write the texts of a task, each an `Ending` or a `Question` that knows its answer.

    Raises:
        TypeError, ValueError: if `task` is not one of `TASKS`, or a number is not a whole number.
    """
    write = {"questions": write_questions, "endings": write_endings}[one_of("task", task, TASKS)]
    return write(count("n", n), rng=np.random.default_rng(count("seed", seed, at_least=0)))


def tuned(
    start: GPT, examples: Examples, method: str, *, lr: float, n_steps: int, rank: int = 4, seed: int
) -> nn.Module:
    """Put a new head on a model, and train what the method trains; `start` stays as it is.

    Args:
        method: "LoRA" trains pairs of this rank beside the matrices, "head alone" nothing but the head,
            "full" everything.

    Raises:
        TypeError, ValueError: if `start` or `examples` is of another kind, or `method` another word.
    """
    instance("start", start, GPT)
    instance("examples", examples, Examples)
    one_of("method", method, ("full", "LoRA", "head alone"))
    n_climb = min(10, count("n_steps", n_steps) - 1)
    torch.manual_seed(count("seed", seed, at_least=0))
    encoder = GPT(start.config).to(start.token_embedding.weight.device)
    encoder.load_state_dict(start.state_dict())
    if method == "LoRA":
        add_lora(encoder, layers=MATRICES, rank=rank, alpha=2 * rank)
    elif method == "head alone":
        encoder.requires_grad_(requires_grad=False)
    endings = examples.task == "endings"
    model = SequenceClassifier(encoder, n_classes=2, token="last", dropout=0) if endings else QuestionAnswering(encoder)
    rows = (examples.ids, examples.allowed, examples.targets)
    fit(
        model,
        token_loss,
        epochs(*rows, batch_size=BATCHES[examples.task], seed=seed),
        n_steps=n_steps,
        lr=warmup(cosine(lr, n_steps=n_steps - n_climb), n_steps=n_climb),
        weight_decay=0.01,
    )
    return model


@torch.no_grad()
def share_right(model: nn.Module, examples: Examples) -> float:
    """Give the share of texts whose class is right, or whose answer is right in every word.

    Raises:
        TypeError: if `examples` is of another kind.
    """
    instance("examples", examples, Examples)
    device = next(model.parameters()).device
    right = []
    for rows in torch.arange(len(examples.ids)).split(100):
        ids, allowed, targets = on_device((examples.ids[rows], examples.allowed[rows], examples.targets[rows]), device)
        if examples.task == "endings":
            right += (model(ids, allowed).argmax(dim=1) == targets).tolist()
            continue
        first, last = best_span(*model(ids, allowed).unbind(dim=1))
        for row, i, j, (a, b) in zip(ids, first, last, targets.tolist(), strict=True):
            right.append(row[i : j + 1].tolist() == row[a : b + 1].tolist())
    return float(np.mean(right))


# The cheap baseline ------------------------------------------------------------------------------


def counted_phrases(known: Sequence[Ending], new: Sequence[Ending], *, strength: float) -> float:
    """Weigh the counts of all runs of one to four words by logistic regression: the share of endings told right."""
    (texts, happy), (unseen, truth) = ([[e.text for e in side], [e.happy for e in side]] for side in (known, new))
    runs = CountVectorizer(ngram_range=(1, 4), token_pattern=r"\w+")
    return make_pipeline(runs, LogisticRegression(C=strength, max_iter=1000)).fit(texts, happy).score(unseen, truth)


def looked_up(known: Sequence[Question], new: Sequence[Question]) -> float:
    """Point at the first words of the story that have answered this kind of question before: the share right."""
    answers, right = defaultdict(Counter), 0
    for q in known:
        answers[tuple(q.text.split()[:2])][q.answer] += 1
    for q in new:
        story = " ".join(WORDS[i] for i in encode(q.story))
        found = [answer for answer in answers[tuple(q.text.split()[:2])] if f" {answer} " in story]
        right += bool(found) and min(found, key=story.index) == q.answer
    return right / len(new)


# The contests ------------------------------------------------------------------------------------


def score(task: str, method: str, n_labels: int, lr: float, seed: int, *, n_read: int = N_READ[-1]) -> float:
    """Learn from labels by one of `METHODS`; give the share that is right of 300 texts which nobody has seen."""
    loras = {name: rank for rank, name in RANKS.items()}
    model = tuned(
        reader(seed, n_read),
        labelled(task, n_labels, seed=seed),
        "LoRA" if method in loras else method,
        lr=lr,
        n_steps=N_STEPS[task],
        rank=loras.get(method, 4),
        seed=seed,
    )
    return share_right(model, labelled(task, 300, seed=900 + seed))


def tried(task: str, method: str, setting: str, seed: int) -> dict[str, float]:
    """Try the lower or the higher rate of a method with 128 labels, and seeds that do not count later."""
    lr = SETTINGS[method][setting == "higher"]
    return {"right": score(task, method, 128, lr, 100 + seed)}


TUNING_RATES = Experiment(
    name="tuning_rates",
    measure=tried,
    factors={"task": TASKS, "method": tuple(SETTINGS), "setting": ("lower", "higher")},
    seeds=3,
    quantities=("right",),
)


@cache
def chosen(task: str, method: str) -> float:
    """Give the rate that was right more often, as stored; LoRA's is that of all ranks."""
    method = "LoRA" if method in RANKS.values() else method
    means = stored(TUNING_RATES, "right", task=task, method=method).mean(axis=0)
    return SETTINGS[method][int(means.argmax())]


def right(task: str, method: str, n_labels: int, seed: int) -> dict[str, float]:
    """Measure the share right of one of `METHODS` at the rate that it has chosen."""
    return {"right": score(task, method, n_labels, chosen(task, method), seed)}


TUNING_LABELS = Experiment(
    name="tuning_labels",
    measure=right,
    factors={"task": TASKS, "method": METHODS, "n_labels": LABELS},
    seeds=8,
    quantities=("right",),
)


def read(n_read: int, seed: int) -> dict[str, float]:
    """Read stories; measure the bits that an unseen one needs.

    `counted` is what it needs by runs of up to four words counted in the same stories, and `entropy` by
    the grammar itself.
    """
    rng = np.random.default_rng([seed, 1])
    unseen = [STORIES.write(rng=rng) for _ in range(200)]
    rows = story_rows(unseen)
    words = sum(len(row) - 1 for row in rows)
    nats = mean_loss(reader(seed, n_read), token_loss, group_by_length(rows, batch_size=50, fill=END, rng=rng))
    rng = np.random.default_rng(seed)  # as `reader` draws them
    known = story_rows([STORIES.write(rng=rng) for _ in range(n_read)])
    runs = count_ngrams([row[1:] for row in known], n=4, vocab_size=len(WORDS))
    counted = [np.mean([runs.up_to(n).witten_bell_bits(row[1:]).sum() for row in rows]) for n in (2, 3, 4)]
    return {
        "bits": nats / math.log(2) * words / len(unseen),
        "counted": float(min(counted)),
        "entropy": float(np.mean([STORIES.surprisal(story).sum() for story in unseen])),
    }


TUNING_READING = Experiment(
    name="tuning_reading",
    measure=read,
    factors={"n_read": N_READ},
    seeds=5,
    quantities=("bits", "counted", "entropy"),
)


def after_reading(task: str, n_read: int, seed: int) -> dict[str, float]:
    """Measure what full tuning with the most labels gets right, after so many stories."""
    return {"right": score(task, "full", LABELS[-1], chosen(task, "full"), seed, n_read=n_read)}


AFTER_READING = Experiment(
    name="tuning_after_reading",
    measure=after_reading,
    factors={"task": TASKS, "n_read": N_READ},
    seeds=5,
    quantities=("right",),
)
