"""Chinese beside English, hostile inputs at n and 2n, and kit beside its peers: text, and linear models.

    python -m tests.bench text

Seconds are the processor's, of one thread, the shortest of some runs, in which the two that are compared take
turns: what else the machine does slows both alike. Chinese is drawn from 3,000 signs, English
from 20,000 words of random letters, both by Zipf's law, with commas. datasketch and tiktoken are no dependencies
of the project: a row of one that is not installed says so.
"""

import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from kit.learn.class_losses import binary_cross_entropy
from kit.learn.linear import linear_objective, logistic_regression
from kit.machine import seconds_in_turn
from kit.text import bpe
from kit.text.clean import mask_pii, normalize
from kit.text.corpus import standard_library
from kit.text.dedup import clusters, minhash, near_duplicate_pairs, shingles
from kit.text.patterns import GPT2_PIECES, PIECES
from kit.text.quality import gopher, quality
from tests.bench.sgd import Problem, kit_sgd, scikit_sgd
from tests.bench.table import Table, at_most
from tests.text.tokenizer_training import their_merges

N_BYTES, VOCAB_SIZE, REPEATS = 300_000, 1024, 5


def seconds(*works: Callable, repeats: int = REPEATS) -> list[float]:
    """Give the shortest time of each of some works, which take turns."""
    return [min(times) for times in seconds_in_turn(*works, repeats=repeats, clock=time.process_time)]


def zipf(n: int, n_kinds: int, rng: np.random.Generator) -> list[int]:
    share = 1 / np.arange(1, n_kinds + 1)
    return rng.choice(n_kinds, size=n, p=share / share.sum()).tolist()


def chinese(seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    text = "".join(chr(0x4E00 + sign) for sign in zipf(N_BYTES // 3, 3000, rng))
    return "，".join(text[i : i + 15] for i in range(0, len(text), 15))


def english(seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    letters = [rng.integers(97, 123, size=length).tolist() for length in rng.integers(2, 9, size=20_000)]
    text = [bytes(letters[word]).decode() for word in zipf(N_BYTES // 6, 20_000, rng)]
    return ", ".join(" ".join(text[i : i + 10]) for i in range(0, len(text), 10))


def near_duplicates(text: str) -> list[tuple[int, int]]:
    """Find the near-duplicates among the documents that a text is cut into."""
    parts = [text[i : i + 2000] for i in range(0, len(text), 2000)]
    return near_duplicate_pairs(np.stack([minhash(shingles(part)) for part in parts]))


def languages() -> Iterator[tuple]:
    texts = {"Chinese": chinese(), "English": english()}
    trained = {name: bpe.train([text], vocab_size=VOCAB_SIZE) for name, text in texts.items()}
    gpt2 = {name: bpe.train([text], vocab_size=VOCAB_SIZE, pattern=GPT2_PIECES) for name, text in texts.items()}
    works: dict[str, Callable[[str], object]] = {
        "normalize": lambda name: normalize(texts[name]),
        "mask_pii": lambda name: mask_pii(texts[name]),
        "near-duplicates": lambda name: near_duplicates(texts[name]),
        "BPE, training": lambda name: bpe.train([texts[name]], vocab_size=VOCAB_SIZE),
        "BPE, encoding cold": lambda name: bpe.BPE(merges=trained[name].merges).encode(texts[name]),
        "BPE, encoding warm": lambda name: trained[name].encode(texts[name]),
        "BPE, GPT-2's pattern, cold": lambda name: bpe.BPE(merges=gpt2[name].merges, pattern=GPT2_PIECES).encode(
            texts[name]
        ),
    }
    for what, work in works.items():
        times = seconds(*(partial(work, name) for name in texts))
        ours, theirs = (1e9 * time / len(text.encode()) for time, text in zip(times, texts.values(), strict=True))
        bar = None if "GPT-2" in what else at_most(ours / theirs, 2)  # there a clause is one piece, met once
        name = f"ns a byte, Chinese beside English: {what}"
        yield (name, f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}"), bar


HOSTILE = {
    "blanks inside a line": lambda n: "a" + " " * n + "x",
    "marks in another order": lambda n: "a" + "\u0316\u0301" * (n // 2),
    "marks that come apart": lambda n: "a" + "\u0f73" * n,
    "one letter": lambda n: "a" * n,
    "one sign": lambda n: "中" * n,
    "random letters": lambda n: bytes(np.random.default_rng(0).integers(97, 123, size=n).tolist()).decode(),
    "brackets": lambda n: "+-[]<>.," * (n // 8),
    "half a web token": lambda n: "eyJaaaaaaaa-" * (n // 12),
    "half a private key": lambda n: "-----BEGIN RSA PRIVATE KEY-----" * (n // 31),
    "half a secret": lambda n: "token='aaaaaaaaa" * (n // 16),
    "half an address": lambda n: "a@a-" * (n // 4),
    "half an IP address": lambda n: ":a" * (n // 2) + "z",
    "half a telephone number": lambda n: "+1(2)3 " * (n // 7),
    "empty lines": lambda n: "\n" * n,
    "one line again": lambda n: "moo\n" * (n // 4),
}
READERS: dict[str, Callable[[str], object]] = {
    "normalize": normalize,
    "mask_pii": mask_pii,
    "shingles": shingles,
    "quality": quality,
    "gopher": gopher,
    "pieces": bpe.pieces,
}


def template(n: int) -> np.ndarray:
    """Sign n documents made from one form: they differ in a few places."""
    rng, signatures = np.random.default_rng(0), np.tile(np.arange(128, dtype=np.uint32), (n, 1))
    for row in signatures:
        row[rng.integers(128, size=5)] = rng.integers(2**32, size=5)
    return signatures


def one_cluster(signatures: np.ndarray) -> None:
    assert set(clusters(near_duplicate_pairs(signatures), n_texts=len(signatures))) == {0}


def hostile() -> Iterator[tuple]:
    """Show of each function its worst input."""
    merges = bpe.train([english()], vocab_size=VOCAB_SIZE).merges
    encoders: dict[str, Callable[[str], object]] = {
        "BPE.encode": lambda text: bpe.BPE(merges=merges).encode(text),
        "BPE.train": lambda text: bpe.train([text], vocab_size=300),
    }
    for name, reader in (READERS | encoders).items():
        # so long that the work is beyond every cache at n already: from within one to beyond it is a step of its own
        n, worst = 200_000 if name in encoders else 400_000, (0.0, "", 0.0, 0.0)
        for what, make in HOSTILE.items():
            once, twice = seconds(*(partial(reader, make(k * n)) for k in (1, 2)), repeats=3)
            if once > 0.002:  # below, other things show than the work
                worst = max(worst, (twice / once, what, once, twice))
        yield _growth(f"{name}, {worst[1]}, {n:,}", *worst[2:])
    for name, make in {
        "near-duplicates, equal": lambda n: 0 * template(n),
        "near-duplicates, of one form": template,
    }.items():
        once, twice = seconds(*(partial(one_cluster, make(n)) for n in (1000, 2000)))
        yield _growth(f"{name}, 1,000", once, twice)


def _growth(name: str, once: float, twice: float) -> tuple:
    row = (f"s at 2n beside n, worst input: {name}", f"{twice:.4f}", f"{once:.4f}", f"{twice / once:.2f}")
    return row, at_most(twice / once, 2.5)


def text_peers() -> Iterator[tuple]:
    texts = [document.text for document in standard_library()][::4]
    words = [text for text in texts if len(text) < 50_000][:60]
    if find_spec("datasketch"):
        from datasketch import MinHash

        def theirs() -> None:
            for text in words:
                found = re.findall(r"\w+", text.lower())
                runs = map(" ".join, zip(*(found[i:] for i in range(5)), strict=False))
                MinHash(num_perm=128).update_batch([run.encode() for run in set(runs)])

        yield _beside("MinHash of 60 files, datasketch", partial(_signatures, words), theirs, 1.5)
    else:
        yield ("MinHash: datasketch is not installed", "", "", ""), None

    yield _beside(
        "BPE, training 4,096, tokenizers",
        lambda: bpe.train(texts, vocab_size=4096),
        lambda: their_merges(texts, 4096),
        3,
        repeats=2,
    )
    trained = bpe.train(texts, vocab_size=4096)
    ids = [trained.encode(text) for text in texts]
    ours = partial(_encode_cold, trained, texts)
    with tempfile.TemporaryDirectory() as folder:
        trained.save(Path(folder) / "t.json")
        tokenizer = Tokenizer.from_file(str(Path(folder) / "t.json"))
    assert [tokenizer.encode(text).ids for text in texts] == ids
    yield _beside("BPE, encoding cold, tokenizers", ours, lambda: [tokenizer.encode(t) for t in texts], 3, repeats=2)
    if find_spec("tiktoken"):
        import tiktoken

        ranks = {token: i for i, token in enumerate(trained.tokens)}
        encoding = tiktoken.Encoding("kit", pat_str=PIECES, mergeable_ranks=ranks, special_tokens={})
        assert [encoding.encode_ordinary(text) for text in texts] == ids
        yield _beside("BPE, encoding cold, tiktoken", ours, lambda: [encoding.encode_ordinary(t) for t in texts], 3)
    else:
        yield ("BPE, encoding: tiktoken is not installed", "", "", ""), None


def _signatures(texts: list[str]) -> list[np.ndarray]:
    return [minhash(shingles(text)) for text in texts]


def _encode_cold(trained: bpe.BPE, texts: list[str]) -> None:
    trained._known.clear()
    for text in texts:
        trained.encode(text)


def linear_peers() -> Iterator[tuple]:
    for n in (1_000, 10_000, 100_000):
        problem = Problem(n, 0)
        (_, ours), (_, theirs) = kit_sgd(problem), scikit_sgd(problem)
        yield _beside(f"SGD to within 5% of the lowest loss, {n:,} rows, SGDRegressor", ours, theirs, 3, repeats=15)

    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 20)) * np.geomspace(0.3, 1, 20)
    y = (x @ rng.normal(size=20) + rng.logistic(size=20_000) > 0).astype(float)
    objective = linear_objective(x, y, loss=binary_cross_entropy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the name of its own argument
        model = LogisticRegression(C=np.inf, fit_intercept=False)
        row = _beside(
            "logistic regression to its loss or below, LogisticRegression",
            lambda: logistic_regression(x, y),
            lambda: model.fit(x, y),
            3,
        )
    assert objective(logistic_regression(x, y))[0] <= objective(model.coef_[0])[0]
    yield row


def _beside(name: str, ours: Callable, theirs: Callable, most: float, *, repeats: int = REPEATS) -> tuple:
    one, other = seconds(ours, theirs, repeats=repeats)
    row = (f"s, kit beside a peer: {name}", f"{one:.4f}", f"{other:.4f}", f"{one / other:.2f}")
    return row, at_most(one / other, most)


def tables() -> Iterator[Table]:
    rows = [*languages(), *hostile(), *text_peers(), *linear_peers()]
    yield Table(title="Text and linear models, side by side", columns=("", "one", "other", "ratio"), rows=rows)
