"""A small GPT on the stories, against the grammar's entropy: python -m tests.train.story_floor.

prints the loss on stories never seen, in bits per story, beside the floor that nothing can pass,
the CPU time on one thread, and a story that the model tells.
"""

import math
import time

import numpy as np
import torch

from kit.learn.schedules import cosine, warm_up
from kit.models.gpt import GPT, GPTConfig
from kit.models.parameters import n_params
from kit.text.packing import by_length
from kit.text.stories import STORIES
from kit.text.story_tasks import END, WORDS, decode, encode

from kit.train.loop import fit
from kit.train.objectives import mean_loss, next_token_loss, token_loss

BATCH, STEPS, WARM, LR = 8, 3000, 50, 5e-3
HELD_OUT = 300


def rows(n: int, rng: np.random.Generator) -> tuple[list[str], list[np.ndarray]]:
    """Write stories, and their ids, each after the line end that closed the one before."""
    stories = [STORIES.write(rng=rng) for _ in range(n)]
    return stories, [np.append(END, encode(story)) for story in stories]


def main() -> None:
    torch.set_num_threads(1)
    begin = time.process_time()
    _, train = rows(BATCH * STEPS, np.random.default_rng(0))
    unseen, held_out = rows(HELD_OUT, np.random.default_rng(1))
    batches = by_length(train, batch_size=BATCH, fill=END, rng=np.random.default_rng(2))
    judged = by_length(held_out, batch_size=25, fill=END, rng=np.random.default_rng(3))
    tokens = sum(len(row) - 1 for row in held_out)
    true = np.array([STORIES.surprise(story).sum() for story in unseen])
    written = time.process_time() - begin

    torch.manual_seed(0)
    model = GPT(
        GPTConfig(vocab_size=len(WORDS), n_positions=512, n_layers=2, n_heads=4, d_model=64, dropout=0, init_std=0.125)
    )
    begin = time.process_time()

    def bits(model: torch.nn.Module) -> dict[str, float]:
        bits = mean_loss(model, token_loss, judged) * tokens / HELD_OUT / math.log(2)
        print(
            f"{time.process_time() - begin:5.0f} CPU-s: {bits:6.1f} bits a story, {bits / true.mean() - 1:+.1%}",
            flush=True,
        )
        return {"bits": bits}

    fit(
        model,
        next_token_loss,
        lambda step: batches[step],
        n_steps=STEPS,
        lr=warm_up(cosine(LR, n_steps=STEPS - WARM), n_steps=WARM),
        weight_decay=0.01,
        betas=(0.9, 0.98),
        evaluate=bits,
        evaluate_every=STEPS // 8,
    )
    trained = time.process_time() - begin
    spent = bits(model)["bits"]
    torch.save(model.state_dict(), "/tmp/tune/model2.pt")
    print(
        f"{n_params(model):,} parameters, {BATCH * STEPS:,} stories, each seen once; CPU-s: {written:.1f} writing, {trained:.1f} training"
    )
    print(f"entropy: {STORIES.bits_per_story:.1f} bits a story; of the {HELD_OUT} held out {true.mean():.1f}")
    print(
        f"loss: {spent:.1f} bits a story, {spent / true.mean() - 1:.1%} above what a reader pays who knows the grammar"
    )


if __name__ == "__main__":
    main()
