"""Byte-pair encoding: from text to the numbers that a language model reads, and back without loss.

A token is a string of bytes. The first 256 are the single bytes, so no text is ever unknown; each
later one joins two earlier ones, the pair that was commonest in the training text at that moment.
`BPE.save` writes the file format of Hugging Face's `tokenizers`, whose compiled code then gives
the same ids at production speed: `tokenizers.Tokenizer.from_file(path)`.

Taught in: 16
"""

import heapq
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from kit.arguments import count, instance, several, shown, token_ids
from kit.files import write_whole
from kit.text.patterns import PIECES, compiled, pattern_text, spell, unspell

Pair = tuple[int, int]
Ids = Sequence[int] | Integer[np.ndarray, "_"]

SHORT = 24  # bytes of a piece: up to here, to look through its pairs again is quicker than to keep their places
LONGEST = 128  # bytes of a piece in training: where runs are longer, they are no words


def pieces(text: str | bytes, *, pattern: str = PIECES) -> list[bytes]:
    """Cut a text into the pieces that are encoded one by one; put together, they are the text.

    Args:
        pattern: `PIECES` or `GPT2_PIECES` of kit.text.patterns.

    Raises:
        ValueError: if `text` holds half of a surrogate pair, which no UTF-8 text can, or `pattern`
            is another.

    >>> pieces("if x1 == 10:")
    [b'if', b' x', b'1', b' ==', b' 10', b':']
    """
    found = compiled(pattern).findall(pattern_text(text))
    return [piece.encode(errors="surrogateescape") for piece in found]


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


def train(
    texts: Iterable[str | bytes], *, vocab_size: int, special: Sequence[str] = (), pattern: str = PIECES
) -> "BPE":
    """Learn a tokeniser: merge the commonest pair of neighbours, again and again.

    Equal counts are decided in favour of the pair with the smaller ids. Texts that run out of
    pairs give fewer tokens than were asked for.

    To count all pairs afresh for each merge would cost merges x length of the text. Here the text
    is read once, and kept as its distinct pieces with their counts. A merge visits only the pieces
    where its pair was seen. A piece of n bytes ever shows fewer than 3n pairs, since each join of
    two tokens makes at most two new ones, and it is visited once for each: the cost is bound by
    the lengths of the pieces, which are short, whatever the vocabulary: one of more than `LONGEST`
    bytes is learned from in parts. A heap finds the commonest pair; its entries may be out of date,
    but only too high, and are put right at the top.

    Args:
        vocab_size: the number of tokens: 256 bytes, the merges, and the special tokens.
        special: names such as "<|end|>" for tokens that no text can produce by itself. Where they
            stand in `texts` they part it, and nothing is learned from their letters.
        pattern: `PIECES` or `GPT2_PIECES`.

    Raises:
        TypeError: if `texts` is one text, or `vocab_size` not a whole number.
        ValueError: if it leaves no room for the bytes and the special tokens, these clash, or
            `pattern` is another.

    Source: Sennrich, Haddow & Birch (2016), arXiv:1508.07909, algorithm 1; on bytes, Radford et
    al. (2019), Language models are unsupervised multitask learners, section 2.2.
    Oracle: the trainer of `tokenizers`, and a loop that counts afresh for each merge.

    >>> train(["aab aab"], vocab_size=258).tokens[256:]
    [b'aa', b'aab']
    """
    several("texts", texts)
    vocab_size = count("vocab_size", vocab_size, at_least=256 + len(special))
    untrained = BPE(merges=(), special=tuple(special), pattern=pattern)  # what is wrong with these shows now
    n_pieces = Counter(piece for text in texts for piece in untrained.cut(text) if piece not in untrained.special_ids)
    spellings, repeats = [], []
    for piece, n in n_pieces.items():
        spelling = list(piece.encode(errors="surrogateescape"))
        parts = [spelling[i : i + LONGEST] for i in range(0, len(spelling), LONGEST)]
        spellings += parts
        repeats += [n] * len(parts)
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
    return BPE(merges=tuple(merges), special=tuple(special), pattern=pattern)


@dataclass(frozen=True, kw_only=True)
class BPE:
    """A tokeniser: token 256 + i joins the two tokens of `merges[i]`; the special tokens come last.

    Args:
        pattern: `PIECES` or `GPT2_PIECES`: how a text is cut before anything is merged.
        alphabet: the byte that each of the first 256 tokens stands for; GPT-2 has another order.

    Raises:
        ValueError: if a merge joins tokens that do not come before it, two tokens are the same
            bytes, a special token is empty, or `pattern` or `alphabet` is none.
    """

    merges: tuple[Pair, ...]
    special: tuple[str, ...] = ()
    pattern: str = PIECES
    alphabet: bytes = bytes(range(256))

    def __post_init__(self) -> None:
        """Check that every token can be built, and told from the others."""
        compiled(self.pattern)
        instance("alphabet", self.alphabet, bytes)
        if sorted(self.alphabet) != list(range(256)):
            raise ValueError(f"alphabet must hold each of the 256 bytes once, got {len(self.alphabet)} bytes")
        for i, pair in enumerate(self.merges):
            if not 0 <= min(pair) <= max(pair) < 256 + i:
                raise ValueError(f"merges must join earlier tokens: merge {i} joins {pair}, below it are {256 + i}")
        if "" in self.special:
            raise ValueError("special must not hold an empty name")
        for name, tokens in (("merges", self.tokens[: 256 + len(self.merges)]), ("special", self.tokens)):
            if twice := [token for token, n in Counter(tokens).items() if n > 1]:
                raise ValueError(f"{name} must not make a token twice, got {shown(twice[0])}")

    @cached_property
    def tokens(self) -> list[bytes]:
        """Spell out every token, in the order of the ids."""
        tokens = [bytes([byte]) for byte in self.alphabet]
        for left, right in self.merges:
            tokens.append(tokens[left] + tokens[right])
        return tokens + [name.encode() for name in self.special]

    @property
    def vocab_size(self) -> int:
        """Count the tokens."""
        return 256 + len(self.merges) + len(self.special)

    @cached_property
    def special_ids(self) -> dict[str, int]:
        """Give the id of each special token."""
        return {name: 256 + len(self.merges) + i for i, name in enumerate(self.special)}

    def cut(self, text: str | bytes, *, special: bool = True) -> list[str]:
        """Cut a text into its pieces, and where `special`, into names of special tokens and pieces between them.

        A byte that is no UTF-8 becomes half a surrogate pair, which Python turns back into the byte.

        Raises:
            ValueError: if `text` holds half of a surrogate pair, which no UTF-8 text can.

        >>> BPE(merges=(), special=("<|end|>",)).cut("Hi you<|end|>")
        ['Hi', ' you', '<|end|>']
        """
        find, text = compiled(self.pattern).findall, pattern_text(text)
        if not (special and self.special):
            return find(text)
        names = "|".join(map(re.escape, sorted(self.special, key=len, reverse=True)))
        parts = re.split(f"({names})", text)  # text and name in turn
        return [piece for i, part in enumerate(parts) for piece in ([part] if i % 2 else find(part))]

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
        return self._ids(self.cut(text, special=special), special=special)

    def encode_stream(self, texts: Iterable[str], *, special: bool = False) -> Iterator[int]:
        """Encode a text that comes in parts, such as the lines of a file: the ids are those of the whole.

        The end of what has come is kept back until it is known how its last piece goes on. No more
        is kept than that piece and the length of a special token.

        Args:
            special: as `encode`.

        Raises:
            TypeError: if `texts` is one text, or a part is not a str.
            ValueError: as `encode`.

        Oracle: `encode`.

        >>> list(BPE(merges=((97, 97),)).encode_stream(["a", "a"]))
        [256]
        """
        several("texts", texts)
        return self._stream(texts, special)

    def _stream(self, texts: Iterable[str], special: bool) -> Iterator[int]:
        margin = max(map(len, ("'re", *(self.special if special else ())))) - 1  # what a name may lack
        rest, enough = "", 0
        for text in texts:
            instance("texts", text, str)
            rest += text
            if len(rest) <= enough:
                continue
            found, kept = self.cut(rest, special=special), 0
            while found and (kept <= margin or found[-1].isspace()):  # a blank may go to the word that comes
                kept += len(found.pop())
            yield from self._ids(found, special=special)
            rest = rest[len(rest) - kept :]
            enough = 2 * kept  # else a long piece that comes letter by letter would be cut for each letter
        yield from self.encode(rest, special=special)

    def _ids(self, found: Iterable[str], *, special: bool) -> list[int]:
        known, encode, names = self._known, self._encode_piece, self.special_ids
        if special and names:
            each = ([names[piece]] if piece in names else known.get(piece) or encode(piece) for piece in found)
        else:
            each = [known.get(piece) or encode(piece) for piece in found]  # most words have been met before
        return list(chain.from_iterable(each))

    def _encode_piece(self, piece: str) -> list[int]:
        ids = list(piece.encode(errors="surrogateescape").translate(self._byte_ids))
        if len(self._known) == 2**16:
            self._known.clear()
        self._known[piece] = (_joined if len(ids) <= SHORT else _joined_by_rank)(ids, self._rank)
        return self._known[piece]

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
        """Write the tokeniser as the JSON file that `tokenizers` reads.

        Special tokens have their ids in it, and no text can write them there either; who wants
        them read calls `add_special_tokens` of what `tokenizers` has loaded.
        """
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        piecewise = {"type": "Split", "pattern": {"Regex": self.pattern}, "behavior": "Isolated", "invert": False}
        content = {
            "version": "1.0",
            "added_tokens": [],
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [piecewise, byte_level]},
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "vocab": {spell(token): i for i, token in enumerate(self.tokens)},
                "merges": [[spell(self.tokens[left]), spell(self.tokens[right])] for left, right in self.merges],
            },
        }
        write_whole(path, json.dumps(content, ensure_ascii=False, indent=1))

    @cached_property
    def _rank(self) -> dict[Pair, int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    @cached_property
    def _byte_ids(self) -> bytes:
        return bytes(self.alphabet.index(byte) for byte in range(256))

    @cached_property
    def _known(self) -> dict[str, list[int]]:
        return {}


def _joined(ids: list[int], rank: dict[Pair, int]) -> list[int]:
    """Join the pair that was learned first, the leftmost of equals, until none is left."""
    never = len(rank)
    ranks = [rank.get(pair, never) for pair in pairwise(ids)]
    while ranks and (first := min(ranks)) < never:
        i = ranks.index(first)
        ids[i : i + 2] = [256 + first]
        del ranks[i]
        if i > 0:
            ranks[i - 1] = rank.get((ids[i - 1], ids[i]), never)
        if i < len(ranks):
            ranks[i] = rank.get((ids[i], ids[i + 1]), never)
    return ids


def _joined_by_rank(ids: list[int], rank: dict[Pair, int]) -> list[int]:
    """Do what `_joined` does, in little more than n steps for n ids.

    A pair that a join makes holds the new token, so it was learned later. Each rank thus comes up
    once, the lowest first; where its pairs stand is kept, and nothing is looked through again.
    """
    end = len(ids)
    before, after = list(range(-1, end - 1)), list(range(1, end + 1))
    places: defaultdict[int, list[int]] = defaultdict(list)
    for i, pair in enumerate(pairwise(ids)):
        if pair in rank:
            places[rank[pair]].append(i)
    to_come = list(places)
    heapq.heapify(to_come)
    while to_come:
        first = heapq.heappop(to_come)
        for i in sorted(places[first]):
            j = after[i]
            if j == end or rank.get((ids[i], ids[j])) != first:
                continue  # one of the two has been joined to another meanwhile
            ids[i], ids[j], after[i] = 256 + first, -1, after[j]
            if after[i] < end:
                before[after[i]] = i
            for left in (before[i], i):
                made = rank.get((ids[left], ids[after[left]])) if left >= 0 and after[left] < end else None
                if made is not None:
                    if made not in places:
                        heapq.heappush(to_come, made)
                    places[made].append(left)
    return [i for i in ids if i >= 0]


def load(path: str | Path) -> BPE:
    """Read a tokeniser that `BPE.save` wrote.

    Raises:
        ValueError: if the file is another kind of tokeniser, whose ids would differ.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        model, cutter = content["model"], content["pre_tokenizer"]["pretokenizers"][0]
        return from_vocab(model["vocab"], model["merges"], pattern=cutter["pattern"]["Regex"])
    except (ValueError, KeyError, IndexError, TypeError):  # it is told from ours by what it lacks
        raise ValueError(f"path must name a tokeniser that BPE.save wrote, got {str(path)!r}") from None


def from_vocab(vocab: dict[str, int], merges: Iterable[Sequence[str]], *, pattern: str) -> BPE:
    """Make a tokeniser of what its files hold: each token as `spell` writes it, and the pairs that are merged.

    Raises:
        ValueError: if the ids are not those of 256 bytes, of the merges in their order, and of special tokens.

    >>> plain = BPE(merges=((97, 97),))
    >>> from_vocab({spell(t): i for i, t in enumerate(plain.tokens)}, [["a", "a"]], pattern=PIECES) == plain
    True
    """
    by_id = [unspell(token) for token in sorted(vocab, key=lambda token: vocab[token])]
    pairs = tuple((vocab[left], vocab[right]) for left, right in merges)
    special = tuple(token.decode() for token in by_id[256 + len(pairs) :])
    try:
        bpe = BPE(merges=pairs, special=special, pattern=pattern, alphabet=b"".join(by_id[:256]))
        if bpe.tokens == by_id and sorted(vocab.values()) == list(range(len(by_id))):
            return bpe
    except ValueError:
        pass
    raise ValueError("vocab must hold the bytes, the merges in their order, and special tokens, got another order")
