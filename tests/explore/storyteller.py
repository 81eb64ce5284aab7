"""A small GPT that has read short stories, trained once, and the view of its forward pass."""

from functools import cache

import numpy as np

from kit.evidence.reading import reading_rate, small_gpt, story_rows
from kit.explore.gpt import forward_view
from kit.explore.live import LiveView
from kit.models.gpt import GPT
from kit.text.packing import group_by_length
from kit.text.story_tasks import END, TALES, WORDS
from kit.train.loop import fit
from kit.train.objectives import next_token_loss

N_READ = 4_000


@cache
def storyteller() -> tuple[GPT, list[str]]:
    """Train it as notebook 18 does; give the stories, too."""
    rng = np.random.default_rng(0)
    stories = [TALES.write(rng=rng) for _ in range(N_READ)]
    batches = group_by_length(story_rows(stories), batch_size=8, fill=END, rng=rng)
    model = small_gpt(len(WORDS), n_positions=128, d_model=64, seed=0)
    fit(model, next_token_loss, lambda step: batches[step], n_steps=len(batches), lr=reading_rate(len(batches)))
    return model, stories


def forward_pass_of_a_storyteller() -> LiveView:
    """Open the view on it."""
    model, stories = storyteller()
    return forward_view(model, read=stories)


def forward_pass_untrained() -> LiveView:
    """Open the view on a model that has read nothing, where training is not what is asked for."""
    return forward_view(small_gpt(len(WORDS), n_positions=128, d_model=64, seed=0), read=[])
