"""The story grammar's entropy, computed and counted: python -m tests.text.entropy."""

import math
from collections import Counter, defaultdict

import numpy as np

from kit.text.grammar import tokens
from kit.text.stories import STORIES

N_BATCHES, N_STORIES = 20, 500


def counted_bits_per_story(stories: list[str]) -> float:
    """Sum over rules how often each was used times the entropy of its counts, blind to the probabilities."""
    counts: defaultdict[str, Counter] = defaultdict(Counter)
    for story in stories:
        for rule, taken in STORIES.choices(story):
            counts[rule][taken] += 1
    bits = 0.0
    for each in counts.values():
        n = each.total()
        plug_in = -sum(c / n * math.log2(c / n) for c in each.values())
        bits += n / len(stories) * (plug_in + (len(each) - 1) / (2 * n * math.log(2)))  # Miller (1955)
    return bits


def main() -> None:
    rng = np.random.default_rng(0)
    batches = [[STORIES.write(rng=rng) for _ in range(N_STORIES)] for _ in range(N_BATCHES)]
    counted = [counted_bits_per_story(batch) for batch in batches]
    stories = [story for batch in batches for story in batch]
    print(f"{len(stories):,} stories, {len(set(stories)):,} of them different")
    print(stories[0])
    for name, computed, measured in (
        ("bits per story, choices counted", STORIES.bits_per_story, counted),
        ("bits per story, read back", STORIES.bits_per_story, [STORIES.surprisal(s).sum() for s in stories]),
        ("tokens per story", STORIES.tokens_per_story, [len(tokens(s)) for s in stories]),
        ("bytes per story", STORIES.bytes_per_story, [len(s.encode()) for s in stories]),
    ):
        error = np.std(measured, ddof=1) / math.sqrt(len(measured))
        distance = (np.mean(measured) - computed) / error
        print(
            f"{name:32}: computed {computed:8.3f}, measured {np.mean(measured):8.3f} ± {error:.3f} ({distance:+.1f} SE)"
        )
        assert abs(distance) < 3
    print(f"floor: {STORIES.bits_per_token:.4f} bits per token, {STORIES.bits_per_byte:.4f} bits per byte")


if __name__ == "__main__":
    main()
