"""Wrong answers to the exercises of notebook 15, as learners write them, each with words of its hint."""

_IMPORT = "import unicodedata\n\n"
_LEAK = (
    "from kit.check.text_pipeline import leaky_split\nfrom kit.text.dedup import jaccard, shingles\n"
    "train, held_out = leaky_split()\n"
    "theirs = [shingles(text) for text in train]\n"
    "near = np.array([[jaccard(shingles(text), other) for other in theirs] for text in held_out]) >= 0.5\n"
)

MUTANTS = {
    "one spelling": [
        (
            _IMPORT + "def f(text):\n    text = unicodedata.normalize('NFC', text.replace('\\r\\n', '\\n'))\n"
            "    return '\\n'.join(line.rstrip(' \\t') for line in text.split('\\n'))",
            "also ends a line",
        ),
        (
            _IMPORT + "def f(text):\n    text = unicodedata.normalize('NFC', text.replace('\\r', '\\n'))\n"
            "    return '\\n'.join(line.rstrip(' \\t') for line in text.split('\\n'))",
            "became two newlines",
        ),
        (
            _IMPORT + "def f(text):\n"
            "    text = text.replace('\\r', '\\n').replace('\\r\\n', '\\n')\n"
            "    text = unicodedata.normalize('NFC', text)\n"
            "    return '\\n'.join(line.rstrip(' \\t') for line in text.split('\\n'))",
            "became two newlines",
        ),
        (
            _IMPORT + "def f(text):\n    text = unicodedata.normalize('NFC', text)\n"
            "    return '\\n'.join(line.rstrip(' \\t') for line in text.split('\\n'))",
            "still mixed",
        ),
        (
            _IMPORT + "def f(text):\n    text = unicodedata.normalize('NFKC', '\\n'.join(text.splitlines()))\n"
            "    return '\\n'.join(line.rstrip() for line in text.split('\\n'))",
            "Differs at place",
        ),
        (
            _IMPORT + "def f(text):\n"
            "    text = unicodedata.normalize('NFKC', text.replace('\\r\\n', '\\n').replace('\\r', '\\n'))\n"
            "    return '\\n'.join(line.rstrip(' \\t') for line in text.split('\\n'))",
            "rewrites what shows",
        ),
        (
            _IMPORT + "def f(text):\n"
            "    text = unicodedata.normalize('NFD', text.replace('\\r\\n', '\\n').replace('\\r', '\\n'))\n"
            "    return '\\n'.join(line.rstrip(' \\t') for line in text.split('\\n'))",
            "NFC joins them",
        ),
        (
            "def f(text):\n    text = text.replace('\\r\\n', '\\n').replace('\\r', '\\n')\n"
            "    return '\\n'.join(line.rstrip(' \\t') for line in text.split('\\n'))",
            "still two characters",
        ),
        (
            _IMPORT + "def f(text):\n"
            "    return unicodedata.normalize('NFC', text.replace('\\r\\n', '\\n').replace('\\r', '\\n'))",
            "Blanks are left",
        ),
        (
            _IMPORT + "def f(text):\n"
            "    text = unicodedata.normalize('NFC', text.replace('\\r\\n', '\\n').replace('\\r', '\\n'))\n"
            "    return '\\n'.join(line.strip() for line in text.split('\\n'))",
            "use rstrip",
        ),
        ("def f(text):\n    return text.encode()", "got bytes"),
        ("def f(text):\n    return text.normalize('NFC')", "AttributeError"),
        (
            _IMPORT + "def f(text):\n    text = text.replace('\\r\\n', '\\n').replace('\\r', '\\n')\n"
            "    text = unicodedata.normalize('NFC', text)\n"
            "    return '\\n'.join(line.rstrip() for line in text.split('\\n'))",
            "every kind of white space",
        ),
    ],
    "a MinHash signature": [
        ("def f(m, a, b):\n    return ((a[:, None] * m + b[:, None]) >> np.uint64(32)).max(axis=1)", "the largest"),
        ("def f(m, a, b):\n    return ((a[:, None] * m + b[:, None]) >> np.uint64(32)).min(axis=0)", "for each member"),
        ("def f(m, a, b):\n    return ((a[:, None] * m + b[:, None]) >> np.uint64(32)).min()", "least of its own"),
        ("def f(m, a, b):\n    return (a * m.min() + b) >> np.uint64(32)", "hash first"),
        ("def f(m, a, b):\n    return np.array([(x * m + y).min() for x, y in zip(a, b)])", "shift by 32"),
        ("def f(m, a, b):\n    return [int(((x * m) >> np.uint64(32)).min()) for x in a]", "terms are missing"),
        ("def f(m, a, b):\n    return m[((a[:, None] * m + b[:, None]) >> np.uint64(32)).argmin(1)]", "hash itself"),
        ("def f(m, a, b):\n    return ((a[:, None] * m + b[:, None]) >> np.uint64(32)).argmin(axis=1)", "not argmin"),
        ("def f(m, a, b):\n    return (a * m + b).min()", "ValueError"),
        ("def f(m, a, b):\n    m *= a[0]\n    return m", "in place"),
        ("def f(m, a, b):\n    [((x * m + y) >> np.uint64(32)).min() for x, y in zip(a, b)]", "return missing"),
    ],
    "chunks that overlap": [
        (
            "def f(stream, length, overlap):\n    n = -(-len(stream) // length)\n"
            "    padded = np.r_[stream, np.zeros(n * length - len(stream), dtype=int)]\n"
            "    return padded.reshape(n, length)",
            "do not overlap",
        ),
        (
            "def f(stream, length, overlap):\n    rows, i = [], 0\n    while True:\n"
            "        row = list(stream[i : i + length])\n        rows.append(row + [0] * (length - len(row)))\n"
            "        if i + length >= len(stream):\n            return np.array(rows)\n        i += overlap",
            "The step is the overlap",
        ),
        (
            "def f(stream, length, overlap):\n    step = length - overlap\n"
            "    return np.array([stream[i : i + length] for i in range(0, len(stream) - length + 1, step)])",
            "Tokens at the end are lost",
        ),
        (
            "def f(stream, length, overlap):\n    rows = []\n"
            "    for i in range(0, len(stream), length - overlap):\n        row = list(stream[i : i + length])\n"
            "        rows.append(row + [0] * (length - len(row)))\n    return np.array(rows)",
            "repeats what the row before",
        ),
        (
            "def f(stream, length, overlap):\n    rows, i = [], 0\n    while True:\n"
            "        row = list(stream[i : i + length])\n        rows.append(row + [-1] * (length - len(row)))\n"
            "        if i + length >= len(stream):\n            return np.array(rows)\n"
            "        i += length - overlap",
            "Fill the last row with 0",
        ),
        (
            "def f(stream, length, overlap):\n    rows, i = [], 0\n    while True:\n"
            "        row = list(stream[i : i + length])\n        rows.append(row + [0] * (length - len(row)))\n"
            "        if i + length >= len(stream):\n            return np.array(rows)\n"
            "        i += length - overlap - 1",
            "one token too many",
        ),
        (
            "def f(stream, length, overlap):\n"
            "    return [list(stream[i : i + length]) for i in range(0, len(stream), length - overlap)]",
            "different lengths",
        ),
        ("def f(stream, length, overlap):\n    return stream.reshape(-1, length)", "ValueError"),
        ("def f(stream, length, overlap):\n    return stream[:length]", "Expected shape"),
    ],
    "find the leak": [
        (_LEAK + "leaked = np.flatnonzero(near.any(axis=0)).tolist()", "places in the training list"),
        (_LEAK + "leaked = [len(train) + i for i in np.flatnonzero(near.any(axis=1))]", "put together"),
        (_LEAK + "leaked = int(near.any(axis=1).sum())", "how many texts"),
        (_LEAK + "leaked = list(range(len(held_out)))", "all the held-out texts"),
        (_LEAK + "leaked = [i for i in range(len(held_out)) if not near[i].any()]", "have not leaked"),
        (_LEAK + "leaked = [i for i, row in enumerate(near, start=1) if row.any()]", "counted from one"),
        ("leaked = []", "are missing"),
        ("leaked = ...", "not attempted yet"),
        (_LEAK + "leaked = [held_out[i][:20] for i in np.flatnonzero(near.any(axis=1))]", "Expected"),
        (_LEAK + "leaked = np.flatnonzero(near.any(axis=1)).tolist()[:-1]", "1 are missing"),
    ],
    "an experiment: the price of a leak": [
        (
            "def f(train, held_out, score, overlap):\n"
            "    rest = [t for t in train if all(overlap(t, h) < 0.5 for h in held_out)]\n"
            "    return score(train, held_out) - score(rest, held_out)",
            "The sign is turned round",
        ),
        (
            "def f(train, held_out, score, overlap):\n"
            "    rest = [h for h in held_out if all(overlap(t, h) < 0.5 for t in train)]\n"
            "    return score(train, rest) - score(train, held_out)",
            "take them out of training",
        ),
        (
            "def f(train, held_out, score, overlap):\n"
            "    rest = [t for t in train if any(overlap(t, h) >= 0.5 for h in held_out)]\n"
            "    return score(rest, held_out) - score(train, held_out)",
            "kept the near-duplicates",
        ),
        (
            "def f(train, held_out, score, overlap):\n"
            "    rest = [t for t in train if overlap(t, held_out[0]) < 0.5]\n"
            "    return score(rest, held_out) - score(train, held_out)",
            "first held-out text only",
        ),
        (
            "def f(train, held_out, score, overlap):\n"
            "    rest = [t for t in train if any(overlap(t, h) < 0.5 for h in held_out)]\n"
            "    return score(rest, held_out) - score(train, held_out)",
            "any, not all",
        ),
        (
            "def f(train, held_out, score, overlap):\n"
            "    rest = [t for t in train if t not in set(held_out)]\n"
            "    return score(rest, held_out) - score(train, held_out)",
            "Only exact copies",
        ),
        (
            "def f(train, held_out, score, overlap):\n"
            "    rest = [t for t in train if all(overlap(t, h) < 0.5 for h in held_out)]\n"
            "    return score(rest, held_out)",
            "Subtract the score with them",
        ),
        (
            "def f(train, held_out, score, overlap):\n    rest = [t for t in train if overlap(t, held_out) < 0.5]\n"
            "    return score(rest, held_out) - score(train, held_out)",
            "your code raised an error",
        ),
        ("def f(train, held_out, score, overlap):\n    return score(train, held_out)", "Expected"),
    ],
}
