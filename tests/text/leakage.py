"""How much of a score is memory: held-out files with and without their near-duplicates in training.

python -m tests.text.leakage
"""

import time
from collections.abc import Sequence

import numpy as np

from kit.text.corpus import Document, standard_library, train_test_split
from kit.text.dedup import clusters, minhash, near_duplicate_pairs, shingles
from kit.text.ngram import count_ngrams


def bits_per_byte(train: Sequence[Document], held_out: Sequence[Document], *, n: int = 4) -> float:
    """Train an n-gram on bytes, and measure it on every byte held out."""
    model = count_ngrams([document.text.encode() for document in train], n=n)
    texts = [document.text.encode() for document in held_out]
    return sum(model.witten_bell_bits(text).sum() for text in texts) / sum(map(len, texts))


def main() -> None:
    library = [document for document in standard_library() if document.text.strip()]
    signatures = {document.name: minhash(shingles(document.text)) for document in library}
    train, held_out = train_test_split(library, held_out=0.1)
    leaked = [document for document in held_out if document.name.startswith("encodings/")]
    baseline = bits_per_byte(train, leaked)
    print(f"byte 4-gram on the {len(leaked)} held-out files of encodings/, bits per byte:")
    print(f"  all {len(train)} files in training: {baseline:.2f}")

    def nearest(document: Document) -> float:
        return max(float(np.mean(signatures[document.name] == signatures[other.name])) for other in leaked)

    overlap = {document.name: nearest(document) for document in train}
    for threshold in (0.7, 0.5, 0.3, 0.1):
        far = [document for document in train if overlap[document.name] < threshold]
        bits = bits_per_byte(far, leaked)
        print(
            f"  without the {len(train) - len(far):2} of J >= {threshold}: {bits:.2f}, a gap of {bits - baseline:.2f}"
        )
    apart = [document for document in train if not document.name.startswith("encodings/")]
    bits = bits_per_byte(apart, leaked)
    print(f"  without all {len(train) - len(apart)} of encodings/: {bits:.2f}, gap {bits - baseline:.2f}")
    assert bits > baseline + 1

    start = time.perf_counter()
    stacked = np.stack(list(signatures.values()))
    first = clusters(near_duplicate_pairs(stacked, threshold=0.3, n_bands=64), n_texts=len(library))
    group = {document.name: library[i].name for document, i in zip(library, first, strict=True)}
    print(f"{len(set(first))} clusters at J >= 0.3 of {len(library)} files, in {time.perf_counter() - start:.1f} s")
    for name, sides in (
        ("split by file", (train, held_out)),
        ("split by cluster", train_test_split(library, held_out=0.1, group=lambda document: group[document.name])),
    ):
        print(f"{name}: {len(sides[1])} files held out, {bits_per_byte(*sides):.3f} bits per byte")


if __name__ == "__main__":
    main()
