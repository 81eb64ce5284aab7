"""Training a tokeniser on the standard library, kit and Hugging Face: python -m tests.text.tokenizer_training."""

import json
import os
import time
from collections.abc import Iterable

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from kit.text.bpe import Pair, pieces, train
from kit.text.corpus import standard_library

BORDER = "\u0100"  # beyond Latin-1


def their_merges(texts: Iterable[str], vocab_size: int) -> list[Pair]:
    """Train Hugging Face's way on bytes written as Latin-1, where a byte's character is its id, as in kit.

    The pieces are kit's, for the pattern matches characters: how they are cut is compared elsewhere.
    """
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.Split(BORDER, "removed")
    alphabet = [chr(byte) for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    cut = (BORDER.join(piece.decode("latin-1") for piece in pieces(text)) for text in texts)
    theirs.train_from_iterator(cut, trainer)
    vocab = theirs.get_vocab()
    tokens = sorted(vocab, key=vocab.get)
    assert tokens[:256] == alphabet
    merges = json.loads(theirs.to_str())["model"]["merges"]
    return [(vocab[left], vocab[right]) for left, right in merges]


def main() -> None:
    corpus = [document.text for document in standard_library()]
    print(f"{sum(len(text.encode()) for text in corpus):,} bytes, {os.cpu_count()} cores (theirs uses them all)")
    for vocab_size in (1024, 4096):
        start = time.perf_counter()
        our_merges = list(train(corpus, vocab_size=vocab_size).merges)
        ours = time.perf_counter() - start
        start = time.perf_counter()
        same = their_merges(corpus, vocab_size) == our_merges
        theirs = time.perf_counter() - start
        print(
            f"vocabulary {vocab_size}: kit {ours:.1f} s, theirs {theirs:.1f} s ({ours / theirs:.1f}x); "
            f"same merges: {same}"
        )
        assert same
        assert ours < 10 * theirs
    for share in (4, 2, 1):  # not quadratic: twice the text takes at most about twice the time
        start = time.process_time()
        train(corpus[::share], vocab_size=1024)
        n_bytes = sum(len(text.encode()) for text in corpus[::share])
        print(f"{n_bytes:10,} bytes: kit {time.process_time() - start:.1f} CPU-seconds")


if __name__ == "__main__":
    main()
