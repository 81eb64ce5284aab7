"""Byte-pair encoding: from text to the numbers that a language model reads, and back without loss.

A token is a string of bytes. The first 256 are the single bytes, so no text is ever unknown; each
later one joins two earlier ones, the pair that was commonest in the training text at that moment.
`BPE.save` writes the file format of Hugging Face's `tokenizers`, whose compiled code then gives
the same ids at production speed: `tokenizers.Tokenizer.from_file(path)`.

Taught in: 14
"""

import heapq
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from kit.arguments import count, instance, several, token_ids

Pair = tuple[int, int]
Ids = Sequence[int] | Integer[np.ndarray, "_"]

# No token crosses the border between two pieces: a word with the space before it, a number, a run
# of punctuation, of white space (less the one space that goes to the next word), of control codes.
# The classes are spelled out in ASCII, since engines of regular expressions disagree on the rest;
# whatever is not ASCII counts as a letter, so that the rule is the same on bytes and on characters.
PIECES = (
    r" ?[^\x00-@\[-`{-\x7f]+| ?[0-9]+| ?[!-/:-@\[-`{-~]+"
    r"|[\t-\r ]+(?![^\t-\r ])|[\t-\r ]+|[\x00-\x08\x0e-\x1f\x7f]+"
)


def pieces(text: str | bytes) -> list[bytes]:
    """Cut a text into the pieces that are encoded one by one; put together, they are the text.

    Raises:
        ValueError: if `text` holds half of a surrogate pair, which no UTF-8 text can.

    >>> pieces("if x1 == 10:")
    [b'if', b' x', b'1', b' ==', b' 10', b':']
    """
    return re.findall(PIECES.encode(), _utf8(text))


def merge_pair(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Replace each occurrence of a pair, from left to right, by a new id.

    >>> merge_pair([1, 1, 1, 2], (1, 1), 9)
    [9, 1, 2]
    """
    merged, i = [], 0
    while i < len(ids):
        if ids[i] == pair[0] and i + 1 < len(ids) and ids[i + 1] == pair[1]:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def train(texts: Iterable[str | bytes], *, vocab_size: int, special: Sequence[str] = ()) -> "BPE":
    """Learn a tokeniser: merge the commonest pair of neighbours, again and again.

    Equal counts are decided in favour of the pair with the smaller ids. Texts that run out of
    pairs give fewer tokens than were asked for.

    To count all pairs afresh for each merge would cost merges x length of the text. Here the text
    is read once, and kept as its distinct pieces with their counts. A merge visits only the pieces
    where its pair was seen. A piece of n bytes ever shows fewer than 3n pairs, since each join of
    two tokens makes at most two new ones, and it is visited once for each: the cost is bound by
    the lengths of the pieces, which are short, whatever the vocabulary. A heap finds the commonest
    pair; its entries may be out of date, but only too high, and are put right at the top.

    Args:
        vocab_size: the number of tokens: 256 bytes, the merges, and the special tokens.
        special: names such as "<|end|>" for tokens that no text can produce by itself.

    Raises:
        TypeError: if `texts` is one text, or `vocab_size` not a whole number.
        ValueError: if it leaves no room for the bytes and the special tokens, or these clash.

    Source: Sennrich, Haddow & Birch (2016), arXiv:1508.07909, algorithm 1; on bytes, Radford et
    al. (2019), Language models are unsupervised multitask learners, section 2.2.
    Oracle: the trainer of `tokenizers`, and a loop that counts afresh for each merge.

    >>> train(["aab aab"], vocab_size=258).tokens[256:]
    [b'aa', b'aab']
    """
    several("texts", texts)
    vocab_size = count("vocab_size", vocab_size, at_least=256 + len(special))
    n_pieces = Counter(piece for text in texts for piece in pieces(text))
    spellings, repeats = [list(piece) for piece in n_pieces], list(n_pieces.values())
    n_pairs: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for i, spelling in enumerate(spellings):
        for pair in pairwise(spelling):
            n_pairs[pair] += repeats[i]
            where[pair].add(i)

    merges: list[Pair] = []
    heap = [(-n, pair) for pair, n in n_pairs.items()]
    heapq.heapify(heap)
    while heap and len(merges) < vocab_size - 256 - len(special):
        promised, pair = heapq.heappop(heap)
        if n_pairs[pair] != -promised:
            if n_pairs[pair] > 0:
                heapq.heappush(heap, (-n_pairs[pair], pair))
            continue
        new = 256 + len(merges)
        merges.append(pair)
        fresh: set[Pair] = set()
        for i in where.pop(pair):
            for old in pairwise(spellings[i]):
                n_pairs[old] -= repeats[i]
            spellings[i] = merge_pair(spellings[i], pair, new)
            for now in pairwise(spellings[i]):
                n_pairs[now] += repeats[i]
                if new in now:  # no other pair can have become commoner, or appeared
                    where[now].add(i)
                    fresh.add(now)
        for now in fresh:
            heapq.heappush(heap, (-n_pairs[now], now))
    return BPE(merges=tuple(merges), special=tuple(special))


@dataclass(frozen=True, kw_only=True)
class BPE:
    """A tokeniser: token 256 + i joins the two tokens of `merges[i]`; the special tokens come last.

    Raises:
        ValueError: if a merge joins tokens that do not come before it, two tokens are the same
            bytes, or a special token is empty.
    """

    merges: tuple[Pair, ...]
    special: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that every token can be built, and told from the others."""
        for i, pair in enumerate(self.merges):
            if not 0 <= min(pair) <= max(pair) < 256 + i:
                raise ValueError(f"merges must join earlier tokens: merge {i} joins {pair}, below it are {256 + i}")
        if "" in self.special:
            raise ValueError("special must not hold an empty name")
        twice = [token for token, n in Counter(self.tokens).items() if n > 1]
        if twice:
            raise ValueError(f"merges and special must not make a token twice, got {twice[0]!r}")

    @cached_property
    def tokens(self) -> list[bytes]:
        """Spell out every token, in the order of the ids."""
        tokens = [bytes([byte]) for byte in range(256)]
        for left, right in self.merges:
            tokens.append(tokens[left] + tokens[right])
        return tokens + [_utf8(name) for name in self.special]

    @property
    def vocab_size(self) -> int:
        """Count the tokens."""
        return 256 + len(self.merges) + len(self.special)

    @cached_property
    def special_ids(self) -> dict[str, int]:
        """Give the id of each special token."""
        return {name: 256 + len(self.merges) + i for i, name in enumerate(self.special)}

    def encode(self, text: str | bytes, *, special: bool = False) -> list[int]:
        """Turn a text into ids: in each piece, join the pair that was learned first, until none is left.

        Bytes need not be valid UTF-8: nothing is lost, whatever they are.

        Args:
            special: whether the name of a special token in the text becomes that token. Leave it
                False for text from outside, or a stranger can end your document by writing so.

        Raises:
            ValueError: if `text` holds half of a surrogate pair, which no UTF-8 text can.

        Oracle: `tokenizers`, loading the file that `save` writes.

        >>> BPE(merges=((97, 97), (256, 98))).encode("aab aaa")  # 'aa', then 'aab'
        [257, 32, 256, 97]
        """
        data = _utf8(text)
        if not (special and self.special):
            return [i for piece in pieces(data) for i in self._encode_piece(piece)]
        names = sorted((re.escape(_utf8(name)) for name in self.special), key=len, reverse=True)
        ids: list[int] = []
        for part in re.split(b"(" + b"|".join(names) + b")", data):
            known = self.special_ids.get(part.decode(errors="replace"))
            ids += self.encode(part) if known is None else [known]
        return ids

    def decode(self, ids: Ids) -> str:
        """Turn ids into text. A model may stop in the middle of a character: what is left of it becomes '\ufffd'.

        decode(encode(text)) == text

        Raises:
            TypeError: if `ids` are not whole numbers.
            ValueError: if an id is not in the vocabulary.

        >>> BPE(merges=()).decode([72, 105])
        'Hi'
        """
        return self.decode_bytes(ids).decode(errors="replace")

    def decode_bytes(self, ids: Ids) -> bytes:
        """Turn ids into the very bytes that they stand for.

        decode_bytes(encode(data)) == data

        Raises:
            ValueError: if an id is not in the vocabulary.
        """
        return b"".join(self.tokens[i] for i in token_ids("ids", ids, below=self.vocab_size))

    def save(self, path: str | Path) -> None:
        """Write the tokeniser as the JSON file that `tokenizers` reads."""
        spelled = ["".join(_PRINTABLE[byte] for byte in token) for token in self.tokens]
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        piecewise = {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Isolated", "invert": False}
        plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        content = {
            "version": "1.0",
            "added_tokens": [{"id": i, "content": name, **plain} for name, i in self.special_ids.items()],
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [piecewise, byte_level]},
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "vocab": {token: i for i, token in enumerate(spelled[: 256 + len(self.merges)])},
                "merges": [[spelled[left], spelled[right]] for left, right in self.merges],
            },
        }
        Path(path).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")

    @cached_property
    def _rank(self) -> dict[Pair, int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    @cached_property
    def _known(self) -> dict[bytes, list[int]]:
        return {}

    def _encode_piece(self, piece: bytes) -> list[int]:
        if piece in self._known:  # most words of a text have been met before
            return self._known[piece]
        ids = list(piece)
        while len(ids) > 1:
            pair = min(pairwise(ids), key=lambda pair: self._rank.get(pair, math.inf))
            if pair not in self._rank:
                break
            ids = merge_pair(ids, pair, 256 + self._rank[pair])
        if len(self._known) == 2**16:
            self._known.clear()
        self._known[piece] = ids
        return ids


def load(path: str | Path) -> BPE:
    """Read a tokeniser that `BPE.save` wrote.

    Raises:
        ValueError: if the file is another kind of tokeniser, whose ids would differ.
    """
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        vocab, pairs = content["model"]["vocab"], content["model"]["merges"]
        bpe = BPE(
            merges=tuple((vocab[left], vocab[right]) for left, right in pairs),
            special=tuple(each["content"] for each in content["added_tokens"]),
        )
        ours = content["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] == PIECES
        if ours and [vocab[char] for char in _PRINTABLE] == list(range(256)):
            return bpe
    except (KeyError, IndexError, TypeError):
        pass  # it is told from ours by what it lacks
    raise ValueError(f"path must name a tokeniser that BPE.save wrote, got {path}")


def _utf8(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    instance("text", text, str)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text must be UTF-8, got half a surrogate pair at index {error.start}; give bytes instead"
        ) from None


def _printable() -> list[str]:
    """Give each byte a character that shows in print: itself, or one from beyond Latin-1 (the table of GPT-2)."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    beyond = iter(range(0x100, 0x200))
    return [chr(byte) if byte in shown else chr(next(beyond)) for byte in range(256)]


_PRINTABLE = _printable()
