"""kit's tokeniser against Hugging Face's, loading the same file: python -m tests.text.tokenizer_ids."""

import random
import tempfile
import time
from pathlib import Path

from tokenizers import Tokenizer, pre_tokenizers

from kit.text.bpe import BPE, pieces, train
from kit.text.corpus import standard_library

ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyzABCXYZ_0123456789",
    " \t\n\r\v\f",
    "".join(chr(code) for code in [*range(32), 0x7F, *range(0x80, 0xA1), 0xAD, 0x200B, 0x2028, 0xFEFF, 0xFFFD]),
    "!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~",
    "éßñøşжщяαβγאبहि가나다漢字仮名ｶﾅ，。！　",
    "😀🚀❤️👩‍🚀👨‍👩‍👧‍👦🇩🇪🏳️‍🌈\U0010ffff\U0001f9ff\u0301\u0308",
    "<|end|>",
]


def fuzzed_text(rng: random.Random) -> str:
    """Mix short runs from several alphabets."""
    return "".join(
        "".join(rng.choices(rng.choice(ALPHABETS), k=rng.randrange(1, 9))) for _ in range(rng.randrange(0, 12))
    )


def fuzzed_bytes(rng: random.Random) -> bytes:
    """Break a text: overwrite, cut or insert some of its bytes, so that most are no longer UTF-8."""
    data = bytearray(fuzzed_text(rng).encode())
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(4))
    return bytes(data)


def hugging_face(bpe: BPE) -> Tokenizer:
    """Load what kit saved; a special token's name in a text is text, as it is in kit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        bpe.save(path)
        theirs = Tokenizer.from_file(str(path))
    theirs.encode_special_tokens = True
    return theirs


def ids_of_bytes(theirs: Tokenizer, data: bytes) -> list[int]:
    """Encode bytes with their merges and their table of bytes; their doors admit valid text alone."""
    table = dict(zip(sorted(range(256), key=_order), sorted(pre_tokenizers.ByteLevel.alphabet()), strict=True))
    return [
        token.id for piece in pieces(data) for token in theirs.model.tokenize("".join(table[byte] for byte in piece))
    ]


def _order(byte: int) -> tuple[bool, int]:
    """Put the bytes that print first, as GPT-2's table does."""
    return not (0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or byte >= 0xAE), byte


def main() -> None:
    corpus = [document.text for document in standard_library()]
    bpe = train(corpus, vocab_size=4096, special=("<|end|>",))
    theirs = hugging_face(bpe)

    start = time.perf_counter()
    ours = [bpe.encode(text) for text in corpus]
    seconds = time.perf_counter() - start
    n_bytes, n_tokens = sum(len(text.encode()) for text in corpus), sum(map(len, ours))
    wrong = sum(theirs.encode(text).ids != ids for text, ids in zip(corpus, ours, strict=True))
    lossy = sum(bpe.decode(ids) != text for text, ids in zip(corpus, ours, strict=True))
    print(
        f"corpus: {len(corpus)} files, {n_bytes:,} bytes, {n_tokens:,} tokens, {n_bytes / n_tokens:.2f} bytes a token"
    )
    print(
        f"        {wrong} files with other ids, {lossy} that do not come back; kit encodes {n_bytes / seconds:,.0f} B/s"
    )
    assert wrong == lossy == 0

    rng = random.Random(0)
    texts = [fuzzed_text(rng) for _ in range(10_000)]
    wrong = sum(theirs.encode(text).ids != bpe.encode(text) for text in texts)
    theirs.encode_special_tokens = False
    wrong_special = sum(theirs.encode(text).ids != bpe.encode(text, special=True) for text in texts)
    lossy = sum(bpe.decode(bpe.encode(text)) != text for text in texts)
    print(
        f"10,000 fuzzed texts: {wrong} with other ids, {wrong_special} with special tokens on, {lossy} not coming back"
    )
    assert wrong == wrong_special == lossy == 0

    broken = [fuzzed_bytes(rng) for _ in range(10_000)]
    invalid = sum("\ufffd" in data.decode(errors="replace") for data in broken)
    wrong = sum(ids_of_bytes(theirs, data) != bpe.encode(data) for data in broken)
    lossy = sum(bpe.decode_bytes(bpe.encode(data)) != data for data in broken)
    print(f"10,000 fuzzed bytes, {invalid:,} of them no UTF-8: {wrong} with other ids, {lossy} not coming back")
    assert wrong == lossy == 0


if __name__ == "__main__":
    main()
