"""GPT-2's tokeniser: its published files, vocab.json and merges.txt, read and written.

    bpe = load_gpt2("vocab.json", "merges.txt")

vocab.json gives each token its id, merges.txt the pairs in the order in which they were learned;
both spell a token's bytes in letters that show. The pattern that cuts a text stands in neither: it
is GPT-2's. Many later models have files of this form.

Taught in: 16
"""

import json
from pathlib import Path

from kit.arguments import instance
from kit.files import write_whole
from kit.text.bpe import BPE, from_vocab
from kit.text.patterns import GPT2_PIECES, spell

HEADING = "#version: 0.2"


def load_gpt2(vocab: str | Path, merges: str | Path) -> BPE:
    """Read a tokeniser from its two files; encoded by it, a text has the ids that GPT-2 would read.

    Raises:
        ValueError: if a file is of another kind, or their ids are not those of the 256 bytes in any
            order, then of the merges in theirs, then of special tokens.

    Oracle: GPT2Tokenizer of Hugging Face transformers, on the same files.
    """
    vocab, merges = Path(vocab), Path(merges)
    try:
        ids = json.loads(vocab.read_text(encoding="utf-8"))
        instance("vocab", ids, dict)
    except (ValueError, TypeError):
        raise ValueError(f"vocab must name a file of JSON that gives tokens their ids, got {str(vocab)!r}") from None
    lines = merges.read_text(encoding="utf-8", errors="replace").split("\n")
    pairs = [line.split() for line in lines if line and not line.startswith("#version")]
    if not all(len(pair) == 2 and set(pair) <= ids.keys() for pair in pairs):
        raise ValueError(f"merges must name a file of two tokens of vocab a line, got {str(merges)!r}")
    return from_vocab(ids, pairs, pattern=GPT2_PIECES)


def save_gpt2(bpe: BPE, folder: str | Path) -> None:
    """Write vocab.json and merges.txt into a folder.

    Raises:
        TypeError: if `bpe` is no BPE.
        ValueError: if it cuts texts by another pattern than GPT-2's: whoever reads the files cuts by that.
    """
    instance("bpe", bpe, BPE)
    if bpe.pattern != GPT2_PIECES:
        raise ValueError("bpe must cut by GPT2_PIECES, for these files do not say how a text is cut")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [spell(token) for token in bpe.tokens]
    write_whole(folder / "vocab.json", json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False))
    lines = [HEADING, *(f"{tokens[left]} {tokens[right]}" for left, right in bpe.merges)]
    write_whole(folder / "merges.txt", "\n".join(lines) + "\n")
