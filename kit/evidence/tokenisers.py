"""The floor that a language model must beat: counted bytes, counted tokens and a compressor on unseen files.

The corpus is the part of Python's standard library that notebook 16 reads. A repetition draws which files are
held out; merges, counts and what the compressor has read come from the other files alone.

Taught in: 16
"""

from functools import cache

from kit.arguments import one_of
from kit.evidence.store import Experiment
from kit.text.bpe import train
from kit.text.corpus import Document, standard_library, train_test_split
from kit.text.ngram import compressed_bits_per_byte, count_ngrams

SIZES = {"bytes": 256, "1,024 tokens": 1024, "4,096 tokens": 4096}
ORDERS = {"bytes": range(2, 7), "1,024 tokens": range(1, 6), "4,096 tokens": range(1, 6)}  # five for each
RULES = {"Laplace": 1.0, "add 0.01": 0.01, "Witten-Bell": 0.0}  # what is added to each count; 0: as the data say
N_ORDERS = 5
READ = ("nothing", "the training files")


@cache
def documents() -> tuple[Document, ...]:
    """Choose files of the standard library by the hash of their names, without two folders of copies and tables."""
    left_out = ("encodings/", "pydoc_data/")
    chosen = train_test_split((d for d in standard_library() if not d.name.startswith(left_out)), held_out=0.12)[1]
    return tuple(chosen)


def drawn(seed: int) -> tuple[list[bytes], list[bytes]]:
    """Hold out about one file in seven; give the texts to learn from, and the unseen ones."""
    sides = train_test_split(documents(), held_out=0.15, group=lambda d: f"{seed} {d.name}")
    texts, unseen = ([d.text.encode() for d in side] for side in sides)
    return texts, unseen


def contest(*, alphabet: str, seed: int) -> dict[str, float]:
    """Learn an alphabet, count its runs, and predict unseen files by each rule at each of five orders.

    Returns:
        "bytes a token" in unseen files; the bits per byte of "Laplace 0" to "Witten-Bell 4", each at the first
        to the fifth of the alphabet's `ORDERS`.
    """
    size, orders = SIZES[one_of("alphabet", alphabet, tuple(SIZES))], ORDERS[alphabet]
    texts, unseen = drawn(seed)
    encode = train(texts, vocab_size=size).encode if size > 256 else list
    counted = count_ngrams([encode(text) for text in texts], n=max(orders), vocab_size=size)
    ids, n_bytes = [encode(text) for text in unseen], sum(map(len, unseen))
    measured = {"bytes a token": n_bytes / sum(map(len, ids))}
    for rule, alpha in RULES.items():
        for k, n in enumerate(orders):
            model = counted.up_to(n)
            bits = (model.additive_bits(each, alpha=alpha) if alpha else model.witten_bell_bits(each) for each in ids)
            measured[f"{rule} {k}"] = float(sum(each.sum() for each in bits)) / n_bytes
    return measured


def squeezed(*, read: str, seed: int) -> dict[str, float]:
    """Compress the unseen files by xz, which has read nothing before, or the training files.

    Returns:
        The bits per byte of the unseen files, as "bits".
    """
    one_of("read", read, READ)
    texts, unseen = drawn(seed)
    after = b"".join(texts) if read == READ[1] else b""
    return {"bits": compressed_bits_per_byte(b"".join(unseen), after=after)}


CONTEST = Experiment(
    name="counted_bits",
    measure=contest,
    factors={"alphabet": tuple(SIZES)},
    seeds=10,
    quantities=("bytes a token", *(f"{rule} {k}" for rule in RULES for k in range(N_ORDERS))),
)
SQUEEZED = Experiment(name="squeezed_bits", measure=squeezed, factors={"read": READ}, seeds=10, quantities=("bits",))
