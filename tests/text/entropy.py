"""The story grammar's entropy, computed and counted: python -m tests.text.entropy."""

import math
from collections import Counter, defaultdict

import numpy as np

from kit.text.grammar import Grammar, tokens
from kit.text.stories import STORIES

N_BATCHES, N_STORIES = 20, 500


class Counting(Grammar):
    """A grammar that counts the choices it makes, and so can be measured without its probabilities."""

    def _choose(self, symbol, cast, choose):
        role = self._choices[symbol].role
        made = role not in cast
        parts = super()._choose(symbol, cast, choose)
        if made:
            taken = cast[role] if role else self._choices[symbol].parts.index(parts)
            self.counts[role or symbol][taken] += 1
        return parts

    def counted_bits_per_story(self, rng: np.random.Generator) -> float:
        """Write stories, then sum over rules: how often each was used times the entropy of its counts."""
        object.__setattr__(self, "counts", defaultdict(Counter))
        for _ in range(N_STORIES):
            self.write(rng=rng)
        bits = 0.0
        for counts in self.counts.values():
            n = counts.total()
            plug_in = -sum(c / n * math.log2(c / n) for c in counts.values())
            bits += n / N_STORIES * (plug_in + (len(counts) - 1) / (2 * n * math.log(2)))  # Miller (1955)
        return bits


def main() -> None:
    rng = np.random.default_rng(0)
    counted = [Counting(STORIES.rules).counted_bits_per_story(rng) for _ in range(N_BATCHES)]
    stories = [STORIES.write(rng=rng) for _ in range(N_BATCHES * N_STORIES)]
    print(f"{len(stories):,} stories, {len(set(stories)):,} of them different")
    print(stories[0])
    for name, computed, measured in (
        ("bits per story, choices counted", STORIES.bits_per_story, counted),
        ("bits per story, read back", STORIES.bits_per_story, [STORIES.surprise(s).sum() for s in stories]),
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
