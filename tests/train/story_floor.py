"""A small GPT on the stories, against the grammar's entropy: python -m tests.train.story_floor.

prints its loss on stories never seen, in bits a story, beside what a reader pays who knows the
grammar, which no model can beat for long; the CPU time on one thread; and a story that it tells.
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
from kit.train.decoding import generate
from kit.train.loop import fit
from kit.train.objectives import mean_loss, next_token_loss, token_loss

BATCH, STEPS, WARM, LR, HELD_OUT = 8, 3000, 30, 4e-3, 300
CONFIG = GPTConfig(
    vocab_size=len(WORDS), n_positions=1024, n_layers=2, n_heads=4, d_model=64, dropout=0, init_std=64**-0.5
)


def written(n: int, *, seed: int) -> tuple[list[str], list[np.ndarray]]:
    """Write stories, and their ids, each after the line end that closed the one before."""
    rng = np.random.default_rng(seed)
    stories = [STORIES.write(rng=rng) for _ in range(n)]
    return stories, [np.append(END, encode(story)) for story in stories]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    begin = time.process_time()
    _, rows = written(BATCH * STEPS, seed=0)
    batches = by_length(rows, batch_size=BATCH, fill=END, rng=np.random.default_rng(0))
    to_write = time.process_time() - begin

    unseen, held_out = written(HELD_OUT, seed=1)
    judged = by_length(held_out, batch_size=25, fill=END, rng=np.random.default_rng(0))
    tokens_per_story = np.mean([len(row) - 1 for row in held_out])
    floor = np.mean([STORIES.surprise(story).sum() for story in unseen])

    def bits_per_story(model: torch.nn.Module) -> dict[str, float]:
        bits = float(mean_loss(model, token_loss, judged) / math.log(2) * tokens_per_story)
        spent = time.process_time() - begin
        print(f"{spent:5.0f} CPU-s  {bits:6.1f} bits a story, {bits / floor - 1:.1%} above the floor", flush=True)
        return {"bits": bits}

    model = GPT(CONFIG)
    begin = time.process_time()
    lr = warm_up(cosine(LR, n_steps=STEPS - WARM), n_steps=WARM)
    history = fit(
        model,
        next_token_loss,
        lambda step: batches[step],
        n_steps=STEPS,
        lr=lr,
        evaluate=bits_per_story,
        evaluate_every=STEPS // 8,
    )
    to_train, spent = time.process_time() - begin, history.curve("bits")[1][-1]
    print(f"{n_params(model):,} parameters; {BATCH * STEPS:,} stories, each read once")
    print(f"CPU seconds on one thread: {to_write:.1f} to write them, {to_train:.1f} to train and evaluate")
    print(f"entropy {STORIES.bits_per_story:.1f} bits a story; of the {HELD_OUT} held out {floor:.1f}")
    print(f"the model pays {spent:.1f}: {spent / floor - 1:.1%} above")
    told = generate(
        model,
        torch.tensor([[END]]),
        n_tokens=300,
        temperature=0.8,
        stop=END,
        generator=torch.Generator().manual_seed(0),
    )
    print(decode(told[0].numpy()).strip())


if __name__ == "__main__":
    main()
