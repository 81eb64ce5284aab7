"""The floor on the standard library, in bits per byte of held-out files: python -m tests.text.floors."""

from kit.text.bpe import train
from kit.text.corpus import standard_library, train_test_split
from kit.text.ngram import compressed_bits_per_byte, count_ngrams


def main() -> None:
    # encodings/ is near-duplicates of one file; pydoc_data/ is one file, generated, as large as all others held out
    library = [d for d in standard_library() if not d.name.startswith(("encodings/", "pydoc_data/"))]
    train_documents, held_out = train_test_split(library, held_out=0.1)
    texts, unseen = ([d.text.encode() for d in side] for side in (train_documents, held_out))
    n_bytes = sum(map(len, unseen))
    print(f"trained on {sum(map(len, texts)):,} bytes, held out {len(unseen)} files of {n_bytes:,}")
    for n in (1, 2, 3, 4, 5, 6):
        model = count_ngrams(texts, n=n)
        bits = [sum(f(text).sum() for text in unseen) / n_bytes for f in (model.witten_bell_bits, model.additive_bits)]
        print(f"byte {n}-gram: Witten-Bell {bits[0]:.3f}, Laplace {bits[1]:.3f}")
    for vocab_size in (1024, 4096):
        bpe = train(texts, vocab_size=vocab_size)
        ids, unseen_ids = ([bpe.encode(text) for text in side] for side in (texts, unseen))
        for n in (2, 3, 4, 5):
            model = count_ngrams(ids, n=n, vocab_size=vocab_size)
            bits = sum(model.witten_bell_bits(each).sum() for each in unseen_ids) / n_bytes
            print(f"token {n}-gram, vocabulary {vocab_size}: Witten-Bell {bits:.3f}")
    print(f"xz on the held-out files alone: {compressed_bits_per_byte(b''.join(unseen)):.3f}")
    print(f"xz after the training files: {compressed_bits_per_byte(b''.join(unseen), after=b''.join(texts)):.3f}")


if __name__ == "__main__":
    main()
