"""A small GPT on the stories, against the grammar's entropy: python -m tests.train.story_floor.

prints its loss on stories never seen, in bits a story, beside what a reader pays who knows the
grammar, which no model can beat for long; the CPU time on one thread; and a story that it tells.

What keeps a small model from the floor is not the grammar but the facts: to look a colour up that
was told sixty words ago, attention must first find it by chance. So it reads short tales first, in
which each fact is soon needed again, then whole stories. (Press et al. (2020), arXiv:2012.15832,
begin with short rows for the same reason.) Positions begin as faint waves, so that neighbours are
alike from the start.
"""

import math
import time

import numpy as np
import torch

from kit.blocks.positions import sinusoidal
from kit.learn.schedules import cosine, warmup
from kit.models.gpt import GPT, GPTConfig
from kit.models.parameters import n_params
from kit.text.grammar import Grammar
from kit.text.packing import group_by_length
from kit.text.stories import STORIES
from kit.text.story_tasks import END, WORDS, decode, encode
from kit.train.decoding import generate
from kit.train.loop import fit
from kit.train.objectives import mean_loss, next_token_loss, token_loss

CRY = '"Oh no, my {COLOUR} {THING.name}!" cried {HERO.name}. What could a {TRAIT} child do?'
SHORT = (
    Grammar({**STORIES.rules, "story": ("{opening} {treasure} {feeling}\n",), "feeling": (CRY,)}),
    Grammar({**STORIES.rules, "story": ("{opening} {treasure} {bargain} {finding}\n",)}),
)
SHORT_STEPS, SHORT_BATCH, STEPS, BATCH, WARM, LR, HELD_OUT = 800, 16, 2200, 8, 30, 4e-3, 300
CONFIG = GPTConfig(
    vocab_size=len(WORDS), n_positions=1024, n_layers=2, n_heads=8, d_model=64, dropout=0, init_std=64**-0.5
)
WAVES = 0.03  # how high they are, beside embeddings of 64^-0.5


def rows_of(stories: list[str]) -> list[np.ndarray]:
    """Turn stories into ids, each after the line end that closed the one before."""
    return [np.append(END, encode(story)) for story in stories]


def batches_of(grammar: Grammar, n_batches: int, *, batch_size: int, rng: np.random.Generator) -> list:
    rows = rows_of([grammar.write(rng=rng) for _ in range(n_batches * batch_size)])
    return list(group_by_length(rows, batch_size=batch_size, fill=END, rng=rng))


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    begin = time.process_time()
    by_grammar = (batches_of(tales, SHORT_STEPS // 2, batch_size=SHORT_BATCH, rng=rng) for tales in SHORT)
    batches = [batch for pair in zip(*by_grammar, strict=True) for batch in pair]
    batches += batches_of(STORIES, STEPS, batch_size=BATCH, rng=rng)
    to_write = time.process_time() - begin

    rng = np.random.default_rng(1)
    unseen = [STORIES.write(rng=rng) for _ in range(HELD_OUT)]
    held_out = rows_of(unseen)
    judged = group_by_length(held_out, batch_size=25, fill=END, rng=rng)
    tokens_per_story = np.mean([len(row) - 1 for row in held_out])
    floor = np.mean([STORIES.surprisal(story).sum() for story in unseen])

    def bits_per_story(model: torch.nn.Module) -> dict[str, float]:
        bits = float(mean_loss(model, token_loss, judged) / math.log(2) * tokens_per_story)
        spent = time.process_time() - begin
        print(f"{spent:5.0f} CPU-s  {bits:6.1f} bits a story, {bits / floor - 1:.1%} above the floor", flush=True)
        return {"bits": bits}

    model = GPT(CONFIG)
    with torch.no_grad():
        waves = sinusoidal(torch.arange(CONFIG.n_positions), width=CONFIG.d_model)
        model.position_embedding.weight.copy_(WAVES * waves)
    begin = time.process_time()
    history = fit(
        model,
        next_token_loss,
        lambda step: batches[step],
        n_steps=len(batches),
        lr=warmup(cosine(LR, n_steps=len(batches) - WARM), n_steps=WARM),
        evaluate=bits_per_story,
        evaluate_every=len(batches) // 8,
    )
    to_train, spent = time.process_time() - begin, history.curve("bits")[1][-1]
    print(
        f"{n_params(model):,} parameters; {SHORT_BATCH * SHORT_STEPS:,} short tales and {BATCH * STEPS:,} stories, once"
    )
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
