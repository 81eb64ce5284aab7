"""Packing 10,000 random sets of documents: python -m tests.text.packing_sets."""

from itertools import zip_longest

import numpy as np

from kit.text.packing import attention_mask, pack

END = 0


def lost_or_doubled(documents: list[list[int]], *, length: int) -> int:
    """Count the tokens that packing loses, doubles or moves; 0 where it is right."""
    stream = [token for document in documents for token in [*document, END]]
    packed = pack(documents, length=length, end=END).ravel().tolist()
    filling = packed[len(stream) :]
    moved = sum(a != b for a, b in zip_longest(stream, packed[: len(stream)]))
    return moved + sum(token != END for token in filling) + (len(filling) >= length)


def sees_another(documents: list[list[int]], *, length: int) -> int:
    """Count the pairs of tokens where the mask differs from: same document, and not later."""
    owners = [i for i, document in enumerate(documents) for _ in [*document, END]]
    rows = pack(documents, length=length, end=END)
    owners += range(len(documents), len(documents) + rows.size - len(owners))  # each filling token is a document
    owner = np.array(owners, dtype=int).reshape(rows.shape)
    place = np.arange(length)
    allowed = (owner[:, :, None] == owner[:, None, :]) & (place[:, None] >= place)
    return int((attention_mask(rows, end=END) != allowed).sum())


def main() -> None:
    rng = np.random.default_rng(0)
    n_tokens = n_documents = wrong = crossing = 0
    for _ in range(10_000):
        lengths = rng.geometric(1 / rng.integers(1, 40), size=rng.integers(0, 20)) - 1  # some documents are empty
        documents = [rng.integers(1, 50, size=n).tolist() for n in lengths]
        length = int(rng.integers(1, 65))
        wrong += lost_or_doubled(documents, length=length)
        crossing += sees_another(documents, length=length)
        n_tokens, n_documents = n_tokens + int(lengths.sum()), n_documents + len(documents)
    print(f"10,000 sets, {n_documents:,} documents, {n_tokens:,} tokens")
    print(f"{wrong} tokens lost or doubled, {crossing} wrong places in the masks")
    assert wrong == crossing == 0


if __name__ == "__main__":
    main()
