"""Wrong answers to the exercises of notebook 16, as learners write them, each with words of its hint."""

_COUNT = (
    "def f(spellings, repeats):\n    counts = {}\n    for s, n in zip(spellings, repeats):\n"
    "        for pair in zip(s, s[1:]):\n            counts[pair] = counts.get(pair, 0) + "
)
_MERGE = (
    "def merge(ids, pair, new):\n    out, i = [], 0\n    while i < len(ids):\n"
    "        if tuple(ids[i:i + 2]) == tuple(pair):\n            out.append(new)\n            i += 2\n"
    "        else:\n            out.append(ids[i])\n            i += 1\n    return out\n\n"
)
_CHOSEN = "def f(bits):\n    row = int(bits[:, 0].argmin())\n    x = bits[row, 1:]\n    return "

MUTANTS = {
    "bits per byte": [
        ("def f(bits, text):\n    return bits.sum() / len(text)", "You divided by characters"),
        ("def f(bits, text):\n    return np.mean(bits)", "bits per token"),
        ("def f(bits, text):\n    return sum(bits)", "the whole text"),
        ("def f(bits, text):\n    return bits.mean() / len(text.encode())", "counted twice"),
        ("def f(bits, text):\n    return len(text.encode()) / bits.sum()", "on its head"),
        ("def f(bits, text):\n    return bits.sum() / np.log(2) / len(text.encode())", "in bits already"),
        ("def f(bits, text):\n    return bits / len(text.encode())", "Expected"),
        ("def f(bits, text):\n    return bits.sum() / text.encode()", "TypeError"),
        ("def f(bits, text):\n    print(bits.sum() / len(text.encode()))", "None"),
    ],
    "merge a pair": [
        (
            "def f(ids, pair, new):\n    for i in range(len(ids) - 1):\n        if (ids[i], ids[i + 1]) == pair:\n"
            "            return ids[:i] + [new] + ids[i + 2:]\n    return ids",
            "Only the first occurrence",
        ),
        (
            "def f(ids, pair, new):\n    hits = {i for i in range(len(ids) - 1) if (ids[i], ids[i + 1]) == pair}\n"
            "    out = []\n    for i, token in enumerate(ids):\n        if i in hits:\n            out.append(new)\n"
            "        elif i - 1 not in hits:\n            out.append(token)\n    return out",
            "Occurrences overlap",
        ),
        (
            "def f(ids, pair, new):\n    out = []\n    for i, token in enumerate(ids):\n"
            "        out.append(new if tuple(ids[i:i + 2]) == pair else token)\n    return out",
            "The right half",
        ),
        (
            "def f(ids, pair, new):\n    out, i = [], 0\n    while i < len(ids) - 1:\n"
            "        if (ids[i], ids[i + 1]) == pair:\n            out.append(new)\n            i += 2\n"
            "        else:\n            out.append(ids[i])\n            i += 1\n    return out",
            "The last token is lost",
        ),
        (
            "def f(ids, pair, new):\n    out, i = [], 0\n    while i < len(ids):\n"
            "        if sorted(ids[i:i + 2]) == sorted(pair):\n            out.append(new)\n            i += 2\n"
            "        else:\n            out.append(ids[i])\n            i += 1\n    return out",
            "The order counts",
        ),
        (
            "def f(ids, pair, new):\n    out, i = [], len(ids)\n    while i > 0:\n"
            "        if tuple(ids[max(0, i - 2):i]) == pair:\n            out.insert(0, new)\n            i -= 2\n"
            "        else:\n            out.insert(0, ids[i - 1])\n            i -= 1\n    return out",
            "from right to left",
        ),
        (
            "def f(ids, pair, new):\n    out, i = [], 0\n    while i < len(ids):\n"
            "        if tuple(ids[i:i + 2]) == pair:\n            i += 2\n"
            "        else:\n            out.append(ids[i])\n            i += 1\n    return out",
            "nothing put in its place",
        ),
        (
            "def f(ids, pair, new):\n    for i in range(len(ids)):\n        if (ids[i], ids[i + 1]) == pair:\n"
            "            ids[i:i + 2] = [new]\n    return ids",
            "IndexError",
        ),
        ("def f(ids, pair, new):\n    return ids", "Expected shape"),
    ],
    "the commonest pair": [
        (_COUNT + "1\n    return min(counts, key=lambda p: (-counts[p], p))", "counts n times"),
        (_COUNT + "n\n    return max(counts, key=lambda p: (counts[p], p))", "the larger pair"),
        (_COUNT + "n\n    return max(counts.values())", "Return the pair"),
        (_COUNT + "n\n    return min(counts, key=lambda p: (counts[p], p))", "the rarest pair"),
        (
            "def f(spellings, repeats):\n    text, counts = [], {}\n    for s, n in zip(spellings, repeats):\n"
            "        text += s * n\n    for pair in zip(text, text[1:]):\n"
            "        counts[pair] = counts.get(pair, 0) + 1\n    return min(counts, key=lambda p: (-counts[p], p))",
            "over the border",
        ),
        (_COUNT + "n\n    return max(counts, key=counts.get)", "the one that was met first"),
        (_COUNT + "n\n    return sorted(counts, key=counts.get)", "Expected 2 values"),
        ("def f(spellings, repeats):\n    return max(spellings, key=spellings.count)", "Expected 2 values"),
        (_COUNT + "n\n    return min(counts)", "the smallest pair"),
        (
            "def f(spellings, repeats):\n    counts = {}\n    for s, n in zip(spellings, repeats):\n"
            "        for pair in set(zip(s, s[1:])):\n            counts[pair] = counts.get(pair, 0) + n\n"
            "    return min(counts, key=lambda p: (-counts[p], p))",
            "counted once there",
        ),
        (
            _COUNT + "n\n    from collections import Counter\n    return Counter(counts).most_common(1)",
            "most_common(1) gives a list",
        ),
    ],
    "encode a piece": [
        (
            "def f(piece, merges):\n    tokens = [bytes([b]) for b in range(256)]\n    for a, b in merges:\n"
            "        tokens.append(tokens[a] + tokens[b])\n    out, i = [], 0\n    while i < len(piece):\n"
            "        best = max((t for t in tokens if piece.startswith(t, i)), key=len)\n"
            "        out.append(tokens.index(best))\n        i += len(best)\n    return out",
            "the longest token",
        ),
        (
            "def f(piece, merges):\n    ids, i = list(piece), 0\n    while i < len(ids) - 1:\n"
            "        if (ids[i], ids[i + 1]) in merges:\n"
            "            ids[i:i + 2] = [256 + merges.index((ids[i], ids[i + 1]))]\n            i = 0\n"
            "        else:\n            i += 1\n    return ids",
            "the leftmost pair",
        ),
        (
            _MERGE + "def f(piece, merges):\n    ids = list(piece)\n    while True:\n"
            "        known = [p for p in zip(ids, ids[1:]) if p in merges]\n        if not known:\n"
            "            return ids\n        pair = max(known, key=merges.index)\n"
            "        ids = merge(ids, pair, 256 + merges.index(pair))",
            "The last merge was made first",
        ),
        (
            "def f(piece, merges):\n    ids = list(piece)\n    for rank, pair in enumerate(merges):\n"
            "        for i in range(len(ids) - 1):\n            if (ids[i], ids[i + 1]) == pair:\n"
            "                ids[i:i + 2] = [256 + rank]\n                break\n    return ids",
            "at one place only",
        ),
        (
            _MERGE + "def f(piece, merges):\n    ids = list(piece)\n    for rank, (a, b) in enumerate(merges):\n"
            "        ids = merge(ids, (a, b), 256 + rank)\n    return [i - 256 if i >= 256 else i for i in ids]",
            "not token 0",
        ),
        ("def f(piece, merges):\n    return list(piece)", "No merge was made"),
        (
            _MERGE + "def f(piece, merges):\n    for rank, pair in enumerate(merges):\n"
            "        piece = merge(piece, pair, 255 + rank)\n    return piece",
            "Expected",
        ),
        ("def f(piece, merges):\n    return [merges[b] for b in piece]", "IndexError"),
        (
            _MERGE + "def f(piece, merges):\n    ids = list(piece)\n    for rank, pair in enumerate(merges):\n"
            "        ids = merge(ids, pair, rank)\n    return ids",
            "the rank of a merge",
        ),
    ],
    "a smoothed probability": [
        (
            "def f(c_hw, c_h, kinds, shorter):\n    if c_h == 0:\n        return 0.0\n"
            "    return (c_hw + kinds * shorter) / (c_h + kinds)",
            "Leave it to the shorter one",
        ),
        (
            "def f(c_hw, c_h, kinds, shorter):\n    return (c_hw + kinds * shorter) / c_h if c_h else shorter",
            "sum to more than 1",
        ),
        ("def f(c_hw, c_h, kinds, shorter):\n    return c_hw / c_h if c_h else shorter", "the plain share"),
        (
            "def f(c_hw, c_h, kinds, shorter):\n    return c_hw / (c_h + kinds) if c_hw > 0 else shorter",
            "Mix it in every time",
        ),
        (
            "def f(c_hw, c_h, kinds, shorter):\n    return (c_hw + shorter) / (c_h + kinds) if c_h else shorter",
            "weighed by kinds",
        ),
        (
            "def f(c_hw, c_h, kinds, shorter):\n    return 0.5 * c_hw / c_h + 0.5 * shorter if c_h else shorter",
            "The weight is not fixed",
        ),
        (
            "def f(c_hw, c_h, kinds, shorter):\n    return (c_hw + kinds * shorter) / (c_h + kinds)",
            "ZeroDivisionError",
        ),
        ("def f(c_hw, c_h, kinds, shorter):\n    return (c_hw + 1) / (c_h + 256)", "not yet right"),
    ],
    "an experiment: a contest of tokenisers": [
        (
            "def f(bits):\n    row = int(bits.mean(axis=1).argmin())\n    x = bits[row, 1:]\n"
            "    return row, x.mean(), x.std(ddof=1) / len(x) ** 0.5",
            "no say in it",
        ),
        (
            "def f(bits):\n    row = int(bits[:, 1:].mean(axis=1).argmin())\n    x = bits[row, 1:]\n"
            "    return row, x.mean(), x.std(ddof=1) / len(x) ** 0.5",
            "Only column 0 may choose",
        ),
        (
            "def f(bits):\n    row = int(bits[:, 0].argmin())\n    x = bits[row]\n"
            "    return row, x.mean(), x.std(ddof=1) / len(x) ** 0.5",
            "its score is flattered",
        ),
        (
            "def f(bits):\n    row = int(bits[:, 0].argmax())\n    x = bits[row, 1:]\n"
            "    return row, x.mean(), x.std(ddof=1) / len(x) ** 0.5",
            "argmin, not argmax",
        ),
        (_CHOSEN + "row, x.mean(), x.std(ddof=1)", "divide by √n"),
        (_CHOSEN + "row, x.mean(), x.std() / len(x) ** 0.5", "ddof=1"),
        (_CHOSEN + "x.mean(), x.std(ddof=1) / len(x) ** 0.5", "Expected 3 values"),
        ("def f(bits):\n    row = bits[:, 0].argmin()\n    return bits[row, 1:].mean()", "Expected 3 values"),
    ],
}
