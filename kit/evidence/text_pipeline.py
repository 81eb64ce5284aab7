"""Claim F01, and the price of a leak: what the steps between raw text and a model are worth.

The corpus is Python's standard library, the model counts runs of bytes. A repetition draws which files are
held out and, but for the leak, which are read; whoever removes files reads fewer, for nothing is put in their place.

Taught in: 15
"""

import base64
from collections.abc import Sequence
from functools import cache
from itertools import cycle

import numpy as np
from jaxtyping import Float

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.text.clean import common_lines, mask_pii, normalize, without_lines
from kit.text.corpus import Document, standard_library, train_test_split
from kit.text.dedup import clusters, jaccard_matrix, minhash, near_duplicate_pairs, shingles
from kit.text.ngram import NGram, count_ngrams
from kit.text.quality import Limits

LARGEST, BUDGET, HEAD = 24_000, 600_000, 2_000  # bytes of a file, of what is read, of a held-out file
ALIKE, SHARE = 0.3, 0.25  # overlap of near-copies; what is planted, as a share of all bytes
ORDERS, LEAK_ORDER, MIN_TEXTS = (3, 4, 5), 4, 20  # lengths of runs; files in which boilerplate stands
THRESHOLDS = (0.7, 0.5, 0.3, 0.1)
REMOVED = ("nothing", *(f"J ≥ {t}" for t in THRESHOLDS), "the folder", "as much other text", "relatives of all")
STEPS = ("cleaning", "near-copies", "outliers", "all three")
CORPORA = ("as it is", "with a stated share planted")
LICENCE = (
    "# Redistribution and use in source and binary forms are permitted.",
    "# The above copyright notice shall be included in all copies.",
    "# This software is provided as is, without warranty of any kind.",
    "# In no event shall the authors be liable for any claim or damages.",
)


@cache
def library() -> tuple[Document, ...]:
    """Read the files of the standard library that hold at most 24,000 bytes, and more than blanks."""
    return tuple(d for d in standard_library() if d.text.strip() and len(d.text.encode()) <= LARGEST)


@cache
def overlaps() -> Float[np.ndarray, "files files"]:
    """Measure the Jaccard overlap of every two files of the library."""
    return jaccard_matrix([shingles(d.text) for d in library()])


def bits_per_byte(model: NGram, texts: Sequence[bytes]) -> float:
    """Measure what a counted model needs for some texts."""
    return float(sum(model.witten_bell_bits(text).sum() for text in texts) / sum(map(len, texts)))


def size(texts: Sequence[str]) -> int:
    """Count the bytes of some texts."""
    return sum(len(text.encode()) for text in texts)


def leak(*, removed: str, seed: int) -> dict[str, float]:
    """Hold out a tenth of the files, remove something from training, and predict what is held out.

    Args:
        removed: what overlaps by so much with a held-out table of encodings/; that folder; as many bytes as go at
            J ≥ 0.1, from elsewhere; or what overlaps by 0.3 or more with any held-out file.

    Returns:
        Bits per byte of the held-out "tables", and of the first 2,000 bytes of "all files" held out.
    """
    one_of("removed", removed, REMOVED)
    files, place = library(), {d.name: k for k, d in enumerate(library())}
    train, held_out = train_test_split(files, held_out=0.1, group=lambda d: f"{seed}/{d.name}")
    tables = [d for d in held_out if in_folder(d)]
    kept = _without(removed, train, tables, held_out, place, seed)
    model = count_ngrams([d.text.encode() for d in kept], n=LEAK_ORDER)
    return {
        "tables": bits_per_byte(model, [d.text.encode() for d in tables]),
        "all files": bits_per_byte(model, [d.text.encode()[:HEAD] for d in held_out]),
    }


def in_folder(document: Document) -> bool:
    """Tell whether a file is one of the tables of encodings/."""
    return document.name.startswith("encodings/")


def _without(
    removed: str,
    train: list[Document],
    tables: list[Document],
    held_out: list[Document],
    place: dict[str, int],
    seed: int,
) -> list[Document]:
    def apart(others: list[Document], threshold: float) -> list[Document]:
        rows, columns = ([place[d.name] for d in each] for each in (train, others))
        nearest = overlaps()[np.ix_(rows, columns)].max(axis=1)
        return [d for d, J in zip(train, nearest, strict=True) if threshold > J]

    if removed == "nothing":
        return train
    if removed == "the folder":
        return [d for d in train if not in_folder(d)]
    if removed == "relatives of all":
        return apart(held_out, ALIKE)
    if removed != "as much other text":
        return apart(tables, THRESHOLDS[REMOVED.index(removed) - 1])
    to_go = size([d.text for d in train]) - size([d.text for d in apart(tables, THRESHOLDS[-1])])
    others = [d for d in train if not in_folder(d)]
    dropped = set()
    for k in np.random.default_rng(seed).permutation(len(others)):
        if to_go > 0:
            dropped.add(others[k].name)
            to_go -= size([others[k].text])
    return [d for d in train if d.name not in dropped]


def draw(seed: int) -> tuple[list[str], list[bytes]]:
    """Draw what is read, 600,000 bytes of whole files, and what is held out: clean, and no relative of what is read."""
    files = library()
    pairs = [(int(i), int(j)) for i, j in np.argwhere(np.triu(overlaps() >= ALIKE, k=1))]
    group = clusters(pairs, n_texts=len(files))
    first = {d.name: k for d, k in zip(files, group, strict=True)}
    train, held_out = train_test_split(files, held_out=0.1, group=lambda d: f"{seed}/{files[first[d.name]].name}")
    texts: list[str] = []
    for k in np.random.default_rng(seed).permutation(len(train)):
        if size([*texts, train[k].text]) <= BUDGET:
            texts.append(train[k].text)
    once = without_copies([d.text for d in held_out])
    good = without_outliers([mask_pii(normalize(text)) for text in once])
    boilerplate = common_lines([d.text for d in train], min_texts=MIN_TEXTS)
    return texts, [without_lines(text, boilerplate).encode()[:HEAD] for text in good]


def cleaned(texts: Sequence[str]) -> list[str]:
    """Give texts one spelling, mask private data, and take out the lines that stand in twenty of them."""
    masked = [mask_pii(normalize(text)) for text in texts]
    boilerplate = common_lines(masked, min_texts=MIN_TEXTS)
    return [without_lines(text, boilerplate) for text in masked]


def without_copies(texts: Sequence[str]) -> list[str]:
    """Keep the first text of each cluster of near-copies, as MinHash finds them."""
    signatures = np.stack([minhash(shingles(text), n_hashes=256) for text in texts])
    group = clusters(near_duplicate_pairs(signatures, threshold=ALIKE, n_bands=128), n_texts=len(texts))
    return [text for k, text in enumerate(texts) if group[k] == k]


def without_outliers(texts: Sequence[str]) -> list[str]:
    """Keep the texts that break none of the rules of `Limits`."""
    return [text for text in texts if not Limits().complaints(text)]


def with_notices(texts: Sequence[str], *, seed: int) -> list[str]:
    """Put licence lines and private data before each text, until a quarter of its bytes is such."""
    rng, spoiled = np.random.default_rng(seed), []
    for text in texts:
        room, licence, lines = len(text.encode()) * SHARE / (1 - SHARE), cycle(LICENCE), []
        while room > 0:
            a, b, c, d, key = rng.integers(1, 250, size=5)
            private = f"# ask user{rng.integers(1_000_000)}@example.org at {a}.{b}.{c}.{d}, password = 'k{key:09}'"
            lines += [next(licence), private]
            room -= sum(len(line) + 2 for line in lines[-2:])
        spoiled.append("\r\n".join([*lines, text]))
    return spoiled


def with_copies(texts: Sequence[str], *, seed: int) -> list[str]:
    """Add copies of texts drawn at random, each without every twentieth line, until a quarter of all bytes is such."""
    rng, copies = np.random.default_rng(seed), []
    room = size(texts) * SHARE / (1 - SHARE)
    while room > 0:
        lines = texts[int(rng.integers(len(texts)))].split("\n")
        copies.append("\n".join(line for k, line in enumerate(lines) if k % 20 != 19))
        room -= size(copies[-1:])
    return [*texts, *copies]


def with_junk(texts: Sequence[str], *, seed: int) -> list[str]:
    """Add files of random bytes written as letters, until a quarter of all bytes is such."""
    rng, n_files = np.random.default_rng(seed), round(size(texts) * SHARE / (1 - SHARE) / 8_000)
    return [*texts, *(base64.b64encode(rng.bytes(6_000)).decode() for _ in range(n_files))]


def cleaning(*, step: str, corpus: str, seed: int) -> dict[str, float]:
    """Count a corpus before and after a step of the pipeline, nothing refilled, and predict the same clean text.

    Args:
        step: cleaning, the removal of near-copies or of outliers, or all three of them.
        corpus: as it is, or with as much planted of what each step removes as makes a quarter of the bytes.

    Returns:
        Bits per byte "before" and "after", and which share of the bytes is "left".
    """
    one_of("step", step, STEPS)
    one_of("corpus", corpus, CORPORA)
    texts, held_out = draw(seed)
    chosen = STEPS[:3] if step == "all three" else (step,)
    if corpus == CORPORA[1]:
        for each in chosen:
            plant = {"cleaning": with_notices, "near-copies": with_copies, "outliers": with_junk}[each]
            texts = plant(texts, seed=seed)
    kept = list(texts)
    for each in reversed(chosen):
        kept = {"cleaning": cleaned, "near-copies": without_copies, "outliers": without_outliers}[each](kept)
    before, after = (tuned_bits(each, held_out) for each in (texts, kept))
    return {"before": before, "after": after, "left": size(kept) / size(texts)}


def tuned_bits(texts: Sequence[str], held_out: Sequence[bytes]) -> float:
    """Count texts, choose runs of three to five bytes on every other held-out text, and judge by the rest."""
    counted = count_ngrams([text.encode() for text in texts], n=max(ORDERS))
    rivals = [counted.up_to(n) for n in ORDERS]
    return bits_per_byte(min(rivals, key=lambda rival: bits_per_byte(rival, held_out[::2])), held_out[1::2])


LEAK = Experiment(name="leak", measure=leak, factors={"removed": REMOVED}, seeds=10, quantities=("tables", "all files"))
CLEANING = Experiment(
    name="cleaning",
    measure=cleaning,
    factors={"step": STEPS, "corpus": CORPORA},
    seeds=10,
    quantities=("before", "after", "left"),
)
