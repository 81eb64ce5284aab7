"""The pipeline: from shards of raw documents to shards of clean ones, and to shards of tokens.

Near-duplicates can lie in different shards, so the work has two passes. The first gives each document its
signature; all signatures together are small, and tell which documents are copies. The second cleans the rest.

Taught in: 15
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from kit.arguments import instance, real, several, shown
from kit.text.bpe import BPE
from kit.text.clean import mask_pii, normalize, without_lines
from kit.text.corpus import Document
from kit.text.dedup import clusters, minhash, near_duplicate_pairs, shingles
from kit.text.quality import Limits
from kit.text.shards import results_of, stream, to_line, transform_all

N_HASHES = 128


def signature(document: Document) -> bytes:
    """Write the MinHash signature of a document, as 128 numbers of 32 bits."""
    return minhash(shingles(normalize(document.text)), n_hashes=N_HASHES).astype("<u4").tobytes()


@dataclass(frozen=True, kw_only=True)
class Clean:
    """The step that normalises, masks and judges a document, and writes it as a line, or nothing."""

    copies: frozenset[str] = frozenset()
    boilerplate: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)

    def __call__(self, document: Document) -> bytes:
        """Clean one document; what is left of it when it is a copy or breaks a limit is b''."""
        if document.name in self.copies:
            return b""
        text = mask_pii(without_lines(normalize(document.text), self.boilerplate))
        return b"" if self.limits.complaints(text) else to_line(Document(name=document.name, text=text))


@dataclass(frozen=True, kw_only=True)
class Encode:
    """The step that writes a document as its token ids and an end token, each as 32 bits."""

    tokeniser: BPE
    end: int

    def __call__(self, document: Document) -> bytes:
        """Encode one document."""
        return np.array([*self.tokeniser.encode(document.text), self.end], dtype="<u4").tobytes()


def clean_shards(
    sources: Sequence[str | Path],
    folder: str | Path,
    *,
    threshold: float = 0.5,
    boilerplate: Collection[str] = frozenset(),
    limits: Limits | None = None,
    n_workers: int = 1,
) -> list[Path]:
    """Drop near-duplicates across all shards, clean the rest, and return the clean shards.

    Of each cluster the first document stays. Whatever is killed on the way can be started again;
    what is there already is taken where sources and settings are the same, and made anew where not.

    Args:
        threshold: the Jaccard overlap from which two documents count as near-duplicates.
        boilerplate: lines to take out, as `common_lines` finds them.

    Raises:
        TypeError: if `limits` are no Limits, or as `transform_all`.
        ValueError: if `threshold` is not between 0 and 1, two documents have one name, or as
            `transform_all`; whatever it is, it is said before any work is done.
    """
    folder, threshold = Path(folder), real("threshold", threshold, above=0, below=1)
    several("boilerplate", boilerplate)
    instance("limits", limits := limits or Limits(), Limits)
    for part, suffix in (("signatures", ".u4"), ("clean", ".jsonl")):
        results_of(sources, folder / part, suffix=suffix)
    names = [document.name for document, _ in stream(sources)]
    if len(set(names)) < len(names):
        raise ValueError("sources must give their documents different names, for copies are known by them")
    signed = transform_all(sources, folder / "signatures", signature, suffix=".u4", n_workers=n_workers)
    signatures = np.concatenate([np.fromfile(path, dtype="<u4").reshape(-1, N_HASHES) for path in signed])
    first = clusters(near_duplicate_pairs(signatures, threshold=threshold), n_texts=len(names))
    copies = frozenset(name for i, name in enumerate(names) if first[i] != i)
    step = Clean(copies=copies, boilerplate=frozenset(boilerplate), limits=limits)
    return transform_all(sources, folder / "clean", step, n_workers=n_workers)


def encode_shards(
    sources: Sequence[str | Path],
    folder: str | Path,
    tokeniser: BPE,
    *,
    end: str = "<|end|>",
    n_workers: int = 1,
) -> list[Path]:
    """Write each shard as one stream of tokens, documents closed by the end token: ready for `chunk`.

    Raises:
        TypeError: if `tokeniser` is no BPE.
        ValueError: if `end` is not a special token of the tokeniser.
        TypeError, ValueError: as `transform_all`.
    """
    instance("tokeniser", tokeniser, BPE)
    if end not in tokeniser.special_ids:
        raise ValueError(f"end must be a special token of the tokeniser, {tokeniser.special}, got {shown(end)}")
    step = Encode(tokeniser=tokeniser, end=tokeniser.special_ids[end])
    return transform_all(sources, Path(folder) / "tokens", step, suffix=".u4", n_workers=n_workers)


def read_tokens(path: str | Path) -> Integer[np.ndarray, "tokens"]:
    """Map a shard of tokens into memory, without reading it: what is used is fetched.

    Raises:
        ValueError: if the file does not hold whole numbers of 32 bits, as `encode_shards` writes them.
    """
    size = Path(path).stat().st_size
    if size % 4:
        raise ValueError(f"path must hold numbers of 4 bytes each, got {size} bytes in {str(path)!r}")
    return np.memmap(path, dtype="<u4", mode="r") if size else np.zeros(0, dtype="<u4")
