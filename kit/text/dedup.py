"""Duplicates: exact ones by hash, near ones by MinHash and locality-sensitive hashing (LSH).

A text is seen as the set of its shingles, the runs of some words in it. Two texts are near-duplicates
when their sets overlap: J(A, B) = |A ∩ B| / |A ∪ B| near 1. To compare all pairs is quadratic. A
MinHash signature shrinks each set to a row of numbers that agree as often as the sets overlap; LSH
then sorts rows into buckets, so that pairs likely to be alike are found without trying the others.

Taught in: 15
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Shaped, UInt32, UInt64

from kit.arguments import count, instance, real, real_array, several
from kit.text.patterns import UNSPACED

_WORD, _CHARACTER = re.compile(rf"[^\W{UNSPACED}]+"), re.compile(f"[{UNSPACED}]")


def exact_duplicates(texts: Iterable[str]) -> list[list[int]]:
    """Group the texts that are equal to the last character, by their SHA-256.

    Returns:
        The places of equal texts, one list for each text that stands there more than once.

    >>> exact_duplicates(["moo", "woof", "moo"])
    [[0, 2]]
    """
    several("texts", texts)
    places = defaultdict(list)
    for i, text in enumerate(texts):
        instance("texts", text, str)
        places[hashlib.sha256(text.encode(errors="surrogatepass")).digest()].append(i)
    return [group for group in places.values() if len(group) > 1]


def shingles(text: str, *, n_words: int = 5, n_chars: int = 2) -> UInt64[np.ndarray, "_"]:
    """Turn a text into the set of its runs of words, each as a number of 64 bits, in increasing order.

    Layout, punctuation and capitals do not count. A text shorter than one run is taken as one run.
    Where words are written without spaces, as in Chinese, the runs are of characters. A text that has
    neither, such as a row of arrows, gives runs of what it shows.

    Args:
        n_chars: characters in a run. Runs of 2 keep an overlap of two thirds where one character in ten is
            changed; longer ones tell long texts on different things better apart.

    Raises:
        TypeError, ValueError: if a number is not a whole number of at least 1.

    Source: Broder (1997), On the resemblance and containment of documents.

    >>> len(shingles("to be or not to be or not", n_words=2))  # to be, be or, or not, not to
    4
    """
    instance("text", text, str)
    n_words, n_chars, text = count("n_words", n_words), count("n_chars", n_chars), text.lower()
    words, chars = _WORD.findall(text), _CHARACTER.findall(text)
    if not words and not chars:
        chars = list("".join(text.split())) or [""]
    runs = _runs(words, n_words) | _runs(chars, n_chars)
    hashed = b"".join(hashlib.blake2b(run.encode(errors="surrogatepass"), digest_size=8).digest() for run in runs)
    return np.unique(np.frombuffer(hashed, dtype="<u8").astype(np.uint64))


def _runs(units: list[str], n: int) -> set[str]:
    if len(units) < n:
        return {" ".join(units)} if units else set()
    return set(map(" ".join, zip(*(units[i:] for i in range(n)), strict=False)))


def jaccard(a: UInt64[np.ndarray, "_"], b: UInt64[np.ndarray, "_"]) -> float:
    """Measure how far two sets of shingles overlap: J = |A ∩ B| / |A ∪ B|.

    Raises:
        TypeError, ValueError: if one is not an array, or is empty.

    >>> jaccard(np.array([1, 2, 3], dtype=np.uint64), np.array([2, 3, 4], dtype=np.uint64))
    0.5
    """
    for name, members in (("a", a), ("b", b)):
        _not_empty(name, members)
    shared = np.intersect1d(a, b, assume_unique=True).size
    return shared / (a.size + b.size - shared)


def jaccard_matrix(sets: Sequence[UInt64[np.ndarray, "_"]]) -> Float[np.ndarray, "texts texts"]:
    """Compute the Jaccard overlap of every pair, by brute force: the truth that faster ways are held against.

        |A ∩ B| = Σ over all shingles of [in A] · [in B],    |A ∪ B| = |A| + |B| - |A ∩ B|

    The sum is a product of matrices. A shingle that only one text has can be left out of it.

    Raises:
        TypeError, ValueError: if `sets` are no collection, or one is not an array, or is empty.

    Oracle: `jaccard`, pair by pair.

    >>> jaccard_matrix([np.array([1, 2, 3], dtype=np.uint64), np.array([2, 3, 4], dtype=np.uint64)])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    several("sets", sets)
    for members in sets:
        _not_empty("sets", members)
    size = np.array([members.size for members in sets])
    owner = np.repeat(np.arange(len(sets)), size)
    _, column, n_owners = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)
    common = n_owners[column] > 1
    has = np.zeros((len(sets), int((n_owners > 1).sum())), dtype=np.float32)
    has[owner[common], (np.cumsum(n_owners > 1) - 1)[column[common]]] = 1
    shared = (has @ has.T).astype(float)
    np.fill_diagonal(shared, size)
    return shared / (size[:, None] + size - shared)


def minhash(a: UInt64[np.ndarray, "_"], *, n_hashes: int = 128, seed: int = 0) -> UInt32[np.ndarray, "n_hashes"]:
    """Shrink a set to a signature: under each of many hash functions, the least hash of any member.

        signatureₖ(A) = min over x in A of hₖ(x),    hₖ(x) = (aₖ · x + bₖ mod 2⁶⁴) div 2³²

    The member of A ∪ B with the least hash is as likely to be any as any other, and the two
    minima agree when it lies in both sets. Hence p(signatureₖ(A) = signatureₖ(B)) = J(A, B).

    Args:
        seed: which hash functions; signatures can be compared when their seeds are equal.

    Raises:
        TypeError, ValueError: if `n_hashes` is not a whole number of at least 1, or `a` is empty.

    Numerics: two different members share one of 2³² hashes by chance, which for sets of 10⁴ raises
    an estimate by some millionths.
    Source: Broder (1997); the hash functions: Dietzfelbinger et al. (1997), A reliable randomized
    algorithm for the closest-pair problem.
    Oracle: `jaccard`, within three standard errors.

    >>> a, b = shingles("to be or not", n_words=1), shingles("to do or not", n_words=1)
    >>> bool((minhash(np.union1d(a, b)) == np.minimum(minhash(a), minhash(b))).all())
    True
    """
    n_hashes = count("n_hashes", n_hashes)
    _not_empty("a", a)
    factors, terms = np.random.default_rng(seed).integers(0, 2**64, size=(2, n_hashes), dtype=np.uint64)
    factors |= np.uint64(1)  # odd, so that no two members are multiplied into one
    least = [((factor * a + term) >> np.uint64(32)).min() for factor, term in zip(factors, terms, strict=True)]
    return np.array(least, dtype=np.uint32)


def candidate_pairs(
    signatures: Shaped[np.ndarray, "texts n_hashes"], *, n_bands: int, window: int = 64
) -> set[tuple[int, int]]:
    """Find pairs likely to be alike by LSH: cut signatures into bands, and pair the rows that share a whole band.

        p(candidate) = 1 - (1 - J^r)^b,    b bands of r = n_hashes / b rows

    More bands catch more pairs, wanted and unwanted. The curve is steepest near J = (1/b)^(1/r).

    Args:
        window: in a bucket, each row is paired with so many before it. Larger buckets, as of texts
            made from one form, thus give a chain and not all their pairs, whose number is quadratic.

    Returns:
        Pairs (i, j) of rows, i < j.

    Raises:
        TypeError: if a number is not a whole number.
        ValueError: if `n_bands` does not divide the length of the signatures, or `window` < 1.

    Source: Leskovec, Rajaraman & Ullman (2020), Mining of Massive Datasets, 3rd ed., section 3.4.
    Oracle: the exact Jaccard overlap of all pairs.

    >>> sorted(candidate_pairs(np.array([[1, 2, 3, 4], [1, 2, 9, 9], [8, 8, 3, 9]]), n_bands=2))
    [(0, 1)]
    """
    n_bands, window = count("n_bands", n_bands), count("window", window)
    instance("signatures", signatures, np.ndarray)
    if signatures.ndim != 2:
        raise ValueError(f"signatures must have a row for each text, got shape {signatures.shape}")
    if signatures.shape[1] % n_bands:
        raise ValueError(f"n_bands must divide the {signatures.shape[1]} numbers of a signature, got {n_bands}")
    partners: list[set[int]] = [set() for _ in signatures]
    for band in np.split(signatures, n_bands, axis=1):
        buckets = defaultdict(list)
        for i, row in enumerate(band):
            bucket = buckets[row.tobytes()]
            partners[i].update(bucket[-window:])
            bucket.append(i)
    return {(j, i) for i, before in enumerate(partners) for j in before}


def candidate_probability(overlap: Shaped[np.ndarray, "*n"], *, n_bands: int, n_rows: int) -> Float[np.ndarray, "*n"]:
    """Compute the probability that LSH pairs two texts of a given Jaccard overlap: 1 - (1 - J^r)^b.

    Raises:
        TypeError, ValueError: if `overlap` is not from 0 to 1, or a number is not a whole one of at least 1.

    >>> candidate_probability(np.array([0.5]), n_bands=2, n_rows=1)
    array([0.75])
    """
    overlap = real_array("overlap", overlap)
    if overlap.min() < 0 or overlap.max() > 1:
        raise ValueError(f"overlap must be from 0 to 1, got {overlap.min():g} to {overlap.max():g}")
    return 1 - (1 - overlap ** count("n_rows", n_rows)) ** count("n_bands", n_bands)


def near_duplicate_pairs(
    signatures: Shaped[np.ndarray, "texts n_hashes"], *, threshold: float = 0.5, n_bands: int = 32
) -> list[tuple[int, int]]:
    """Find the pairs whose signatures agree in at least a share `threshold` of places, among those that LSH catches.

    Of many texts alike it gives enough pairs to join them by `clusters`, not all: see `candidate_pairs`.

    Args:
        threshold: the least overlap of near-duplicates, as estimated: the error of the estimate is
            √(J (1 - J) / n_hashes). Choose `n_bands` so that `candidate_probability` is near 1 there.

    Raises:
        TypeError, ValueError: as `candidate_pairs`, or if `threshold` is not between 0 and 1.

    >>> near_duplicate_pairs(np.array([[1, 2, 3, 4], [1, 2, 3, 9], [1, 8, 8, 8]]), threshold=0.7, n_bands=4)
    [(0, 1)]
    """
    threshold = real("threshold", threshold, above=0, below=1)
    pairs, least = sorted(candidate_pairs(signatures, n_bands=n_bands)), threshold * signatures.shape[1]
    found = []
    for start in range(0, len(pairs), 4096):  # some at a time: their signatures are copied to be compared
        some = pairs[start : start + 4096]
        first, second = np.array(some).T
        alike = np.count_nonzero(signatures[first] == signatures[second], axis=1) >= least
        found += [pair for pair, near in zip(some, alike.tolist(), strict=True) if near]
    return found


def clusters(pairs: Iterable[tuple[int, int]], *, n_texts: int) -> list[int]:
    """Join texts that are linked by pairs, directly or through others, and name each by the first of its cluster.

    Keep the texts that are named by themselves, and no near-duplicates are left; give `train_test_split` the names
    as groups, and near-duplicates are never on both sides.

    Raises:
        TypeError: if `n_texts` is not a whole number.
        ValueError: if a pair names a text that is not from 0 to n_texts - 1.

    Source: Galler & Fischer (1964), An improved equivalence algorithm (union-find).
    Oracle: scipy.sparse.csgraph.connected_components.

    >>> clusters([(1, 3), (3, 4)], n_texts=5)
    [0, 1, 2, 1, 1]
    """
    first = list(range(count("n_texts", n_texts, at_least=0)))

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]  # halves the way for whoever asks next
            i = first[i]
        return i

    for i, j in pairs:
        if not (0 <= i < len(first) and 0 <= j < len(first)):
            raise ValueError(f"pairs must name texts from 0 to {len(first) - 1}, got ({i}, {j})")
        low, high = sorted((root(i), root(j)))
        first[high] = low
    return [root(i) for i in range(len(first))]


def _not_empty(name: str, members: np.ndarray) -> None:
    instance(name, members, np.ndarray)
    if members.size == 0:
        raise ValueError(f"{name} must not be empty, got a set without members")
