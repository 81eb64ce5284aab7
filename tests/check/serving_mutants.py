"""Wrong answers to the exercises of notebook 26, as learners write them, each with words of its hint."""

BYTES = (
    "def f(n_layers, n_heads, n_kv_heads, d_head, n_tokens, n_rows, bytes_each):\n"
    "    return 2 * n_layers * n_kv_heads * d_head * n_tokens * n_rows * bytes_each\n"
)
STEP = (
    "def f(q, k, v, keys, values):\n"
    "    keys = np.vstack([keys, k])\n"
    "    values = np.vstack([values, v])\n"
    "    scores = keys @ q / np.sqrt(len(q))\n"
    "    weights = np.exp(scores - scores.max())\n"
    "    weights = weights / weights.sum()\n"
    "    return weights @ values, keys, values\n"
)
MASK = (
    "def f(lengths):\n"
    "    places = lengths\n"
    "    columns = np.arange(lengths.max() + 1)\n"
    "    return places, columns <= places[:, None]\n"
)
SPEED = (
    "def f(weight_bytes, cache_bytes, row_flops, n_rows, bandwidth, peak):\n"
    "    reading = (weight_bytes + n_rows * cache_bytes) / bandwidth\n"
    "    computing = n_rows * row_flops / peak\n"
    "    return n_rows / max(reading, computing)\n"
)
PERCENTILE = (
    "def f(seconds, percent, draws):\n"
    "    found = np.percentile(seconds[draws], percent, axis=1)\n"
    "    low, high = np.percentile(found, (2.5, 97.5))\n"
    "    return np.percentile(seconds, percent), low, high\n"
)
PRICE = (
    "def f(per_hour, n_tokens, begin, end, n_machines):\n"
    "    hours = (end - begin) / 3600\n"
    "    return n_machines * per_hour * hours / n_tokens.sum() * 1e6\n"
)
VERIFY = (
    "def f(drafts, p, q, u):\n"
    "    for i, draft in enumerate(drafts):\n"
    "        if u[i] >= p[i, draft] / q[i, draft]:\n"
    "            left = np.maximum(p[i] - q[i], 0)\n"
    "            return i, left / left.sum()\n"
    "    return len(drafts), p[-1]\n"
)

MUTANTS = {
    "the bytes of all rows' caches": [
        (BYTES.replace("2 * ", ""), "two tables"),
        (BYTES.replace("* n_kv_heads", "* n_heads"), "You counted the query heads"),
        (BYTES.replace("* n_kv_heads", "* n_heads * n_kv_heads"), "Only the latter are kept"),
        (BYTES.replace("2 * n_layers", "2"), "one layer's"),
        (BYTES.replace(" * n_kv_heads", ""), "one head's"),
        (BYTES.replace(" * d_head", ""), "The width of a head is missing"),
        (BYTES.replace(" * n_tokens", ""), "one token's"),
        (BYTES.replace(" * n_rows", ""), "one row's"),
        (BYTES.replace(" * bytes_each", ""), "not bytes"),
        (BYTES.replace("    return ", "    total = "), "Is a return missing?"),
    ],
    "a step with a cache": [
        (
            "def f(q, k, v, keys, values):\n"
            "    scores = keys @ q / np.sqrt(len(q))\n"
            "    weights = np.exp(scores - scores.max())\n"
            "    weights = weights / weights.sum()\n"
            "    return weights @ values, np.vstack([keys, k]), np.vstack([values, v])\n",
            "looks at itself too",
        ),
        (STEP.replace(" / np.sqrt(len(q))", ""), "root of the width"),
        (STEP.replace("[keys, k]", "[k, keys]").replace("[values, v]", "[v, values]"), "stands in front"),
        (
            STEP.replace("keys = np.vstack([keys, k])", "longer = np.vstack([keys, k])")
            .replace("values = np.vstack([values, v])", "more = np.vstack([values, v])")
            .replace("scores = keys", "scores = longer")
            .replace("weights @ values", "weights @ more"),
            "is the old cache",
        ),
        (STEP.replace("    weights = weights / weights.sum()\n", "").replace(" - scores.max()", ""), "sum to 1"),
        (STEP.replace("@ values, keys, values", "@ values, values, keys"), "changed places"),
        (STEP.replace("weights @ values, keys, values", "weights @ values"), "the output alone"),
        (STEP.replace(" - scores.max()", ""), "NaN"),
        (STEP.replace("    return weights @ values, keys, values\n", ""), "Is a return missing?"),
    ],
    "rows of unequal length": [
        (MASK.replace("columns <= places", "columns < places"), "does not see itself"),
        (MASK.replace("lengths.max() + 1", "lengths.max()"), "The last column is missing"),
        (
            MASK.replace("lengths.max() + 1", "lengths.max()").replace("columns <= places", "columns < places"),
            "no token sees itself",
        ),
        (
            MASK.replace(
                "return places, columns <= places", "return np.full_like(lengths, lengths.max()), columns <= places"
            ),
            "behind the longest row",
        ),
        (MASK.replace("return places,", "return places - 1,"), "Places count from 0"),
        (MASK.replace("return places,", "return places + 1,"), "A place too far"),
        (MASK.replace("columns <= places", "columns > places"), "turned round"),
        (
            MASK.replace("columns <= places[:, None]", "np.ones((len(lengths), len(columns)), dtype=bool)"),
            "All rows see all columns",
        ),
        (
            MASK.replace("return places, columns <= places[:, None]", "return columns <= places[:, None], places"),
            "the wrong way round",
        ),
        (MASK.replace("places[:, None]", "places[None]"), "ValueError"),
    ],
    "a forecast by the roofline": [
        (SPEED.replace("return n_rows / max", "return max"), "the seconds of a step"),
        (SPEED.replace("return n_rows / max", "return 1 / max"), "the steps a second"),
        (SPEED.replace("max(reading, computing)", "(reading + computing)"), "You added reading and computing"),
        (SPEED.replace("max(reading", "min(reading"), "the shorter of the two times"),
        (SPEED.replace("max(reading, computing)", "reading"), "The operations never count"),
        (SPEED.replace("max(reading, computing)", "computing"), "The reading never counts"),
        (
            SPEED.replace("(weight_bytes + n_rows * cache_bytes)", "n_rows * (weight_bytes + cache_bytes)"),
            "read once for all",
        ),
        (SPEED.replace("+ n_rows * cache_bytes", "+ cache_bytes"), "a cache of its own"),
        (SPEED.replace(" + n_rows * cache_bytes", ""), "The caches are missing"),
        (SPEED.replace("computing = n_rows * row_flops", "computing = row_flops"), "those of one row"),
        (SPEED.replace("    return n_rows / max(reading, computing)\n", ""), "Is a return missing?"),
    ],
    "a percentile with its interval": [
        (PERCENTILE.replace("(2.5, 97.5)", "(5, 95)"), "leave out 5% on either side"),
        (
            PERCENTILE.replace("np.percentile(found, (2.5, 97.5))", "found.min(), found.max()"),
            "smallest and the largest",
        ),
        (PERCENTILE.replace("percent), low, high", "percent), high, low"), "The ends are turned round"),
        (PERCENTILE.replace("axis=1", "axis=0"), "You went down the columns"),
        (
            PERCENTILE.replace("np.percentile(seconds[draws], percent, axis=1)", "seconds[draws].mean(axis=1)"),
            "the mean's",
        ),
        (PERCENTILE.replace("np.percentile(found,", "np.percentile(seconds,"), "where the requests lie"),
        (
            PERCENTILE.replace("return np.percentile(seconds, percent)", "return found.mean()"),
            "of the seconds themselves",
        ),
        (
            PERCENTILE.replace("    return np.percentile(seconds, percent), low, high\n", "    return low, high\n"),
            "Expected",
        ),
    ],
    "the price of a million tokens": [
        (PRICE.replace(" * 1e6", ""), "of one token"),
        (
            "def f(per_hour, n_tokens, begin, end, n_machines):\n"
            "    return n_tokens.sum() / (n_machines * per_hour * (end - begin) / 3600)\n",
            "tokens for the money",
        ),
        (PRICE.replace(" / 3600", ""), "3,600 seconds"),
        (PRICE.replace("3600", "60"), "60 seconds for an hour"),
        (PRICE.replace("n_machines * per_hour", "per_hour"), "All machines are paid for"),
        (PRICE.replace("n_machines * per_hour", "per_hour / n_machines"), "no cheaper tokens"),
        (PRICE.replace("(end - begin)", "end"), "not from 0"),
        (PRICE.replace("n_tokens.sum()", "len(n_tokens)"), "the number of requests"),
        (PRICE.replace("n_tokens.sum()", "n_tokens.mean()"), "the mean of the requests' tokens"),
        (
            PRICE.replace("    return n_machines * per_hour * hours / n_tokens.sum() * 1e6\n", ""),
            "Is a return missing?",
        ),
    ],
    "verify drafts": [
        (VERIFY.replace("u[i] >= p", "u[i] > p"), "so take <"),
        (VERIFY.replace("np.maximum(p[i] - q[i], 0)", "p[i]"), "You drew from p"),
        (VERIFY.replace("i, left / left.sum()", "i, left"), "must sum to 1"),
        (VERIFY.replace("p[i, draft] / q[i, draft]", "p[i, draft]"), "You kept a draft with chance p"),
        (VERIFY.replace("p[i, draft] / q[i, draft]", "q[i, draft] / p[i, draft]"), "The ratio is turned round"),
        (
            "def f(drafts, p, q, u):\n"
            "    n = sum(u[i] < p[i, d] / q[i, d] for i, d in enumerate(drafts))\n"
            "    left = p[-1] if n == len(drafts) else np.maximum(p[n] - q[n], 0)\n"
            "    return n, left / left.sum()\n",
            "After the first that does not",
        ),
        (VERIFY.replace("p[i] - q[i]", "q[i] - p[i]"), "what q gave too much of"),
        (VERIFY.replace("len(drafts), p[-1]", "len(drafts), p[len(drafts) - 1]"), "by the last row of p"),
        (VERIFY.replace("    return len(drafts), p[-1]\n", ""), "Is a return missing?"),
    ],
}
