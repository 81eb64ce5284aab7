"""Packing: rows of one length from texts of many, losing no token.

A stream of tokens is documents one after the other, each closed by an end token, which stands
nowhere else. The tokens alone therefore tell which document each belongs to, wherever the stream
is cut into rows, and nothing but the last row needs filling up.

A row holds several documents, and a model that is given the row alone lets each see those before
it. `next_tokens` leaves out the targets that cross a border; `document_ids` and `positions`
keep the documents apart in kit's models, which make `attention_mask` of them. Many are trained
without: what stands before is then noise that they learn to pass over.

Taught in: 15 18 21
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Integer

from kit.arguments import count, instance, token_ids

IGNORE_INDEX = -100  # as a target: what torch.nn.functional.cross_entropy leaves out, unless told otherwise


def concatenate(
    documents: Iterable[Sequence[int] | Integer[np.ndarray, "_"]], *, end: int
) -> Integer[np.ndarray, "tokens"]:
    """Chain documents into one stream, each followed by the end token.

    Raises:
        TypeError: if the documents are not made of whole numbers.
        ValueError: if a document holds the end token, or a negative id.

    >>> concatenate([[5, 6], [7]], end=0)
    array([5, 6, 0, 7, 0])
    """
    end = count("end", end, at_least=0)
    parts = [np.zeros(0, dtype=np.int64)]
    for document in documents:
        ids = token_ids("documents", document, below=2**32)
        if (ids == end).any():
            raise ValueError(f"documents must not hold the end token {end}, got it at index {np.argmax(ids == end)}")
        parts += [ids, np.array([end])]
    return np.concatenate(parts)


def split_documents(stream: Integer[np.ndarray, "tokens"], *, end: int) -> Iterator[Integer[np.ndarray, "_"]]:
    """Yield the documents of a stream, without their end tokens; `concatenate` undone.

    Raises:
        TypeError: if `stream` is not made of whole numbers.
        ValueError: if the stream stops inside a document.

    >>> [document.tolist() for document in split_documents(np.array([5, 6, 0, 7, 0]), end=0)]
    [[5, 6], [7]]
    """
    stream, end = token_ids("stream", stream, below=2**32), count("end", end, at_least=0)
    ends = np.flatnonzero(stream == end)
    if len(stream) and (not len(ends) or ends[-1] != len(stream) - 1):
        raise ValueError(f"stream must stop at the end token {end}, got {stream[-1]}")
    return (stream[start:stop] for start, stop in zip([0, *(ends[:-1] + 1)], ends, strict=False))


def chunk(
    stream: Integer[np.ndarray, "tokens"], *, length: int, fill: int, overlap: int = 0
) -> Integer[np.ndarray, "rows length"]:
    """Cut a stream into rows; the last is filled up.

    Args:
        overlap: how many tokens each row repeats from the end of the one before, so that what
            stands there is seen with its context. They are read twice: 0 doubles nothing.

    Raises:
        TypeError: if a number is not a whole number.
        ValueError: if `length` < 1, or `overlap` is not from 0 to `length` - 1.

    >>> chunk(np.array([1, 2, 3, 4, 5]), length=3, overlap=1, fill=0)
    array([[1, 2, 3],
           [3, 4, 5]])
    >>> chunk(np.array([1, 2, 3, 4, 5]), length=3, fill=0)
    array([[1, 2, 3],
           [4, 5, 0]])
    """
    length, overlap = count("length", length), count("overlap", overlap, at_least=0)
    if overlap >= length:
        raise ValueError(f"overlap must be < length, {length}, got {overlap}")
    stream, step = token_ids("stream", stream, below=2**32), length - overlap
    n_rows = 1 + max(0, -(-(len(stream) - length) // step)) if len(stream) else 0
    padded = np.full(n_rows * step + overlap, count("fill", fill, at_least=0), dtype=np.int64)
    padded[: len(stream)] = stream
    return padded[step * np.arange(n_rows)[:, None] + np.arange(length)]


def pack(
    documents: Iterable[Sequence[int] | Integer[np.ndarray, "_"]], *, length: int, end: int
) -> Integer[np.ndarray, "rows length"]:
    """Pack documents into rows: every token once, in order, and the last row filled with end tokens.

    A document that crosses the end of a row goes on in the next, where it cannot see what came
    before. What fills the last row is, to all the functions below, so many empty documents. The
    documents of a row see one another unless the model is given their `attention_mask`.

    Raises:
        TypeError, ValueError: as `concatenate` and `chunk`.

    >>> pack([[5, 6, 7], [8]], length=4, end=0)
    array([[5, 6, 7, 0],
           [8, 0, 0, 0]])
    """
    return chunk(concatenate(documents, end=end), length=length, fill=end)


def document_ids(rows: Integer[np.ndarray, "*rows length"], *, end: int) -> Integer[np.ndarray, "*rows length"]:
    """Number the documents of each row from 0; an end token belongs to the document that it closes.

    >>> document_ids(np.array([5, 6, 0, 7, 0]), end=0)
    array([0, 0, 0, 1, 1])
    """
    instance("rows", rows, np.ndarray)
    closes = rows == count("end", end, at_least=0)
    return np.cumsum(closes, axis=-1) - closes


def positions(rows: Integer[np.ndarray, "*rows length"], *, end: int) -> Integer[np.ndarray, "*rows length"]:
    """Count each token's place in its document, from 0, or from where the row cuts into it.

    >>> positions(np.array([5, 6, 0, 7, 0]), end=0)
    array([0, 1, 2, 0, 1])
    """
    instance("rows", rows, np.ndarray)
    index, end = np.arange(rows.shape[-1]), count("end", end, at_least=0)
    begins = np.concatenate([np.ones_like(rows[..., :1], dtype=bool), rows[..., :-1] == end], axis=-1)
    return index - np.maximum.accumulate(np.where(begins, index, 0), axis=-1)


def attention_mask(rows: Integer[np.ndarray, "*rows length"], *, end: int) -> Bool[np.ndarray, "*rows length length"]:
    """Say which token may look at which: at itself and what came before it, in its own document.

    Returns:
        True at [..., query, key] where the query may see the key.

    >>> attention_mask(np.array([5, 0, 7]), end=0).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [0, 0, 1]])
    """
    number = document_ids(rows, end=end)
    return np.tril(number[..., :, None] == number[..., None, :])


def next_tokens(rows: Integer[np.ndarray, "*rows length"], *, end: int) -> Integer[np.ndarray, "*rows length"]:
    """Give each token its target, the next of its document, or IGNORE_INDEX where the document or the row ends.

    >>> next_tokens(np.array([5, 6, 0, 7, 8]), end=0)
    array([   6,    0, -100,    8, -100])
    """
    instance("rows", rows, np.ndarray)
    rows = rows.astype(np.int64)  # what is unsigned has no place for IGNORE_INDEX
    after = np.concatenate([rows[..., 1:], np.full_like(rows[..., :1], IGNORE_INDEX)], axis=-1)
    return np.where(rows == count("end", end, at_least=0), IGNORE_INDEX, after)


def pad(
    documents: Sequence[Sequence[int] | Integer[np.ndarray, "_"]], *, fill: int
) -> tuple[Integer[np.ndarray, "rows length"], Bool[np.ndarray, "rows length"]]:
    """Give each document a row of its own, filled up at its end to the longest.

    Returns:
        The rows, and true for each token that is one.

    Raises:
        TypeError: if the documents are not made of whole numbers.
        ValueError: if there are none, one is empty, or an id is negative.

    >>> pad([[5, 6, 7], [8]], fill=0)[0]
    array([[5, 6, 7],
           [8, 0, 0]])
    """
    rows = [token_ids("documents", document, below=2**32) for document in documents]
    if not rows or not all(map(len, rows)):
        raise ValueError(f"documents must be one or more, none without a token, got {len(rows)}")
    present = np.arange(max(map(len, rows))) < np.array([[len(row)] for row in rows])
    padded = np.full(present.shape, count("fill", fill, at_least=0), dtype=np.int64)
    padded[present] = np.concatenate(rows)
    return padded, present


def group_by_length(
    documents: Sequence[Sequence[int] | Integer[np.ndarray, "_"]],
    *,
    batch_size: int,
    fill: int,
    pool: int = 8,
    rng: np.random.Generator,
) -> list[tuple[Integer[np.ndarray, "rows length"], Integer[np.ndarray, "rows length"]]]:
    """Batch documents with others of their length, a row each, so that hardly anything is filled up.

    Where documents are all short, this wastes less than packing, and every token sees its document
    from the beginning. Pools of a few batches are sorted and cut, and their batches come in random order.

    Args:
        pool: the batches in a pool. More fill up less; but lengths that are all alike, batch after
            batch, also make the gradients of batches differ more.

    Returns:
        Inputs and targets of each batch: the target of a token is the next, or IGNORE_INDEX where filled up.

    Raises:
        TypeError: if documents are not made of whole numbers, or `rng` is not a generator.
        ValueError: if there are none, one has fewer than two tokens, or `batch_size` < 1.

    >>> group_by_length([[5, 6, 7], [8, 9]], batch_size=2, fill=0, rng=np.random.default_rng(0))
    [(array([[8, 9],
           [5, 6]]), array([[   9, -100],
           [   6,    7]]))]
    """
    instance("rng", rng, np.random.Generator)
    batch_size, pool = count("batch_size", batch_size), count("pool", pool) * batch_size
    rows = [token_ids("documents", document, below=2**32) for document in documents]
    if not rows or min(map(len, rows)) < 2:
        raise ValueError("documents must be one or more, each of two tokens or more")
    batches = []
    for first in range(0, len(rows), pool):
        alike = sorted(rows[first : first + pool], key=len)
        for start in rng.permutation(np.arange(0, len(alike), batch_size)).tolist():
            ids, present = pad(alike[start : start + batch_size], fill=fill)
            batches.append((ids[:, :-1], np.where(present, ids, IGNORE_INDEX)[:, 1:]))
    return batches
