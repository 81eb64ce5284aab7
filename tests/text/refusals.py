"""Of every public function of kit.text, every argument: one value that it takes, and those that it refuses."""

import atexit
import tempfile
from pathlib import Path

import numpy as np

from kit.text import (
    bpe,
    characters,
    clean,
    corpus,
    dedup,
    functions,
    gpt2,
    grammar,
    ngram,
    objectives,
    packing,
    patterns,
    pipeline,
    quality,
    recall,
    shards,
    story_tasks,
)
from tests.learn.refusals import ABOVE_0, ARRAY, AT_LEAST_0, AT_LEAST_1, COUNT, FUNCTION, GENERATOR

_PLACE = tempfile.TemporaryDirectory()
atexit.register(_PLACE.cleanup)
HERE = Path(_PLACE.name)

STRING = [5, None, ["moo"]]
UTF8 = [*STRING, "ab\ud800"]
TEXTS = ["moo", b"moo", 5, None]  # one text is not many: Python would take it for its letters
BYTES = ["moo", None, 5]
IDS = ["ten", None, [0.5], [-1], [[1], [2]]]
OPEN_SHARE = [*ABOVE_0, 1.0]
SET = [None, [1, 2], np.zeros(0, dtype=np.uint64)]
ROWS = np.array([[5, 6, 0, 7]])
ROW = [None, [5, 6], "ten"]
SIGNATURES = np.array([[1, 2, 3, 4], [1, 2, 9, 9]], dtype=np.uint32)
SIGNED = {
    "signatures": (SIGNATURES, [None, [[1, 2], [1, 3]], SIGNATURES[0]]),
    "n_bands": (2, [*AT_LEAST_1, 3]),
}
RANGE = [None, 5, (5, 1), (1,), [1, 5]]
DOCUMENT = corpus.Document(name="a", text="moo")
SHARDS = shards.write_shards([DOCUMENT], HERE / "raw", n_shards=1)
TWICE = shards.write_shards([DOCUMENT, DOCUMENT], HERE / "twice", n_shards=1)
(HERE / "numbers.u4").write_bytes(bytes(8))
(HERE / "odd.u4").write_bytes(bytes(7))
PLAIN = bpe.BPE(merges=())
ENDED = bpe.BPE(merges=(), special=("<|end|>",))
ENDED.save(HERE / "ended.json")
BOOK = ngram.count_ngrams([b"abab"], n=2)
FOREIGN = HERE / "notes.txt"
FOREIGN.write_text("mine")
BYTES_ALONE = {patterns.spell(bytes([byte])): byte for byte in range(256)}
GPT2 = bpe.BPE(merges=((104, 101),), pattern=patterns.GPT2_PIECES)
gpt2.save_gpt2(GPT2, HERE)
PATTERN = (patterns.PIECES, ["", None, r"\w+"])
TALE = grammar.Grammar({"story": ("{coin} {coin}",), "coin": ("heads", "tails")})

ARGUMENTS = {
    bpe.pieces: {"text": ("moo", UTF8), "pattern": PATTERN},
    bpe.train: {
        "texts": (["moo"], TEXTS),
        "vocab_size": (260, [*COUNT, 255]),
        "special": ((), [("",), ("a",), ("<|end|>", "<|end|>")]),
        "pattern": PATTERN,
    },
    bpe.BPE: {
        "merges": (((97, 98),), [((97, 256),), ((97, 98), (97, 98))]),
        "special": ((), [("",), ("a",)]),
        "pattern": PATTERN,
        "alphabet": (bytes(range(256)), [b"abc", bytes(256), "abc", None]),
    },
    bpe.from_vocab: {
        "vocab": (BYTES_ALONE, [{}, {**BYTES_ALONE, "ab": 257}, {**BYTES_ALONE, "a": 5}]),
        "merges": ([], []),
        "pattern": (patterns.PIECES, []),
    },
    gpt2.load_gpt2: {"vocab": (HERE / "vocab.json", [FOREIGN]), "merges": (HERE / "merges.txt", [FOREIGN])},
    gpt2.save_gpt2: {"bpe": (GPT2, [PLAIN, None]), "folder": (HERE, [])},
    patterns.pattern_text: {"text": ("moo", UTF8)},
    patterns.spell: {"token": (b"moo", [])},
    patterns.unspell: {"token": ("moo", [5, None, "漢"])},
    PLAIN.cut: {"text": ("moo", UTF8), "special": (False, [])},
    PLAIN.encode: {"text": ("moo", UTF8), "special": (False, [])},
    PLAIN.encode_stream: {"texts": (["moo"], TEXTS), "special": (False, [])},
    PLAIN.decode: {"ids": ([72], [*IDS, [256]])},
    PLAIN.decode_bytes: {"ids": ([72], [*IDS, [256]])},
    bpe.load: {"path": (HERE / "ended.json", [HERE / "raw" / "00000-of-00001.jsonl"])},
    clean.normalize: {"text": ("moo", STRING)},
    clean.common_lines: {"texts": (["moo"], TEXTS), "min_texts": (2, AT_LEAST_1), "min_words": (4, AT_LEAST_1)},
    clean.without_lines: {"text": ("moo", STRING), "lines": ({"moo"}, ["moo", None, 5])},
    clean.mask_pii: {"text": ("moo", STRING)},
    clean.mask_and_count: {"text": ("moo", STRING)},
    functions.functions_table: {
        "documents": ([corpus.Document(name="a", text="def f(): pass")], [5, None, "moo", ["moo"], [], [DOCUMENT]])
    },
    corpus.Document: {"name": ("a", [5, None]), "text": ("moo", [5, None, b"moo"])},
    corpus.train_test_split: {
        "documents": ([DOCUMENT], ["moo", None, ["moo"]]),
        "held_out": (0.5, OPEN_SHARE),
        "group": (lambda document: document.name, [*FUNCTION, lambda document: 5]),
    },
    dedup.exact_duplicates: {"texts": (["moo"], [*TEXTS, [5]])},
    dedup.shingles: {"text": ("moo", STRING), "n_words": (2, AT_LEAST_1), "n_chars": (2, AT_LEAST_1)},
    dedup.jaccard: {"a": (SIGNATURES[0], SET), "b": (SIGNATURES[0], SET)},
    dedup.jaccard_matrix: {"sets": ([SIGNATURES[0]], [[each] for each in SET] + [None, "moo"])},
    dedup.minhash: {"a": (SIGNATURES[0].astype(np.uint64), SET), "n_hashes": (4, AT_LEAST_1), "seed": (0, [])},
    dedup.candidate_pairs: {**SIGNED, "window": (64, AT_LEAST_1)},
    dedup.near_duplicate_pairs: {**SIGNED, "threshold": (0.5, OPEN_SHARE)},
    dedup.candidate_probability: {
        "overlap": (np.array([0.5]), [*ARRAY, np.array([1.5])]),
        "n_bands": (2, AT_LEAST_1),
        "n_rows": (2, AT_LEAST_1),
    },
    dedup.clusters: {"pairs": ([(0, 1)], [[(0, 5)], [(-1, 0)]]), "n_texts": (3, COUNT)},
    grammar.tokens: {"story": ("moo", STRING)},
    grammar.Grammar: {"rules": (TALE.rules, [{}, {"story": ()}, {"story": ("{cat}",)}])},
    TALE.write: {"rng": (np.random.default_rng(0), GENERATOR)},
    TALE.can_write: {"story": ("heads tails", STRING)},
    TALE.surprisal: {"story": ("heads tails", [*STRING, "heads", "heads heads heads", "moo"])},
    ngram.count_ngrams: {
        "documents": ([b"abab"], ["moo", [[0.5, 1.0]], [b""], [[1, 256]]]),
        "n": (2, [*AT_LEAST_1, 8]),
        "vocab_size": (256, [*AT_LEAST_1, 1]),
    },
    BOOK.additive_bits: {"ids": (b"ab", [*IDS, [256]]), "alpha": (1.0, ABOVE_0)},
    BOOK.witten_bell_bits: {"ids": (b"ab", [*IDS, [256]])},
    ngram.compressed_bits_per_byte: {"text": (b"moo", [*BYTES, b""]), "after": (b"", BYTES)},
    objectives.mask_tokens: {
        "ids": (np.array([[5, 6]]), [None, "ten", [], [0.5], [-1], [9]]),
        "mask": (8, [None, "ten", 0.5, -1, 9]),
        "vocab_size": (9, AT_LEAST_1),
        "special": ([0], [None, 5, "ten", [9], range(9)]),
        "rate": (0.15, OPEN_SHARE),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    objectives.corrupt_spans: {
        "ids": ([5, 6, 7], [*IDS, [5], [5, 90]]),
        "sentinels": ([90, 91], [*IDS, [], [90], [90, 90]]),
        "rate": (0.15, OPEN_SHARE),
        "mean_span_length": (3.0, [*ABOVE_0, 0.5]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    objectives.decoder_inputs: {"targets": (ROWS, [None, "ten", [], [0.5]]), "start": (0, COUNT)},
    packing.concatenate: {"documents": ([[5, 6]], [[[0]], [[-1]], [[0.5]], ["ten"]]), "end": (0, COUNT)},
    packing.split_documents: {"stream": (np.array([5, 0]), [*IDS, np.array([5])]), "end": (0, COUNT)},
    packing.chunk: {
        "stream": (np.array([5, 6]), IDS),
        "length": (3, AT_LEAST_1),
        "fill": (0, COUNT),
        "overlap": (1, [*COUNT, 3]),
    },
    packing.pack: {"documents": ([[5, 6]], [[[0]], [[-1]], [[0.5]]]), "length": (3, AT_LEAST_1), "end": (0, COUNT)},
    packing.pad: {"documents": ([[5, 6]], [[], [[]], [[-1]], [[0.5]], ["ten"]]), "fill": (0, COUNT)},
    packing.group_by_length: {
        "documents": ([[5, 6]], [[], [[5]], [[-1, 2]], [[0.5, 1]], ["ten"]]),
        "batch_size": (2, AT_LEAST_1),
        "fill": (0, COUNT),
        "pool": (8, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    packing.document_ids: {"rows": (ROWS, ROW), "end": (0, COUNT)},
    packing.positions: {"rows": (ROWS, ROW), "end": (0, COUNT)},
    packing.attention_mask: {"rows": (ROWS, ROW), "end": (0, COUNT)},
    packing.next_tokens: {"rows": (ROWS, ROW), "end": (0, COUNT)},
    pipeline.clean_shards: {
        "sources": (SHARDS, [TWICE, [], None]),
        "folder": (HERE / "cleaned", []),
        "threshold": (0.5, OPEN_SHARE),
        "boilerplate": (frozenset(), ["moo", None, 5]),
        "limits": (None, [5, "moo"]),
        "n_workers": (1, AT_LEAST_1),
    },
    pipeline.encode_shards: {
        "sources": (SHARDS, [[*SHARDS, *SHARDS], [], None]),
        "folder": (HERE / "encoded", []),
        "tokeniser": (ENDED, [None, "moo"]),
        "end": ("<|end|>", ["<|stop|>", "", None]),
        "n_workers": (1, AT_LEAST_1),
    },
    quality.quality: {"text": ("moo", STRING)},
    quality.Limits: {
        name: ((1, 5), RANGE) for name in ("n_chars", "mean_line", "longest_line", "alphanumeric", "repeated_lines")
    },
    quality.Limits().complaints: {"text": ("moo", STRING)},
    quality.gopher: {"text": ("moo", STRING)},
    quality.gopher_complaints: {"text": ("moo", STRING)},
    quality.outliers: {"values": (np.ones(3), [*ARRAY, np.ones((3, 1))]), "beyond": (3.5, ABOVE_0)},
    recall.repeated: {
        "n_rows": (2, AT_LEAST_1),
        "n_tokens": (9, AT_LEAST_1),
        "periods": ((2, 4), [None, 5, [2, 4], (2,), (4, 2), (0, 4), (2, 27), (2, 4.5), "24"]),
        "vocab_size": (26, AT_LEAST_1),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    recall.asked_later: {
        "n_rows": (2, AT_LEAST_1),
        "n_letters": (4, [*AT_LEAST_1, 1, 27]),
        "n_between": (3, COUNT),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    recall.multi_query: {
        "n_rows": (2, AT_LEAST_1),
        "n_pairs": (3, [*AT_LEAST_1, 27]),
        "n_tokens": (10, [*AT_LEAST_1, 8]),
        "n_letters": (26, [*AT_LEAST_1, 27]),
        "n_queries": (None, ["ten", 1.5, -1, 0, 4]),
        "power": (1.0, AT_LEAST_0),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    characters.symbols: {"text": ("moo", STRING)},
    characters.stretches: {
        "text": (np.arange(5), ["ten", None, [0.5], [[1], [2]]]),
        "n": (2, AT_LEAST_1),
        "length": (3, [*AT_LEAST_1, 6]),
        "rng": (np.random.default_rng(0), GENERATOR),
    },
    recall.predictable: {
        "rows": (ROWS, ["ten", None, [[0.5, 1.5]], [1, 2], [[1]], [[1, 2], [3]]]),
        "periods": (np.array([2]), ["ten", None, [0.5], [0], [1, 2], [[1]]]),
    },
    pipeline.read_tokens: {"path": (HERE / "numbers.u4", [HERE / "odd.u4"])},
    shards.to_line: {"document": (DOCUMENT, ["moo", None, corpus.Document(name="a", text="\ud800")])},
    shards.write_shards: {
        "documents": ([DOCUMENT], ["moo", None, ["moo"]]),
        "folder": (HERE / "written", []),
        "n_shards": (1, AT_LEAST_1),
    },
    shards.stream: {
        "shards": (SHARDS, ["moo", None]),
        "start": (None, [shards.Position(shard=2), shards.Position(shard=-1)]),
    },
    shards.transform: {
        "source": (SHARDS[0], []),
        "target": (HERE / "lines", [FOREIGN, SHARDS[0]]),
        "step": (shards.to_line, [*FUNCTION, print]),
        "commit_every": (16, AT_LEAST_1),
    },
    shards.transform_all: {
        "sources": (SHARDS, [[*SHARDS, *SHARDS], [], None]),
        "folder": (HERE / "all", [HERE / "raw"]),
        "step": (shards.to_line, [*FUNCTION, print]),
        "suffix": (".jsonl", []),
        "n_workers": (1, AT_LEAST_1),
    },
    shards.results_of: {
        "sources": (SHARDS, [[*SHARDS, *SHARDS], [], None]),
        "folder": (HERE / "all", [HERE / "raw"]),
        "suffix": (".jsonl", []),
    },
    story_tasks.write_endings: {"n": (1, AT_LEAST_1), "rng": (np.random.default_rng(0), GENERATOR)},
    story_tasks.write_questions: {"n": (1, AT_LEAST_1), "rng": (np.random.default_rng(0), GENERATOR)},
    story_tasks.ask: {
        "story": (story_tasks.TALES.write(rng=np.random.default_rng(0)), [*STRING, "moo"]),
        "about": ("HERO", ["WISH", None]),
    },
    story_tasks.encode: {"text": ("Mia", [*STRING, "zebra"])},
    story_tasks.decode: {"ids": (np.array([0, 1]), [*IDS, [10_000]])},
}
CARRIERS = {
    functions.Functions,
    *(story_tasks.Ending, story_tasks.Question),
    *(bpe.merge_pair, ngram.NGram, quality.Quality, shards.Position),
    *(pipeline.signature, pipeline.Clean, pipeline.Encode),
}
