"""Wrong answers to the exercises of notebook 19, as learners write them, each with words of its hint."""

SHIFT = "def f(ids):\n    return "
BLOCK = "def f(x, norm, attend, feed):\n    "
CACHE = "def f(n_layers, n_heads, n_kv_heads, d_head, n_tokens, bytes_each):\n    return "
WINDOW = "def f(n_tokens, window):\n    i = torch.arange(n_tokens)\n    distance = i[:, None] - i\n    return "
COUNT = "def f(vocab_size, n_positions, n_layers, d_model):\n    d = d_model\n    block = {block}\n    return {total}"
WHOLE, BOTH = "12 * d * d + 13 * d", "(vocab_size + n_positions) * d + n_layers * block + 2 * d"

OVER = (
    "def f(pairs, matrices, lengths, seeds):\n"
    "    def score(seconds, length):\n        return {score}\n"
    "    first = None\n"
    "    for length in reversed(lengths):\n"
    "        if score(pairs, length) {less} score(matrices, length):\n            {stop}\n"
    "        first = length\n    return first"
)
TIMES = "[seconds(length, seed) for seed in seeds]"
EVERY = (
    "def f(pairs, matrices, lengths, seeds):\n"
    "    def over(length):\n        return all(pairs(length, seed) >= matrices(length, seed) for seed in seeds)\n"
    "    return next(n for n in lengths if all(over(longer) for longer in lengths if longer >= n))"
)

MUTANTS = {
    "the causal shift": [
        (SHIFT + "ids, ids", "the inputs themselves"),
        (SHIFT + "ids[:, :-1], ids[:, :-1]", "the inputs themselves"),
        (SHIFT + "ids[:, 1:], ids[:, :-1]", "the token before"),
        (SHIFT + "ids, np.roll(ids, -1, axis=1)", "came round from the front"),
        (SHIFT + "ids[:-1], ids[1:]", "rows are axis 0"),
        (SHIFT + "ids[:, :-2], ids[:, 2:]", "after the next"),
        (SHIFT + "ids[:, 1:]", "Expected 2 values"),
        (SHIFT + "ids[:, :-1], ids", "Expected shape"),
        (SHIFT + "ids.roll(1)", "AttributeError"),
    ],
    "the parallel block": [
        (BLOCK + "x = x + attend(norm(x))\n    return x + feed(norm(x))", "That is the serial block"),
        (BLOCK + "h = norm(x)\n    return attend(h) + feed(h)", "The stream itself is lost"),
        (BLOCK + "return (x + attend(norm(x))) + (x + feed(norm(x)))", "x is there twice"),
        (BLOCK + "return x + attend(x) + feed(x)", "Nothing is normalised"),
        (BLOCK + "return x + attend(norm(x)) + feed(x)", "reads the raw stream"),
        (BLOCK + "return x + feed(attend(norm(x)))", "One branch feeds the other"),
        (BLOCK + "return norm(x + attend(x) + feed(x))", "as in post-norm models"),
        (BLOCK + "x = norm(x)\n    return x + attend(x) + feed(x)", "replaced by its normalised copy"),
        (BLOCK + "x += attend(norm(x))\n    return x + feed(norm(x))", "in place"),
        (BLOCK + "h = norm(x)\n    return x + attend(h)", "Furthest off"),
        (BLOCK + "h = norm(x)", "Is a return missing?"),
    ],
    "the bytes of a cache": [
        (CACHE + "2 * n_layers * n_heads * d_head * n_tokens * bytes_each", "heads of the queries"),
        (CACHE + "n_layers * n_kv_heads * d_head * n_tokens * bytes_each", "and values too"),
        (CACHE + "2 * n_kv_heads * d_head * n_tokens * bytes_each", "one layer"),
        (CACHE + "2 * n_layers * n_kv_heads * d_head * n_tokens", "numbers, not bytes"),
        (CACHE + "2 * n_layers * n_kv_heads * d_head * n_tokens * bytes_each * 8", "Those are bits"),
        (CACHE + "2 * n_layers * n_kv_heads * d_head * n_tokens ** 2 * bytes_each", "The length is squared"),
        (CACHE + "3 * n_layers * n_kv_heads * d_head * n_tokens * bytes_each", "two kinds"),
        (CACHE + "2 * n_layers * d_head * n_tokens * bytes_each", "Expected"),
    ],
    "the sliding window": [
        (WINDOW + "distance.abs() <= window", "looks both ways"),
        (WINDOW + "(distance >= 0) & (distance < window)", "One key too few"),
        (WINDOW + "(distance >= 0) & (distance <= window + 1)", "One key too many"),
        (WINDOW + "(distance > 0) & (distance <= window)", "does not see itself"),
        (WINDOW + "(distance <= 0) & (distance >= -window)", "changed places"),
        (WINDOW + "~((distance >= 0) & (distance <= window))", "where it may not"),
        (WINDOW + "distance >= 0", "plain causal mask"),
        (
            "def f(n_tokens, window):\n    i = torch.arange(n_tokens) // (window + 1)\n"
            "    return (i[:, None] == i) & torch.ones(n_tokens, n_tokens).tril().bool()",
            "Those are blocks",
        ),
        (WINDOW + "((distance >= 0) & (distance <= window)).float()", "Expected True or False"),
    ],
    "count a GPT": [
        (COUNT.format(block=WHOLE, total=BOTH + " + vocab_size * d"), "and shared"),
        (COUNT.format(block=WHOLE, total="vocab_size * d + n_layers * block + 2 * d"), "The positions are missing"),
        (COUNT.format(block=WHOLE, total="(vocab_size + n_positions) * d + n_layers * block"), "The last norm"),
        (COUNT.format(block="12 * d * d + 9 * d", total=BOTH), "lacks 4"),
        (COUNT.format(block="12 * d * d + 8 * d", total=BOTH), "lacks 5"),
        (COUNT.format(block="12 * d * d + 11 * d", total=BOTH.replace("2 * d", "d")), "One of them is missing"),
        (COUNT.format(block="12 * d * d + 9 * d", total=BOTH.removesuffix(" + 2 * d")), "All norms are missing"),
        (COUNT.format(block="12 * d * d + 4 * d", total=BOTH), "The biases are missing"),
        (COUNT.format(block="12 * d * d", total=BOTH.removesuffix(" + 2 * d")), "Only the matrices"),
        (COUNT.format(block=WHOLE, total="n_layers * block + 2 * d"), "Only the blocks"),
        (COUNT.format(block="8 * d * d + 13 * d", total=BOTH), "and back"),
        (COUNT.format(block="11 * d * d + 13 * d", total=BOTH), "Yours has three"),
        (COUNT.format(block=WHOLE, total="n_layers * block"), "Expected"),
    ],
    "an experiment: when pairs take over": [
        (OVER.format(score=f"np.mean({TIMES})", less="<", stop="continue"), "cheaper once more"),
        (OVER.format(score=f"np.mean({TIMES})", less="<=", stop="break"), "at least as much, not more"),
        (OVER.format(score=f"max({TIMES})", less="<", stop="break"), "the highest times"),
        (OVER.format(score=f"min({TIMES})", less="<", stop="break"), "the lowest times"),
        (OVER.format(score=f"np.median({TIMES})", less="<", stop="break"), "That is the median"),
        (OVER.format(score="seconds(length, seeds[0])", less="<", stop="break"), "You went by one seed"),
        (EVERY, "of every seed by itself"),
        (OVER.format(score=f"np.mean({TIMES})", less="<", stop="return length"), "The next one is asked for"),
        (OVER.format(score=f"np.mean({TIMES})", less=">", stop="break"), "None"),
    ],
}
