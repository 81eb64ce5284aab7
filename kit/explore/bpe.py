"""Three views of tokens: the vocabulary's size, a text as you type it, and what counted runs predict.

All three learn from some seventy files of Python's standard library, and are judged on others.

Taught in: 16
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from kit.arguments import count, instance, one_of
from kit.explore.live import Choice, Frame, LiveView, Slider, Stage, Text
from kit.explore.palette import BLUE, GREEN, HOUSE, ORANGE
from kit.text.bpe import BPE, train
from kit.text.corpus import standard_library, train_test_split
from kit.text.ngram import NGram, compressed_bits_per_byte, count_ngrams
from kit.text.stories import STORIES

GREY = "#666666"
SIZES = tuple(round(256 * 2 ** (step / 4)) for step in range(17))  # 256 to 4,096

SNIPPET = '''\
def save_scores(path, scores):
    """Write one score a line."""
    with open(path, "w") as file:
        for name, score in scores:
            file.write(f"{name} {score}\\n")'''


@dataclass(frozen=True, kw_only=True)
class Library:
    """A small part of the standard library, in a part to learn from and a part held out."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]


@cache
def library() -> Library:
    """Take some eighty files of the standard library, and hold out every sixth of them."""
    # encodings/ is near-duplicates of one file, pydoc_data/ one generated file as large as a hundred others
    documents = [d for d in standard_library() if not d.name.startswith(("encodings/", "pydoc_data/"))]
    _, part = train_test_split(documents, held_out=0.12)
    learn, held_out = train_test_split(part, held_out=1 / 6, group=lambda document: f"held out? {document.name}")
    return Library(train=tuple(d.text for d in learn), held_out=tuple(d.text for d in held_out))


@cache
def tokenizer(vocab_size: int) -> BPE:
    """Train on the small library, once, and cut the merges to the first so many.

    Raises:
        TypeError: if `vocab_size` is not a whole number.
        ValueError: if it is not from 256 to 4,096.
    """
    vocab_size = count("vocab_size", vocab_size, at_least=256)
    if vocab_size > SIZES[-1]:
        raise ValueError(f"vocab_size must be <= {SIZES[-1]}, got {vocab_size}")
    if vocab_size == SIZES[-1]:
        return train(library().train, vocab_size=vocab_size)
    return BPE(merges=tokenizer(SIZES[-1]).merges[: vocab_size - 256])


def borders(text: str, pieces: Sequence[bytes]) -> list[tuple[int, int]]:
    r"""Find row and column of the place behind each token of an ASCII text.

    Raises:
        ValueError: if the pieces do not make up the text.

    >>> borders("ab\nc", [b"a", b"b\n", b"c"])
    [(0, 1), (1, 0), (1, 1)]
    """
    if b"".join(pieces) != text.encode():
        raise ValueError(f"pieces must make up the text, got {len(b''.join(pieces))} bytes for {len(text)} letters")
    found, end = [], 0
    for piece in pieces:
        end += len(piece)
        before = text[:end]
        found.append((before.count("\n"), end - before.rfind("\n") - 1))
    return found


# Vocabulary size --------------------------------------------------------------------------------

LONG_ENOUGH = 3.0


def bytes_per_token(bpe: BPE, texts: Sequence[str]) -> float:
    """Divide the bytes of some texts by their tokens.

    Raises:
        ValueError: if the texts hold no token.

    >>> bytes_per_token(BPE(merges=((97, 97),)), ["aaa"])
    1.5
    """
    n_tokens = sum(len(bpe.encode(text)) for text in texts)
    if not n_tokens:
        raise ValueError("texts must hold at least one token, got none")
    return sum(len(text.encode()) for text in texts) / n_tokens


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """How long tokens are, at each vocabulary size, in files seen in training, files held out, and stories."""

    seen: tuple[float, ...]
    unseen: tuple[float, ...]
    stories: tuple[float, ...]


@cache
def lengths() -> Lengths:
    """Measure all sizes, on a part of each kind of text."""
    rng = np.random.default_rng(0)
    kinds = library().train[:12], library().held_out, [STORIES.write(rng=rng) for _ in range(50)]
    seen, unseen, stories = (tuple(bytes_per_token(tokenizer(size), kind) for size in SIZES) for kind in kinds)
    return Lengths(seen=seen, unseen=unseen, stories=stories)


def vocabulary_frame(size: int) -> Frame:
    """Show how long tokens are up to one vocabulary size, and where it cuts the snippet."""
    bpe, measured = tokenizer(size), lengths()
    position = SIZES.index(size)
    cuts = borders(SNIPPET, [bpe.tokens[i] for i in bpe.encode(SNIPPET)])
    rows = SNIPPET.split("\n")
    combs = [comb([column for row, column in cuts if row == i], len(text), i) for i, text in enumerate(rows)]
    curves = [
        (SIZES[: position + 1], curve[: position + 1]) for curve in (measured.seen, measured.unseen, measured.stories)
    ]
    now = measured.unseen[position]
    return Frame(
        lines=[*curves, (size, now), *combs],
        sentence=f"{size:,} tokens: {now:.2f} bytes a token in unseen files, "
        f"{measured.stories[position]:.2f} in stories. The snippet of {len(SNIPPET)} bytes is {len(cuts)} tokens.",
        quest_met=now >= LONG_ENOUGH > measured.unseen[max(0, position - 1)],
    )


def size_slider(sizes: Sequence[int], *, start: int) -> Slider:
    """Make a slider over sizes of the vocabulary."""
    labels = [f"{size:,} tokens" for size in sizes]
    return Slider(name="size", label="vocabulary", values=sizes, labels=labels, start=start)


def comb(columns: Sequence[int], width: int, row: int) -> tuple[list[float], list[float]]:
    """Draw a line under a row of letters, with a tooth up between two tokens."""
    low, high = row + 0.42, row - 0.38  # rows are counted downwards
    x, y = [0.0], [low]
    for column in columns:
        x += [column, column, column]
        y += [low, high, low]
    return [*x, width], [*y, low]


def vocabulary() -> LiveView:
    """Open the vocabulary: one slider, its size; every position is computed beforehand."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 3.5))
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
        left.set(xlabel="tokens in the vocabulary", ylabel="bytes per token", title="Longer tokens, dearly bought")
        left.set(xscale="log", xlim=(240, 4400), ylim=(0.9, 4.6))
        left.set_xticks([256, 512, 1024, 2048, 4096], labels=["256", "512", "1,024", "2,048", "4,096"])
        left.minorticks_off()
        left.axhline(LONG_ENOUGH, color=GREY, linestyle=":", linewidth=1.2)
        kinds = (("files trained on", BLUE), ("unseen files", ORANGE), ("English stories", GREEN))
        for i, (kind, color) in enumerate(kinds):
            left.annotate(kind, (0.04, 0.92 - 0.09 * i), xycoords="axes fraction", color=color, weight="bold")
        widths = (7, 2, 2)  # two of the curves lie on one another: the first is a broad band beneath
        lines = [left.plot([], [], color=c, linewidth=w)[0] for (_, c), w in zip(kinds, widths, strict=True)]
        lines += left.plot([], [], "o", color=ORANGE, markersize=7)
        lines += letters(right, SNIPPET, "Each tooth parts two tokens", color=ORANGE)
    return LiveView(
        title="Vocabulary size against bytes per token",
        controls=[size_slider(SIZES, start=3)],
        stages=[Stage(figure=figure, lines=lines)],
        frame=vocabulary_frame,
        quest=f"the smallest vocabulary here whose tokens are {LONG_ENOUGH:.0f} bytes long in unseen files",
    )


def letters(axes: Axes, text: str, title: str, *, color: str, headroom: float = 0) -> list[Line2D]:
    """Set a text letter by letter on a grid of rows and columns; return an empty line for each row."""
    rows = text.split("\n")
    axes.set(xlim=(-0.5, max(map(len, rows)) + 0.5), ylim=(len(rows) - 0.3, -0.8 - headroom), title=title)
    axes.axis("off")
    for i, row in enumerate(rows):
        for j, letter in enumerate(row):
            axes.text(j + 0.5, i, letter, family="monospace", size=10, ha="center", va="center")
    return [axes.plot([], [], color=color, linewidth=1.2)[0] for _ in rows]


# A text as you type it ---------------------------------------------------------------------------

EXAMPLES = (
    "The tokeniser has never seen this sentence before.",
    "for i, row in enumerate(table):",
    "naïve café, 漢字, 🎉",
    "getUserNameFromDatabase 3.14159 x2",
    "Zymurgy",
)
QUEST_LETTERS, QUEST_TOKENS = 40, 6


def spell(token: bytes) -> str:
    r"""Make a token's bytes visible: a blank as ·, a line's end as ↵, a tab as →, half a character in hex.

    >>> spell(b" if"), spell(b"\n    "), spell("é".encode()[:1])
    ('·if', '↵····', '\\xc3')
    """
    instance("token", token, bytes)
    shown = token.decode(errors="backslashreplace").translate({0x20: "·", 0x0A: "↵", 0x09: "→"})
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)


def typing_frame(text: str, size: int) -> Frame:
    """Cut a text into tokens, each with its id, and show what every other vocabulary would make of it."""
    bpe = tokenizer(size)
    ids, n_bytes = bpe.encode(text), len(text.encode())
    curve = [n_bytes / max(1, len(tokenizer(each).encode(text))) for each in SIZES[::2]]
    outcome = f"{n_bytes} bytes in {len(ids)} tokens: {n_bytes / max(1, len(ids)):.1f} bytes a token"
    return Frame(
        lines=[(SIZES[::2], curve), (size, curve[SIZES[::2].index(size)])],
        sentence=f"{outcome}." if ids else "Nothing is typed yet.",
        quest_met=sum(map(str.isalpha, text)) >= QUEST_LETTERS and len(ids) <= QUEST_TOKENS,
        pieces=[(spell(bpe.tokens[i]), str(i)) for i in ids],
    )


def typing() -> LiveView:
    """Open a line to type into: its tokens stand below, each with its id."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(8.8, 2.3))
        axes = figure.subplots()
        axes.set(xlabel="tokens in the vocabulary", ylabel="bytes per token", title="Your text in other vocabularies")
        axes.set(xscale="log", xlim=(240, 4400), ylim=(0, 15))
        sizes = SIZES[::2]
        axes.set_xticks(sizes, labels=[f"{size:,}" for size in sizes])
        axes.minorticks_off()
        lines = [
            *axes.plot([], [], "o-", color=BLUE, markersize=4),
            *axes.plot([], [], "o", color=ORANGE, markersize=8),
        ]
    return LiveView(
        title="A text in tokens, as you type it",
        controls=[
            Text(name="text", label="your text", values=EXAMPLES, labels=EXAMPLES),
            size_slider(sizes, start=6),
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=typing_frame,
        quest=f"write {QUEST_LETTERS} letters or more (blanks do not count) in {QUEST_TOKENS} tokens or fewer",
    )


# What counted runs predict -----------------------------------------------------------------------

ORDERS, RULES = range(1, 7), ("Laplace", "Witten-Bell")
BITS_A_ROW = 26.0  # the surprisal that would reach up to the row above


def surprisal(model: NGram, ids: bytes | Sequence[int], rule: str) -> np.ndarray:
    """Measure each token's surprisal in bits, by one of the two rules.

    Raises:
        ValueError: if `rule` is neither "Laplace" nor "Witten-Bell", or an id is not in the vocabulary.
    """
    one_of("rule", rule, RULES)
    return model.additive_bits(ids) if rule == "Laplace" else model.witten_bell_bits(ids)


@dataclass(frozen=True, kw_only=True)
class Surprisals:
    """Bits per byte by order on both parts of the library, and the surprisal of each letter of the snippet."""

    seen: tuple[float, ...]
    unseen: tuple[float, ...]
    snippet: tuple[np.ndarray, ...]


@cache
def surprisals(rule: str) -> Surprisals:
    """Measure one rule at all orders.

    Raises:
        ValueError: if `rule` is neither "Laplace" nor "Witten-Bell".
    """
    one_of("rule", rule, RULES)
    model = counted_bytes()
    kinds = [[text.encode() for text in texts] for texts in (library().train[:12], library().held_out)]
    models = [model.up_to(n) for n in ORDERS]
    seen, unseen = (
        tuple(float(np.concatenate([surprisal(m, text, rule) for text in kind]).mean()) for m in models)
        for kind in kinds
    )
    return Surprisals(seen=seen, unseen=unseen, snippet=tuple(surprisal(m, SNIPPET.encode(), rule) for m in models))


@cache
def counted_bytes() -> NGram:
    """Count the bytes of the small library's training part, in runs of up to six."""
    return count_ngrams([text.encode() for text in library().train], n=max(ORDERS))


@cache
def compressor() -> float:
    """Measure xz on the held-out part, after it has read the training part."""
    held_out, seen = ("".join(texts).encode() for texts in (library().held_out, library().train))
    return compressed_bits_per_byte(held_out, after=seen)


def order_frame(n: int, rule: str) -> Frame:
    """Show bits per byte at all orders of one rule, and the surprisal of each letter at one."""
    measured = surprisals(rule)
    rises, offset = [], 0
    for i, row in enumerate(SNIPPET.split("\n")):
        rises.append(steps(measured.snippet[n - 1][offset : offset + len(row)], i))
        offset += len(row) + 1
    seen, unseen = measured.seen[n - 1], measured.unseen[n - 1]
    before = f"after {n - 1} byte{'' if n == 2 else 's'}" if n > 1 else "after none"
    return Frame(
        lines=[(ORDERS, measured.seen), (ORDERS, measured.unseen), (n, seen), (n, unseen), *rises],
        sentence=f"{rule}, each byte predicted {before}: {seen:.2f} bits per byte on files trained on, "
        f"{unseen:.2f} on unseen files.",
        quest_met=unseen == min(min(surprisals(each).unseen) for each in RULES),
    )


def steps(bits: np.ndarray, row: int) -> tuple[list[float], list[float]]:
    """Draw a stair over a row of letters, each stair as high as its letter's surprisal."""
    x, y, floor = [0.0], [row - 0.4], row - 0.4  # rows are counted downwards
    for j, bit in enumerate(bits):
        x += [j, j + 1]
        y += [floor - bit / BITS_A_ROW] * 2
    return [*x, len(bits)], [*y, floor]


def orders() -> LiveView:
    """Open the n-grams: how many bytes they look back, and the rule that smooths their counts."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.2, 3.9))
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
        left.set(xlabel="order: length of the runs counted (bytes)", ylabel="bits per byte")
        left.set(title="Knowing by heart is not knowing", xlim=(0.7, 6.3), ylim=(0, 6.2), xticks=ORDERS)
        left.axhline(compressor(), color=GREEN, linestyle="--", linewidth=1.2)
        left.annotate(
            "xz, unseen files", (0.72, compressor()), xytext=(0, -3), textcoords="offset points", va="top", color=GREEN
        )
        for i, (kind, color) in enumerate((("unseen files", ORANGE), ("files trained on", BLUE))):
            left.annotate(kind, (0.42, 0.93 - 0.08 * i), xycoords="axes fraction", color=color, weight="bold")
        lines = [left.plot([], [], "o-", color=color, markersize=3)[0] for color in (BLUE, ORANGE)]
        lines += [left.plot([], [], "o", color=color, markersize=8)[0] for color in (BLUE, ORANGE)]
        lines += letters(right, SNIPPET, "The higher the stair, the greater the surprisal", color=ORANGE, headroom=0.4)
    return LiveView(
        title="What runs of bytes predict",
        controls=[
            Slider(name="n", label="order", values=ORDERS, labels=[str(n) for n in ORDERS], start=2),
            Choice(name="rule", label="counts smoothed by", values=RULES, labels=RULES),
        ],
        stages=[Stage(figure=figure, lines=lines)],
        frame=order_frame,
        quest="find the order and the rule that need the fewest bits per byte on unseen files",
    )
